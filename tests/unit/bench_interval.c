/* SPDX-License-Identifier: MIT */
/*
 * bench_interval.c - what the benchmark says of a median, and when that decides a question
 */
#include "../support/message.h"
#include "../support/suite.h"

#include "interval.h"

#include <math.h>

#define VALUES_MAX 1000u
/* Of the samples below that must hold the median: 95 % less what chance leaves of 4,000. */
#define SAMPLES 4000u
#define HELD_MIN 3760u

/* 1 to 'count', in an order of no meaning. */
static struct interval of_numbers(unsigned count)
{
	double values[VALUES_MAX];

	for (unsigned i = 0; i < count; i++)
		values[i * 37 % count] = i + 1;
	return interval_of_median(values, count);
}

START_TEST(the_interval_is_that_of_the_tables)
{
	/* Of the sign test, for two sides and 5 %: 0, 1, 1, 2, 5, 39, 468 values are below. */
	const struct {
		unsigned count;
		double low, high;
	} wanted[] = {{6, 1, 6},   {9, 2, 8},	  {10, 2, 9},	   {12, 3, 10},
		      {20, 6, 15}, {100, 40, 61}, {1000, 469, 532}};

	for (unsigned i = 0; i < ARRAY_SIZE(wanted); i++) {
		struct interval interval = of_numbers(wanted[i].count);

		EXPECT(interval.low == wanted[i].low && interval.high == wanted[i].high,
		       "%u values: %g to %g", wanted[i].count, interval.low, interval.high);
		ck_assert_double_eq(interval.middle, (wanted[i].count + 1) / 2.0);
	}
}
END_TEST

START_TEST(too_few_values_decide_nothing)
{
	for (unsigned count = 0; count < 6; count++) {
		struct interval interval = of_numbers(count);

		EXPECT(isnan(interval.low) && isnan(interval.high), "%u values", count);
		ck_assert_int_eq(interval_at_most(&interval, 0), INTERVAL_UNDECIDED);
		ck_assert_int_eq(interval_at_most(&interval, 1000), INTERVAL_UNDECIDED);
	}
}
END_TEST

START_TEST(all_of_an_interval_decides)
{
	struct interval interval = of_numbers(10);

	ck_assert_int_eq(interval_at_most(&interval, 9), INTERVAL_YES);
	ck_assert_int_eq(interval_at_most(&interval, 8.9), INTERVAL_UNDECIDED);
	ck_assert_int_eq(interval_at_most(&interval, 2), INTERVAL_UNDECIDED);
	ck_assert_int_eq(interval_at_most(&interval, 1.9), INTERVAL_NO);
}
END_TEST

/* Of ratios whose median is 1, and which a stall now and then multiplies or divides by up to 40. */
START_TEST(the_interval_holds_the_median_of_ratios_with_stalls)
{
	uint64_t random = 1;
	unsigned held = 0;

	for (unsigned sample = 0; sample < SAMPLES; sample++) {
		struct interval interval;
		double values[20];

		for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
			double stall = random_below(&random, 4) ? 1.2 : 40;

			values[i] = pow(stall, (random_below(&random, 2001) - 1000.0) / 1000);
		}
		interval = interval_of_median(values, ARRAY_SIZE(values));
		held += interval.low <= 1 && interval.high >= 1;
	}
	EXPECT(held >= HELD_MIN, "%u of %u", held, SAMPLES);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_interval_is_that_of_the_tables),
		CASE(too_few_values_decide_nothing),
		CASE(all_of_an_interval_decides),
		CASE(the_interval_holds_the_median_of_ratios_with_stalls),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
