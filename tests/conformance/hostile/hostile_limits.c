/* SPDX-License-Identifier: MIT */
/*
 * hostile_limits.c - descriptors, memory, locked memory, threads and stacks run out
 *
 * What is refused is refused with its reason and leaves nothing behind; what is in use goes on; and
 * when there is enough again, everything works.
 */
#include "../../support/cgroup.h"
#include "../../support/exchange.h"
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 100u

static void expect_last_error(const char *part)
{
	EXPECT(strstr(regio_last_error(), part), "\"%s\" does not say \"%s\"", regio_last_error(),
	       part);
}

static void *run_on(void *exchange)
{
	exchange_run(exchange, ROUNDS);
	return NULL;
}

static void run_on_another_thread(struct exchange *exchange)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, run_on, exchange) == 0, "%m");
	pthread_join(thread, NULL);
}

/* ---- Descriptors --------------------------------------------------------------- */

/* Holds: regio_cq_fd -EMFILE, regio_cq_create -EMFILE, regio.h what 4. */
START_TEST(traffic_goes_on_when_descriptors_run_out)
{
	unsigned int before, limit;
	struct exchange exchange;
	struct regio_cq *cq = NULL;

	exchange_open(&exchange, NULL);
	before = open_descriptors();
	limit = refuse_descriptors();
	exchange_run(&exchange, ROUNDS);
	/* For which there is no ring. */
	run_on_another_thread(&exchange);
	EXPECT_RETURN(-EMFILE, regio_cq_fd(exchange.sides[0].receive_cq));
	expect_last_error("ulimit -n");
	EXPECT_RETURN(-EMFILE, regio_cq_create(1, NULL, &cq));
	expect_last_error("ulimit -n");
	ck_assert_ptr_null(cq);
	exchange_run(&exchange, ROUNDS);
	allow_descriptors(limit);
	/* Beside the rings of threads, there are no more than before. */
	EXPECT(open_descriptors() <= before + 1, "%u descriptors, %u before", open_descriptors(),
	       before);
	EXPECT(regio_cq_fd(exchange.sides[0].receive_cq) >= 0, "no descriptor");
	exchange_run(&exchange, ROUNDS);
	exchange_close(&exchange);
	exchange_once(ROUNDS);
}
END_TEST

/* Holds: regio_offload_info.send_train_messages. */
START_TEST(a_queue_made_without_descriptors_to_spare_joins_messages_all_the_same)
{
	struct regio_offload_info offered;
	struct regio_rq_info info;
	struct regio_driver *driver;
	struct regio_result results[8];
	struct regio_cq *cq;
	struct regio_rq *rq = NULL;
	uint8_t memory[64] = {0};
	uint64_t region;
	unsigned int limit;
	int to = bound_socket(AF_INET), fd = peer_of(to);

	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	cq = cq_of(8, driver);
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
	limit = refuse_descriptors();
	EXPECT_RETURN(0, regio_rq_create(fd, 0, 8, cq, cq, 0, NULL, &rq));
	for (uint64_t i = 0; i < 8; i++) {
		struct regio_buf slice = {region, 0, sizeof(memory)};

		EXPECT_RETURN(0, regio_send(rq, &slice, i < 7 ? REGIO_MSG_DEFER : 0, i));
	}
	collect(cq, results, 8);
	EXPECT_RETURN(0, regio_rq_get_info(rq, &info, sizeof(info)));
	EXPECT(info.send_trains_on, "nothing is joined");
	EXPECT(driven_by_a_thread() || info.trains_sent == 1, "%llu trains",
	       (unsigned long long)info.trains_sent);
	allow_descriptors(limit);
	EXPECT_RETURN(0, regio_offload_get_info(&offered, sizeof(offered)));
	ck_assert_uint_eq(offered.send_train_messages, train_limit());
	EXPECT(!offered.reason[0] || !offered.loopback_joins, "\"%s\"", offered.reason);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT_RETURN(0, regio_region_deregister(region));
	close(to);
}
END_TEST

/* ---- Memory -------------------------------------------------------------------- */

static rlim_t address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long long pages = 0;

	EXPECT(file && fscanf(file, "%llu", &pages) == 1, "%m");
	fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void limit_address_space(rlim_t bytes)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_AS, &limit) == 0, "%m");
	limit.rlim_cur = bytes;
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0, "%m");
}

/* Each may still find room in what malloc() has; then all of it must work. */
static void create_with_no_memory(void)
{
	struct regio_driver *driver = NULL;
	struct regio_cq *cq = NULL;
	uint64_t region = 0;
	void *memory = NULL;
	int error;

	EXPECT_RETURN(-ENOMEM, regio_region_allocate(1 << 20, NULL, &region, &memory));
	EXPECT(region == 0 && !memory && regio_last_error()[0], "it has left something");
	error = regio_driver_create(NULL, &driver);
	EXPECT(error == 0 || error == -ENOMEM || error == -EAGAIN, "%s: %s",
	       regio_error_name(error), regio_last_error());
	EXPECT(!driver == !!error, "a handle and an error");
	if (driver)
		EXPECT_RETURN(0, regio_driver_close(driver));
	error = regio_cq_create(1000, NULL, &cq);
	EXPECT(error == 0 || error == -ENOMEM || error == -EAGAIN, "%s: %s",
	       regio_error_name(error), regio_last_error());
	EXPECT(!cq == !!error, "a handle and an error");
	if (cq)
		EXPECT_RETURN(0, regio_cq_close(cq));
}

/* Holds: regio_region_allocate -ENOMEM. */
START_TEST(traffic_goes_on_when_memory_runs_out)
{
	struct exchange exchange;
	unsigned int before;

	if (built_with_sanitizer())
		SKIP("a sanitizer needs address space without end");
	exchange_open(&exchange, NULL);
	exchange_run(&exchange, 1);
	before = open_descriptors();
	/* The first bursts want working areas for trains, and do without. */
	limit_address_space(address_space());
	exchange_run(&exchange, ROUNDS);
	create_with_no_memory();
	exchange_run(&exchange, ROUNDS);
	limit_address_space(RLIM_INFINITY);
	EXPECT(open_descriptors() <= before + 1, "%u descriptors, %u before", open_descriptors(),
	       before);
	exchange_close(&exchange);
	exchange_once(ROUNDS);
}
END_TEST

/* The library's allocations come here: the program's definitions go before those of libc. */
static _Thread_local bool no_memory;

void *aligned_alloc(size_t alignment, size_t size)
{
	void *memory;
	int error = no_memory ? ENOMEM : posix_memalign(&memory, alignment, size);

	if (error == 0)
		return memory;
	errno = error;
	return NULL;
}

/* The record of a thread, which it gets with its first call. */
static void *call_without_memory(void *argument)
{
	struct side *side = argument;
	const struct regio_buf slice = slot_slice(side, 0, 64);
	const struct regio_request request = {.data = slice};
	struct regio_rq_info info;

	no_memory = true;
	EXPECT_RETURN(-ENOMEM, regio_receive(side->rq, &slice, 0, 0));
	EXPECT_RETURN(-ENOMEM, regio_receive_ex(side->rq, &slice, NULL, 0, 0));
	EXPECT_RETURN(-ENOMEM, regio_send(side->rq, &slice, 0, 0));
	EXPECT_RETURN(-ENOMEM, regio_send_ex(side->rq, &slice, NULL, 0, 0));
	EXPECT_RETURN(-ENOMEM, regio_post(side->rq, REGIO_HALF_RECEIVE, &request, 1));
	EXPECT_RETURN(-ENOMEM, regio_cq_notify(side->receive_cq));
	EXPECT_RETURN(-ENOMEM, regio_rq_get_info(side->rq, &info, sizeof(info)));
	EXPECT_RETURN(-ENOMEM, regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE));
	expect_last_error("out of memory");
	EXPECT_RETURN(-ENOMEM, regio_rq_replace_socket(side->rq, side->fd));
	EXPECT_RETURN(-ENOMEM, regio_rq_resize(side->rq, 2, 2));
	no_memory = false;
	/* Not one of them was posted. */
	post_receive(side, 0);
	EXPECT_RETURN(1, regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE));
	return NULL;
}

/*
 * Holds: regio_receive -ENOMEM, regio_send -ENOMEM, regio_cq_notify -ENOMEM,
 * regio_rq_get_info -ENOMEM, regio_rq_cancel -ENOMEM, regio_rq_replace_socket -ENOMEM,
 * regio_rq_resize -ENOMEM.
 */
START_TEST(the_first_call_of_a_thread_needs_memory_and_says_so)
{
	struct regio_result result;
	struct side side;
	pthread_t thread;

	if (built_with_sanitizer())
		SKIP("a sanitizer has this call already");
	side_open(&side, &(struct side_plan){
				 .family = AF_INET, .receives = 1, .sends = 1, .slot_size = 64});
	EXPECT(pthread_create(&thread, NULL, call_without_memory, &side) == 0, "%m");
	pthread_join(thread, NULL);
	result = collect_one(side.receive_cq);
	expect_result(&result, -ECANCELED, 0, 0);
	expect_empty(side.send_cq);
	side_close(&side);
}
END_TEST

START_TEST(no_locked_memory_at_all_is_enough)
{
	limit_locked_memory(_i ? 4096 : 0);
	exchange_once(ROUNDS);
}
END_TEST

/* What a page or two for each thousand messages would exceed. */
#define GROUP_SPARE (2u << 20)
#define GROUP_ROUNDS 2000u

static void run_in_full_group(void)
{
	struct exchange exchange;

	memory_group_enter();
	exchange_open(&exchange, NULL);
	exchange_run(&exchange, ROUNDS);
	memory_group_limit(GROUP_SPARE);
	exchange_run(&exchange, GROUP_ROUNDS);
	exchange_close(&exchange);
}

START_TEST(traffic_goes_on_in_a_memory_cgroup_that_is_full)
{
	const char *refused =
		built_with_sanitizer() ? "a sanitizer maps as it likes" : memory_group_make();
	pid_t child;
	int status;

	if (refused)
		SKIP("%s", refused);
	child = fork();
	if (child == 0) {
		run_in_full_group();
		_exit(EXIT_SUCCESS);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child, "%m");
	memory_group_remove();
	EXPECT(status == 0, "%s", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "failed");
}
END_TEST

/* ---- Threads and stacks -------------------------------------------------------- */

/* Holds: regio_driver_create -EAGAIN, regio_cq_create -EAGAIN. */
START_TEST(without_threads_a_driver_of_the_callers_works_and_another_says_what_to_change)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};
	struct regio_driver *driver = NULL;
	struct regio_cq *cq = NULL;
	unsigned int before = open_descriptors();

	if (driven_by_a_thread())
		SKIP("every driver would have a thread");
	if (built_with_sanitizer())
		SKIP("a sanitizer looks for leaks on a thread of its own");
	refuse_threads();
	EXPECT_RETURN(-EAGAIN, regio_driver_create(&opts, &driver));
	ck_assert_ptr_null(driver);
	expect_last_error("ulimit -u");
	setenv("REGIO_ENGINE", "epoll+thread", 1);
	EXPECT_RETURN(-EAGAIN, regio_cq_create(1, NULL, &cq));
	ck_assert_ptr_null(cq);
	ck_assert_uint_eq(open_descriptors(), before);
	/* Which engine is found out on a thread: without one, the plainest is taken. */
	unsetenv("REGIO_ENGINE");
	exchange_once(ROUNDS);
}
END_TEST

/* Of threads that the program makes, and of those that it leaves to the library. */
#define SMALL_STACK (32u << 10)

static void *exchange_on_thread(void *argument)
{
	exchange_once(ROUNDS);
	return NULL;
}

START_TEST(small_stacks_are_enough)
{
	/* Of arm64 glibc wants 128 KiB at least. */
	const long least = sysconf(_SC_THREAD_STACK_MIN);
	const size_t size = least > (long)SMALL_STACK ? (size_t)least : SMALL_STACK;
	pthread_attr_t attributes;
	pthread_t thread;

	if (built_with_sanitizer())
		SKIP("a sanitizer needs more");
	EXPECT(pthread_attr_init(&attributes) == 0, "%m");
	EXPECT(pthread_attr_setstacksize(&attributes, size) == 0, "%zu bytes", size);
	/* As where ulimit -s is small. */
	EXPECT(pthread_setattr_default_np(&attributes) == 0, "%m");
	EXPECT(pthread_create(&thread, &attributes, exchange_on_thread, NULL) == 0, "%m");
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
}
END_TEST

int main(void)
{
	static const char *const locked[] = {"0 bytes", "a page"};
	const struct test_case cases[] = {
		CASE(traffic_goes_on_when_descriptors_run_out),
		CASE(a_queue_made_without_descriptors_to_spare_joins_messages_all_the_same),
		CASE(traffic_goes_on_when_memory_runs_out),
		CASE(the_first_call_of_a_thread_needs_memory_and_says_so),
		CASE(traffic_goes_on_in_a_memory_cgroup_that_is_full),
		{no_locked_memory_at_all_is_enough, locked, 2, CASE_TIMEOUT_S},
		CASE(without_threads_a_driver_of_the_callers_works_and_another_says_what_to_change),
		CASE(small_stacks_are_enough),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
