/* SPDX-License-Identifier: MIT */
/*
 * wakers.c - traffic that wakes threads through events and ports, and counts what they find
 */
#include "wakers.h"

#include "../support/message.h"
#include "../support/running.h"
#include "rig.h"

#define RECEIVES 64
#define BURST 24
#define MESSAGE_BYTES 40

/* A soak runs beside other work. */
int64_t wakes_stall_ns = 6 * PATIENCE_NS;
bool (*wakes_arm)(void);

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
	if ((!wakes_arm || wakes_arm()) && rio.RIONotify(side->rig.cq) != 0)
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
		const int64_t until_ns = running_ns() + wakes_stall_ns;
		/* From one to many: single arrivals meet every state of the waiting threads. */
		uint64_t burst = sent % BURST + 1;

		for (uint64_t i = 0; i < burst && sent < side->wanted; i++, sent++) {
			fill_message(message, sizeof(message), sent);
			peer_send(&side->rig, message, sizeof(message));
		}
		while (side_received(side) < sent) {
			if (running_ns() > until_ns)
				return 1;
			SwitchToThread();
		}
	}
	return 0;
}

/* A sender whose messages do not arrive gives up, so the end comes. */
static void join(HANDLE thread, const char *whose)
{
	DWORD code = 1;

	EXPECT(WaitForSingleObject(thread, INFINITE) == WAIT_OBJECT_0, "%s goes on", whose);
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 0, "%s: a wake-up was lost", whose);
	CloseHandle(thread);
}

static void send_to(struct side *sides, int count, uint64_t wanted)
{
	HANDLE senders[WAKE_SIDES_MAX];

	for (int i = 0; i < count; i++) {
		sides[i].wanted = wanted;
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	}
	for (int i = 0; i < count; i++)
		join(senders[i], "a sender");
}

static struct wakes sides_close(struct side *sides, int count)
{
	struct wakes wakes = {0};

	for (int i = 0; i < count; i++)
		side_close(&sides[i], &wakes);
	return wakes;
}

/* ---- A port, and events with threads of their own ---- */

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

static void start_port(const struct wake_crew *crew, HANDLE port, struct side *sides,
		       HANDLE *threads)
{
	for (int i = 0; i < crew->port_sides; i++)
		side_open(&sides[i], NULL, false, port);
	for (int i = 0; i < crew->port_threads; i++)
		threads[i] = CreateThread(NULL, 0, serve_port, port, 0, NULL);
}

static void start_events(const struct wake_crew *crew, struct side *sides, HANDLE *threads)
{
	for (int i = 0; i < crew->event_sides; i++) {
		side_open(&sides[i], CreateEvent(NULL, crew->manual, FALSE, NULL), crew->manual,
			  NULL);
		for (int j = 0; j < crew->event_threads; j++)
			*threads++ = CreateThread(NULL, 0, serve_event, &sides[i], 0, NULL);
	}
}

static void end_port(const struct wake_crew *crew, HANDLE port, HANDLE *threads)
{
	for (int i = 0; i < crew->port_threads; i++)
		EXPECT_TRUE(PostQueuedCompletionStatus(port, 0, 0, NULL));
	for (int i = 0; i < crew->port_threads; i++)
		join(threads[i], "a server");
}

/* A set event that is set again lets one through, which may be another of the side's threads. */
static void stop_server(struct side *side, HANDLE thread)
{
	InterlockedExchange(&side->stop, 1);
	do {
		SetEvent(side->event);
	} while (WaitForSingleObject(thread, 1) == WAIT_TIMEOUT);
	join(thread, "a server");
}

static void end_events(const struct wake_crew *crew, struct side *sides, HANDLE *threads)
{
	for (int i = 0; i < crew->event_sides; i++) {
		for (int j = 0; j < crew->event_threads; j++)
			stop_server(&sides[i], *threads++);
	}
}

struct wakes wake_by_crew(const struct wake_crew *crew, uint64_t wanted)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	const int count = crew->port_sides + crew->event_sides;
	HANDLE threads[WAKE_THREADS_MAX];
	struct side sides[WAKE_SIDES_MAX];

	start_port(crew, port, sides, threads);
	start_events(crew, sides + crew->port_sides, threads + crew->port_threads);
	send_to(sides, count, wanted);
	end_port(crew, port, threads);
	end_events(crew, sides + crew->port_sides, threads + crew->port_threads);
	CloseHandle(port);
	return sides_close(sides, count);
}

/* ---- One thread ---- */

/* Waits for all events at once, as programs do with a receive, a send and a quit event. */
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
	HANDLE server;

	for (int i = 0; i < 4; i++)
		side_open(&sides[i], CreateEvent(NULL, i % 2, FALSE, NULL), i % 2, NULL);
	server = CreateThread(NULL, 0, serve_any, sides, 0, NULL);
	send_to(sides, 4, wanted);
	stop_server(&sides[0], server);
	return sides_close(sides, 4);
}

/* As by a program with an event loop of its own. */
struct wakes wake_by_polling(uint64_t wanted)
{
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
	return sides_close(&side, 1);
}
