/* SPDX-License-Identifier: MIT */
/*
 * bench_call_filter.c - the filter that makes system calls costly allows all, and cannot be
 * remembered
 */
#include "../support/suite.h"

#include <linux/seccomp.h>

#include "call_filter.h"

static struct sock_filter filter[CALL_FILTER_WORK_MAX + 2];

START_TEST(the_filter_looks_at_an_argument_first)
{
	call_filter_make(1, filter);
	ck_assert_uint_eq(filter[0].code, BPF_LD | BPF_W | BPF_ABS);
	ck_assert_uint_ge(filter[0].k, offsetof(struct seccomp_data, args));
	ck_assert_uint_lt(filter[0].k, sizeof(struct seccomp_data));
	ck_assert_uint_eq(filter[0].k % 4, 0);
}
END_TEST

START_TEST(the_filter_is_as_long_as_its_work_and_allows)
{
	static const uint32_t works[] = {0, 1, 100, CALL_FILTER_WORK_MAX};

	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		uint16_t count = call_filter_make(works[i], filter);

		ck_assert_uint_eq(count, works[i] + 2);
		ck_assert_uint_le(count, BPF_MAXINSNS);
		/* Each uses what the one before has left, so none can be left out. */
		for (uint16_t at = 1; at + 1 < count; at++)
			ck_assert_uint_eq(filter[at].code, BPF_ALU | BPF_MUL | BPF_K);
		ck_assert_uint_eq(filter[count - 1].code, BPF_RET | BPF_K);
		ck_assert_uint_eq(filter[count - 1].k, SECCOMP_RET_ALLOW);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_filter_looks_at_an_argument_first),
		CASE(the_filter_is_as_long_as_its_work_and_allows),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
