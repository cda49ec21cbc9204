/* SPDX-License-Identifier: MIT */
/*
 * wakers.c - traffic that wakes threads through events and ports, and counts what they find
 */
#include "wakers.h"

#include "../support/message.h"
#include "rig.h"

#define RECEIVES 64
#define BURST 24
#define MESSAGE_BYTES 40
/* A soak runs beside other work. */
#define STALL_MS (6 * PATIENCE_MS)

/* One receiving side: a rig that is signalled by an event or a port. */
struct side {
	struct rig rig;
	HANDLE event;
	HANDLE port;
	OVERLAPPED token;
	CRITICAL_SECTION lock;
	volatile LONG64 received;
	volatile LONG64 wakes;
	volatile LONG empty;
	volatile LONG wrong;
	volatile LONG stop;
	uint64_t wanted;
	uint64_t next; /* under the lock: the number of the message to come */
};

static void side_open(struct side *side, HANDLE event, bool manual, HANDLE port)
{
	RIO_NOTIFICATION_COMPLETION notification =
		port ? by_port(port, side, &side->token) : by_event(event, manual);

	*side = (struct side){.event = event, .port = port};
	InitializeCriticalSection(&side->lock);
	rig_open(&side->rig,
		 &(struct rig_plan){.receives = RECEIVES, .notification = &notification});
	for (ULONG i = 0; i < RECEIVES; i++)
		EXPECT_TRUE(receive(&side->rig, i, 0));
	EXPECT(rio.RIONotify(side->rig.cq) == 0, "RIONotify");
}

static void side_close(struct side *side, struct wakes *wakes)
{
	EXPECT(side->wrong == 0, "%d messages were lost, doubled, moved or changed", side->wrong);
	wakes->messages += side->next;
	wakes->wakes += (uint64_t)side->wakes;
	wakes->empty += (uint64_t)side->empty;
	rig_close(&side->rig);
	DeleteCriticalSection(&side->lock);
	if (side->event)
		CloseHandle(side->event);
}

/* Under the lock. */
static void take_message(struct side *side, const RIORESULT *result)
{
	ULONG slot = (ULONG)result->RequestContext;

	if (result->Status != 0 || result->BytesTransferred != MESSAGE_BYTES ||
	    !message_is(slot_of(&side->rig, slot), MESSAGE_BYTES, side->next))
		InterlockedIncrement(&side->wrong);
	side->next++;
	receive(&side->rig, slot, 0);
}

/* What a thread does with a signal: take, arm, post again. */
static void side_woken(struct side *side)
{
	RIORESULT results[16];
	ULONG count;

	EnterCriticalSection(&side->lock);
	count = rio.RIODequeueCompletion(side->rig.cq, results, 16);
	if (count == 0 || count == RIO_CORRUPT_CQ) {
		InterlockedIncrement(&side->empty);
		count = 0;
	}
	for (ULONG i = 0; i < count; i++)
		take_message(side, &results[i]);
	if (rio.RIONotify(side->rig.cq) != 0)
		InterlockedIncrement(&side->empty);
	InterlockedIncrement64(&side->wakes);
	LeaveCriticalSection(&side->lock);
	InterlockedExchangeAdd64(&side->received, count);
}

static uint64_t side_received(struct side *side)
{
	return (uint64_t)InterlockedCompareExchange64(&side->received, 0, 0);
}

/* Sends in bursts, and waits for each to arrive. */
static DWORD WINAPI send_bursts(LPVOID argument)
{
	struct side *side = argument;
	uint8_t message[MESSAGE_BYTES];
	uint64_t sent = 0;

	while (sent < side->wanted) {
		ULONGLONG until = GetTickCount64() + STALL_MS;
		/* From one to many: single arrivals meet every state of the waiting threads. */
		uint64_t burst = sent % BURST + 1;

		for (uint64_t i = 0; i < burst && sent < side->wanted; i++, sent++) {
			fill_message(message, sizeof(message), sent);
			peer_send(&side->rig, message, sizeof(message));
		}
		while (side_received(side) < sent) {
			if (GetTickCount64() > until)
				return 1;
			SwitchToThread();
		}
	}
	return 0;
}

static void join(HANDLE thread, const char *whose)
{
	DWORD code = 1;

	EXPECT(WaitForSingleObject(thread, 2 * STALL_MS) == WAIT_OBJECT_0, "%s goes on", whose);
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 0, "%s: a wake-up was lost", whose);
	CloseHandle(thread);
}

/* ---- One port ---- */

static DWORD WINAPI serve_port(LPVOID argument)
{
	HANDLE port = argument;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	while (GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE)) {
		struct side *side = (struct side *)key;

		if (!key)
			return 0;
		if (overlapped != &side->token)
			return 1;
		side_woken(side);
	}
	return 1;
}

struct wakes wake_by_port(int threads_count, int sides_count, uint64_t wanted)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	HANDLE threads[WAKE_THREADS_MAX], senders[WAKE_SIDES_MAX];
	struct side sides[WAKE_SIDES_MAX];
	struct wakes wakes = {0};

	for (int i = 0; i < sides_count; i++) {
		side_open(&sides[i], NULL, false, port);
		sides[i].wanted = wanted;
	}
	for (int i = 0; i < threads_count; i++)
		threads[i] = CreateThread(NULL, 0, serve_port, port, 0, NULL);
	for (int i = 0; i < sides_count; i++)
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	for (int i = 0; i < sides_count; i++)
		join(senders[i], "a sender");
	for (int i = 0; i < threads_count; i++)
		EXPECT_TRUE(PostQueuedCompletionStatus(port, 0, 0, NULL));
	for (int i = 0; i < threads_count; i++)
		join(threads[i], "a server");
	for (int i = 0; i < sides_count; i++)
		side_close(&sides[i], &wakes);
	CloseHandle(port);
	return wakes;
}

/* ---- Events ---- */

static DWORD WINAPI serve_event(LPVOID argument)
{
	struct side *side = argument;

	for (;;) {
		if (WaitForSingleObject(side->event, INFINITE) != WAIT_OBJECT_0)
			return 1;
		if (InterlockedCompareExchange(&side->stop, 0, 0))
			return 0;
		side_woken(side);
	}
}

/* A set event lets its thread through once more. */
static void stop_server(struct side *side, HANDLE thread)
{
	InterlockedExchange(&side->stop, 1);
	SetEvent(side->event);
	join(thread, "a server");
}

struct wakes wake_by_events(int sides_count, bool manual, uint64_t wanted)
{
	HANDLE threads[WAKE_SIDES_MAX], senders[WAKE_SIDES_MAX];
	struct side sides[WAKE_SIDES_MAX];
	struct wakes wakes = {0};

	for (int i = 0; i < sides_count; i++) {
		side_open(&sides[i], CreateEvent(NULL, manual, FALSE, NULL), manual, NULL);
		sides[i].wanted = wanted;
		threads[i] = CreateThread(NULL, 0, serve_event, &sides[i], 0, NULL);
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	}
	for (int i = 0; i < sides_count; i++)
		join(senders[i], "a sender");
	for (int i = 0; i < sides_count; i++) {
		stop_server(&sides[i], threads[i]);
		side_close(&sides[i], &wakes);
	}
	return wakes;
}

/* One thread waits for all events at once, as programs do with a receive, a send and a quit event.
 */
static DWORD WINAPI serve_any(LPVOID argument)
{
	struct side *sides = argument;
	HANDLE events[4] = {sides[0].event, sides[1].event, sides[2].event, sides[3].event};

	for (;;) {
		DWORD which = WaitForMultipleObjects(4, events, FALSE, INFINITE);

		if (which >= WAIT_OBJECT_0 + 4)
			return 1;
		if (InterlockedCompareExchange(&sides[which].stop, 0, 0))
			return 0;
		side_woken(&sides[which]);
	}
}

struct wakes wake_by_any_of_four(uint64_t wanted)
{
	struct side sides[4];
	HANDLE senders[4], server;
	struct wakes wakes = {0};

	for (int i = 0; i < 4; i++) {
		side_open(&sides[i], CreateEvent(NULL, i % 2, FALSE, NULL), i % 2, NULL);
		sides[i].wanted = wanted;
	}
	server = CreateThread(NULL, 0, serve_any, sides, 0, NULL);
	for (int i = 0; i < 4; i++)
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	for (int i = 0; i < 4; i++)
		join(senders[i], "a sender");
	stop_server(&sides[0], server);
	for (int i = 0; i < 4; i++)
		side_close(&sides[i], &wakes);
	return wakes;
}

/* As by a program with an event loop of its own. */
struct wakes wake_by_polling(uint64_t wanted)
{
	struct wakes wakes = {0};
	struct side side;
	HANDLE sender;

	side_open(&side, CreateEvent(NULL, FALSE, FALSE, NULL), false, NULL);
	side.wanted = wanted;
	sender = CreateThread(NULL, 0, send_bursts, &side, 0, NULL);
	while (WaitForSingleObject(sender, 0) == WAIT_TIMEOUT) {
		if (WaitForSingleObject(side.event, 0) == WAIT_OBJECT_0)
			side_woken(&side);
		else
			SwitchToThread();
	}
	join(sender, "the sender");
	side_close(&side, &wakes);
	return wakes;
}
