/* SPDX-License-Identifier: MIT */
/*
 * bench_lengths.c - what the benchmark says of how long it will take
 */
#include "../support/suite.h"

#include "lengths.h"

static void check_text(double seconds, const char *wanted)
{
	char text[LENGTH_TEXT_BYTES];

	length_text(seconds, text);
	ck_assert_str_eq(text, wanted);
}

START_TEST(lengths_are_reported_in_two_units_at_most)
{
	check_text(0, "1 second");
	check_text(1.4, "1 second");
	check_text(59.4, "59 seconds");
	check_text(59.6, "1 minute");
	check_text(61, "1 minute");
	check_text(247, "4 minutes 10 seconds");
	check_text(3594, "59 minutes 50 seconds");
	check_text(3596, "1 hour");
	check_text(3700, "1 hour 2 minutes");
	check_text(7200, "2 hours");
	check_text(3600.0 * 3600 * 1000, "3600000 hours");
}
END_TEST

START_TEST(a_row_takes_its_measured_time_and_what_each_round_adds)
{
	double one = length_of_row_s(1, 1, 1), three = length_of_row_s(1, 3, 1);

	ck_assert_double_gt(one, 1 + (WARMUP_NS + COUNTED_WARMUP_NS + COUNTED_MEASURE_NS) / 1e9);
	ck_assert_double_gt(three, one + 2 * WARMUP_NS / 1e9);
	ck_assert_double_eq_tol(length_of_row_s(5, 3, 1), three + 4, 1e-9);
	ck_assert_double_gt(length_of_row_s(1, 3, 1000), three);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(lengths_are_reported_in_two_units_at_most),
		CASE(a_row_takes_its_measured_time_and_what_each_round_adds),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
