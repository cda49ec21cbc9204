/* SPDX-License-Identifier: MIT */
/*
 * Bars: what the p99.9 of a row may be at most, as a multiple of another row's, and whether the
 * rounds decide it. Rounds are compared in pairs, since what the machine does befalls both of a
 * pair; the median of these ratios is what the bar is for.
 */
#ifndef BENCH_BARS_H
#define BENCH_BARS_H

#include "plan.h"

/* The figure that bars are for. */
#define BAR_VALUE VALUE_P999_US

/*
 * Rows of regio against each peer; the bar that is least met is kept. A row of a control is
 * compared with what it repeats: where their interval leaves out 1, nothing is decided.
 */
void bars_to_peers(struct bench_row *rows, unsigned count);

/* Each row against that with the fewest hosts of as many queues. */
void bars_to_fewest_hosts(struct bench_group *groups, unsigned count);

#endif
