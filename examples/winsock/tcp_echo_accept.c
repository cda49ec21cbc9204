/* SPDX-License-Identifier: MIT */
/*
 * A TCP echo server: a thread accepts and posts the first receive, another polls the completion
 * queue of all connections and sleeps when there is nothing.
 *
 * It ends when 'count' connections have come and gone.
 */
#include "tcp_echo.h"

#define CONNECTIONS_MAX 64
#define RESULTS 64

static struct connection connections[CONNECTIONS_MAX];
static volatile LONG ended;
static LONG wanted;
static RIO_CQ completions;

static DWORD WINAPI serve(LPVOID argument)
{
	RIORESULT results[RESULTS];
	ULONG count, i;

	(void)argument;
	while (InterlockedCompareExchange(&ended, 0, 0) < wanted) {
		count = rio.RIODequeueCompletion(completions, results, RESULTS);
		if (count == RIO_CORRUPT_CQ)
			die("RIODequeueCompletion");
		if (count == 0)
			Sleep(1);
		for (i = 0; i < count; i++)
			if (!connection_complete(&results[i]))
				InterlockedIncrement(&ended);
	}
	return 0;
}

int main(int argc, char **argv)
{
	SOCKET listener;
	HANDLE thread;
	LONG i;

	wanted = (LONG)count_wanted(argc, argv);
	if (wanted > CONNECTIONS_MAX)
		wanted = CONNECTIONS_MAX;
	start();
	listener = bound_socket(SOCK_STREAM);
	if (listen(listener, SOMAXCONN) != 0)
		die("listen");
	announce(listener);
	registered_memory(CONNECTIONS_MAX, &tcp_buffer_id);
	completions = rio.RIOCreateCompletionQueue(2 * CONNECTIONS_MAX, NULL);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	thread = CreateThread(NULL, 0, serve, NULL, 0, NULL);
	if (!thread)
		die("CreateThread");
	for (i = 0; i < wanted; i++) {
		struct connection *connection = &connections[i];

		/* What a flagged listener accepts can have a request queue. */
		connection->s = accept(listener, NULL, NULL);
		if (connection->s == INVALID_SOCKET)
			die("accept");
		connection->slot = (DWORD)i;
		connection_open(connection, completions);
		connection_receive(connection);
	}
	WaitForSingleObject(thread, INFINITE);
	CloseHandle(thread);
	printf("connections %ld, echoed %ld bytes\n", (long)ended, tcp_echoed);
	closesocket(listener);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(tcp_buffer_id);
	WSACleanup();
	return 0;
}
