/* SPDX-License-Identifier: MIT */
/*
 * A receiver of many UDP sockets that acknowledges in batches: receives are posted again with
 * RIO_MSG_DEFER and committed together, and so are the acknowledgements, with RIO_MSG_COMMIT_ONLY.
 */
#include "common.h"

#define SOCKETS 8
#define SLOTS_PER_SOCKET 32
#define RESULTS 128
#define ADDRESS_AT (SLOT_SIZE - sizeof(SOCKADDR_INET))
#define MESSAGE_MAX (SLOT_SIZE - 64)

struct endpoint {
	SOCKET s;
	RIO_RQ queue;
	BOOL receives_deferred, sends_deferred;
};

static struct endpoint endpoints[SOCKETS];
static RIO_BUFFERID buffer_id;

static RIO_BUF address_of(DWORD number)
{
	RIO_BUF address = slot(buffer_id, number, sizeof(SOCKADDR_INET));

	address.Offset += (ULONG)ADDRESS_AT;
	return address;
}

static void defer_receive(struct endpoint *endpoint, DWORD number)
{
	RIO_BUF data = slot(buffer_id, number, MESSAGE_MAX), address = address_of(number);

	if (!rio.RIOReceiveEx(endpoint->queue, &data, 1, NULL, &address, NULL, NULL, RIO_MSG_DEFER,
			      (PVOID)(ULONG_PTR)(number * 2)))
		die("RIOReceiveEx");
	endpoint->receives_deferred = TRUE;
}

/* The first 8 bytes of a message are its number, and are the acknowledgement. */
static void defer_send(struct endpoint *endpoint, DWORD number)
{
	RIO_BUF data = slot(buffer_id, number, 8), address = address_of(number);

	if (!rio.RIOSendEx(endpoint->queue, &data, 1, NULL, &address, NULL, NULL, RIO_MSG_DEFER,
			   (PVOID)(ULONG_PTR)(number * 2 + 1)))
		die("RIOSendEx");
	endpoint->sends_deferred = TRUE;
}

static void commit(struct endpoint *endpoint)
{
	if (endpoint->receives_deferred &&
	    !rio.RIOReceive(endpoint->queue, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
		die("RIOReceive, commit");
	if (endpoint->sends_deferred &&
	    !rio.RIOSend(endpoint->queue, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL))
		die("RIOSend, commit");
	endpoint->receives_deferred = endpoint->sends_deferred = FALSE;
}

int main(int argc, char **argv)
{
	long wanted = count_wanted(argc, argv), acknowledged = 0;
	RIORESULT results[RESULTS];
	RIO_CQ completions;
	ULONG count, i, j;

	start();
	registered_memory(SOCKETS * SLOTS_PER_SOCKET, &buffer_id);
	completions = rio.RIOCreateCompletionQueue(2 * SOCKETS * SLOTS_PER_SOCKET, NULL);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	for (i = 0; i < SOCKETS; i++) {
		struct endpoint *endpoint = &endpoints[i];

		endpoint->s = bound_socket(SOCK_DGRAM);
		announce(endpoint->s);
		endpoint->queue = rio.RIOCreateRequestQueue(endpoint->s, SLOTS_PER_SOCKET, 1,
							    SLOTS_PER_SOCKET, 1, completions,
							    completions, endpoint);
		if (endpoint->queue == RIO_INVALID_RQ)
			die("RIOCreateRequestQueue");
		for (j = 0; j < SLOTS_PER_SOCKET; j++)
			defer_receive(endpoint, i * SLOTS_PER_SOCKET + j);
		commit(endpoint);
	}
	while (acknowledged < wanted) {
		count = rio.RIODequeueCompletion(completions, results, RESULTS);
		if (count == RIO_CORRUPT_CQ)
			die("RIODequeueCompletion");
		if (count == 0) {
			YieldProcessor();
			continue;
		}
		for (i = 0; i < count; i++) {
			struct endpoint *endpoint =
				(struct endpoint *)(ULONG_PTR)results[i].SocketContext;
			DWORD number = (DWORD)(results[i].RequestContext / 2);

			if (results[i].RequestContext % 2)
				acknowledged++;
			if (results[i].RequestContext % 2 || results[i].Status != 0)
				defer_receive(endpoint, number);
			else
				defer_send(endpoint, number);
		}
		for (i = 0; i < SOCKETS; i++)
			commit(&endpoints[i]);
	}
	printf("acknowledged %ld\n", acknowledged);
	for (i = 0; i < SOCKETS; i++)
		closesocket(endpoints[i].s);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(buffer_id);
	WSACleanup();
	return 0;
}
