/* SPDX-License-Identifier: MIT */
/*
 * run.c - CQs that call the program, and threads that drive without waiting on one CQ
 */
#include <pthread.h>
#include <unistd.h>

#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

struct called {
	struct regio_driver *driver;
	_Atomic int times;
};

static void call(void *context)
{
	struct called *called = context;

	called->times++;
	regio_driver_wake(called->driver);
}

static struct regio_cq *cq_that_calls(struct called *called, uint32_t capacity)
{
	const struct regio_cq_opts opts = {.size = sizeof(opts),
					   .driver = called->driver,
					   .on_notify = call,
					   .on_notify_context = called};
	struct regio_cq *cq = NULL;

	EXPECT_RETURN(0, regio_cq_create(capacity, &opts, &cq));
	return cq;
}

static struct regio_driver *driver_open(void)
{
	struct regio_driver *driver = NULL;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	return driver;
}

/*
 * Holds: regio_driver_run what, regio_driver_run Returns, regio_driver_run -ETIMEDOUT,
 * regio_driver_run -EBADF, regio_driver_wake what, regio_driver_wake Returns,
 * regio_driver_wake -EBADF.
 */
START_TEST(wake_before_a_run_ends_it_and_time_is_kept)
{
	struct regio_driver *driver;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	driver = driver_open();
	EXPECT_RETURN(-ETIMEDOUT, regio_driver_run(driver, 0));
	EXPECT_RETURN(-ETIMEDOUT, regio_driver_run(driver, MILLISECOND_NS));
	EXPECT_RETURN(0, regio_driver_wake(driver));
	EXPECT_RETURN(0, regio_driver_run(driver, PATIENCE_NS));
	EXPECT_RETURN(-ETIMEDOUT, regio_driver_run(driver, 0));
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT_RETURN(-EBADF, regio_driver_run(driver, 0));
	EXPECT_RETURN(-EBADF, regio_driver_wake(driver));
}
END_TEST

static void *run_until_woken(void *argument)
{
	int error;

	/* The other thread may be trying just now. */
	do {
		error = regio_driver_run(argument, PATIENCE_NS);
	} while (error == -EBUSY);
	return (void *)(intptr_t)error;
}

/*
 * Holds: regio_driver_run Threads, regio_driver_run Blocking, regio_driver_run -EBUSY,
 * regio_driver_wake what, regio_driver_wake Threads.
 */
START_TEST(one_thread_runs_a_driver_at_a_time)
{
	struct regio_driver *driver;
	int64_t until_ns = now_ns() + PATIENCE_NS;
	pthread_t thread;
	void *result;
	int error;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	driver = driver_open();
	ck_assert_int_eq(pthread_create(&thread, NULL, run_until_woken, driver), 0);
	do {
		error = regio_driver_run(driver, 0);
	} while (error == -ETIMEDOUT && now_ns() < until_ns);
	EXPECT_RETURN(-EBUSY, error);
	EXPECT_RETURN(0, regio_driver_wake(driver));
	pthread_join(thread, &result);
	EXPECT_RETURN(0, (int)(intptr_t)result);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

static void *wait_until_completed(void *argument)
{
	return (void *)(intptr_t)regio_cq_wait(argument, 1, 0, PATIENCE_NS);
}

/* Holds: regio_driver_run -EBUSY. */
START_TEST(a_driver_whose_queue_is_waited_on_is_not_run)
{
	struct regio_driver *driver;
	int64_t until_ns = now_ns() + PATIENCE_NS;
	struct side side;
	pthread_t thread;
	void *queued;
	int error;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	driver = driver_open();
	side_open(&side,
		  &(struct side_plan){
			  .family = AF_INET, .receives = 1, .slot_size = 64, .driver = driver});
	post_receive(&side, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_until_completed, side.receive_cq), 0);
	do {
		error = regio_driver_run(driver, 0);
	} while (error == -ETIMEDOUT && now_ns() < until_ns);
	EXPECT_RETURN(-EBUSY, error);
	EXPECT_RETURN(1, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	pthread_join(thread, &queued);
	EXPECT_RETURN(1, (int)(intptr_t)queued);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_driver_run -EBUSY. */
START_TEST(a_driver_with_a_thread_of_its_own_is_not_run)
{
	const struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	EXPECT_RETURN(-EBUSY, regio_driver_run(driver, 0));
	EXPECT_RETURN(-EBUSY, regio_driver_run(driver, -1));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/*
 * Holds: Callbacks what 2, Callbacks what 3, regio_cq_opts.on_notify, regio_driver_run what,
 * regio_cq_notify -EALREADY.
 */
START_TEST(armed_queue_calls_once_and_finds_a_completion)
{
	struct called called = {0};
	struct regio_buf slice = {.length = 0};
	struct regio_result result;
	struct regio_cq *cq;
	struct side side;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	called.driver = driver_open();
	cq = cq_that_calls(&called, 4);
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ONE_WAY, .receives = 4, .cq = cq);
	for (uint64_t round = 0; round < scaled(1000); round++) {
		EXPECT_RETURN(0, regio_receive(side.rq, &slice, 0, round));
		EXPECT_RETURN(0, regio_cq_notify(cq));
		EXPECT_RETURN(-EALREADY, regio_cq_notify(cq));
		ck_assert_int_eq(called.times, (int)round);
		ck_assert_int_eq(send(side.peer, "", 0, 0), 0);
		EXPECT_RETURN(0, regio_driver_run(called.driver, PATIENCE_NS));
		ck_assert_int_eq(called.times, (int)round + 1);
		EXPECT_RETURN(1, regio_cq_dequeue(cq, &result, 1));
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(called.driver));
}
END_TEST

/* What one pass takes is less, and so is what two take of sends. */
enum { RECEIVES_MANY = 200, SENDS_MANY = 1000 };

/* Holds: regio_driver_run what, Callbacks what 2, REGIO_MSG_DONT_NOTIFY. */
START_TEST(a_run_goes_on_until_nothing_is_left_to_do)
{
	struct called called = {0};
	struct regio_buf slice = {.length = 0};
	struct regio_result results[RECEIVES_MANY];
	struct regio_cq *cq;
	struct side side;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	called.driver = driver_open();
	cq = cq_that_calls(&called, RECEIVES_MANY);
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ONE_WAY, .receives = RECEIVES_MANY,
		  .cq = cq);
	EXPECT_RETURN(0, regio_cq_notify(cq));
	for (uint64_t i = 0; i < RECEIVES_MANY; i++) {
		ck_assert_int_eq(send(side.peer, "", 0, 0), 0);
		EXPECT_RETURN(0,
			      regio_receive(side.rq, &slice,
					    i < RECEIVES_MANY - 1 ? REGIO_MSG_DONT_NOTIFY : 0, i));
	}
	EXPECT_RETURN(0, regio_driver_run(called.driver, PATIENCE_NS));
	ck_assert_int_eq(called.times, 1);
	EXPECT_RETURN(RECEIVES_MANY, regio_cq_dequeue(cq, results, RECEIVES_MANY));
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(called.driver));
}
END_TEST

/*
 * The same where no event comes for what is left: a socket that takes all is not watched for room.
 *
 * Holds: regio_driver_run what, REGIO_MSG_DEFER.
 */
START_TEST(a_run_goes_on_until_nothing_is_left_to_send)
{
	struct called called = {0};
	struct regio_buf slice = {.length = 0};
	struct regio_result results[SENDS_MANY];
	struct regio_cq *cq;
	struct side side;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	called.driver = driver_open();
	cq = cq_that_calls(&called, SENDS_MANY);
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .sends = SENDS_MANY, .cq = cq);
	EXPECT_RETURN(0, regio_cq_notify(cq));
	for (uint64_t i = 0; i < SENDS_MANY; i++) {
		uint32_t flags = i < SENDS_MANY - 1 ? REGIO_MSG_DONT_NOTIFY : 0;

		EXPECT_RETURN(0, regio_send(side.rq, &slice, REGIO_MSG_DEFER | flags, i));
	}
	EXPECT_RETURN(0, regio_driver_run(called.driver, PATIENCE_NS));
	ck_assert_int_eq(called.times, 1);
	EXPECT_RETURN(SENDS_MANY, regio_cq_dequeue(cq, results, SENDS_MANY));
	side_close(&side);
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(called.driver));
}
END_TEST

/* ---- Sends that wait for the socket ---- */

enum { LONG_SENDS = 64, LONG_BYTES = 262144 };

struct blocked {
	_Atomic int count;
	struct regio_driver *driver;
	struct side side;
};

static void count_blocked(void *context, int change)
{
	struct blocked *blocked = context;

	blocked->count += change;
}

static void await_blocked(struct blocked *blocked, int count)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (blocked->count != count) {
		EXPECT(now_ns() < deadline_ns, "%d are blocked, not %d", blocked->count, count);
		/* Progress, where no thread makes it. */
		EXPECT_RETURN(0, regio_cq_dequeue(blocked->side.send_cq, NULL, 0));
	}
}

/* Posts more than the stack takes. */
static void block(struct blocked *blocked, int family)
{
	const struct regio_driver_opts opts = {
		.size = sizeof(opts), .on_blocked = count_blocked, .on_blocked_context = blocked};

	*blocked = (struct blocked){0};
	EXPECT_RETURN(0, regio_driver_create(&opts, &blocked->driver));
	SIDE_OPEN(&blocked->side, .family = family, .peer = PEER_STREAM, .sends = LONG_SENDS,
		  .slot_size = LONG_BYTES, .driver = blocked->driver);
	for (uint64_t i = 0; i < LONG_SENDS; i++)
		post_send(&blocked->side, i, LONG_BYTES, 0);
	await_blocked(blocked, 1);
}

static void *read_everything(void *argument)
{
	static uint8_t data[LONG_BYTES];
	const int *peer = argument;

	while (read(*peer, data, sizeof(data)) > 0)
		continue;
	return NULL;
}

/* The peer reads until all has been sent. */
static void unblock(struct blocked *blocked)
{
	struct regio_result results[LONG_SENDS];
	pthread_t reader;

	ck_assert_int_eq(pthread_create(&reader, NULL, read_everything, &blocked->side.peer), 0);
	collect(blocked->side.send_cq, results, LONG_SENDS);
	for (uint64_t i = 0; i < LONG_SENDS; i++)
		expect_result(&results[i], 0, LONG_BYTES, i);
	await_blocked(blocked, 0);
	EXPECT_RETURN(0, regio_rq_close(blocked->side.rq, REGIO_CLOSE_SOCKET));
	pthread_join(reader, NULL);
	side_close_rest(&blocked->side);
	EXPECT_RETURN(0, regio_driver_close(blocked->driver));
	ck_assert_int_eq(blocked->count, 0);
}

/* Holds: Callbacks what, regio_driver_opts.on_blocked. */
START_TEST(sends_count_as_blocked_until_they_are_through)
{
	struct blocked blocked;

	block(&blocked, stream_families[_i]);
	unblock(&blocked);
}
END_TEST

/* Holds: Callbacks what, regio_driver_opts.on_blocked. */
START_TEST(sends_count_as_blocked_until_their_queue_is_closed)
{
	struct blocked blocked;

	block(&blocked, stream_families[_i]);
	side_close(&blocked.side);
	ck_assert_int_eq(blocked.count, 0);
	EXPECT_RETURN(0, regio_driver_close(blocked.driver));
}
END_TEST

/* Holds: Callbacks what. */
START_TEST(sends_count_as_blocked_once_when_their_socket_is_replaced)
{
	struct blocked blocked;
	int new[2];

	stream_pair(stream_families[_i], new);
	block(&blocked, stream_families[_i]);
	EXPECT_RETURN(0, regio_rq_replace_socket(blocked.side.rq, new[0]));
	close(new[0]);
	peer_close(&blocked.side);
	blocked.side.peer = new[1];
	unblock(&blocked);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(wake_before_a_run_ends_it_and_time_is_kept),
		CASE(one_thread_runs_a_driver_at_a_time),
		CASE(a_driver_whose_queue_is_waited_on_is_not_run),
		CASE(a_driver_with_a_thread_of_its_own_is_not_run),
		CASE(armed_queue_calls_once_and_finds_a_completion),
		CASE(a_run_goes_on_until_nothing_is_left_to_do),
		CASE(a_run_goes_on_until_nothing_is_left_to_send),
		CASE_PER_STREAM(sends_count_as_blocked_until_they_are_through),
		CASE_PER_STREAM(sends_count_as_blocked_until_their_queue_is_closed),
		CASE_PER_STREAM(sends_count_as_blocked_once_when_their_socket_is_replaced),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
