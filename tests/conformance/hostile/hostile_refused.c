/* SPDX-License-Identifier: MIT */
/*
 * hostile_refused.c - kernels and sandboxes without each of the features that regio can do without
 *
 * A feature is taken away by a filter that answers as an old kernel does (ENOSYS, EINVAL,
 * ENOPROTOOPT), or as a sandbox (EPERM, or any other error). Then a little of everything must work.
 * What io_uring is refused in all its ways is in engine.c.
 */
#include "../../support/exchange.h"
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <regio_slots.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/sched.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define ROUNDS 100u

/* How often the thread has given up its CPU because it had to wait. */
static long waited(void)
{
	struct rusage usage;

	EXPECT(getrusage(RUSAGE_THREAD, &usage) == 0, "%m");
	return usage.ru_nvcsw;
}

static const char *const visits[] = {"CPUs can be visited", "nor can CPUs be visited"};

static const int errors[] = {ENOSYS, EPERM, EACCES, EOPNOTSUPP, EINVAL};
static const char *const error_names[] = {"ENOSYS", "EPERM", "EACCES", "EOPNOTSUPP", "EINVAL"};

#define CASE_PER_ERROR(test)                                                                       \
	{                                                                                          \
		test, error_names, 2, CASE_TIMEOUT_S                                               \
	}
/* The first of them are none that the kernel returns in the calls that are refused here. */
#define NOT_FROM_THE_CALL 4
/* Where a filter's error could be taken for one that the call itself returns. */
#define CASE_PER_ANY_ERROR(test)                                                                   \
	{                                                                                          \
		test, error_names, ARRAY_SIZE(errors), CASE_TIMEOUT_S                              \
	}

static void refuse_call(int number, int error)
{
	refuse_calls(&number, 1, error);
}

START_TEST(without_epoll_pwait2_time_outs_are_longer_and_no_more)
{
	struct exchange exchange;
	long before;

	refuse_call(SYS_epoll_pwait2, errors[_i]);
	exchange_open(&exchange, NULL);
	exchange_run(&exchange, ROUNDS);
	before = waited();
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(exchange.sides[0].receive_cq, 1, 0, 100000000));
	EXPECT(waited() > before, "a wait of 100 ms has not slept");
	exchange_close(&exchange);
}
END_TEST

START_TEST(without_membarrier_everything_works)
{
	refuse_call(SYS_membarrier, errors[_i]);
	exchange_once(ROUNDS);
}
END_TEST

/* As by a sandbox that a program enters once it is set up; threads rely on the call by then. */
START_TEST(membarrier_refused_amid_traffic_is_made_up_for)
{
	const int calls[] = {SYS_membarrier, SYS_sched_setaffinity};
	struct exchange exchange;

	exchange_open(&exchange, NULL);
	exchange_run(&exchange, ROUNDS);
	refuse_calls(calls, _i ? 2 : 1, EPERM);
	exchange_run(&exchange, ROUNDS);
	exchange_close(&exchange);
	exchange_once(ROUNDS);
}
END_TEST

/* It registers memory that is locked as far as the limit allows. */
START_TEST(without_mlock_everything_works)
{
	refuse_call(SYS_mlock, errors[_i]);
	exchange_once(ROUNDS);
}
END_TEST

/* Holds: regio_offload_info.receive_trains, regio_offload_info.reason. */
START_TEST(without_UDP_GRO_messages_arrive_one_by_one)
{
	struct regio_offload_info offered;
	struct exchange exchange;
	struct regio_rq_info info;

	/* UDP_GRO of level SOL_UDP; no other option that is used has the number. */
	const char *refused =
		refuse_call_with(SYS_setsockopt, 2, UDP_GRO, _i ? EPERM : ENOPROTOOPT);

	if (refused)
		SKIP("%s", refused);
	exchange_open(&exchange, NULL);
	exchange_run(&exchange, ROUNDS);
	EXPECT_RETURN(0, regio_rq_get_info(exchange.sides[1].rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.receive_trains_on, 0);
	EXPECT_RETURN(0, regio_offload_get_info(&offered, sizeof(offered)));
	ck_assert_uint_eq(offered.receive_trains, 0);
	EXPECT(strstr(offered.reason, "UDP_GRO"), "\"%s\"", offered.reason);
	exchange_close(&exchange);
}
END_TEST

/* A program that opens its sockets, and then locks itself in. */
START_TEST(in_a_sandbox_without_new_sockets_messages_are_joined_all_the_same)
{
	const int fds[] = {bound_socket(AF_INET), bound_socket(AF_INET)};
	struct regio_rq_info info;
	struct side sender, receiver;
	struct regio_result results[64];

	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	connect_to(fds[0], fds[1]);
	refuse_call(SYS_socket, errors[_i]);
	SIDE_OPEN(&sender, .fd = fds[0], .sends = 64, .slot_size = 64);
	SIDE_OPEN(&receiver, .fd = fds[1], .receives = 64, .slot_size = 64);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (uint64_t i = 0; i < 64; i++)
			post_receive(&receiver, i);
		for (uint64_t i = 0; i < 64; i++)
			post_message(&sender, i, 64, i, i < 63 ? REGIO_MSG_DEFER : 0);
		collect(receiver.receive_cq, results, 64);
		for (uint64_t i = 0; i < 64; i++)
			expect_message(slot_memory(&receiver, i), 64, i);
		collect(sender.send_cq, results, 64);
	}
	EXPECT_RETURN(0, regio_rq_get_info(sender.rq, &info, sizeof(info)));
	EXPECT(info.trains_sent > 0, "nothing was joined");
	side_close(&sender);
	side_close(&receiver);
}
END_TEST

START_TEST(in_a_sandbox_without_files_everything_works)
{
	const int opens[] = {SYS_openat};

	/* For leaks, in /proc; gcc 14's ends the program without. */
	if (built_with_sanitizer())
		SKIP("a sanitizer opens files");
	refuse_calls(opens, 1, errors[_i]);
	exchange_once(ROUNDS);
}
END_TEST

/* EINVAL: kernels before 5.14. Holds: regio_region_register -EFAULT. */
START_TEST(without_MADV_POPULATE_memory_is_checked_by_other_means)
{
	char *memory = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct regio_buf slice;
	struct side side;

	EXPECT(memory != MAP_FAILED, "%m");
	/* Read-only in part is read-only. */
	EXPECT(mprotect(memory + 4096, 4096, PROT_READ | PROT_WRITE) == 0, "%m");
	refuse_call_with(SYS_madvise, 2, MADV_POPULATE_WRITE, errors[_i]);
	refuse_call_with(SYS_madvise, 2, MADV_POPULATE_READ, errors[_i]);
	exchange_once(ROUNDS);
	SIDE_OPEN(&side, .family = AF_INET, .receives = 1, .slot_size = 64);
	slice = (struct regio_buf){.length = 64};
	EXPECT_RETURN(0, regio_region_register(memory, 8192, NULL, &slice.region));
	EXPECT_RETURN(-EFAULT, regio_receive(side.rq, &slice, 0, 0));
	EXPECT_RETURN(0, regio_region_deregister(slice.region));
	EXPECT(munmap(memory + 4096, 4096) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory, 8192, NULL, &slice.region));
	side_close(&side);
}
END_TEST

/* As the memory of a pool. */
static void refuse_pool(void)
{
	struct regio_slots_opts opts = {.size = sizeof(opts), .flags = REGIO_REGION_NUMA};
	struct regio_slots *slots = NULL;
	struct regio_cq *cq;

	EXPECT_RETURN(0, regio_cq_create(1, NULL, &cq));
	EXPECT_RETURN(-EPERM, regio_slots_create(cq, 4, 4, &opts, &slots));
	EXPECT(!slots && strstr(regio_last_error(), "seccomp"), "\"%s\"", regio_last_error());
	EXPECT_RETURN(0, regio_cq_close(cq));
}

/*
 * A kernel without NUMA has node 0 alone; a sandbox does not let it be chosen.
 *
 * Holds: regio_region_allocate -EPERM, regio_region_allocate -EINVAL, regio_slots_create -EPERM.
 */
START_TEST(without_mbind_node_0_is_there_or_may_not_be_chosen)
{
	struct regio_region_opts opts = {.size = sizeof(opts), .flags = REGIO_REGION_NUMA};
	uint64_t region = 0;
	void *memory = NULL;

	refuse_call(SYS_mbind, errors[_i]);
	if (errors[_i] == ENOSYS) {
		EXPECT_RETURN(0, regio_region_allocate(4096, &opts, &region, &memory));
		EXPECT_RETURN(0, regio_region_deregister(region));
		opts.numa_node = 1;
		EXPECT_RETURN(-EINVAL, regio_region_allocate(4096, &opts, &region, &memory));
	} else {
		EXPECT_RETURN(-EPERM, regio_region_allocate(4096, &opts, &region, &memory));
		EXPECT(strstr(regio_last_error(), "seccomp"), "\"%s\"", regio_last_error());
		EXPECT(region == 0 && !memory, "it has left something");
		refuse_pool();
	}
	opts = (struct regio_region_opts){.size = sizeof(opts)};
	EXPECT_RETURN(0, regio_region_allocate(4096, &opts, &region, &memory));
	EXPECT_RETURN(0, regio_region_deregister(region));
}
END_TEST

static const char *proc_refused(void)
{
	return built_with_sanitizer() ? "a sanitizer needs /proc" : hide_proc();
}

START_TEST(without_proc_everything_works)
{
	const char *refused = proc_refused();

	if (refused)
		SKIP("%s", refused);
	exchange_once(ROUNDS);
}
END_TEST

START_TEST(without_proc_on_an_old_kernel_memory_is_registered_all_the_same)
{
	const char *refused = proc_refused();
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t region;

	if (refused)
		SKIP("%s", refused);
	EXPECT(memory != MAP_FAILED, "%m");
	refuse_call_with(SYS_madvise, 2, MADV_POPULATE_WRITE, EINVAL);
	refuse_call_with(SYS_madvise, 2, MADV_POPULATE_READ, EINVAL);
	exchange_once(ROUNDS);
	EXPECT_RETURN(0, regio_region_register(memory, 8192, NULL, &region));
	EXPECT_RETURN(0, regio_region_deregister(region));
	EXPECT(munmap(memory + 4096, 4096) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory, 8192, NULL, &region));
}
END_TEST

/* ---- What it cannot do without ------------------------------------------------- */

/* Holds: regio_driver_create -ENOTSUP, regio_cq_create -ENOTSUP. */
START_TEST(without_eventfd_there_is_no_driver_and_nothing_is_left)
{
	struct regio_driver *driver = NULL;
	unsigned int before = open_descriptors();
	struct regio_cq *cq = NULL;
	int error;

	refuse_call(SYS_eventfd2, errors[_i]);
	error = regio_driver_create(NULL, &driver);
	EXPECT(error == -ENOTSUP, "%s: %s", regio_error_name(error), regio_last_error());
	/* Of EINVAL the kernel's age may be the reason as well. */
	if (errors[_i] != EINVAL)
		EXPECT(strstr(regio_last_error(), "eventfd2") &&
			       strstr(regio_last_error(), "seccomp profile"),
		       "\"%s\"", regio_last_error());
	ck_assert_ptr_null(driver);
	error = regio_cq_create(1, NULL, &cq);
	EXPECT(error == -ENOTSUP && !cq, "%s: %s", regio_error_name(error), regio_last_error());
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

/* Holds: regio_rq_create -ENOPROTOOPT. */
START_TEST(without_SO_COOKIE_there_is_no_request_queue_and_nothing_is_left)
{
	struct regio_cq *cq = cq_of(2, NULL);
	struct regio_rq *rq = NULL;
	int fd = bound_socket(AF_INET);
	unsigned int before = open_descriptors();
	struct regio_result result;

	const char *refused = refuse_call_with(SYS_getsockopt, 2, SO_COOKIE, ENOPROTOOPT);

	if (refused)
		SKIP("%s", refused);
	EXPECT_RETURN(-ENOPROTOOPT, regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &rq));
	EXPECT(strstr(regio_last_error(), "SO_COOKIE"), "\"%s\"", regio_last_error());
	ck_assert_ptr_null(rq);
	ck_assert_uint_eq(open_descriptors(), before);
	EXPECT_RETURN(0, regio_cq_dequeue(cq, &result, 1));
	EXPECT_RETURN(0, regio_cq_resize(cq, 1));
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(fd);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_ANY_ERROR(without_epoll_pwait2_time_outs_are_longer_and_no_more),
		CASE_PER_ANY_ERROR(without_membarrier_everything_works),
		{membarrier_refused_amid_traffic_is_made_up_for, visits, 2, CASE_TIMEOUT_S},
		CASE_PER_ANY_ERROR(without_mlock_everything_works),
		CASE_PER_ERROR(without_UDP_GRO_messages_arrive_one_by_one),
		CASE_PER_ERROR(in_a_sandbox_without_new_sockets_messages_are_joined_all_the_same),
		CASE_PER_ANY_ERROR(in_a_sandbox_without_files_everything_works),
		CASE_PER_ANY_ERROR(without_MADV_POPULATE_memory_is_checked_by_other_means),
		{without_mbind_node_0_is_there_or_may_not_be_chosen, error_names, NOT_FROM_THE_CALL,
		 CASE_TIMEOUT_S},
		CASE(without_proc_everything_works),
		CASE(without_proc_on_an_old_kernel_memory_is_registered_all_the_same),
		CASE_PER_ANY_ERROR(without_eventfd_there_is_no_driver_and_nothing_is_left),
		CASE(without_SO_COOKIE_there_is_no_request_queue_and_nothing_is_left),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
