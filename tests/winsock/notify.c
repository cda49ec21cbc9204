/* SPDX-License-Identifier: MIT */
/*
 * notify.c - points 44 to 50 of the contract: events and ports signal once, and find something
 */
#include "rig.h"

#include <sys/wait.h>

/* A rig with one receive for each slot, signalling an event that RIONotify() resets. */
static HANDLE open_with_event(struct rig *rig, ULONG receives, bool manual_reset)
{
	HANDLE event = CreateEvent(NULL, manual_reset, FALSE, NULL);
	RIO_NOTIFICATION_COMPLETION notification = by_event(event, manual_reset);

	EXPECT(event, "error %u", GetLastError());
	rig_open(rig, &(struct rig_plan){.receives = receives, .notification = &notification});
	for (ULONG i = 0; i < receives; i++)
		EXPECT_TRUE(receive(rig, i, 0));
	return event;
}

START_TEST(p44_signal_comes_once)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 4, _i == 0);

	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(WaitForSingleObject(event, 20) == WAIT_TIMEOUT, "signalled with nothing there");
	peer_send(&rig, "1", 1);
	EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "not signalled");
	take_one(rig.cq);
	ResetEvent(event);
	peer_send(&rig, "2", 1);
	EXPECT(WaitForSingleObject(event, 20) == WAIT_TIMEOUT, "signalled without being armed");
	take_one(rig.cq);
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p45_arming_twice_says_already_as_its_result)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 1, true);

	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	SetLastError(1234);
	EXPECT(rio.RIONotify(rig.cq) == WSAEALREADY, "another result");
	EXPECT(GetLastError() == 1234, "the last error was changed");
	EXPECT(rio.RIONotify(RIO_INVALID_CQ) == WSAEINVAL, "no queue");
	/* Our choice: nothing is touched, also not the event. */
	SetEvent(event);
	EXPECT(rio.RIONotify(rig.cq) == WSAEALREADY, "another result");
	EXPECT(WaitForSingleObject(event, 0) == WAIT_OBJECT_0, "it was reset");
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p46_queue_with_a_completion_signals_at_once)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 2, true);

	peer_send(&rig, "1", 1);
	peer_send(&rig, "2", 1);
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "not signalled");
	/* What is not dequeued signals the next time. */
	take_one(rig.cq);
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "not signalled");
	take_one(rig.cq);
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p47_notify_resets_the_event_at_the_call)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 1, true);

	SetEvent(event);
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(WaitForSingleObject(event, 0) == WAIT_TIMEOUT, "it is still set");
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p48_signal_always_finds_a_completion)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 8, _i == 0);
	uint64_t seen = 0, total = scaled(2000);
	RIORESULT results[8];
	ULONG count;

	for (uint64_t sent = 0; seen < total;) {
		for (int burst = 0; burst < 3 && sent < total; burst++, sent++)
			peer_send(&rig, &sent, sizeof(sent));
		while (seen < sent) {
			EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
			EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "lost");
			count = rio.RIODequeueCompletion(rig.cq, results, 8);
			EXPECT(count >= 1 && count != RIO_CORRUPT_CQ, "an empty wake-up");
			for (ULONG i = 0; i < count; i++, seen++) {
				ULONG at = (ULONG)results[i].RequestContext;

				EXPECT(memcmp(slot_of(&rig, at), &seen, sizeof(seen)) == 0,
				       "message %llu", (unsigned long long)seen);
				EXPECT_TRUE(receive(&rig, at, 0));
			}
		}
	}
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p49_one_packet_for_each_arming_with_its_key_and_overlapped)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	OVERLAPPED token, *overlapped;
	RIO_NOTIFICATION_COMPLETION notification = by_port(port, &token, &token);
	struct rig rig;
	OVERLAPPED_ENTRY entries[4];
	ULONG_PTR key;
	DWORD bytes;
	ULONG count;

	memset(&token, 0xEE, sizeof(token));
	rig_open(&rig, &(struct rig_plan){.receives = 4, .notification = &notification});
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	for (int i = 0; i < 4; i++)
		peer_send(&rig, "x", 1);
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(key == (ULONG_PTR)&token && overlapped == &token, "another packet");
	EXPECT_FAILS(WAIT_TIMEOUT, FALSE,
		     GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 10));
	/* Armed again with some there: a packet at once; and again before it is taken. */
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT_TRUE(GetQueuedCompletionStatusEx(port, entries, 4, &count, PATIENCE_MS, FALSE));
	EXPECT(count == 2 && entries[0].lpOverlapped == &token &&
		       entries[1].lpCompletionKey == (ULONG_PTR)&token,
	       "%u packets", count);
	EXPECT(((unsigned char *)&token)[0] == 0xEE, "the OVERLAPPED was written to");
	rig_close(&rig);
	CloseHandle(port);
}
END_TEST

struct posts {
	const struct rig *rig;
	uint64_t count;
	HANDLE go;
};

static DWORD WINAPI send_when_asked(LPVOID argument)
{
	struct posts *posts = argument;

	for (uint64_t i = 0; i < posts->count; i++) {
		if (WaitForSingleObject(posts->go, PATIENCE_MS) != WAIT_OBJECT_0)
			return 1;
		peer_send(posts->rig, &i, sizeof(i));
	}
	return 0;
}

START_TEST(p50_arrival_between_dequeue_and_notify_is_not_lost)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 2, false), thread;
	struct posts posts = {&rig, scaled(2000), CreateEvent(NULL, FALSE, FALSE, NULL)};
	RIORESULT result;

	thread = CreateThread(NULL, 0, send_when_asked, &posts, 0, NULL);
	for (uint64_t i = 0; i < posts.count; i++) {
		expect_none(rig.cq);
		/* The message comes before, while, or after the queue is armed. */
		SetEvent(posts.go);
		EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
		EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "lost");
		EXPECT(rio.RIODequeueCompletion(rig.cq, &result, 1) == 1, "an empty wake-up");
		EXPECT_TRUE(receive(&rig, (ULONG)result.RequestContext, 0));
	}
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	CloseHandle(thread);
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

#define LONG_SENDS 8u
#define LONG_SEND_BYTES (1u << 20)

/* Sends more than the socket takes, so that the library goes on with it by itself. */
static RIO_BUFFERID fill_socket(const struct rig *rig, char *memory)
{
	RIO_BUFFERID id = rio.RIORegisterBuffer(memory, LONG_SENDS * LONG_SEND_BYTES);

	EXPECT(id != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	for (ULONG i = 0; i < LONG_SENDS; i++)
		EXPECT_TRUE(rio.RIOSend(rig->rq,
					&(RIO_BUF){id, i * LONG_SEND_BYTES, LONG_SEND_BYTES}, 1,
					RIO_MSG_DONT_NOTIFY, memory));
	return id;
}

START_TEST(arrival_is_noticed_while_sends_wait_for_room)
{
	static char memory[LONG_SENDS * LONG_SEND_BYTES];
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0), thread;
	OVERLAPPED token, *overlapped;
	RIO_NOTIFICATION_COMPLETION notification = by_port(port, NULL, &token);
	struct rig rig;
	struct posts posts = {&rig, scaled(200), CreateEvent(NULL, FALSE, FALSE, NULL)};
	RIO_BUFFERID id;
	ULONG_PTR key;
	DWORD bytes;

	rig_open(&rig, &(struct rig_plan){.receives = 1,
					  .sends = LONG_SENDS,
					  .stream = true,
					  .notification = &notification});
	id = fill_socket(&rig, memory);
	thread = CreateThread(NULL, 0, send_when_asked, &posts, 0, NULL);
	for (uint64_t i = 0; i < posts.count; i++) {
		EXPECT_TRUE(receive(&rig, 0, 0));
		EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
		SetEvent(posts.go);
		EXPECT(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS),
		       "message %llu: error %u", (unsigned long long)i, GetLastError());
		/* Some of the sends are done as well. */
		while (take_one(rig.cq).RequestContext != 0)
			continue;
	}
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	CloseHandle(thread);
	rig_close(&rig);
	rio.RIODeregisterBuffer(id);
	CloseHandle(port);
}
END_TEST

static const char *const resets[] = {"manual-reset event", "auto-reset event"};

/* Nothing has been armed where arming failed, so there is nothing to be armed already. */
START_TEST(arming_a_dead_queue_is_an_error_each_time)
{
	struct rig rig;
	HANDLE event = open_with_event(&rig, 1, true);
	int status = 0, first;
	pid_t child = fork();

	EXPECT(child >= 0, "no child");
	if (child == 0) {
		first = rio.RIONotify(rig.cq);
		_exit(first != WSAEINVAL || rio.RIONotify(rig.cq) != WSAEINVAL);
	}
	EXPECT(waitpid(child, &status, 0) == child && status == 0, "status %x", (unsigned)status);
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{p44_signal_comes_once, resets, 2, CASE_TIMEOUT_S},
		CASE(p45_arming_twice_says_already_as_its_result),
		CASE(p46_queue_with_a_completion_signals_at_once),
		CASE(p47_notify_resets_the_event_at_the_call),
		{p48_signal_always_finds_a_completion, resets, 2, 2 * CASE_TIMEOUT_S},
		CASE(p49_one_packet_for_each_arming_with_its_key_and_overlapped),
		CASE(arming_a_dead_queue_is_an_error_each_time),
		CASE_SLOW(arrival_is_noticed_while_sends_wait_for_room),
		CASE_SLOW(p50_arrival_between_dequeue_and_notify_is_not_lost),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
