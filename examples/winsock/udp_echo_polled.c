/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo that polls: one completion queue, no notification, each message answered to where it
 * came from.
 *
 * A slot is the message and, after it, the address of its sender, which RIOReceiveEx writes and
 * RIOSendEx reads. Slots go round: received, sent back, posted again.
 */
#include "common.h"

#define SLOTS 64
#define ADDRESS_AT (SLOT_SIZE - sizeof(SOCKADDR_INET))
#define MESSAGE_MAX (SLOT_SIZE - 64)
#define RESULTS 32

static RIO_RQ queue;
static RIO_BUFFERID buffer_id;

static RIO_BUF address_of(DWORD number)
{
	RIO_BUF address = slot(buffer_id, number, sizeof(SOCKADDR_INET));

	address.Offset += (ULONG)ADDRESS_AT;
	return address;
}

/* The request's context is the number of its slot, odd twice that for sends. */
static void post_receive(DWORD number)
{
	RIO_BUF data = slot(buffer_id, number, MESSAGE_MAX), address = address_of(number);

	if (!rio.RIOReceiveEx(queue, &data, 1, NULL, &address, NULL, NULL, 0,
			      (PVOID)(ULONG_PTR)(number * 2)))
		die("RIOReceiveEx");
}

static void post_send(DWORD number, DWORD length)
{
	RIO_BUF data = slot(buffer_id, number, length), address = address_of(number);

	if (!rio.RIOSendEx(queue, &data, 1, NULL, &address, NULL, NULL, 0,
			   (PVOID)(ULONG_PTR)(number * 2 + 1)))
		die("RIOSendEx");
}

int main(int argc, char **argv)
{
	long wanted = count_wanted(argc, argv), echoed = 0;
	RIORESULT results[RESULTS];
	RIO_CQ completions;
	ULONG count, i;
	SOCKET s;

	start();
	s = bound_socket(SOCK_DGRAM);
	announce(s);
	registered_memory(SLOTS, &buffer_id);
	completions = rio.RIOCreateCompletionQueue(2 * SLOTS, NULL);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	queue = rio.RIOCreateRequestQueue(s, SLOTS, 1, SLOTS, 1, completions, completions, NULL);
	if (queue == RIO_INVALID_RQ)
		die("RIOCreateRequestQueue");
	for (i = 0; i < SLOTS; i++)
		post_receive(i);
	while (echoed < wanted) {
		count = rio.RIODequeueCompletion(completions, results, RESULTS);
		if (count == RIO_CORRUPT_CQ)
			die("RIODequeueCompletion");
		if (count == 0)
			YieldProcessor();
		for (i = 0; i < count; i++) {
			DWORD number = (DWORD)(results[i].RequestContext / 2);

			if (results[i].RequestContext % 2) {
				echoed++;
				post_receive(number);
			} else if (results[i].Status == 0) {
				post_send(number, results[i].BytesTransferred);
			} else {
				post_receive(number);
			}
		}
	}
	printf("echoed %ld\n", echoed);
	closesocket(s);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(buffer_id);
	WSACleanup();
	return 0;
}
