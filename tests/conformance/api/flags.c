/* SPDX-License-Identifier: MIT */
/*
 * flags.c - what the flags of a request do, and which of them do not go together
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>

#define SENDS 8u

static void open_pair(struct side *side, int family)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 8, .sends = SENDS,
		  .slot_size = 64);
}

static void defer_all(struct side *side)
{
	for (uint64_t i = 0; i < SENDS; i++)
		post_message(side, 8 + i, 64, i, REGIO_MSG_DEFER);
}

static void expect_all(struct side *side)
{
	struct regio_result results[SENDS];
	uint8_t data[64];

	for (uint64_t i = 0; i < SENDS; i++) {
		ck_assert_uint_eq(receive_plain(side->peer, data, sizeof(data)), 64);
		expect_message(data, 64, i);
	}
	collect(side->send_cq, results, SENDS);
	for (uint64_t i = 0; i < SENDS; i++)
		expect_result(&results[i], 0, 64, 8 + i);
	expect_empty(side->send_cq);
}

/* Holds: REGIO_MSG_DEFER, REGIO_MSG_COMMIT_ONLY. */
START_TEST(deferred_sends_start_with_a_commit)
{
	struct side side;

	open_pair(&side, families[_i]);
	defer_all(&side);
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_all(&side);
	defer_all(&side);
	EXPECT_RETURN(0, regio_send_ex(side.rq, NULL, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_all(&side);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DEFER. */
START_TEST(deferred_sends_start_with_the_next_that_is_not)
{
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < SENDS; i++)
		post_message(&side, 8 + i, 64, i, i + 1 < SENDS ? REGIO_MSG_DEFER : 0);
	expect_all(&side);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DEFER, regio_cq_dequeue what. */
START_TEST(deferred_sends_start_with_an_empty_dequeue_at_the_latest)
{
	struct regio_result results[SENDS];
	struct side side;
	uint8_t data[64];

	open_pair(&side, families[_i]);
	for (int round = 0; round < 10; round++) {
		defer_all(&side);
		int got = regio_cq_dequeue(side.send_cq, results, SENDS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (uint64_t i = 0; i < SENDS; i++) {
			ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
			expect_message(data, 64, i);
		}
		collect(side.send_cq, results + got, SENDS - (uint32_t)got);
		for (uint64_t i = 0; i < SENDS; i++)
			expect_result(&results[i], 0, 64, 8 + i);
	}
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DEFER, regio_cq_notify what. */
START_TEST(deferred_sends_start_with_a_notify_and_with_a_wait)
{
	struct side side;

	open_pair(&side, families[_i]);
	defer_all(&side);
	EXPECT_RETURN(0, regio_cq_notify(side.send_cq));
	expect_all(&side);
	defer_all(&side);
	EXPECT_RETURN((int)SENDS, regio_cq_wait(side.send_cq, SENDS, UINT64_MAX, PATIENCE_NS));
	expect_all(&side);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DEFER. */
START_TEST(deferred_receives_receive)
{
	struct side side;

	open_pair(&side, families[_i]);
	struct regio_buf slice = slot_slice(&side, 0, 64);

	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_DEFER, 0));
	EXPECT_RETURN(0, regio_receive(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	send_plain(side.peer, "x", 1);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_DEFER, 1));
	send_plain(side.peer, "x", 1);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 1, 1);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_COMMIT_ONLY, regio_receive Returns, regio_send Returns. */
START_TEST(a_commit_with_nothing_deferred_or_at_full_quota_succeeds)
{
	struct side side;

	open_pair(&side, families[_i]);
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	EXPECT_RETURN(0, regio_receive(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_empty(side.send_cq);
	expect_empty(side.receive_cq);
	defer_all(&side);
	EXPECT_RETURN(-ENOBUFS, regio_send(side.rq, NULL, 0, 0));
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_all(&side);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_COMMIT_ONLY, regio_receive -EINVAL, regio_send -EINVAL. */
START_TEST(a_commit_comes_alone)
{
	struct side side;

	open_pair(&side, families[_i]);
	const struct regio_buf slice = slot_slice(&side, 0, 64);
	const struct regio_extra none = {0};
	const uint32_t alone = REGIO_MSG_COMMIT_ONLY;
	const uint32_t mixed[] = {alone | REGIO_MSG_DEFER, alone | REGIO_MSG_DONT_NOTIFY,
				  alone | REGIO_MSG_WAITALL, alone | 0x10};

	EXPECT_RETURN(-EINVAL, regio_send(side.rq, &slice, alone, 0));
	EXPECT_RETURN(-EINVAL, regio_send(side.rq, NULL, alone, 1));
	EXPECT_RETURN(-EINVAL, regio_send_ex(side.rq, NULL, &none, alone, 0));
	EXPECT_RETURN(-EINVAL, regio_receive(side.rq, &slice, alone, 0));
	EXPECT_RETURN(-EINVAL, regio_receive(side.rq, NULL, alone, 1));
	EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, NULL, &none, alone, 0));
	for (size_t i = 0; i < ARRAY_SIZE(mixed); i++) {
		EXPECT_RETURN(-EINVAL, regio_send(side.rq, NULL, mixed[i], 0));
		EXPECT_RETURN(-EINVAL, regio_receive(side.rq, NULL, mixed[i], 0));
	}
	expect_empty(side.send_cq);
	side_close(&side);
}
END_TEST

/*
 * Holds: REGIO_MSG_WAITALL, regio_receive -EINVAL, regio_send -EINVAL, regio_receive_ex Returns,
 * regio_send_ex Returns.
 */
START_TEST(unknown_flags_and_those_of_streams_are_refused)
{
	const uint32_t bad[] = {REGIO_MSG_WAITALL, REGIO_MSG_WAITALL | REGIO_MSG_DEFER, 0x10,
				0x80000000, UINT32_MAX};
	struct side side;

	open_pair(&side, families[_i]);
	const struct regio_buf slice = slot_slice(&side, 0, 64);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_RETURN(-EINVAL, regio_send(side.rq, &slice, bad[i], 0));
		EXPECT_RETURN(-EINVAL, regio_send_ex(side.rq, &slice, NULL, bad[i], 0));
		EXPECT_RETURN(-EINVAL, regio_receive(side.rq, &slice, bad[i], 0));
		EXPECT_RETURN(-EINVAL, regio_receive_ex(side.rq, &slice, NULL, bad[i], 0));
	}
	EXPECT(nothing_queued(side.peer), "a refused send was sent");
	defer_all(&side);
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_all(&side);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DONT_NOTIFY, regio_cq_wait what. */
START_TEST(a_completion_that_may_not_notify_is_dequeued_but_ends_no_wait)
{
	struct side side;

	open_pair(&side, families[_i]);
	struct regio_buf slice = slot_slice(&side, 0, 64);

	post_send(&side, 8, 64, REGIO_MSG_DONT_NOTIFY);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.send_cq, 1, 0, 20 * MILLISECOND_NS));
	struct regio_result result = poll_one(side.send_cq);

	expect_result(&result, 0, 64, 8);
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_DONT_NOTIFY, 0));
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
	result = poll_one(side.receive_cq);
	expect_result(&result, 0, 1, 0);
	side_close(&side);
}
END_TEST

/* Wherever in its ring a request is. Holds: REGIO_MSG_DONT_NOTIFY. */
START_TEST(the_flag_counts_for_its_own_completion_alone)
{
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 4,
		  .slot_size = 64);
	for (uint64_t request = 0; request < 100; request++) {
		struct regio_buf slice = slot_slice(&side, request % 4, 64);
		bool quiet = request % 3 == 0;

		EXPECT_RETURN(0, regio_receive(side.rq, &slice, quiet ? REGIO_MSG_DONT_NOTIFY : 0,
					       request));
		send_plain(side.peer, "x", 1);
		if (!quiet)
			EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		struct regio_result result = poll_one(side.receive_cq);

		expect_result(&result, 0, 1, request);
	}
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_DONT_NOTIFY. */
START_TEST(one_completion_that_may_notify_among_many_ends_a_wait)
{
	struct regio_result results[8];
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < 8; i++) {
		struct regio_buf slice = slot_slice(&side, i, 64);

		EXPECT_RETURN(
			0, regio_receive(side.rq, &slice, i == 6 ? 0 : REGIO_MSG_DONT_NOTIFY, i));
	}
	for (uint64_t i = 0; i < 6; i++)
		send_plain(side.peer, "x", 1);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
	send_plain(side.peer, "x", 1);
	int queued = regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS);

	EXPECT(queued >= 1, "%s", regio_error_name(queued));
	collect(side.receive_cq, results, 7);
	for (uint64_t i = 0; i < 7; i++)
		expect_result(&results[i], 0, 1, i);
	side_close(&side);
}
END_TEST

struct committer {
	struct regio_rq *rq;
	int stop;
};

static void *commit_until_stopped(void *argument)
{
	const struct regio_request commit = {.flags = REGIO_MSG_COMMIT_ONLY};
	struct committer *committer = argument;

	while (!__atomic_load_n(&committer->stop, __ATOMIC_ACQUIRE)) {
		EXPECT_RETURN(0, regio_send(committer->rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
		EXPECT_RETURN(0, regio_receive(committer->rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
		EXPECT_RETURN(1, regio_post(committer->rq, REGIO_HALF_SEND, &commit, 1));
	}
	return NULL;
}

/* Holds: REGIO_MSG_COMMIT_ONLY, regio_post Threads. */
START_TEST(another_thread_may_commit_while_one_posts)
{
	struct side side;

	open_pair(&side, families[_i]);
	struct committer committer = {.rq = side.rq};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, commit_until_stopped, &committer), 0);
	for (uint64_t round = 0; round < scaled(2000); round++) {
		defer_all(&side);
		/* Only the other thread can start them: nothing here makes progress. */
		expect_all(&side);
	}
	__atomic_store_n(&committer.stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(deferred_sends_start_with_a_commit),
		CASE_PER_FAMILY(deferred_sends_start_with_the_next_that_is_not),
		CASE_PER_FAMILY(deferred_sends_start_with_an_empty_dequeue_at_the_latest),
		CASE_PER_FAMILY(deferred_sends_start_with_a_notify_and_with_a_wait),
		CASE_PER_FAMILY(deferred_receives_receive),
		CASE_PER_FAMILY(a_commit_with_nothing_deferred_or_at_full_quota_succeeds),
		CASE_PER_FAMILY(a_commit_comes_alone),
		CASE_PER_FAMILY(unknown_flags_and_those_of_streams_are_refused),
		CASE_PER_FAMILY(a_completion_that_may_not_notify_is_dequeued_but_ends_no_wait),
		CASE_PER_FAMILY(the_flag_counts_for_its_own_completion_alone),
		CASE_PER_FAMILY(one_completion_that_may_notify_among_many_ends_a_wait),
		CASE_PER_FAMILY(another_thread_may_commit_while_one_posts),
	};

	return run_ordered_cases(cases, ARRAY_SIZE(cases));
}
