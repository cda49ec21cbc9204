/* SPDX-License-Identifier: MIT */
/*
 * requests.c - points 26 to 43 of the contract: posting, and its flags
 */
#include "rig.h"

static const struct rig_plan both = {.receives = 4, .sends = 4};

static BOOL commit_sends(const struct rig *rig)
{
	return rio.RIOSend(rig->rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL);
}

static BOOL commit_receives(const struct rig *rig)
{
	return rio.RIOReceive(rig->rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL);
}

/* ---- Posting ---- */

START_TEST(p26_limit_counts_until_the_dequeue)
{
	struct rig rig;

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(transmit(&rig, 4 + i, 8, 0));
	EXPECT_FAILS(WSAENOBUFS, FALSE, transmit(&rig, 4, 8, 0));
	/* All have been sent, and none dequeued. */
	for (int i = 0; i < 4; i++)
		EXPECT(peer_receive(&rig, (char[64]){0}, 64) == 8, "another length");
	EXPECT_FAILS(WSAENOBUFS, FALSE, transmit(&rig, 4, 8, 0));
	take_one(rig.cq);
	EXPECT_TRUE(transmit(&rig, 4, 8, 0));
	EXPECT_FAILS(WSAENOBUFS, FALSE, transmit(&rig, 4, 8, 0));
	rig_close(&rig);
}
END_TEST

START_TEST(p27_refused_request_has_no_completion)
{
	struct rig rig;
	RIO_BUF buffer;

	rig_open(&rig, &both);
	buffer = slice(&rig, 0, rig.slots * SLOT_BYTES + 1);
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, &buffer, 1, 0, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOReceive(rig.rq, &buffer, 1, 0, NULL));
	expect_none(rig.cq);
	rig_close(&rig);
}
END_TEST

START_TEST(p28_accepted_request_has_exactly_one_completion)
{
	struct rig rig;
	RIORESULT results[4];

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(transmit(&rig, 4 + i, 1 + i, 0));
	take(rig.cq, results, 4);
	for (ULONG i = 0; i < 4; i++)
		expect_is(&results[i], 0, 1 + i, 4 + i);
	expect_none(rig.cq);
	rig_close(&rig);
}
END_TEST

START_TEST(p29_two_buffers_are_invalid)
{
	struct rig rig;
	RIO_BUF buffers[2];

	rig_open(&rig, &both);
	buffers[0] = buffers[1] = slice(&rig, 0, 8);
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOReceive(rig.rq, buffers, 2, 0, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, buffers, 2, 0, NULL));
	/* Our choice: the count and the pointer go together. */
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, buffers, 0, 0, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, NULL, 1, 0, NULL));
	rig_close(&rig);
}
END_TEST

START_TEST(p30_stale_and_missing_buffer_ids_are_faults)
{
	struct rig rig;
	RIO_BUF buffer;
	char memory[16];

	rig_open(&rig, &both);
	buffer = (RIO_BUF){rio.RIORegisterBuffer(memory, sizeof(memory)), 0, sizeof(memory)};
	rio.RIODeregisterBuffer(buffer.BufferId);
	EXPECT_FAILS(WSAEFAULT, FALSE, rio.RIOSend(rig.rq, &buffer, 1, 0, NULL));
	buffer.BufferId = NULL;
	EXPECT_FAILS(WSAEFAULT, FALSE, rio.RIOSend(rig.rq, &buffer, 1, 0, NULL));
	buffer.BufferId = RIO_INVALID_BUFFERID;
	EXPECT_FAILS(WSAEFAULT, FALSE, rio.RIOReceive(rig.rq, &buffer, 1, 0, NULL));
	EXPECT_FAILS(WSAEFAULT, RIO_INVALID_BUFFERID, rio.RIORegisterBuffer(NULL, 8));
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_BUFFERID, rio.RIORegisterBuffer(memory, 0));
	rig_close(&rig);
}
END_TEST

START_TEST(p31_offset_and_length_that_wrap_are_invalid)
{
	struct rig rig;
	RIO_BUF buffer;

	rig_open(&rig, &both);
	buffer = (RIO_BUF){rig.id, 0xFFFFFFF0u, 0x20u};
	/* Our choice: never let it reach the kernel. */
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, &buffer, 1, 0, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOReceive(rig.rq, &buffer, 1, 0, NULL));
	rig_close(&rig);
}
END_TEST

START_TEST(p32_unknown_flags_are_invalid)
{
	struct rig rig;

	rig_open(&rig, &both);
	for (DWORD bit = 0x10; bit; bit <<= 1) {
		EXPECT_FAILS(WSAEINVAL, FALSE, receive(&rig, 0, bit));
		EXPECT_FAILS(WSAEINVAL, FALSE, transmit(&rig, 0, 1, bit));
	}
	rig_close(&rig);
}
END_TEST

START_TEST(p33_waitall_is_invalid_for_sends_and_datagrams)
{
	struct rig rig;

	rig_open(&rig, &both);
	EXPECT_FAILS(WSAEINVAL, FALSE, transmit(&rig, 0, 1, RIO_MSG_WAITALL));
	/* Our choice for datagrams, where it is not supported. */
	EXPECT_FAILS(WSAEINVAL, FALSE, receive(&rig, 0, RIO_MSG_WAITALL));
	rig_close(&rig);
}
END_TEST

START_TEST(p34_slice_structures_may_die_after_the_call)
{
	struct rig rig;
	RIO_BUF *buffer = malloc(sizeof(*buffer));
	RIORESULT result;

	rig_open(&rig, &both);
	*buffer = slice(&rig, 1, SLOT_BYTES);
	EXPECT_TRUE(rio.RIOReceive(rig.rq, buffer, 1, 0, NULL));
	memset(buffer, 0xEE, sizeof(*buffer));
	free(buffer);
	peer_send(&rig, "kept", 4);
	result = take_one(rig.cq);
	expect_is(&result, 0, 4, 0);
	EXPECT(memcmp(slot_of(&rig, 1), "kept", 4) == 0, "another slot");
	rig_close(&rig);
}
END_TEST

START_TEST(p35_slices_of_one_registration_are_used_at_once)
{
	struct rig rig;
	RIORESULT results[8];

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++) {
		memset(slot_of(&rig, 4 + i), 'a' + (int)i, 8);
		EXPECT_TRUE(receive(&rig, i, 0));
	}
	for (ULONG i = 0; i < 4; i++) {
		char text[2] = {(char)('A' + i), 0};

		peer_send(&rig, text, 2);
		EXPECT_TRUE(transmit(&rig, 4 + i, 8, 0));
	}
	take(rig.cq, results, 8);
	for (ULONG i = 0; i < 4; i++) {
		char text[16];

		EXPECT(slot_of(&rig, i)[0] == (char)('A' + i), "slot %u", i);
		EXPECT(peer_receive(&rig, text, sizeof(text)) == 8 && text[7] == (char)('a' + i),
		       "message %u", i);
	}
	rig_close(&rig);
}
END_TEST

/* ---- Flags ---- */

START_TEST(p36_deferred_request_is_charged_at_once)
{
	struct rig rig;

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(transmit(&rig, 4 + i, 1, RIO_MSG_DEFER));
	EXPECT_FAILS(WSAENOBUFS, FALSE, transmit(&rig, 4, 1, RIO_MSG_DEFER));
	rig_close(&rig);
}
END_TEST

START_TEST(p37_commit_runs_all_that_was_deferred)
{
	struct rig rig;
	RIORESULT results[8];

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++) {
		EXPECT_TRUE(receive(&rig, i, RIO_MSG_DEFER));
		EXPECT_TRUE(transmit(&rig, 4 + i, 1 + i, RIO_MSG_DEFER));
	}
	EXPECT_TRUE(commit_sends(&rig));
	EXPECT_TRUE(commit_receives(&rig));
	for (int i = 0; i < 4; i++) {
		EXPECT(peer_receive(&rig, (char[64]){0}, 64) == 1 + i, "message %d", i);
		peer_send(&rig, "answer", 6);
	}
	take(rig.cq, results, 8);
	/* Our choice: with nothing deferred it succeeds, and does nothing. */
	EXPECT_TRUE(commit_sends(&rig));
	expect_none(rig.cq);
	rig_close(&rig);
}
END_TEST

START_TEST(p38_commit_of_sends_needs_no_commit_of_receives)
{
	struct rig rig;

	rig_open(&rig, &both);
	EXPECT_TRUE(receive(&rig, 0, RIO_MSG_DEFER));
	EXPECT_TRUE(transmit(&rig, 4, 5, RIO_MSG_DEFER));
	EXPECT_TRUE(commit_sends(&rig));
	EXPECT(peer_receive(&rig, (char[64]){0}, 64) == 5, "not sent");
	rig_close(&rig);
}
END_TEST

START_TEST(p39_commit_goes_with_nothing_else)
{
	struct rig rig;
	RIO_BUF buffer;

	rig_open(&rig, &both);
	buffer = slice(&rig, 0, 1);
	/* Our choice: invalid, and nothing is committed. */
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     rio.RIOSend(rig.rq, NULL, 0, RIO_MSG_COMMIT_ONLY | RIO_MSG_DEFER, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, &buffer, 1, RIO_MSG_COMMIT_ONLY, NULL));
	EXPECT_FAILS(WSAEINVAL, FALSE, rio.RIOSend(rig.rq, NULL, 0, RIO_MSG_COMMIT_ONLY, (PVOID)1));
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     rio.RIOReceiveEx(rig.rq, NULL, 0, NULL, &buffer, NULL, NULL,
				      RIO_MSG_COMMIT_ONLY, NULL));
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, NULL, 0, NULL, NULL, NULL, NULL, RIO_MSG_COMMIT_ONLY,
				     NULL));
	expect_none(rig.cq);
	rig_close(&rig);
}
END_TEST

struct commits {
	const struct rig *rig;
	volatile LONG stop;
};

static DWORD WINAPI commit_until_stopped(LPVOID argument)
{
	struct commits *commits = argument;

	while (!InterlockedCompareExchange(&commits->stop, 0, 0))
		if (!commit_sends(commits->rig) || !commit_receives(commits->rig))
			return 1;
	return 0;
}

START_TEST(p40_commit_runs_beside_posting_threads)
{
	struct commits commits = {.stop = 0};
	struct rig rig;
	HANDLE thread;
	DWORD code;

	rig_open(&rig, &(struct rig_plan){.receives = 32, .sends = 32});
	commits.rig = &rig;
	thread = CreateThread(NULL, 0, commit_until_stopped, &commits, 0, NULL);
	for (uint64_t round = 0; round < scaled(200); round++) {
		RIORESULT results[32];

		for (ULONG i = 0; i < 32; i++)
			EXPECT_TRUE(transmit(&rig, 32 + i, 16, RIO_MSG_DEFER));
		take(rig.cq, results, 32);
		for (ULONG i = 0; i < 32; i++) {
			expect_is(&results[i], 0, 16, 32 + i);
			EXPECT(peer_receive(&rig, (char[64]){0}, 64) == 16, "another length");
		}
	}
	InterlockedExchange(&commits.stop, 1);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 0, "a commit failed");
	CloseHandle(thread);
	rig_close(&rig);
}
END_TEST

START_TEST(p41_commit_works_at_full_quota)
{
	struct rig rig;

	rig_open(&rig, &both);
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(transmit(&rig, 4 + i, 3, RIO_MSG_DEFER));
	EXPECT_TRUE(commit_sends(&rig));
	for (int i = 0; i < 4; i++)
		EXPECT(peer_receive(&rig, (char[64]){0}, 64) == 3, "not sent");
	rig_close(&rig);
}
END_TEST

START_TEST(p42_quiet_completion_does_not_signal_but_is_dequeued)
{
	HANDLE event = WSACreateEvent();
	RIO_NOTIFICATION_COMPLETION notification = by_event(event, TRUE);
	struct rig_plan plan = both;
	struct rig rig;
	RIORESULT result;

	plan.notification = &notification;
	rig_open(&rig, &plan);
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	EXPECT_TRUE(transmit(&rig, 4, 1, RIO_MSG_DONT_NOTIFY));
	EXPECT(WaitForSingleObject(event, 20) == WAIT_TIMEOUT, "it signalled");
	result = take_one(rig.cq);
	expect_is(&result, 0, 1, 4);
	EXPECT_TRUE(transmit(&rig, 5, 1, RIO_MSG_DONT_NOTIFY));
	EXPECT(rio.RIONotify(rig.cq) == WSAEALREADY, "it was disarmed");
	rig_close(&rig);
	CloseHandle(event);
}
END_TEST

START_TEST(p43_mixed_completions_signal_once)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	RIO_NOTIFICATION_COMPLETION notification = by_port(port, NULL, &port);
	struct rig_plan plan = both;
	OVERLAPPED *overlapped;
	RIORESULT results[4];
	struct rig rig;
	ULONG_PTR key;
	DWORD bytes;

	plan.notification = &notification;
	rig_open(&rig, &plan);
	EXPECT(rio.RIONotify(rig.cq) == 0, "RIONotify");
	for (ULONG i = 0; i < 4; i++)
		EXPECT_TRUE(transmit(&rig, 4 + i, 1, i % 2 ? RIO_MSG_DONT_NOTIFY : 0));
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT_FAILS(WAIT_TIMEOUT, FALSE,
		     GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 20));
	EXPECT(!overlapped, "a time-out has no packet");
	take(rig.cq, results, 4);
	rig_close(&rig);
	CloseHandle(port);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(p26_limit_counts_until_the_dequeue),
		CASE(p27_refused_request_has_no_completion),
		CASE(p28_accepted_request_has_exactly_one_completion),
		CASE(p29_two_buffers_are_invalid),
		CASE(p30_stale_and_missing_buffer_ids_are_faults),
		CASE(p31_offset_and_length_that_wrap_are_invalid),
		CASE(p32_unknown_flags_are_invalid),
		CASE(p33_waitall_is_invalid_for_sends_and_datagrams),
		CASE(p34_slice_structures_may_die_after_the_call),
		CASE(p35_slices_of_one_registration_are_used_at_once),
		CASE(p36_deferred_request_is_charged_at_once),
		CASE(p37_commit_runs_all_that_was_deferred),
		CASE(p38_commit_of_sends_needs_no_commit_of_receives),
		CASE(p39_commit_goes_with_nothing_else),
		CASE(p40_commit_runs_beside_posting_threads),
		CASE(p41_commit_works_at_full_quota),
		CASE(p42_quiet_completion_does_not_signal_but_is_dequeued),
		CASE(p43_mixed_completions_signal_once),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
