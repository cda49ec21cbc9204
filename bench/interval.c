/* SPDX-License-Identifier: MIT */
/*
 * What can be said of a median from values that scatter, and whether that decides a question.
 */
#include "interval.h"

#include <math.h>
#include <stdlib.h>

/* Of both ends together. */
#define OUTSIDE_MAX 0.05

const char *const interval_decision_names[] = {
	[INTERVAL_YES] = "yes",
	[INTERVAL_UNDECIDED] = "undecided",
	[INTERVAL_NO] = "no",
};

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/*
 * How many values at each end lie outside. Each value is below the median with probability 1/2, so
 * how many are is binomial.
 */
static unsigned outside(unsigned count)
{
	double probability = pow(0.5, count), sum = probability;
	unsigned number = 0;

	while (2 * sum <= OUTSIDE_MAX) {
		number++;
		probability *= (double)(count - number + 1) / number;
		sum += probability;
	}
	return number;
}

struct interval interval_of_median(double *values, unsigned count)
{
	struct interval interval = {.middle = NAN, .low = NAN, .high = NAN, .count = count};
	unsigned end;

	if (count == 0)
		return interval;
	qsort(values, count, sizeof(*values), compare_doubles);
	interval.middle = (values[(count - 1) / 2] + values[count / 2]) / 2;
	end = outside(count);
	if (end == 0)
		return interval;
	interval.low = values[end - 1];
	interval.high = values[count - end];
	return interval;
}

enum interval_decision interval_at_most(const struct interval *interval, double most)
{
	if (interval->high <= most)
		return INTERVAL_YES;
	return interval->low > most ? INTERVAL_NO : INTERVAL_UNDECIDED;
}
