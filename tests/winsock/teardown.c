/* SPDX-License-Identifier: MIT */
/*
 * teardown.c - points 68 to 72 of the contract: ending things, in whatever order
 */
#include "rig.h"

static const char *const kinds[] = {"UDP", "TCP"};

static const struct rig_plan plans[] = {
	{.receives = 8, .sends = 8},
	{.receives = 8, .sends = 8, .stream = true},
};

START_TEST(p68_closing_completes_exactly_what_is_outstanding)
{
	struct rig rig;
	RIORESULT results[8];
	ULONG next[2] = {0, 8};

	rig_open(&rig, &plans[_i]);
	for (ULONG i = 0; i < 8; i++)
		EXPECT_TRUE(receive(&rig, i, i % 2 ? RIO_MSG_DEFER : 0));
	EXPECT(closesocket(rig.s) == 0, "error %d", WSAGetLastError());
	take(rig.cq, results, 8);
	for (ULONG i = 0; i < 8; i++) {
		ULONG *expected = &next[results[i].RequestContext >= 8];

		/* Our choice: 995, in posting order. */
		expect_is(&results[i], WSA_OPERATION_ABORTED, 0, (*expected)++);
	}
	expect_none(rig.cq);
	rig.s = socket(AF_INET, SOCK_DGRAM, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(p69_shutdown_alone_leaves_a_receive_pending)
{
	const int ways[] = {SD_SEND, SD_BOTH, SD_RECEIVE};
	struct rig rig;
	RIORESULT result;

	for (int i = 0; i < 3; i++) {
		rig_open(&rig, &plans[1]);
		EXPECT_TRUE(receive(&rig, 0, 0));
		EXPECT(shutdown(rig.s, ways[i]) == 0, "error %d", WSAGetLastError());
		expect_none(rig.cq);
		peer_send(&rig, "still", 5);
		result = take_one(rig.cq);
		expect_is(&result, 0, 5, 0);
		rig_close(&rig);
	}
}
END_TEST

START_TEST(p70_queue_memory_and_socket_may_end_in_that_order)
{
	struct rig rig;

	rig_open(&rig, &plans[_i]);
	for (ULONG i = 0; i < 8; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	rio.RIOCloseCompletionQueue(rig.cq);
	rio.RIODeregisterBuffer(rig.id);
	EXPECT_TRUE(VirtualFree(rig.memory, 0, MEM_RELEASE));
	for (int i = 0; i < 8; i++)
		peer_send(&rig, "late", 4);
	EXPECT(closesocket(rig.s) == 0, "error %d", WSAGetLastError());
	closesocket(rig.peer);
}
END_TEST

static char *memory_of_heap(void)
{
	return HeapAlloc(GetProcessHeap(), 0, 1 << 20);
}

static char *memory_of_its_own(void)
{
	return VirtualAlloc(NULL, 1 << 20, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static void free_in_heap(char *memory)
{
	EXPECT_TRUE(HeapFree(GetProcessHeap(), 0, memory));
}

static void free_of_its_own(char *memory)
{
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
}

static void decommit(char *memory)
{
	/* The second slot alone. */
	EXPECT_TRUE(VirtualFree(memory + 4096, 4096, MEM_DECOMMIT));
	EXPECT_TRUE(VirtualAlloc(memory + 4096, 4096, MEM_COMMIT, PAGE_READWRITE) != NULL);
}

static const struct freeing {
	char *(*allocate)(void);
	void (*free)(char *memory);
} freeings[] = {{memory_of_its_own, free_of_its_own},
		{memory_of_heap, free_in_heap},
		{memory_of_its_own, decommit}};

static const char *const freeing_names[] = {"VirtualFree", "HeapFree", "MEM_DECOMMIT"};

/* Its pages are gone, unlike on Windows, and what comes to its addresses is not regio's. */
START_TEST(freed_memory_is_registered_no_longer)
{
	const struct freeing *freeing = &freeings[_i];
	char *memory = freeing->allocate(), *next;
	RIO_BUF buffer = {.Length = 64};
	RIORESULT results[2];
	struct rig rig;

	rig_open(&rig, &plans[0]);
	buffer.BufferId = rio.RIORegisterBuffer(memory, 1 << 20);
	EXPECT(buffer.BufferId != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	for (ULONG i = 0; i < 2; i++) {
		buffer.Offset = i * 4096;
		EXPECT_TRUE(rio.RIOReceive(rig.rq, &buffer, 1, 0, (PVOID)(ULONG_PTR)i));
	}
	freeing->free(memory);
	/* Often at the same place. */
	next = freeing->allocate();
	memset(next, 7, 1 << 20);
	for (int i = 0; i < 2; i++)
		peer_send(&rig, "late", 4);
	take(rig.cq, results, 2);
	for (ULONG i = 0; i < 2; i++)
		expect_is(&results[i], WSAEFAULT, 0, i);
	for (ULONG i = 0; i < 1 << 20; i++)
		EXPECT(next[i] == 7, "byte %u was written", i);
	EXPECT_FAILS(WSAEFAULT, FALSE, rio.RIOReceive(rig.rq, &buffer, 1, 0, NULL));
	rio.RIODeregisterBuffer(buffer.BufferId);
	free(freeing->allocate == memory_of_heap ? next : NULL);
	rig_close(&rig);
}
END_TEST

START_TEST(p71_deregistering_what_is_none_is_harmless)
{
	char memory[16];
	RIO_BUFFERID id;

	rig_start();
	id = rio.RIORegisterBuffer(memory, sizeof(memory));
	rio.RIODeregisterBuffer(id);
	rio.RIODeregisterBuffer(id);
	rio.RIODeregisterBuffer(RIO_INVALID_BUFFERID);
	rio.RIODeregisterBuffer(NULL);
}
END_TEST

START_TEST(p72_dequeue_on_a_closed_queue_says_so)
{
	struct rig rig;
	RIORESULT result;
	RIO_CQ cq;

	rig_open(&rig, &plans[0]);
	cq = rig.cq;
	rig_close(&rig);
	EXPECT(rio.RIODequeueCompletion(cq, &result, 1) == RIO_CORRUPT_CQ, "another result");
	EXPECT(rio.RIODequeueCompletion(RIO_INVALID_CQ, &result, 1) == RIO_CORRUPT_CQ,
	       "another result");
	EXPECT(rio.RIONotify(cq) == WSAEINVAL, "another result");
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOResizeCompletionQueue(cq, 8));
	EXPECT_FAILS(WSAEINVAL, FALSE, receive(&rig, 0, 0));
}
END_TEST

START_TEST(flush_ends_what_is_posted)
{
	struct rig rig;
	RIORESULT results[3];
	DWORD bytes;

	rig_open(&rig, &plans[0]);
	for (ULONG i = 0; i < 3; i++)
		EXPECT_TRUE(receive(&rig, i, 0));
	EXPECT(WSAIoctl(rig.s, SIO_FLUSH, NULL, 0, NULL, 0, &bytes, NULL, NULL) == 0, "error %d",
	       WSAGetLastError());
	take(rig.cq, results, 3);
	for (ULONG i = 0; i < 3; i++)
		expect_is(&results[i], WSA_OPERATION_ABORTED, 0, i);
	rig_close(&rig);
}
END_TEST

START_TEST(closing_wakes_those_who_wait_on_the_queue)
{
	HANDLE event = CreateEvent(NULL, FALSE, FALSE, NULL);
	RIO_NOTIFICATION_COMPLETION notification = by_event(event, FALSE);
	struct rig_plan plan = plans[_i];
	struct rig rig;

	plan.notification = &notification;
	rig_open(&rig, &plan);
	EXPECT_TRUE(receive(&rig, 0, 0));
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT(closesocket(rig.s) == 0, "error %d", WSAGetLastError());
	EXPECT(WaitForSingleObject(event, PATIENCE_MS) == WAIT_OBJECT_0, "not signalled");
	take_one(rig.cq);
	rig.s = socket(AF_INET, SOCK_DGRAM, 0);
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

struct arming {
	HANDLE port;
	struct rig rig;
	volatile LONG64 round, done;
	LONG64 rounds;
};

static void await(volatile LONG64 *counter, LONG64 value)
{
	ULONGLONG until = GetTickCount64() + PATIENCE_MS;

	while (InterlockedCompareExchange64(counter, 0, 0) < value)
		EXPECT(GetTickCount64() < until, "the other thread makes no progress");
}

static DWORD WINAPI post_and_arm(LPVOID argument)
{
	struct arming *arming = argument;

	for (LONG64 round = 1; round <= arming->rounds; round++) {
		await(&arming->round, round);
		if (round % 2)
			EXPECT(rio.RIONotify(arming->rig.cq) == 0, "RIONotify");
		EXPECT_TRUE(receive(&arming->rig, 0, 0));
		if (round % 2 == 0)
			EXPECT(rio.RIONotify(arming->rig.cq) == 0, "RIONotify");
		InterlockedExchange64(&arming->done, round);
	}
	return 0;
}

/* In odd rounds the notification finds the thread in the post, in even ones in RIONotify(). */
START_TEST(whoever_gets_the_notification_may_close_everything_at_once)
{
	struct arming arming = {.rounds = (LONG64)scaled(500)};
	RIO_NOTIFICATION_COMPLETION notification;
	OVERLAPPED token, *overlapped;
	HANDLE thread;
	ULONG_PTR key;
	DWORD bytes;

	arming.port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	notification = by_port(arming.port, &arming, &token);
	thread = CreateThread(NULL, 0, post_and_arm, &arming, 0, NULL);
	EXPECT(thread, "error %u", GetLastError());
	for (LONG64 round = 1; round <= arming.rounds; round++) {
		rig_open(&arming.rig,
			 &(struct rig_plan){.receives = 1, .notification = &notification});
		peer_send(&arming.rig, "now", 3);
		InterlockedExchange64(&arming.round, round);
		EXPECT_TRUE(GetQueuedCompletionStatus(arming.port, &bytes, &key, &overlapped,
						      PATIENCE_MS));
		take_one(arming.rig.cq);
		rig_close(&arming.rig);
		await(&arming.done, round);
	}
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "the thread goes on");
	CloseHandle(thread);
	CloseHandle(arming.port);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{p68_closing_completes_exactly_what_is_outstanding, kinds, 2, CASE_TIMEOUT_S},
		CASE(p69_shutdown_alone_leaves_a_receive_pending),
		{p70_queue_memory_and_socket_may_end_in_that_order, kinds, 2, CASE_TIMEOUT_S},
		{freed_memory_is_registered_no_longer, freeing_names, ARRAY_SIZE(freeings),
		 CASE_TIMEOUT_S},
		CASE(p71_deregistering_what_is_none_is_harmless),
		CASE(p72_dequeue_on_a_closed_queue_says_so),
		CASE(flush_ends_what_is_posted),
		{closing_wakes_those_who_wait_on_the_queue, kinds, 2, CASE_TIMEOUT_S},
		CASE_SLOW(whoever_gets_the_notification_may_close_everything_at_once),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
