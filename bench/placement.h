/* SPDX-License-Identifier: MIT */
/*
 * The two cores of a run: which, and how far apart they really are. On a
 * virtual machine the real cores behind two numbers change, and with them the
 * figures, by as much as a factor of two.
 */
#ifndef BENCH_PLACEMENT_H
#define BENCH_PLACEMENT_H

#include <stdbool.h>

#include "side.h"

/*
 * Runs whose cores are this much further apart than the nearest seen in the
 * same group are of another placement.
 */
#define PLACEMENT_RATIO 3.0

struct placement {
	int cpus[BENCH_ROLES]; /* -1: not pinned */
	bool one_core;
};

/*
 * Two cores this process may run on, not hyper-threads of one where that can be
 * helped. -1 when 'wanted' (NULL, or one for each role) cannot be had.
 */
int placement_choose(const int *wanted, struct placement *ret_placement);

/* Nanoseconds a cache line takes from one core to the other; 0 where there is but one. */
double placement_measure_ns(const struct placement *placement);

#endif
