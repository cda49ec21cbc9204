/* SPDX-License-Identifier: MIT */
/*
 * hgrm.c - the percentile output of HdrHistogram
 *
 * Each line is held against the histogram itself.
 */
#include "../support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hgrm.h"

struct line {
	double value_us;
	double fraction;
	uint64_t count;
	bool last;
};

static struct histogram histogram;
static struct line lines[1000];
static unsigned line_count;
static char summary[512];

static void setup(void)
{
	histogram_clear(&histogram);
	line_count = 0;
	summary[0] = '\0';
}

static void read_line(const char *text)
{
	struct line line;
	unsigned long long count;
	double ratio;
	int fields =
		sscanf(text, "%lf %lf %llu %lf", &line.value_us, &line.fraction, &count, &ratio);

	ck_assert_msg(fields >= 3, "%s", text);
	ck_assert_uint_lt(line_count, ARRAY_SIZE(lines));
	line.count = count;
	line.last = fields == 3;
	if (!line.last)
		ck_assert_double_eq_tol(ratio * (1 - line.fraction), 1, 0.01);
	lines[line_count++] = line;
}

static void write_and_read(void)
{
	char *text = NULL, *rest, *next;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	hgrm_write(file, &histogram);
	fclose(file);
	ck_assert_ptr_nonnull(strstr(text, "Value     Percentile TotalCount 1/(1-Percentile)\n\n"));
	rest = strchr(text, '\n') + 2;
	for (; *rest && *rest != '#'; rest = next + 1) {
		next = strchr(rest, '\n');
		*next = '\0';
		read_line(rest);
	}
	snprintf(summary, sizeof(summary), "%s", rest);
	free(text);
}

START_TEST(each_line_is_what_the_histogram_says)
{
	for (uint64_t i = 1; i <= 100000; i++)
		histogram_record(&histogram, i * 100);
	write_and_read();
	ck_assert_uint_gt(line_count, 30);
	for (unsigned i = 0; i < line_count; i++) {
		const struct line *line = &lines[i];
		uint64_t wanted_ns = histogram_quantile_ns(&histogram, line->fraction);

		ck_assert_double_eq_tol(line->value_us * 1000, (double)wanted_ns,
					0.01 * (double)wanted_ns + 1);
		ck_assert_uint_ge(line->count + 1, (uint64_t)(line->fraction * 100000));
		if (i > 0) {
			ck_assert_double_gt(line->fraction, line[-1].fraction);
			ck_assert_double_ge(line->value_us, line[-1].value_us);
			ck_assert_uint_ge(line->count, line[-1].count);
		}
	}
	ck_assert(lines[0].fraction == 0);
	ck_assert(lines[line_count - 1].last && lines[line_count - 1].fraction == 1);
	ck_assert_uint_eq(lines[line_count - 1].count, 100000);
	ck_assert_double_eq_tol(lines[line_count - 1].value_us, 10000, 0.001);
	ck_assert_ptr_nonnull(strstr(summary, "Total count    =       100000]"));
}
END_TEST

START_TEST(mean_and_deviation_are_those_of_the_values)
{
	double mean = 0, deviation = 0;

	for (int i = 0; i < 10; i++)
		histogram_record(&histogram, i < 5 ? 40 : 60);
	write_and_read();
	ck_assert_int_eq(
		sscanf(summary, "#[Mean    = %lf, StdDeviation   = %lf]", &mean, &deviation), 2);
	ck_assert_double_eq_tol(mean, 0.05, 0.0005);
	ck_assert_double_eq_tol(deviation, 0.01, 0.0005);
}
END_TEST

START_TEST(one_value_is_one_line)
{
	histogram_record(&histogram, 5000);
	write_and_read();
	ck_assert_uint_eq(line_count, 1);
	ck_assert(lines[0].last && lines[0].count == 1);
}
END_TEST

START_TEST(an_empty_histogram_has_no_line)
{
	write_and_read();
	ck_assert_uint_eq(line_count, 0);
	ck_assert_ptr_nonnull(strstr(summary, "Total count    =            0]"));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(each_line_is_what_the_histogram_says),
		CASE(mean_and_deviation_are_those_of_the_values),
		CASE(one_value_is_one_line),
		CASE(an_empty_histogram_has_no_line),
	};

	setup();
	return run_cases(cases, ARRAY_SIZE(cases));
}
