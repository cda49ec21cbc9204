/* SPDX-License-Identifier: MIT */
/*
 * sleepers.c - several queues on one driver, where one thread's progress is another's wake-up
 *
 * Each case was a way to sleep beside work that nobody else would have come by for.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 200u

static bool readable(struct regio_cq *cq, int timeout_ms)
{
	struct pollfd descriptor = {.fd = regio_cq_fd(cq), .events = POLLIN};

	return poll(&descriptor, 1, timeout_ms) > 0;
}

/* Arms the CQ and takes off whatever makes its descriptor readable without a message. */
static void arm(struct regio_cq *cq)
{
	struct regio_result result;

	EXPECT_RETURN(0, regio_cq_notify(cq));
	while (readable(cq, 0)) {
		EXPECT_RETURN(0, regio_cq_dequeue(cq, &result, 1));
		regio_cq_notify(cq);
	}
}

static struct regio_cq *cq_on(struct regio_driver *driver)
{
	return cq_of(SLOTS, driver);
}

START_TEST(a_half_that_is_partly_dequeued_is_counted_once)
{
	struct regio_result results[4];
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 4,
		  .slot_size = 64);
	post_send(&side, 0, 64, 0);
	post_send(&side, 1, 64, 0);
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 2, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(1, regio_cq_dequeue(side.send_cq, results, 1));
	post_send(&side, 2, 64, 0);
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 2, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 4, 0, MILLISECOND_NS));
	EXPECT_RETURN(2, regio_cq_dequeue(side.send_cq, results, 4));
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_notify what. */
START_TEST(requests_posted_by_the_hundred_after_a_notify_are_seen)
{
	struct regio_result results[SLOTS];
	struct side side;
	uint8_t found[64];

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .receives = SLOTS,
		  .sends = 4, .slot_size = 64);
	post_receive(&side, 0);
	arm(side.receive_cq);
	for (uint64_t slot = 1; slot < SLOTS; slot++)
		post_receive(&side, slot);
	send_plain(side.peer, "x", 1);
	EXPECT(readable(side.receive_cq, 5000), "nobody was called");
	collect(side.receive_cq, results, 1);
	/* The same for a send that is deferred. */
	arm(side.send_cq);
	post_send(&side, SLOTS, 64, REGIO_MSG_DEFER);
	EXPECT(readable(side.send_cq, 5000), "nobody was called");
	collect(side.send_cq, results, 1);
	ck_assert_uint_eq(receive_plain(side.peer, found, sizeof(found)), 64);
	side_close(&side);
}
END_TEST

/* Slices of a byte, which is a message, or one of a stream's. */
static void leave_behind_a_silent_one(int family, enum side_peer peer)
{
	struct regio_driver *driver;
	struct regio_result results[4];
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	struct regio_cq *other = cq_on(driver);

	SIDE_OPEN(&side, .family = family, .peer = peer, .receives = 3, .slot_size = 1,
		  .driver = driver);
	struct regio_buf slice = slot_slice(&side, 0, 1);

	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_DONT_NOTIFY, 0));
	post_receive(&side, 1);
	post_receive(&side, 2);
	arm(side.receive_cq);
	send_plain(side.peer, "a", 1);
	send_plain(side.peer, "b", 1);
	EXPECT_RETURN(0, regio_cq_dequeue(other, results, 4));
	EXPECT(readable(side.receive_cq, 5000), "the second was left lying");
	collect(side.receive_cq, results, 2);
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(other));
	EXPECT_RETURN(0, regio_driver_close(driver));
}

/* Holds: regio_cq_notify what, REGIO_MSG_DONT_NOTIFY. */
START_TEST(a_message_behind_a_silent_one_signals_though_another_queue_took_the_event)
{
	leave_behind_a_silent_one(families[_i], PEER_ONE_WAY);
}
END_TEST

/*
 * The same where no event comes for what is left.
 *
 * Holds: regio_cq_notify what, REGIO_MSG_DONT_NOTIFY.
 */
START_TEST(a_byte_behind_a_silent_one_signals_though_another_queue_took_the_event)
{
	leave_behind_a_silent_one(stream_families[_i], PEER_STREAM);
}
END_TEST

struct spinner {
	struct regio_cq *cq;
	atomic_bool stop;
};

static void *spin(void *argument)
{
	struct spinner *spinner = argument;
	struct regio_result result;

	while (!atomic_load(&spinner->stop))
		regio_cq_dequeue(spinner->cq, &result, 1);
	return NULL;
}

struct waiter {
	struct regio_cq *cq;
	uint64_t rounds;
	atomic_ullong done;
};

static void *wait_for_each(void *argument)
{
	struct waiter *waiter = argument;
	struct regio_result result;

	for (uint64_t round = 0; round < waiter->rounds; round++) {
		if (regio_cq_wait(waiter->cq, 1, 0, 10 * SECOND_NS) < 1)
			break;
		EXPECT_RETURN(1, regio_cq_dequeue(waiter->cq, &result, 1));
		atomic_fetch_add(&waiter->done, 1);
	}
	return NULL;
}

/* Holds: regio_cq_wait what, regio_cq_dequeue Threads. */
START_TEST(a_thread_that_polls_does_not_take_the_wake_of_one_that_sleeps)
{
	struct regio_driver *driver;
	pthread_t threads[2];
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	struct spinner spinner = {.cq = cq_on(driver)};

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 1,
		  .slot_size = 64, .driver = driver);
	struct waiter waiter = {.cq = side.send_cq, .rounds = scaled(2000)};

	ck_assert_int_eq(pthread_create(&threads[0], NULL, spin, &spinner), 0);
	ck_assert_int_eq(pthread_create(&threads[1], NULL, wait_for_each, &waiter), 0);
	for (uint64_t round = 0; round < waiter.rounds; round++) {
		int64_t until = now_ns() + 10 * SECOND_NS;

		post_send(&side, 0, 64, 0);
		while (atomic_load(&waiter.done) <= round)
			EXPECT(now_ns() < until, "send %llu completed, and its waiter sleeps",
			       (unsigned long long)round);
	}
	pthread_join(threads[1], NULL);
	atomic_store(&spinner.stop, true);
	pthread_join(threads[0], NULL);
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(spinner.cq));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* What one thread hands to another that waits, round for round. */
struct handover {
	struct regio_cq *cq;
	uint64_t rounds;
	pthread_barrier_t begin;
	sem_t end;
	pthread_t waiter;
};

/* Without a time-out: with one a wait that nobody ends would only be late. */
static void *wait_in_rounds(void *argument)
{
	struct handover *handover = argument;
	struct regio_result result;

	for (uint64_t round = 0; round < handover->rounds; round++) {
		pthread_barrier_wait(&handover->begin);
		EXPECT_RETURN(1, regio_cq_wait(handover->cq, 1, 0, -1));
		ck_assert_int_eq(sem_post(&handover->end), 0);
		EXPECT_RETURN(1, regio_cq_dequeue(handover->cq, &result, 1));
	}
	return NULL;
}

static void handover_open(struct handover *handover, struct regio_cq *cq, uint64_t rounds)
{
	*handover = (struct handover){.cq = cq, .rounds = rounds};
	pthread_barrier_init(&handover->begin, NULL, 2);
	ck_assert_int_eq(sem_init(&handover->end, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&handover->waiter, NULL, wait_in_rounds, handover), 0);
}

static void await_end(struct handover *handover)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_NS / SECOND_NS;
	EXPECT(sem_timedwait(&handover->end, &until) == 0, "nobody called");
}

static void handover_close(struct handover *handover)
{
	pthread_join(handover->waiter, NULL);
	pthread_barrier_destroy(&handover->begin);
	sem_destroy(&handover->end);
}

/* The thread may be woken by its own completion and the other queue's message at once. */
START_TEST(a_thread_that_leaves_with_the_event_of_another_queue_passes_it_on)
{
	struct handover handover;
	struct side waited, armed;
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&waited, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 1,
		  .slot_size = 64, .driver = driver);
	SIDE_OPEN(&armed, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1,
		  .slot_size = 64, .driver = driver);
	handover_open(&handover, waited.send_cq, scaled(4000));
	for (uint64_t round = 0; round < handover.rounds; round++) {
		post_receive(&armed, 0);
		arm(armed.receive_cq);
		pthread_barrier_wait(&handover.begin);
		for (uint64_t pause = round % 50; pause > 0; pause--)
			nothing_queued(waited.peer);
		send_plain(armed.peer, "x", 1);
		post_send(&waited, 0, 64, 0);
		await_end(&handover);
		EXPECT(readable(armed.receive_cq, 5000), "round %llu: the message was left lying",
		       (unsigned long long)round);
		collect_one(armed.receive_cq);
	}
	handover_close(&handover);
	side_close(&waited);
	side_close(&armed);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/*
 * Of two threads one sleeps on the driver for both; it leaves, and nobody else comes by.
 *
 * Holds: regio_cq_wait what, regio_cq_wait Threads.
 */
START_TEST(a_thread_that_leaves_has_another_sleep_on_the_driver)
{
	struct handover handovers[2];
	struct side sides[2];
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int i = 0; i < 2; i++) {
		SIDE_OPEN(&sides[i], .family = families[_i], .peer = PEER_ONE_WAY, .receives = 2,
			  .slot_size = 64, .driver = driver);
		handover_open(&handovers[i], sides[i].receive_cq, scaled(1000));
	}
	for (uint64_t round = 0; round < handovers[0].rounds; round++) {
		for (int i = 0; i < 2; i++) {
			post_receive(&sides[i], 0);
			pthread_barrier_wait(&handovers[i].begin);
			for (uint64_t pause = 50 + round % 100; pause > 0; pause--)
				nothing_queued(sides[0].peer);
		}
		for (int i = 0; i < 2; i++) {
			send_plain(sides[i].peer, "x", 1);
			await_end(&handovers[i]);
		}
	}
	for (int i = 0; i < 2; i++) {
		handover_close(&handovers[i]);
		side_close(&sides[i]);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* More than are tried in the hope of a quick answer, so that they are not watched while busy. */
#define BUSY_QUEUES 16

START_TEST(a_thread_may_sleep_after_polling_many_queues_that_were_busy)
{
	struct side sides[BUSY_QUEUES];
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int i = 0; i < BUSY_QUEUES; i++) {
		SIDE_OPEN(&sides[i], .family = families[_i], .peer = PEER_ONE_WAY, .receives = 2,
			  .slot_size = 64, .driver = driver);
		post_receive(&sides[i], 0);
	}
	for (uint64_t round = 1; round <= 100; round++) {
		for (int i = 0; i < BUSY_QUEUES; i++) {
			post_receive(&sides[i], round % 2);
			send_plain(sides[i].peer, "x", 1);
		}
		for (int i = 0; i < BUSY_QUEUES; i++)
			poll_one(sides[i].receive_cq);
	}
	for (int i = 0; i < BUSY_QUEUES; i++) {
		send_plain(sides[i].peer, "x", 1);
		EXPECT_RETURN(1, regio_cq_wait(sides[i].receive_cq, 1, 0, PATIENCE_NS));
		collect_one(sides[i].receive_cq);
	}
	for (int i = 0; i < BUSY_QUEUES; i++) {
		side_close(&sides[i]);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

START_TEST(a_queue_that_was_hot_and_has_no_receives_left_is_no_work)
{
	struct regio_result result;
	struct timespec before, after;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1,
		  .slot_size = 64);
	/* Long enough for the queue to be hot and no longer watched. */
	for (int round = 0; round < 2000; round++) {
		post_receive(&side, 0);
		send_plain(side.peer, "x", 1);
		while (regio_cq_dequeue(side.receive_cq, &result, 1) == 0)
			continue;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, SECOND_NS / 2));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	/* Not a matter of speed: a wait that spins uses all of the half second. */
	EXPECT((after.tv_sec - before.tv_sec) * SECOND_NS + after.tv_nsec - before.tv_nsec <
		       SECOND_NS / 4,
	       "the wait did not sleep");
	side_close(&side);
}
END_TEST

/* Also those that end no wait, and may come last where a driver's thread makes them. */
static void collect_silent_too(struct regio_cq *cq, uint32_t count)
{
	const int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result results[64];
	uint32_t have = 0;

	while (have < count) {
		int got = regio_cq_dequeue(cq, results, ARRAY_SIZE(results));

		EXPECT(got >= 0, "dequeue: %s", regio_error_name(got));
		EXPECT(now_ns() < deadline_ns, "%u of %u completions", have, count);
		have += (uint32_t)got;
		if (got == 0)
			regio_cq_wait(cq, 1, 0, MILLISECOND_NS);
	}
}

/*
 * Each of many sockets has one completion, and then another before any is dequeued.
 *
 * Holds: regio_cq_wait what, regio_cq_wait Returns.
 */
START_TEST(a_wait_counts_the_completions_of_many_queues)
{
	enum { QUEUES = 300 };
	struct side sides[QUEUES];
	struct regio_cq *cq = cq_of(2 * QUEUES, NULL);
	int sink = bound_socket(families[_i]);

	for (uint64_t i = 0; i < QUEUES; i++)
		SIDE_OPEN(&sides[i], .fd = peer_of(sink), .sends = 2, .cq = cq, .rq_context = i);
	for (int round = 1; round <= 2; round++) {
		for (uint64_t i = 0; i < QUEUES; i++)
			EXPECT_RETURN(0, regio_send(sides[i].rq, NULL,
						    i % 3 ? 0 : REGIO_MSG_DONT_NOTIFY, 0));
		EXPECT_RETURN(round * QUEUES * 2 / 3,
			      regio_cq_wait(cq, round * QUEUES * 2 / 3, UINT64_MAX, PATIENCE_NS));
	}
	collect_silent_too(cq, 2 * QUEUES);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(cq, 1, 0, MILLISECOND_NS));
	for (uint64_t i = 0; i < QUEUES; i++)
		side_close(&sides[i]);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(sink);
}
END_TEST

static void *wait_without_end(void *cq)
{
	return (void *)(intptr_t)regio_cq_wait(cq, 1, 0, -1);
}

/* Until a thread that waits on one of its CQs, or a thread of its own, sleeps for all. */
static void await_sleeper(struct regio_driver *driver)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	int error;

	if (driven_by_a_thread()) {
		await_sleep(driver);
		return;
	}
	/* The call before may have been a wake. */
	do {
		error = regio_driver_run(driver, 0);
	} while ((error == -ETIMEDOUT || error == 0) && now_ns() < deadline_ns);
	EXPECT_RETURN(-EBUSY, error);
}

static void make_calls_that_never_block(struct regio_driver *driver, const struct side *side)
{
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = driver};
	struct regio_offload_info offload_info;
	struct regio_engine_info engine_info;
	struct regio_driver_info driver_info;
	struct regio_driver *another;
	struct regio_rq_info rq_info;
	struct regio_cq *cq;

	EXPECT(regio_version() > 0 && regio_error_name(0)[0] && regio_error_text(0)[0] &&
		       regio_last_error(),
	       "nothing is said");
	EXPECT_RETURN(0, regio_engine_get_info(0, &engine_info, sizeof(engine_info)));
	EXPECT_RETURN(0, regio_offload_get_info(&offload_info, sizeof(offload_info)));
	EXPECT_RETURN(0, regio_driver_get_info(driver, &driver_info, sizeof(driver_info)));
	EXPECT_RETURN(0, regio_rq_get_info(side->rq, &rq_info, sizeof(rq_info)));
	EXPECT(regio_cq_fd(side->receive_cq) >= 0, "no descriptor");
	EXPECT_RETURN(0, regio_driver_wake(driver));
	EXPECT_RETURN(0, regio_driver_create(NULL, &another));
	EXPECT_RETURN(0, regio_driver_close(another));
	EXPECT_RETURN(0, regio_cq_create(1, &opts, &cq));
	EXPECT_RETURN(0, regio_cq_resize(cq, 2));
	EXPECT_RETURN(0, regio_cq_close(cq));
}

/*
 * One that waited for the sleeper would not return.
 *
 * Holds: regio_version Blocking, regio_error_name Blocking, regio_error_text Blocking,
 * regio_last_error Blocking, regio_engine_get_info Blocking, regio_offload_get_info Blocking,
 * regio_driver_close Blocking, regio_driver_wake Blocking, regio_driver_get_info Blocking,
 * regio_cq_create Blocking, regio_cq_resize Blocking, regio_cq_close Blocking,
 * regio_cq_fd Blocking, regio_rq_get_info Blocking.
 */
START_TEST(calls_that_never_block_return_while_another_thread_sleeps)
{
	struct regio_driver *driver;
	struct side side;
	pthread_t thread;
	void *queued;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	side_open(&side, &(struct side_plan){.family = families[_i],
					     .receives = 1,
					     .slot_size = 64,
					     .driver = driver});
	post_receive(&side, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_without_end, side.receive_cq), 0);
	for (int round = 0; round < 10; round++) {
		await_sleeper(driver);
		make_calls_that_never_block(driver, &side);
	}
	EXPECT_RETURN(1, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	pthread_join(thread, &queued);
	EXPECT_RETURN(1, (int)(intptr_t)queued);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Each wake-up finds 'messages' of them, and posts the receives again. */
static void wake_for(struct side *side, uint32_t messages, int times)
{
	struct regio_result results[4];

	for (; times > 0; times--) {
		for (uint32_t i = 0; i < messages; i++)
			send_plain(side->peer, "x", 1);
		/* Nothing but waits: a dequeue that finds nothing might try the socket. */
		EXPECT_RETURN((int)messages,
			      regio_cq_wait(side->receive_cq, messages, UINT64_MAX, PATIENCE_NS));
		EXPECT_RETURN((int)messages, regio_cq_dequeue(side->receive_cq, results, 4));
		for (uint32_t i = 0; i < messages; i++)
			post_receive(side, results[i].request_context);
	}
}

static struct regio_driver *open_waiting(struct side *side, int family)
{
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(side, .family = family, .peer = PEER_ONE_WAY, .receives = 8, .slot_size = 64,
		  .driver = driver);
	for (uint64_t slot = 0; slot < 8; slot++)
		post_receive(side, slot);
	return driver;
}

/* How the socket is watched depends on what receives find, and so does what is to be tried. */
START_TEST(what_a_wake_up_leaves_is_found_whatever_those_before_have_found)
{
	struct side side;
	struct regio_driver *driver = open_waiting(&side, families[_i]);

	for (int round = 0; round < 3; round++) {
		wake_for(&side, 2, 80);
		/* Receives may ask for one message by the end, and leave the second. */
		wake_for(&side, 1, 160);
		for (int again = 0; again < 8; again++) {
			wake_for(&side, 2, 1);
			wake_for(&side, 1, 8);
		}
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

START_TEST(a_message_more_than_receives_comes_with_the_next_whatever_was_found_before)
{
	struct regio_result results[7];
	struct side side;
	struct regio_driver *driver = open_waiting(&side, families[_i]);

	wake_for(&side, 2, 80);
	for (int i = 0; i < 7; i++)
		send_plain(side.peer, "x", 1);
	collect(side.receive_cq, results, 7);
	/* For one receive there are two. */
	send_plain(side.peer, "x", 1);
	send_plain(side.peer, "y", 1);
	for (int i = 0; i < 2; i++) {
		uint64_t slot = collect_one(side.receive_cq).request_context;

		ck_assert_int_eq(*slot_memory(&side, slot), "xy"[i]);
		post_receive(&side, slot);
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_half_that_is_partly_dequeued_is_counted_once),
		CASE_PER_FAMILY(a_wait_counts_the_completions_of_many_queues),
		CASE_PER_FAMILY(requests_posted_by_the_hundred_after_a_notify_are_seen),
		CASE_PER_FAMILY(
			a_message_behind_a_silent_one_signals_though_another_queue_took_the_event),
		CASE_PER_STREAM(
			a_byte_behind_a_silent_one_signals_though_another_queue_took_the_event),
		CASE_PER_FAMILY(a_thread_that_polls_does_not_take_the_wake_of_one_that_sleeps),
		CASE_PER_FAMILY(a_thread_that_leaves_with_the_event_of_another_queue_passes_it_on),
		CASE_PER_FAMILY(a_thread_that_leaves_has_another_sleep_on_the_driver),
		CASE_PER_FAMILY(a_thread_may_sleep_after_polling_many_queues_that_were_busy),
		CASE_PER_FAMILY(a_queue_that_was_hot_and_has_no_receives_left_is_no_work),
		CASE_PER_FAMILY(what_a_wake_up_leaves_is_found_whatever_those_before_have_found),
		CASE_PER_FAMILY(
			a_message_more_than_receives_comes_with_the_next_whatever_was_found_before),
		CASE_PER_FAMILY(calls_that_never_block_return_while_another_thread_sleeps),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
