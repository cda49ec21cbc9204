/* SPDX-License-Identifier: MIT */
/*
 * A UDP receiver that waits for an event: arm with RIONotify, wait, dequeue, and post again before
 * the data is looked at, which is sound because receives complete in the order they were posted.
 */
#include "common.h"

#define SLOTS 128
#define RESULTS 64

int main(int argc, char **argv)
{
	long wanted = count_wanted(argc, argv), received = 0, empty = 0;
	RIO_NOTIFICATION_COMPLETION notification;
	RIORESULT results[RESULTS];
	unsigned long long bytes = 0;
	RIO_CQ completions;
	RIO_BUFFERID id;
	RIO_RQ queue;
	ULONG count, i;
	SOCKET s;

	start();
	s = bound_socket(SOCK_DGRAM);
	announce(s);
	registered_memory(SLOTS, &id);
	memset(&notification, 0, sizeof(notification));
	notification.Type = RIO_EVENT_COMPLETION;
	notification.Event.EventHandle = WSACreateEvent();
	notification.Event.NotifyReset = TRUE;
	completions = rio.RIOCreateCompletionQueue(SLOTS, &notification);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	queue = rio.RIOCreateRequestQueue(s, SLOTS, 1, 0, 1, completions, completions, NULL);
	if (queue == RIO_INVALID_RQ)
		die("RIOCreateRequestQueue");
	for (i = 0; i < SLOTS; i++) {
		RIO_BUF buffer = slot(id, i, SLOT_SIZE);

		if (!rio.RIOReceive(queue, &buffer, 1, 0, (PVOID)(ULONG_PTR)i))
			die("RIOReceive");
	}
	while (received < wanted) {
		if (rio.RIONotify(completions) != ERROR_SUCCESS)
			die("RIONotify");
		if (WaitForSingleObject(notification.Event.EventHandle, INFINITE) != WAIT_OBJECT_0)
			die("WaitForSingleObject");
		count = rio.RIODequeueCompletion(completions, results, RESULTS);
		if (count == 0 || count == RIO_CORRUPT_CQ) {
			empty++;
			break;
		}
		for (i = 0; i < count; i++) {
			RIO_BUF buffer = slot(id, (DWORD)results[i].RequestContext, SLOT_SIZE);

			received++;
			bytes += results[i].BytesTransferred;
			if (!rio.RIOReceive(queue, &buffer, 1, 0,
					    (PVOID)(ULONG_PTR)results[i].RequestContext))
				die("RIOReceive");
		}
	}
	printf("received %ld, %llu bytes, %ld empty wake-ups\n", received, bytes, empty);
	closesocket(s);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(id);
	WSACloseEvent(notification.Event.EventHandle);
	WSACleanup();
	return empty != 0;
}
