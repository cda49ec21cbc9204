/* SPDX-License-Identifier: MIT */
/*
 * hostile_signals.c - signals, stops, cancellation and clocks that jump, in every wait
 *
 * Whatever interrupts a thread, no message is lost and the next call works.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_SIZE 64u

static void open_receiver(struct side *side, uint32_t receives, struct regio_driver *driver)
{
	SIDE_OPEN(side, .family = families[0], .peer = PEER_ONE_WAY, .receives = receives,
		  .sends = 1, .slot_size = MESSAGE_SIZE, .driver = driver);
}

static struct regio_driver *open_driver(void)
{
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	return driver;
}

/* ---- Signals in each wait ------------------------------------------------------ */

static _Atomic unsigned int signals_taken;

static void take_signal(int number)
{
	signals_taken++;
}

/* 'flags' is 0 or SA_RESTART. */
static void handle_signals(int number, int flags)
{
	struct sigaction action = {.sa_handler = take_signal, .sa_flags = flags};

	EXPECT(sigaction(number, &action, NULL) == 0, "%m");
}

static const char *const restart_names[] = {"without SA_RESTART", "with SA_RESTART"};
static const int restart_flags[] = {0, SA_RESTART};

enum { WAITS = 20 };

/* A thread that waits again and again, until it has been interrupted often enough. */
struct waiter {
	int (*wait)(struct waiter *waiter);
	struct regio_driver *driver;
	struct side side;
	_Atomic unsigned int interrupted;
	_Atomic bool over;
	pthread_t thread;
};

static void *wait_again(void *argument)
{
	struct waiter *waiter = argument;

	while (waiter->interrupted < WAITS) {
		int error = waiter->wait(waiter);

		EXPECT(error == -EINTR, "the wait returned %s", regio_error_name(error));
		waiter->interrupted++;
	}
	waiter->over = true;
	return NULL;
}

static int wait_on_cq(struct waiter *waiter)
{
	return regio_cq_wait(waiter->side.receive_cq, 1, 0, -1);
}

static int wait_on_cq_for_long(struct waiter *waiter)
{
	return regio_cq_wait(waiter->side.receive_cq, 1, 0, 2 * PATIENCE_NS);
}

static int run_driver(struct waiter *waiter)
{
	return regio_driver_run(waiter->driver, -1);
}

static int poll_descriptor(struct waiter *waiter)
{
	struct pollfd readable = {.fd = regio_cq_fd(waiter->side.receive_cq), .events = POLLIN};

	return poll(&readable, 1, -1) < 0 ? -errno : 0;
}

static void waiter_start(struct waiter *waiter)
{
	open_receiver(&waiter->side, 4, waiter->driver);
	post_receive(&waiter->side, 0);
	EXPECT(pthread_create(&waiter->thread, NULL, wait_again, waiter) == 0, "%m");
}

/* Signals until it has had enough; then it works as ever. */
static void waiter_interrupt(struct waiter *waiter)
{
	const struct timespec pause = {.tv_nsec = MILLISECOND_NS};
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result result;

	while (!waiter->over) {
		EXPECT(now_ns() < deadline_ns, "%u of %d waits were interrupted",
		       waiter->interrupted, WAITS);
		EXPECT(pthread_kill(waiter->thread, SIGUSR1) == 0, "%m");
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	pthread_join(waiter->thread, NULL);
	send_plain(waiter->side.peer, "x", 1);
	result = collect_one(waiter->side.receive_cq);
	expect_result(&result, 0, 1, 0);
	side_close(&waiter->side);
}

static void interrupt_one(int (*wait)(struct waiter *waiter), int flags)
{
	struct waiter waiter = {.wait = wait, .driver = open_driver()};

	handle_signals(SIGUSR1, flags);
	waiter_start(&waiter);
	waiter_interrupt(&waiter);
	EXPECT_RETURN(0, regio_driver_close(waiter.driver));
}

/* Holds: regio_cq_wait -EINTR. */
START_TEST(a_wait_without_end_returns_EINTR)
{
	interrupt_one(wait_on_cq, restart_flags[_i]);
}
END_TEST

/* Holds: regio_cq_wait -EINTR. */
START_TEST(a_wait_with_a_time_out_returns_EINTR)
{
	interrupt_one(wait_on_cq_for_long, restart_flags[_i]);
}
END_TEST

/* Holds: regio_driver_run -EINTR, regio_driver_run Blocking. */
START_TEST(a_thread_that_runs_a_driver_returns_EINTR)
{
	if (driven_by_a_thread())
		SKIP("the driver has a thread that runs it");
	interrupt_one(run_driver, restart_flags[_i]);
}
END_TEST

START_TEST(a_poll_of_the_descriptor_returns_EINTR_as_poll_does)
{
	interrupt_one(poll_descriptor, restart_flags[_i]);
}
END_TEST

/*
 * Of the threads that wait on the CQs of one driver one sleeps in the engine, the others elsewhere.
 *
 * Holds: regio_cq_wait -EINTR.
 */
START_TEST(each_of_four_waits_on_one_driver_returns_EINTR)
{
	enum { WAITERS = 4 };
	struct regio_driver *driver = open_driver();
	struct waiter waiters[WAITERS];

	handle_signals(SIGUSR1, restart_flags[_i]);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = (struct waiter){.wait = i % 2 ? wait_on_cq : wait_on_cq_for_long,
					     .driver = driver};
		waiter_start(&waiters[i]);
	}
	for (int i = WAITERS - 1; i >= 0; i--)
		waiter_interrupt(&waiters[i]);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- A storm of signals -------------------------------------------------------- */

struct stream {
	struct side sender, receiver;
	uint64_t total;
	_Atomic uint64_t received;
};

#define STREAM_SLOTS 64u

static void stream_open(struct stream *stream, uint64_t total)
{
	*stream = (struct stream){.total = total};
	SIDE_OPEN(&stream->receiver, .family = families[0], .receives = STREAM_SLOTS,
		  .slot_size = MESSAGE_SIZE);
	SIDE_OPEN(&stream->sender, .family = families[0], .sends = STREAM_SLOTS,
		  .slot_size = MESSAGE_SIZE);
	connect_to(stream->sender.fd, stream->receiver.fd);
}

static void stream_close(struct stream *stream)
{
	side_close(&stream->sender);
	side_close(&stream->receiver);
}

/* As collect(), which takes no interruption for an answer. */
static uint32_t collect_interrupted(struct regio_cq *cq, struct regio_result *results,
				    uint32_t results_max)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	int got, queued;

	while ((got = regio_cq_dequeue(cq, results, results_max)) == 0) {
		EXPECT(now_ns() < deadline_ns, "no completion came");
		queued = regio_cq_wait(cq, 1, 0, SECOND_NS);
		EXPECT(queued > 0 || queued == -EINTR || queued == -ETIMEDOUT, "wait: %s",
		       regio_error_name(queued));
	}
	EXPECT(got > 0, "dequeue: %s", regio_error_name(got));
	return (uint32_t)got;
}

static void *stream_send(void *argument)
{
	struct stream *stream = argument;
	struct regio_result results[STREAM_SLOTS];
	uint64_t posted = 0, completed = 0;

	while (completed < stream->total) {
		for (; posted < stream->total && posted - stream->received < STREAM_SLOTS &&
		       posted - completed < STREAM_SLOTS;
		     posted++)
			post_message(&stream->sender, posted % STREAM_SLOTS, MESSAGE_SIZE, posted,
				     posted % 5 ? REGIO_MSG_DEFER : 0);
		if (posted > completed)
			completed +=
				collect_interrupted(stream->sender.send_cq, results, STREAM_SLOTS);
		else
			sched_yield();
	}
	return NULL;
}

static void stream_receive(struct stream *stream)
{
	struct regio_result results[STREAM_SLOTS];
	uint64_t received = 0;

	for (uint64_t i = 0; i < STREAM_SLOTS; i++)
		post_receive(&stream->receiver, i);
	while (received < stream->total) {
		uint32_t count =
			collect_interrupted(stream->receiver.receive_cq, results, STREAM_SLOTS);

		for (uint32_t i = 0; i < count; i++, received++) {
			uint64_t slot = received % STREAM_SLOTS;

			expect_result(&results[i], 0, MESSAGE_SIZE, slot);
			expect_message(slot_memory(&stream->receiver, slot), MESSAGE_SIZE,
				       received);
			post_receive(&stream->receiver, slot);
		}
		stream->received = received;
	}
}

START_TEST(a_storm_of_signals_loses_no_message)
{
	const struct itimerval storm = {{0, 100}, {0, 100}}, calm = {{0, 0}, {0, 0}};
	struct stream stream;
	pthread_t thread;

	stream_open(&stream, scaled(300000));
	handle_signals(SIGALRM, restart_flags[_i]);
	EXPECT(setitimer(ITIMER_REAL, &storm, NULL) == 0, "%m");
	EXPECT(pthread_create(&thread, NULL, stream_send, &stream) == 0, "%m");
	stream_receive(&stream);
	pthread_join(thread, NULL);
	EXPECT(setitimer(ITIMER_REAL, &calm, NULL) == 0, "%m");
	EXPECT(signals_taken > 0, "there was no storm");
	stream_close(&stream);
}
END_TEST

/* ---- Stopped and continued ----------------------------------------------------- */

/* Waits for each message without end; a stop may come back as EINTR even without a handler. */
static void receive_in_child(int fd, uint32_t count, struct regio_driver *driver)
{
	struct side side;

	SIDE_OPEN(&side, .fd = fd, .family = families[0], .receives = 8, .slot_size = MESSAGE_SIZE,
		  .driver = driver);
	for (uint64_t i = 0; i < 8; i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < count; i++) {
		struct regio_result result;

		while (regio_cq_dequeue(side.receive_cq, &result, 1) == 0) {
			int queued = regio_cq_wait(side.receive_cq, 1, 0, -1);

			EXPECT(queued > 0 || queued == -EINTR, "wait: %s",
			       regio_error_name(queued));
		}
		expect_result(&result, 0, MESSAGE_SIZE, i % 8);
		expect_message(slot_memory(&side, i % 8), MESSAGE_SIZE, i);
		post_receive(&side, i % 8);
	}
	side_close(&side);
	if (driver)
		EXPECT_RETURN(0, regio_driver_close(driver));
}

static void await_state(pid_t child, int options)
{
	int status;

	EXPECT(waitpid(child, &status, options) == child, "%m");
	EXPECT(options == WUNTRACED ? WIFSTOPPED(status) : WIFCONTINUED(status),
	       "the child ended with %#x", status);
}

/* Traffic comes before, during and after each stop. */
static void stop_while_sending(pid_t child, int peer, uint32_t count)
{
	uint8_t message[MESSAGE_SIZE];

	for (uint32_t i = 0; i < count; i++) {
		if (i % 10 == 3) {
			EXPECT(kill(child, SIGSTOP) == 0, "%m");
			await_state(child, WUNTRACED);
		}
		fill_message(message, sizeof(message), i);
		send_plain(peer, message, sizeof(message));
		if (i % 10 == 7) {
			EXPECT(kill(child, SIGCONT) == 0, "%m");
			await_state(child, WCONTINUED);
		}
	}
}

static void stop_and_continue(bool own_thread)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};
	struct regio_driver *driver = NULL;
	int fd = bound_socket(families[0]), peer = peer_of(fd), status;
	const uint32_t count = 100;
	pid_t child = check_fork();

	EXPECT(child >= 0, "%m");
	if (child == 0) {
		if (own_thread)
			EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
		receive_in_child(fd, count, driver);
		_exit(EXIT_SUCCESS);
	}
	stop_while_sending(child, peer, count);
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the child ended with %#x",
	       status);
	close(peer);
	close(fd);
}

START_TEST(a_process_that_is_stopped_and_continued_loses_nothing)
{
	stop_and_continue(false);
}
END_TEST

START_TEST(so_does_one_whose_driver_has_a_thread)
{
	stop_and_continue(true);
}
END_TEST

/* ---- Cancellation -------------------------------------------------------------- */

static void *wait_for_cancellation(void *argument)
{
	struct side *side = argument;

	/* Not a cancellation point: it ends when a message comes, and the thread at the next one.
	 */
	EXPECT_RETURN(1, regio_cq_wait(side->receive_cq, 1, 0, PATIENCE_NS));
	pthread_testcancel();
	return NULL;
}

/* Holds: regio.h what 5. */
START_TEST(a_thread_that_is_cancelled_in_a_wait_leaves_the_queue_usable)
{
	struct regio_driver *driver = open_driver();
	struct regio_result result;
	struct side first, second;
	pthread_t thread;
	void *end;

	if (built_with_sanitizer())
		SKIP("a sanitizer cannot follow a thread that is cancelled");
	open_receiver(&first, 4, driver);
	open_receiver(&second, 4, driver);
	for (uint64_t i = 0; i < 4; i++) {
		post_receive(&first, i);
		EXPECT(pthread_create(&thread, NULL, wait_for_cancellation, &first) == 0, "%m");
		/* Before it sleeps, or while it does. */
		if (i % 2)
			EXPECT_RETURN(-ETIMEDOUT,
				      regio_cq_wait(second.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		EXPECT(pthread_cancel(thread) == 0, "%m");
		/* Who comes second sleeps elsewhere, until the first one leaves. */
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(second.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		send_plain(first.peer, "x", 1);
		EXPECT(pthread_join(thread, &end) == 0, "%m");
		EXPECT(end == PTHREAD_CANCELED, "it was not cancelled");
		result = collect_one(first.receive_cq);
		expect_result(&result, 0, 1, i);
		post_receive(&second, i);
		send_plain(second.peer, "y", 1);
		result = collect_one(second.receive_cq);
		expect_result(&result, 0, 1, i);
	}
	side_close(&first);
	side_close(&second);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* A thread with a cancellation pending does everything; none of it is a cancellation point. */
static void *use_everything(void *argument)
{
	struct regio_driver *driver;
	struct regio_result result;
	struct side side;
	int before, peer = peer_of(*(int *)argument);

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	SIDE_OPEN(&side, .family = families[0], .receives = 1, .sends = 1, .slot_size = 64);
	connect_to(side.fd, *(int *)argument);
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	EXPECT(regio_cq_fd(side.receive_cq) >= 0, "no descriptor");
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	post_message(&side, 1, 64, 0, 0);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, MILLISECOND_NS));
	result = poll_one(side.send_cq);
	expect_result(&result, 0, 64, 1);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	side_close_rest(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	close(peer);
	*(int *)argument = -1;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
	return NULL;
}

/* Holds: regio.h what 5. */
START_TEST(no_call_is_a_cancellation_point)
{
	int fd = bound_socket(families[0]), argument = fd;
	unsigned int before;
	pthread_t thread;
	void *end;

	if (built_with_sanitizer())
		SKIP("a sanitizer cannot follow a thread that is cancelled");
	/* What the process has for good is made by the first use. */
	{
		struct side side;

		open_receiver(&side, 1, NULL);
		side_close(&side);
	}
	before = open_descriptors();
	EXPECT(pthread_create(&thread, NULL, use_everything, &argument) == 0, "%m");
	EXPECT(pthread_join(thread, &end) == 0, "%m");
	EXPECT(end == PTHREAD_CANCELED && argument == -1, "it was cancelled inside a call");
	ck_assert_uint_eq(open_descriptors(), before);
	close(fd);
}
END_TEST

/* ---- Clocks -------------------------------------------------------------------- */

/*
 * The library's calls come here: the program's definitions go before those of libc. Each look at
 * the clock on the wall is counted, and told a day more or less than the one before.
 */
static _Atomic unsigned int looks_at_the_wall, looks_at_monotonic;

static time_t jumping_seconds(void)
{
	return 1000000000 + (looks_at_the_wall++ % 2 ? 86400 : 0);
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI) {
		*ret_time = (struct timespec){.tv_sec = jumping_seconds()};
		return 0;
	}
	looks_at_monotonic++;
	return (int)syscall(SYS_clock_gettime, clock, ret_time);
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
	*ret_time = (struct timeval){.tv_sec = jumping_seconds()};
	return 0;
}

time_t time(time_t *ret_time)
{
	time_t seconds = jumping_seconds();

	if (ret_time)
		*ret_time = seconds;
	return seconds;
}

START_TEST(the_clock_on_the_wall_is_not_looked_at)
{
	struct stream stream;
	pthread_t thread;
	int64_t start_ns;

	if (built_with_sanitizer())
		SKIP("a sanitizer has these calls already");
	stream_open(&stream, scaled(20000));
	EXPECT(pthread_create(&thread, NULL, stream_send, &stream) == 0, "%m");
	looks_at_the_wall = looks_at_monotonic = 0;
	stream_receive(&stream);
	pthread_join(thread, NULL);
	start_ns = now_ns();
	EXPECT_RETURN(-ETIMEDOUT,
		      regio_cq_wait(stream.receiver.receive_cq, 1, 0, 50 * MILLISECOND_NS));
	EXPECT(now_ns() - start_ns >= 50 * MILLISECOND_NS, "the wait was too short");
	stream_close(&stream);
	EXPECT(looks_at_monotonic > 10, "the library reads its clock another way");
	ck_assert_uint_eq(looks_at_the_wall, 0);
}
END_TEST

/* Moves the clock for the children of this process. Returns why that is not allowed, or NULL. */
static const char *offset_clock(long seconds)
{
	int fd;

	if (unshare(CLONE_NEWTIME) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWTIME) < 0)
		return "no time namespace allowed (CAP_SYS_ADMIN, or user namespaces; Linux 5.6)";
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "monotonic %ld 0\n", seconds) < 0)
		return "/proc/self/timens_offsets cannot be written";
	close(fd);
	return NULL;
}

/* As of a container that was moved to another machine. */
START_TEST(a_monotonic_clock_years_ahead_changes_nothing)
{
	const char *refused = offset_clock(_i ? 20L * 365 * 86400 : 100);
	pid_t child;
	int status;

	if (refused)
		SKIP("%s", refused);
	child = check_fork();
	EXPECT(child >= 0, "%m");
	if (child == 0) {
		struct stream stream;
		pthread_t thread;

		stream_open(&stream, scaled(20000));
		EXPECT(pthread_create(&thread, NULL, stream_send, &stream) == 0, "%m");
		stream_receive(&stream);
		pthread_join(thread, NULL);
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(stream.receiver.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		stream_close(&stream);
		_exit(EXIT_SUCCESS);
	}
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the child ended with %#x",
	       status);
}
END_TEST

#define CASE_PER_RESTART(test)                                                                     \
	{                                                                                          \
		test, restart_names, 2, CASE_TIMEOUT_S                                             \
	}

int main(void)
{
	static const char *const offsets[] = {"100 seconds", "20 years"};
	const struct test_case cases[] = {
		CASE_PER_RESTART(a_wait_without_end_returns_EINTR),
		CASE_PER_RESTART(a_wait_with_a_time_out_returns_EINTR),
		CASE_PER_RESTART(a_thread_that_runs_a_driver_returns_EINTR),
		CASE_PER_RESTART(a_poll_of_the_descriptor_returns_EINTR_as_poll_does),
		CASE_PER_RESTART(each_of_four_waits_on_one_driver_returns_EINTR),
		CASE_PER_RESTART(a_storm_of_signals_loses_no_message),
		CASE(a_process_that_is_stopped_and_continued_loses_nothing),
		CASE(so_does_one_whose_driver_has_a_thread),
		CASE(a_thread_that_is_cancelled_in_a_wait_leaves_the_queue_usable),
		CASE(no_call_is_a_cancellation_point),
		CASE(the_clock_on_the_wall_is_not_looked_at),
		{a_monotonic_clock_years_ahead_changes_nothing, offsets, 2, CASE_TIMEOUT_S},
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
