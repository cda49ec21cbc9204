/* SPDX-License-Identifier: MIT */
/*
 * run.c - CQs that call the program, and threads that drive without waiting on one CQ
 */
#include <pthread.h>
#include <unistd.h>

#include "../support/net.h"
#include "../support/side.h"
#include "../support/suite.h"

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

static struct regio_driver *driver_open(void)
{
	struct regio_driver *driver = NULL;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	return driver;
}

START_TEST(wake_before_a_run_ends_it_and_time_is_kept)
{
	struct regio_driver *driver = driver_open();

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
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

START_TEST(one_thread_runs_a_driver_at_a_time)
{
	struct regio_driver *driver = driver_open();
	int64_t until_ns = now_ns() + PATIENCE_NS;
	pthread_t thread;
	void *result;
	int error;

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
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

START_TEST(armed_queue_calls_once_and_finds_a_completion)
{
	struct called called = {.driver = driver_open()};
	struct regio_cq_opts opts = {.size = sizeof(opts),
				     .driver = called.driver,
				     .notified = call,
				     .notified_context = &called};
	struct regio_buf slice = {.length = 0};
	struct regio_result result;
	struct regio_cq *cq;
	struct regio_rq *rq;
	int fd = bound_socket(AF_INET), peer = peer_of(fd);

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	EXPECT_RETURN(0, regio_cq_create(4, &opts, &cq));
	EXPECT_RETURN(0, regio_rq_create(fd, 4, 0, cq, cq, 0, NULL, &rq));
	for (uint64_t round = 0; round < scaled(1000); round++) {
		EXPECT_RETURN(0, regio_receive(rq, &slice, 0, round));
		EXPECT_RETURN(0, regio_cq_notify(cq));
		EXPECT_RETURN(-EALREADY, regio_cq_notify(cq));
		ck_assert_int_eq(called.times, (int)round);
		ck_assert_int_eq(send(peer, "", 0, 0), 0);
		EXPECT_RETURN(0, regio_driver_run(called.driver, PATIENCE_NS));
		ck_assert_int_eq(called.times, (int)round + 1);
		EXPECT_RETURN(1, regio_cq_dequeue(cq, &result, 1));
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(called.driver));
	close(peer);
}
END_TEST

/* More than one pass takes, and no event for what is left. */
START_TEST(a_run_goes_on_until_nothing_is_left_to_do)
{
	enum { MESSAGES = 200 };
	struct called called = {.driver = driver_open()};
	struct regio_cq_opts opts = {.size = sizeof(opts),
				     .driver = called.driver,
				     .notified = call,
				     .notified_context = &called};
	struct regio_buf slice = {.length = 0};
	struct regio_result results[MESSAGES];
	struct regio_cq *cq;
	struct regio_rq *rq;
	int fd = bound_socket(AF_INET), peer = peer_of(fd);

	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	EXPECT_RETURN(0, regio_cq_create(MESSAGES, &opts, &cq));
	EXPECT_RETURN(0, regio_rq_create(fd, MESSAGES, 0, cq, cq, 0, NULL, &rq));
	EXPECT_RETURN(0, regio_cq_notify(cq));
	for (uint64_t i = 0; i < MESSAGES; i++) {
		ck_assert_int_eq(send(peer, "", 0, 0), 0);
		EXPECT_RETURN(
			0, regio_receive(rq, &slice, i < MESSAGES - 1 ? REGIO_DONT_NOTIFY : 0, i));
	}
	EXPECT_RETURN(0, regio_driver_run(called.driver, PATIENCE_NS));
	ck_assert_int_eq(called.times, 1);
	EXPECT_RETURN(MESSAGES, regio_cq_dequeue(cq, results, MESSAGES));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(called.driver));
	close(peer);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(wake_before_a_run_ends_it_and_time_is_kept),
		CASE(one_thread_runs_a_driver_at_a_time),
		CASE(armed_queue_calls_once_and_finds_a_completion),
		CASE(a_run_goes_on_until_nothing_is_left_to_do),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
