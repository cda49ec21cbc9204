/* SPDX-License-Identifier: MIT */
/*
 * bench_calls.c - which system calls found nothing, reported in the same way to a tracer and to the
 * kernel
 */
#include "../support/suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "empty_calls.h"

/* Whether the kernel's filter lets through a call: it is a list of what it does. */
static bool filter_takes(long call, long result)
{
	char filter[EMPTY_CALLS_FILTER_BYTES], wanted[64];

	empty_calls_filter(filter, sizeof(filter));
	snprintf(wanted, sizeof(wanted), "(id == %ld && ret == %ld)", call, result);
	return strstr(filter, wanted) != NULL;
}

static void check(long call, long result, bool empty)
{
	ck_assert_msg(empty_call((uint64_t)call, result) == empty, "call %ld, result %ld", call,
		      result);
	ck_assert_msg(filter_takes(call, result) == empty, "filter: call %ld, result %ld", call,
		      result);
}

START_TEST(what_would_have_had_to_wait_is_empty)
{
	check(SYS_recvfrom, -EAGAIN, true);
	check(SYS_recvmmsg, -EAGAIN, true);
	check(SYS_sendmsg, -EAGAIN, true);
	check(SYS_epoll_pwait, 0, true);
	check(SYS_ppoll, 0, true);
	check(SYS_sched_yield, 0, true);
	check(SYS_io_uring_enter, -ETIME, true);
}
END_TEST

START_TEST(what_did_something_is_not)
{
	check(SYS_recvfrom, 64, false);
	/* An empty message is a message. */
	check(SYS_recvfrom, 0, false);
	check(SYS_recvfrom, -ECONNREFUSED, false);
	check(SYS_epoll_pwait, 1, false);
	check(SYS_epoll_pwait, -EINTR, false);
	check(SYS_sendto, 64, false);
	check(SYS_epoll_ctl, 0, false);
	check(SYS_getsockopt, 0, false);
	/* A ring that was entered for nothing says so in memory, if at all. */
	check(SYS_io_uring_enter, 0, false);
	check(SYS_futex, -EAGAIN, false);
}
END_TEST

START_TEST(the_filter_is_whole)
{
	char filter[EMPTY_CALLS_FILTER_BYTES];
	size_t length;

	empty_calls_filter(filter, sizeof(filter));
	length = strlen(filter);
	ck_assert_uint_lt(length, sizeof(filter) - 1);
	ck_assert_int_eq(filter[length - 1], ')');
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(what_would_have_had_to_wait_is_empty),
		CASE(what_did_something_is_not),
		CASE(the_filter_is_whole),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
