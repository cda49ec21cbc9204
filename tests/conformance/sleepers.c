/* SPDX-License-Identifier: MIT */
/*
 * sleepers.c - several queues on one driver, where one thread's progress is another's wake-up
 *
 * Each case was a way to sleep beside work that nobody else would have come by for.
 */
#include "../support/net.h"
#include "../support/side.h"
#include "../support/suite.h"

#include <poll.h>
#include <pthread.h>
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

	side_open(&side, &(struct side_plan){.family = families[_i], .sends = 4, .slot_size = 64});
	int peer = peer_of(side.fd);

	connect_to(side.fd, peer);
	post_send(&side, 0, 64, 0);
	post_send(&side, 1, 64, 0);
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 2, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(1, regio_cq_dequeue(side.send_cq, results, 1));
	post_send(&side, 2, 64, 0);
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 2, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(2, regio_cq_wait(side.send_cq, 4, 0, MILLISECOND_NS));
	EXPECT_RETURN(2, regio_cq_dequeue(side.send_cq, results, 4));
	side_close(&side);
	close(peer);
}
END_TEST

START_TEST(requests_posted_by_the_hundred_after_a_notify_are_seen)
{
	struct regio_result results[SLOTS];
	struct side side;
	uint8_t found[64];

	side_open(&side,
		  &(struct side_plan){
			  .family = families[_i], .receives = SLOTS, .sends = 4, .slot_size = 64});
	int peer = peer_of(side.fd);

	connect_to(side.fd, peer);
	post_receive(&side, 0);
	arm(side.receive_cq);
	for (uint64_t slot = 1; slot < SLOTS; slot++)
		post_receive(&side, slot);
	send_plain(peer, "x", 1);
	EXPECT(readable(side.receive_cq, 5000), "nobody was called");
	collect(side.receive_cq, results, 1);
	/* The same for a send that is deferred. */
	arm(side.send_cq);
	post_send(&side, SLOTS, 64, REGIO_DEFER);
	EXPECT(readable(side.send_cq, 5000), "nobody was called");
	collect(side.send_cq, results, 1);
	ck_assert_uint_eq(receive_plain(peer, found, sizeof(found)), 64);
	side_close(&side);
	close(peer);
}
END_TEST

START_TEST(a_message_behind_a_silent_one_signals_though_another_queue_took_the_event)
{
	struct regio_driver *driver;
	struct regio_result results[4];
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	struct regio_cq *other = cq_on(driver);

	side_open(&side, &(struct side_plan){.family = families[_i],
					     .receives = 3,
					     .slot_size = 64,
					     .driver = driver});
	int peer = peer_of(side.fd);
	struct regio_buf slice = slot_slice(&side, 0, 64);

	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_DONT_NOTIFY, 0));
	post_receive(&side, 1);
	post_receive(&side, 2);
	arm(side.receive_cq);
	send_plain(peer, "a", 1);
	send_plain(peer, "b", 1);
	EXPECT_RETURN(0, regio_cq_dequeue(other, results, 4));
	EXPECT(readable(side.receive_cq, 5000), "the second message was left lying");
	collect(side.receive_cq, results, 2);
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(other));
	EXPECT_RETURN(0, regio_driver_close(driver));
	close(peer);
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

START_TEST(a_thread_that_polls_does_not_take_the_wake_of_one_that_sleeps)
{
	struct regio_driver *driver;
	pthread_t threads[2];
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	struct spinner spinner = {.cq = cq_on(driver)};

	side_open(&side,
		  &(struct side_plan){
			  .family = families[_i], .sends = 1, .slot_size = 64, .driver = driver});
	int peer = peer_of(side.fd);
	struct waiter waiter = {.cq = side.send_cq, .rounds = scaled(2000)};

	connect_to(side.fd, peer);
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
	close(peer);
}
END_TEST

START_TEST(a_queue_that_was_hot_and_has_no_receives_left_is_no_work)
{
	struct regio_result result;
	struct timespec before, after;
	struct side side;

	side_open(&side,
		  &(struct side_plan){.family = families[_i], .receives = 1, .slot_size = 64});
	int peer = peer_of(side.fd);

	/* Long enough for the queue to be hot and no longer watched. */
	for (int round = 0; round < 2000; round++) {
		post_receive(&side, 0);
		send_plain(peer, "x", 1);
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
	close(peer);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_half_that_is_partly_dequeued_is_counted_once),
		CASE_PER_FAMILY(requests_posted_by_the_hundred_after_a_notify_are_seen),
		CASE_PER_FAMILY(
			a_message_behind_a_silent_one_signals_though_another_queue_took_the_event),
		CASE_PER_FAMILY(a_thread_that_polls_does_not_take_the_wake_of_one_that_sleeps),
		CASE_PER_FAMILY(a_queue_that_was_hot_and_has_no_receives_left_is_no_work),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
