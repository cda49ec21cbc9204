/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo with a completion port and several threads.
 *
 * Whichever thread gets the packet dequeues, arms again so that others can go on, and then works.
 * Calls on one queue need a lock of the program's.
 */
#include "common.h"

#define THREADS 4
#define SLOTS 256
#define RESULTS 16
#define ADDRESS_AT (SLOT_SIZE - sizeof(SOCKADDR_INET))
#define MESSAGE_MAX (SLOT_SIZE - 64)
#define QUIT_KEY 1

static HANDLE port;
static RIO_CQ completions;
static RIO_RQ queue;
static RIO_BUFFERID buffer_id;
static CRITICAL_SECTION dequeue_lock, post_lock;
static volatile LONG echoed, empty;
static LONG wanted;

static void post(DWORD number, DWORD length, BOOL send)
{
	RIO_BUF data = slot(buffer_id, number, send ? length : MESSAGE_MAX);
	RIO_BUF address = slot(buffer_id, number, sizeof(SOCKADDR_INET));
	PVOID context = (PVOID)(ULONG_PTR)(number * 2 + (send ? 1 : 0));
	BOOL posted;

	address.Offset += (ULONG)ADDRESS_AT;
	EnterCriticalSection(&post_lock);
	if (send)
		posted = rio.RIOSendEx(queue, &data, 1, NULL, &address, NULL, NULL, 0, context);
	else
		posted = rio.RIOReceiveEx(queue, &data, 1, NULL, &address, NULL, NULL, 0, context);
	LeaveCriticalSection(&post_lock);
	if (!posted)
		die("posting");
}

static void work(const RIORESULT *result)
{
	DWORD number = (DWORD)(result->RequestContext / 2);
	int i;

	if (result->RequestContext % 2 == 0 && result->Status == 0) {
		post(number, result->BytesTransferred, TRUE);
		return;
	}
	post(number, 0, FALSE);
	if (result->RequestContext % 2 && InterlockedIncrement(&echoed) == wanted)
		for (i = 0; i < THREADS; i++)
			PostQueuedCompletionStatus(port, 0, QUIT_KEY, NULL);
}

static unsigned __stdcall serve(void *argument)
{
	RIORESULT results[RESULTS];
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	ULONG count, i;
	DWORD bytes;

	(void)argument;
	for (;;) {
		if (!GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE))
			die("GetQueuedCompletionStatus");
		if (key == QUIT_KEY)
			return 0;
		EnterCriticalSection(&dequeue_lock);
		count = rio.RIODequeueCompletion(completions, results, RESULTS);
		if (rio.RIONotify(completions) != ERROR_SUCCESS)
			die("RIONotify");
		LeaveCriticalSection(&dequeue_lock);
		if (count == 0 || count == RIO_CORRUPT_CQ) {
			InterlockedIncrement(&empty);
			continue;
		}
		for (i = 0; i < count; i++)
			work(&results[i]);
	}
}

int main(int argc, char **argv)
{
	RIO_NOTIFICATION_COMPLETION notification;
	HANDLE threads[THREADS];
	OVERLAPPED overlapped;
	SOCKET s;
	int i;

	wanted = (LONG)count_wanted(argc, argv);
	start();
	InitializeCriticalSection(&dequeue_lock);
	InitializeCriticalSection(&post_lock);
	s = bound_socket(SOCK_DGRAM);
	announce(s);
	registered_memory(SLOTS, &buffer_id);
	port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	if (!port)
		die("CreateIoCompletionPort");
	memset(&notification, 0, sizeof(notification));
	notification.Type = RIO_IOCP_COMPLETION;
	notification.Iocp.IocpHandle = port;
	notification.Iocp.CompletionKey = (PVOID)0;
	notification.Iocp.Overlapped = &overlapped;
	completions = rio.RIOCreateCompletionQueue(2 * SLOTS, &notification);
	if (completions == RIO_INVALID_CQ)
		die("RIOCreateCompletionQueue");
	queue = rio.RIOCreateRequestQueue(s, SLOTS, 1, SLOTS, 1, completions, completions, NULL);
	if (queue == RIO_INVALID_RQ)
		die("RIOCreateRequestQueue");
	for (i = 0; i < SLOTS; i++)
		post((DWORD)i, 0, FALSE);
	if (rio.RIONotify(completions) != ERROR_SUCCESS)
		die("RIONotify");
	for (i = 0; i < THREADS; i++) {
		threads[i] = (HANDLE)_beginthreadex(NULL, 0, serve, NULL, 0, NULL);
		if (!threads[i])
			die("_beginthreadex");
	}
	WaitForMultipleObjects(THREADS, threads, TRUE, INFINITE);
	printf("echoed %ld, %ld empty wake-ups\n", (long)echoed, (long)empty);
	closesocket(s);
	rio.RIOCloseCompletionQueue(completions);
	rio.RIODeregisterBuffer(buffer_id);
	CloseHandle(port);
	for (i = 0; i < THREADS; i++)
		CloseHandle(threads[i]);
	WSACleanup();
	return empty != 0;
}
