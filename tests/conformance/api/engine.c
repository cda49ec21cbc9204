/* SPDX-License-Identifier: MIT */
/*
 * engine.c - which engine a program gets, where the system refuses io_uring in all the ways it can
 *
 * Each case is a process that has not used the library before. Whatever is refused, messages
 * arrive, nothing is printed, and the calls that ask for the reason are told it.
 */
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAIRS 4u
#define MESSAGE_SIZE 64u

/* ---- Silence ------------------------------------------------------------------- */

static int heard, outputs[2];

static void listen_to_output(void)
{
	heard = memfd_create("output", MFD_CLOEXEC);
	EXPECT(heard >= 0, "%m");
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		outputs[fd - 1] = dup(fd);
		EXPECT(outputs[fd - 1] >= 0 && dup2(heard, fd) == fd, "%m");
	}
}

static void expect_silence(void)
{
	char text[200] = "";
	ssize_t length = pread(heard, text, sizeof(text) - 1, 0);

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		EXPECT(dup2(outputs[fd - 1], fd) == fd, "%m");
		close(outputs[fd - 1]);
	}
	close(heard);
	EXPECT(length == 0, "the library printed: %s", text);
}

/* ---- Traffic ------------------------------------------------------------------- */

/* Enough for polls and for batches to be worth a ring. */
static void exchange(struct regio_driver *driver)
{
	struct side sides[PAIRS];
	uint8_t data[MESSAGE_SIZE];

	for (uint32_t i = 0; i < PAIRS; i++) {
		SIDE_OPEN(&sides[i], .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 1,
			  .sends = 1, .slot_size = MESSAGE_SIZE, .driver = driver);
		post_receive(&sides[i], 0);
	}
	for (uint64_t round = 0; round < 50; round++) {
		for (int i = 0; i < 100; i++)
			expect_empty(sides[0].receive_cq);
		for (uint32_t i = 0; i < PAIRS; i++) {
			fill_message(data, sizeof(data), round * PAIRS + i);
			send_plain(sides[i].peer, data, sizeof(data));
			post_message(&sides[i], 1, MESSAGE_SIZE, round + i, REGIO_MSG_DEFER);
		}
		for (uint32_t i = 0; i < PAIRS; i++) {
			struct regio_result result = collect_one(sides[i].receive_cq);

			expect_result(&result, 0, MESSAGE_SIZE, 0);
			expect_message(sides[i].memory, MESSAGE_SIZE, round * PAIRS + i);
			result = collect_one(sides[i].send_cq);
			expect_result(&result, 0, MESSAGE_SIZE, 1);
			receive_plain(sides[i].peer, data, sizeof(data));
			expect_message(data, MESSAGE_SIZE, round + i);
			post_receive(&sides[i], 0);
		}
	}
	for (uint32_t i = 0; i < PAIRS; i++) {
		side_close(&sides[i]);
	}
}

/* ---- What is told -------------------------------------------------------------- */

static struct regio_engine_info describe(const char *name)
{
	struct regio_engine_info info;

	for (uint32_t index = 0; regio_engine_get_info(index, &info, sizeof(info)) == 0; index++)
		if (!strcmp(info.name, name))
			return info;
	ck_abort_msg("there is no engine %s", name);
}

static struct regio_driver *driver_of(const char *engine)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = engine};
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	return driver;
}

static struct regio_driver_info info_of(struct regio_driver *driver)
{
	struct regio_driver_info info;

	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	return info;
}

/* What a driver made in this way says of itself. */
static struct regio_driver_info told_of(const char *engine)
{
	struct regio_driver *driver = driver_of(engine);
	struct regio_driver_info info = info_of(driver);

	EXPECT_RETURN(0, regio_driver_close(driver));
	return info;
}

static void expect_text(const char *text, const char *part)
{
	EXPECT(strstr(text, part), "\"%s\" does not say \"%s\"", text, part);
}

static void expect_refused(const char *engine, int error, const char *cause, const char *remedy)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = engine};
	struct regio_driver *driver = NULL;

	EXPECT_RETURN(error, regio_driver_create(&opts, &driver));
	ck_assert_ptr_null(driver);
	expect_text(regio_last_error(), cause);
	expect_text(regio_last_error(), remedy);
}

/* The library has not been used yet, and uring cannot be had. */
static void expect_epoll_in_silence(const char *cause, const char *remedy)
{
	struct regio_engine_info uring, epoll;
	struct regio_driver_info info;
	struct regio_driver *driver;
	struct regio_cq *cq = NULL;

	listen_to_output();
	driver = driver_of(NULL);
	info = info_of(driver);
	exchange(driver);
	EXPECT_RETURN(0, regio_driver_close(driver));
	exchange(NULL);
	uring = describe("uring");
	epoll = describe("epoll");
	expect_refused("uring", -ENOTSUP, cause, remedy);
	setenv("REGIO_ENGINE", "uring", 1);
	EXPECT_RETURN(-ENOTSUP, regio_cq_create(1, NULL, &cq));
	expect_text(regio_last_error(), cause);
	expect_silence();
	ck_assert_str_eq(info.engine, "epoll");
	expect_text(info.reason, "uring");
	expect_text(info.reason, cause);
	ck_assert_uint_eq(uring.available, 0);
	ck_assert_uint_eq(uring.automatic, 0);
	expect_text(uring.reason, cause);
	expect_text(uring.remedy, remedy);
	ck_assert_uint_eq(epoll.available, 1);
	ck_assert_uint_eq(epoll.automatic, 1);
}

/* ---- Refused from the start ---------------------------------------------------- */

static const int all_calls[] = {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register};

/*
 * Holds: regio_driver_create -ENOTSUP, regio_cq_create -ENOTSUP, regio_engine_info what,
 * regio_engine_info.automatic, regio_driver_info.reason.
 */
START_TEST(a_filter_that_refuses_io_uring_leaves_epoll)
{
	refuse_calls(all_calls, 3, EPERM);
	expect_epoll_in_silence("io_uring_setup: Operation not permitted", "seccomp");
}
END_TEST

/* Holds: regio_driver_create -ENOTSUP, regio_cq_create -ENOTSUP, regio_engine_info what. */
START_TEST(a_filter_that_hides_io_uring_leaves_epoll)
{
	refuse_calls(all_calls, 3, ENOSYS);
	expect_epoll_in_silence("io_uring_setup: Function not implemented", "Linux 6.1");
}
END_TEST

/* Asked in a child: here the library must not have been used yet. */
static bool rings_work(void)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(describe("uring").available ? EXIT_SUCCESS : EXIT_FAILURE);
	EXPECT(child > 0 && waitpid(child, &status, 0) == child, "%m");
	return status == 0;
}

/*
 * Holds: regio_driver_create -ENOTSUP, regio_cq_create -ENOTSUP, regio_engine_info what,
 * regio_engine_get_info what.
 */
START_TEST(a_filter_that_lets_a_ring_be_made_but_not_used_leaves_epoll)
{
	const int enter = SYS_io_uring_enter;
	unsigned int before = open_descriptors();

	if (!rings_work())
		SKIP("a ring cannot be made here either");
	refuse_calls(&enter, 1, EPERM);
	expect_epoll_in_silence("io_uring_enter: Operation not permitted", "seccomp");
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* Simulated: the setting itself is the whole machine's. */
START_TEST(a_system_that_disables_io_uring_leaves_epoll)
{
	const char *refused = show_io_uring_disabled("2");

	if (refused)
		SKIP("%s", refused);
	refuse_calls(all_calls, 1, EPERM);
	expect_epoll_in_silence("kernel.io_uring_disabled is 2",
				"sysctl kernel.io_uring_disabled=0");
}
END_TEST

START_TEST(a_small_limit_of_locked_memory_is_enough)
{
	struct regio_driver_info info;
	struct regio_driver *driver;

	limit_locked_memory(64 << 10);
	listen_to_output();
	driver = driver_of(NULL);
	info = info_of(driver);
	exchange(driver);
	EXPECT_RETURN(0, regio_driver_close(driver));
	expect_silence();
	EXPECT(!strcmp(info.engine, "uring") || strstr(info.reason, "uring"),
	       "%s, and the reason is \"%s\"", info.engine, info.reason);
}
END_TEST

/* ---- Refused later ------------------------------------------------------------- */

static bool uring_works(void)
{
	return describe("uring").available;
}

START_TEST(a_filter_that_comes_when_rings_are_in_use_leaves_epoll)
{
	const int later[][2] = {{SYS_io_uring_setup, SYS_io_uring_enter},
				{SYS_io_uring_enter, SYS_io_uring_register}};
	struct regio_driver *driver;

	if (!uring_works())
		SKIP("%s", describe("uring").reason);
	listen_to_output();
	driver = driver_of("uring");
	exchange(driver);
	refuse_calls(later[_i], 2, _i ? ENOSYS : EPERM);
	exchange(driver);
	EXPECT_RETURN(0, regio_driver_close(driver));
	exchange(NULL);
	expect_silence();
}
END_TEST

static void *exchange_on(void *driver)
{
	exchange(driver);
	return NULL;
}

START_TEST(a_filter_that_comes_later_does_no_harm_to_threads_without_a_ring)
{
	struct regio_driver *driver;
	pthread_t thread;

	if (!uring_works())
		SKIP("%s", describe("uring").reason);
	listen_to_output();
	driver = driver_of("uring");
	refuse_calls(all_calls, 3, EPERM);
	ck_assert_int_eq(pthread_create(&thread, NULL, exchange_on, driver), 0);
	pthread_join(thread, NULL);
	EXPECT_RETURN(0, regio_driver_close(driver));
	expect_silence();
}
END_TEST

/* It is tried again there. */
START_TEST(a_filter_in_a_child_leaves_epoll)
{
	struct regio_driver *driver = driver_of(NULL);
	pid_t child;
	int status;

	exchange(driver);
	listen_to_output();
	child = check_fork();
	if (child == 0) {
		refuse_calls(all_calls, 3, EPERM);
		exchange(NULL);
		ck_assert_uint_eq(describe("uring").available, 0);
		expect_refused("uring", -ENOTSUP, "Operation not permitted", "seccomp");
		_exit(EXIT_SUCCESS);
	}
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	expect_silence();
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the child ended with %#x",
	       status);
	exchange(driver);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Descriptors --------------------------------------------------------------- */

/* Holds: regio_driver_create -EMFILE, regio_last_error what. */
START_TEST(without_descriptors_every_engine_says_so_and_leaves_nothing)
{
	const char *const wishes[] = {NULL, "auto", "epoll", "uring"};
	unsigned int open = open_descriptors(), limit;
	bool uring = uring_works();

	limit = refuse_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(wishes); i++)
		if (uring || i != 3)
			expect_refused(wishes[i], -EMFILE, "Too many open files", "ulimit -n");
	allow_descriptors(limit);
	ck_assert_uint_eq(open_descriptors(), open);
	exchange(NULL);
}
END_TEST

START_TEST(a_shortage_of_descriptors_is_not_remembered)
{
	struct regio_engine_info info;
	unsigned int limit = refuse_descriptors();

	expect_refused(NULL, -EMFILE, "Too many open files", "ulimit -n");
	allow_descriptors(limit);
	info = describe("uring");
	EXPECT(!strstr(info.reason, "Too many open files"), "uring: %s", info.reason);
}
END_TEST

/* ---- Who chooses --------------------------------------------------------------- */

/* Holds: regio_driver_opts.engine, regio_engine_info.automatic, regio_driver_info.reason. */
START_TEST(the_engine_is_the_preferred_one_that_works)
{
	struct regio_driver_info told = told_of(NULL);

	ck_assert_str_eq(told.engine, uring_works() ? "uring" : "epoll");
	ck_assert_uint_eq(describe(told.engine).automatic, 1);
	EXPECT(told.reason[0], "no reason");
	ck_assert_uint_eq(told.thread, 0);
	ck_assert_str_eq(told_of("auto").engine, told.engine);
	setenv("REGIO_ENGINE", "", 1);
	ck_assert_str_eq(told_of("auto").engine, told.engine);
}
END_TEST

/* Holds: regio_driver_opts.engine, regio_driver_info.reason. */
START_TEST(an_option_beats_the_environment_which_takes_the_place_of_auto)
{
	const char *const engines[] = {"epoll", "uring"};
	const size_t count = uring_works() ? 2 : 1;
	struct regio_driver_info told;

	for (size_t i = 0; i < count; i++) {
		setenv("REGIO_ENGINE", engines[i], 1);
		told = told_of(NULL);
		ck_assert_str_eq(told.engine, engines[i]);
		expect_text(told.reason, "REGIO_ENGINE");
		ck_assert_str_eq(told_of("auto").engine, engines[i]);
		told = told_of(engines[(i + 1) % count]);
		ck_assert_str_eq(told.engine, engines[(i + 1) % count]);
		expect_text(told.reason, "the program");
	}
}
END_TEST

/* Holds: regio_driver_opts.engine, regio_driver_info.thread. */
START_TEST(the_environment_asks_for_a_thread_behind_the_name)
{
	struct regio_driver_info told;

	setenv("REGIO_ENGINE", "epoll+thread", 1);
	told = told_of(NULL);
	ck_assert_str_eq(told.engine, "epoll");
	ck_assert_uint_eq(told.thread, 1);
	ck_assert_uint_eq(told_of("epoll").thread, 0);
}
END_TEST

/* Holds: regio_driver_opts.engine. */
START_TEST(the_environment_asks_for_faults_before_the_name)
{
	setenv("REGIO_ENGINE", "fault+epoll", 1);
	ck_assert_str_eq(told_of(NULL).engine, "fault+epoll");
	ck_assert_str_eq(told_of("epoll").engine, "epoll");
}
END_TEST

/* Holds: regio_driver_opts.engine, regio_driver_create -ENOENT. */
START_TEST(words_joined_to_a_name_are_not_for_the_program)
{
	static const char *const names[] = {
		"epoll+thread", "auto+thread", "fault+epoll", "fault+auto",
		"+thread",	"epoll+",      "+",	      "epoll+uring"};
	const char *const environments[] = {"", "epoll", "auto+thread"};

	for (size_t i = 0; i < ARRAY_SIZE(environments); i++) {
		setenv("REGIO_ENGINE", environments[i], 1);
		for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
			expect_refused(names[k], -ENOENT, names[k], "REGIO_ENGINE");
			expect_refused(names[k], -ENOENT, "the program", "REGIO_DRIVER_THREAD");
		}
	}
	/* Nor are the words names. */
	expect_refused("thread", -ENOENT, "thread", "regio info");
	expect_refused("fault", -ENOENT, "fault", "regio info");
}
END_TEST

/*
 * Holds: regio_driver_create -ENOENT, regio_cq_create -ENOENT, regio.h what 4,
 * regio_last_error what.
 */
START_TEST(an_engine_nobody_knows_is_an_error_that_names_who_asked)
{
	/* The whole text is shown, although each has words that are known. */
	static const char *const words[] = {"thread", "+thread", "epoll+", "fault+nonesuch+thread"};
	char quoted[32];
	struct regio_cq *cq = NULL;

	expect_refused("nonesuch", -ENOENT, "nonesuch", "regio info");
	setenv("REGIO_ENGINE", "wrong", 1);
	expect_refused(NULL, -ENOENT, "REGIO_ENGINE", "wrong");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		snprintf(quoted, sizeof(quoted), "\"%s\"", words[i]);
		setenv("REGIO_ENGINE", words[i], 1);
		expect_refused(NULL, -ENOENT, quoted, "auto, uring, epoll");
	}
	setenv("REGIO_ENGINE", "wrong", 1);
	EXPECT_RETURN(-ENOENT, regio_cq_create(1, NULL, &cq));
	expect_refused("nonesuch", -ENOENT, "the program", "regio info");
	ck_assert_str_eq(told_of("epoll").engine, "epoll");
}
END_TEST

/*
 * Holds: regio_engine_get_info what, regio_engine_get_info -EINVAL, regio_engine_get_info -ENOENT.
 */
START_TEST(describing_the_engines_leaves_nothing_behind)
{
	struct regio_engine_info info;
	unsigned int open, engines = 0, automatic = 0;

	EXPECT_RETURN(-EINVAL, regio_engine_get_info(0, NULL, sizeof(struct regio_engine_info)));
	describe("uring");
	open = open_descriptors();
	for (; regio_engine_get_info(engines, &info, sizeof(info)) == 0; engines++) {
		automatic += info.automatic;
		EXPECT(info.reason[0], "%s: no reason", info.name);
	}
	EXPECT_RETURN(-ENOENT, regio_engine_get_info(engines, &info, sizeof(info)));
	EXPECT(engines >= 2, "%u engines", engines);
	ck_assert_uint_eq(automatic, 1);
	ck_assert_uint_eq(open_descriptors(), open);
}
END_TEST

/* ---- Busy polling -------------------------------------------------------------- */

#define POLL_US 50u

/*
 * What it achieves is for hardware to show; here, that it is asked for, and no longer than wanted.
 *
 * Holds: regio_driver_opts.busy_poll_us, REGIO_DRIVER_PREFER_BUSY_POLL, REGIO_BUSY_POLL what,
 * REGIO_BUSY_POLL_SOCKET, REGIO_BUSY_POLL_PREFER, regio_offload_info.busy_poll,
 * regio_rq_close what.
 */
START_TEST(busy_polling_is_set_on_the_sockets_of_the_driver_while_they_are_its_own)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .busy_poll_us = POLL_US};
	struct regio_offload_info offered;
	struct regio_driver *driver;
	struct side side;
	int before, fd;

	EXPECT_RETURN(0, regio_offload_get_info(&offered, sizeof(offered)));
	if (!(offered.busy_poll & REGIO_BUSY_POLL_SOCKET))
		SKIP("SO_BUSY_POLL may not be raised (CAP_NET_ADMIN needed)");
	/* Newer kernels let everybody raise the first, and few set the second (Linux 6.18). */
	if (offered.busy_poll & REGIO_BUSY_POLL_PREFER)
		opts.flags = REGIO_DRIVER_PREFER_BUSY_POLL;
	fd = bound_socket(AF_INET);
	/* With and without a wish of the program's own. */
	if (_i)
		set_option(fd, SOL_SOCKET, SO_BUSY_POLL, 7);
	if (_i && offered.busy_poll & REGIO_BUSY_POLL_PREFER)
		set_option(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, 1);
	before = get_option(fd, SOL_SOCKET, SO_BUSY_POLL);
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .fd = fd, .family = AF_INET, .receives = 1, .sends = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
	ck_assert_int_eq(get_option(fd, SOL_SOCKET, SO_BUSY_POLL), POLL_US);
	if (offered.busy_poll & REGIO_BUSY_POLL_PREFER)
		ck_assert_int_eq(get_option(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL), 1);
	exchange(driver);
	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	ck_assert_int_eq(get_option(fd, SOL_SOCKET, SO_BUSY_POLL), before);
	if (offered.busy_poll & REGIO_BUSY_POLL_PREFER)
		ck_assert_int_eq(get_option(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL), _i);
	close(fd);
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_driver_create -EPERM, regio_rq_create -EPERM. */
START_TEST(busy_polling_that_is_not_permitted_is_an_error_that_says_so)
{
	struct regio_driver_opts opts = {.size = sizeof(opts),
					 .flags = REGIO_DRIVER_PREFER_BUSY_POLL,
					 .busy_poll_us = POLL_US};
	struct regio_driver *driver = NULL;
	struct regio_rq *rq = NULL;
	struct regio_cq *cq;
	int error, fd;

	limit_locked_memory(64 << 10);
	error = regio_driver_create(&opts, &driver);
	if (error == 0) {
		cq = cq_of(2, driver);
		fd = bound_socket(AF_INET);
		error = regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &rq);
		close(fd);
		EXPECT_RETURN(0, regio_cq_close(cq));
		EXPECT_RETURN(0, regio_driver_close(driver));
	}
	ck_assert_int_eq(error, -EPERM);
	ck_assert_ptr_null(rq);
	expect_text(regio_last_error(), "CAP_NET_ADMIN");
}
END_TEST

static const char *const polled_before[] = {"not polled before", "polled before"};

int main(void)
{
	static const char *const calls[] = {"setup and enter with EPERM",
					    "enter and register with ENOSYS"};
	const struct test_case cases[] = {
		CASE(a_filter_that_refuses_io_uring_leaves_epoll),
		CASE(a_filter_that_hides_io_uring_leaves_epoll),
		CASE(a_filter_that_lets_a_ring_be_made_but_not_used_leaves_epoll),
		CASE(a_system_that_disables_io_uring_leaves_epoll),
		CASE(a_small_limit_of_locked_memory_is_enough),
		{a_filter_that_comes_when_rings_are_in_use_leaves_epoll, calls, 2, CASE_TIMEOUT_S},
		CASE(a_filter_that_comes_later_does_no_harm_to_threads_without_a_ring),
		CASE(a_filter_in_a_child_leaves_epoll),
		CASE(without_descriptors_every_engine_says_so_and_leaves_nothing),
		CASE(a_shortage_of_descriptors_is_not_remembered),
		CASE(the_engine_is_the_preferred_one_that_works),
		CASE(an_option_beats_the_environment_which_takes_the_place_of_auto),
		CASE(the_environment_asks_for_a_thread_behind_the_name),
		CASE(the_environment_asks_for_faults_before_the_name),
		CASE(words_joined_to_a_name_are_not_for_the_program),
		CASE(an_engine_nobody_knows_is_an_error_that_names_who_asked),
		CASE(describing_the_engines_leaves_nothing_behind),
		{busy_polling_is_set_on_the_sockets_of_the_driver_while_they_are_its_own,
		 polled_before, 2, CASE_TIMEOUT_S},
		CASE(busy_polling_that_is_not_permitted_is_an_error_that_says_so),
	};

	/* It is the choice that is tested; the engines are not tried before the cases. */
	unsetenv("REGIO_TEST_ENGINE");
	unsetenv("REGIO_ENGINE");
	return run_cases(cases, ARRAY_SIZE(cases));
}
