/* SPDX-License-Identifier: MIT */
/*
 * A TCP echo server on one completion port: AcceptEx puts connections on sockets made beforehand,
 * with their request queues, and the completion queue reports to the same port.
 *
 * It ends when 'count' connections have come and gone.
 */
#include "tcp_echo.h"

#define ACCEPTS 4
#define CONNECTIONS_MAX 64
#define RESULTS 64
#define ADDRESS_ROOM (sizeof(SOCKADDR_IN) + 16)
#define LISTENER_KEY 1
#define COMPLETIONS_KEY 2

struct accept_operation {
	OVERLAPPED overlapped; /* first: the port gives its address back */
	struct connection *connection;
	char addresses[2 * ADDRESS_ROOM];
};

static LPFN_ACCEPTEX accept_ex;
static struct connection connections[CONNECTIONS_MAX];
static struct accept_operation accepts[ACCEPTS];
static long begun, wanted;
static RIO_CQ completions;
static SOCKET listener;

static void load_accept(void)
{
	GUID id = WSAID_ACCEPTEX;
	DWORD bytes = 0;

	if (WSAIoctl(listener, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &accept_ex,
		     sizeof(accept_ex), &bytes, NULL, NULL) != 0)
		die("WSAIoctl");
}

/* A socket with its request queue, waiting for somebody to connect. */
static void accept_next(struct accept_operation *operation)
{
	struct connection *connection;
	DWORD bytes = 0;

	if (begun == wanted)
		return;
	connection = &connections[begun];
	connection->slot = (DWORD)begun++;
	connection->s = WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
				   WSA_FLAG_OVERLAPPED | WSA_FLAG_REGISTERED_IO);
	if (connection->s == INVALID_SOCKET)
		die("WSASocket");
	connection_open(connection, completions);
	memset(&operation->overlapped, 0, sizeof(operation->overlapped));
	operation->connection = connection;
	if (!accept_ex(listener, connection->s, operation->addresses, 0, ADDRESS_ROOM, ADDRESS_ROOM,
		       &bytes, &operation->overlapped) &&
	    WSAGetLastError() != WSA_IO_PENDING)
		die("AcceptEx");
}

static void accepted(struct accept_operation *operation)
{
	struct sockaddr *local, *remote;
	int local_length, remote_length;

	if (setsockopt(operation->connection->s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT,
		       (char *)&listener, sizeof(listener)) != 0)
		die("SO_UPDATE_ACCEPT_CONTEXT");
	GetAcceptExSockaddrs(operation->addresses, 0, ADDRESS_ROOM, ADDRESS_ROOM, &local,
			     &local_length, &remote, &remote_length);
	if (((struct sockaddr_in *)remote)->sin_addr.s_addr != htonl(INADDR_LOOPBACK))
		die("a peer that is not of this host");
	connection_receive(operation->connection);
	accept_next(operation);
}

/* Returns how many connections have ended. */
static long take_completions(void)
{
	RIORESULT results[RESULTS];
	ULONG count, i;
	long ended = 0;

	count = rio.RIODequeueCompletion(completions, results, RESULTS);
	if (count == 0 || count == RIO_CORRUPT_CQ)
		die("an empty wake-up");
	if (rio.RIONotify(completions) != ERROR_SUCCESS)
		die("RIONotify");
	for (i = 0; i < count; i++)
		if (!connection_complete(&results[i]))
			ended++;
	return ended;
}

int main(int argc, char **argv)
{
	RIO_NOTIFICATION_COMPLETION notification;
	OVERLAPPED token, *overlapped;
	long ended = 0;
	HANDLE port;
	ULONG_PTR key;
	DWORD bytes;
	int i;

	wanted = count_wanted(argc, argv);
	if (wanted > CONNECTIONS_MAX)
		wanted = CONNECTIONS_MAX;
	start();
	listener = bound_socket(SOCK_STREAM);
	if (listen(listener, SOMAXCONN) != 0)
		die("listen");
	announce(listener);
	load_accept();
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	if (!port || !CreateIoCompletionPort((HANDLE)listener, port, LISTENER_KEY, 0))
		die("CreateIoCompletionPort");
	registered_memory(CONNECTIONS_MAX, &tcp_buffer_id);
	memset(&notification, 0, sizeof(notification));
	notification.Type = RIO_IOCP_COMPLETION;
	notification.Iocp.IocpHandle = port;
	notification.Iocp.CompletionKey = (PVOID)COMPLETIONS_KEY;
	notification.Iocp.Overlapped = &token;
	completions = rio.RIOCreateCompletionQueue(2 * CONNECTIONS_MAX, &notification);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	/* Before the first receive is posted. */
	if (rio.RIONotify(completions) != ERROR_SUCCESS)
		die("RIONotify");
	for (i = 0; i < ACCEPTS; i++)
		accept_next(&accepts[i]);
	while (ended < wanted) {
		if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE))
			die("GetQueuedCompletionStatus");
		if (key == LISTENER_KEY)
			accepted((struct accept_operation *)overlapped);
		else
			ended += take_completions();
	}
	printf("connections %ld, echoed %ld bytes\n", ended, tcp_echoed);
	closesocket(listener);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(tcp_buffer_id);
	CloseHandle(port);
	WSACleanup();
	return 0;
}
