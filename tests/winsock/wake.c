/* SPDX-License-Identifier: MIT */
/*
 * wake.c - no empty wake-up and no lost one, with several threads, events and ports
 *
 * A sender stops after each burst until all of it has been received, so a wake-up that is lost
 * hangs, and the case fails. A wake-up that finds nothing fails it at once.
 */
#include "rig.h"

#define RECEIVES 64
#define BURST 24

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
	volatile LONG stop;
	uint64_t wanted;
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

static void side_close(struct side *side)
{
	rig_close(&side->rig);
	DeleteCriticalSection(&side->lock);
	if (side->event)
		CloseHandle(side->event);
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
		receive(&side->rig, (ULONG)results[i].RequestContext, 0);
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
	uint64_t sent = 0;

	while (sent < side->wanted) {
		ULONGLONG until = GetTickCount64() + 2 * PATIENCE_MS;
		/* From one to many: single arrivals meet every state of the waiting threads. */
		uint64_t burst = sent % BURST + 1;

		for (uint64_t i = 0; i < burst && sent < side->wanted; i++, sent++)
			peer_send(&side->rig, &sent, sizeof(sent));
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

	EXPECT(WaitForSingleObject(thread, 6 * PATIENCE_MS) == WAIT_OBJECT_0, "%s goes on", whose);
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

static void run_port(int threads_count, int sides_count)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	HANDLE threads[8], senders[8];
	struct side sides[8];
	int64_t start_ns = now_ns();
	uint64_t wakes = 0;

	for (int i = 0; i < sides_count; i++) {
		side_open(&sides[i], NULL, false, port);
		sides[i].wanted = scaled(20000);
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
	for (int i = 0; i < sides_count; i++) {
		EXPECT(sides[i].empty == 0, "%d empty wake-ups", sides[i].empty);
		wakes += (uint64_t)sides[i].wakes;
		side_close(&sides[i]);
	}
	CloseHandle(port);
	printf("# %llu wake-ups in %.2f s\n", (unsigned long long)wakes,
	       (double)(now_ns() - start_ns) / 1e9);
}

START_TEST(port_with_one_thread)
{
	run_port(1, 1);
}
END_TEST

START_TEST(port_with_four_threads_and_one_queue)
{
	run_port(4, 1);
}
END_TEST

START_TEST(port_with_three_threads_and_four_queues)
{
	run_port(3, 4);
}
END_TEST

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

/* Each event has threads of its own; an auto-reset event lets one of them through. */
static void run_events(int sides_count, int threads_each, bool manual)
{
	HANDLE threads[8], senders[8];
	struct side sides[8];
	int count = 0;

	for (int i = 0; i < sides_count; i++) {
		side_open(&sides[i], CreateEvent(NULL, manual, FALSE, NULL), manual, NULL);
		sides[i].wanted = scaled(10000);
		for (int j = 0; j < threads_each; j++)
			threads[count++] = CreateThread(NULL, 0, serve_event, &sides[i], 0, NULL);
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	}
	for (int i = 0; i < sides_count; i++)
		join(senders[i], "a sender");
	for (int i = 0; i < sides_count; i++) {
		InterlockedExchange(&sides[i].stop, 1);
		for (int j = 0; j < threads_each; j++) {
			SetEvent(sides[i].event);
			/* One at a time: a set event that is set again lets one through. */
			join(threads[i * threads_each + j], "a server");
		}
	}
	for (int i = 0; i < sides_count; i++) {
		EXPECT(sides[i].empty == 0, "%d empty wake-ups", sides[i].empty);
		side_close(&sides[i]);
	}
}

START_TEST(manual_reset_events_with_a_thread_each)
{
	run_events(3, 1, true);
}
END_TEST

START_TEST(auto_reset_events_with_a_thread_each)
{
	run_events(3, 1, false);
}
END_TEST

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

START_TEST(one_thread_waits_for_four_events)
{
	struct side sides[4];
	HANDLE senders[4], server;

	for (int i = 0; i < 4; i++) {
		side_open(&sides[i], CreateEvent(NULL, i % 2, FALSE, NULL), i % 2, NULL);
		sides[i].wanted = scaled(10000);
	}
	server = CreateThread(NULL, 0, serve_any, sides, 0, NULL);
	for (int i = 0; i < 4; i++)
		senders[i] = CreateThread(NULL, 0, send_bursts, &sides[i], 0, NULL);
	for (int i = 0; i < 4; i++)
		join(senders[i], "a sender");
	InterlockedExchange(&sides[0].stop, 1);
	SetEvent(sides[0].event);
	join(server, "the server");
	for (int i = 0; i < 4; i++) {
		EXPECT(sides[i].empty == 0, "%d empty wake-ups", sides[i].empty);
		side_close(&sides[i]);
	}
}
END_TEST

/* Polled with a time-out of 0, as by a program with an event loop of its own. */
START_TEST(event_is_polled_with_no_time_out)
{
	struct side side;
	HANDLE sender;

	side_open(&side, CreateEvent(NULL, FALSE, FALSE, NULL), false, NULL);
	side.wanted = scaled(5000);
	sender = CreateThread(NULL, 0, send_bursts, &side, 0, NULL);
	while (WaitForSingleObject(sender, 0) == WAIT_TIMEOUT) {
		if (WaitForSingleObject(side.event, 0) == WAIT_OBJECT_0)
			side_woken(&side);
		else
			SwitchToThread();
	}
	join(sender, "the sender");
	EXPECT(side.empty == 0, "%d empty wake-ups", side.empty);
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_SLOW(port_with_one_thread),
		CASE_SLOW(port_with_four_threads_and_one_queue),
		CASE_SLOW(port_with_three_threads_and_four_queues),
		CASE_SLOW(manual_reset_events_with_a_thread_each),
		CASE_SLOW(auto_reset_events_with_a_thread_each),
		CASE_SLOW(one_thread_waits_for_four_events),
		CASE_SLOW(event_is_polled_with_no_time_out),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
