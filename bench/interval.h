/* SPDX-License-Identifier: MIT */
/*
 * What can be said of a median from values that scatter, and whether that decides a question.
 */
#ifndef BENCH_INTERVAL_H
#define BENCH_INTERVAL_H

struct interval {
	double middle; /* the median of the values; NaN when there are none */
	double low;    /* NaN, as is high, when the values are too few */
	double high;
	unsigned count;
};

enum interval_decision { INTERVAL_YES, INTERVAL_UNDECIDED, INTERVAL_NO };

extern const char *const interval_decision_names[];

/*
 * Sorts 'values'. Low and high are two of them, between which the median of what they were drawn
 * from lies with a confidence of at least 95 %, whatever the distribution; 6 values are the fewest.
 */
struct interval interval_of_median(double *values, unsigned count);

/* Whether the median is at most 'most': yes or no where all of the interval agrees. */
enum interval_decision interval_at_most(const struct interval *interval, double most);

#endif
