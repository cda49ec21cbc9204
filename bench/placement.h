/* SPDX-License-Identifier: MIT */
/*
 * The cores of a run: which, and how far apart those of the two sides really are. On a
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

/* The most cores a run uses. */
#define PLACEMENT_CPUS (2 * BENCH_ROLES)

struct placement {
	int cpus[BENCH_ROLES];
	int thread_cpus[BENCH_ROLES]; /* of a side's second thread; may be the side's own */
	bool one_core;
};

/*
 * Cores this process may run on, not hyper-threads of one where that can be
 * helped: one for each side, then one more for each where there are so many.
 * The first 'wanted_count' of them, in this order, are to be those of 'wanted'; -1
 * when they cannot be had.
 */
int placement_choose(const uint32_t *wanted, unsigned wanted_count,
		     struct placement *ret_placement);

/* All the different CPUs of a placement, at most PLACEMENT_CPUS; how many. */
unsigned placement_cpus(const struct placement *placement, int ret_cpus[PLACEMENT_CPUS]);

/* Has the calling thread run on one CPU. */
void placement_pin(int cpu);

/* Nanoseconds a cache line takes from one core to the other; 0 where there is but one. */
double placement_measure_ns(const struct placement *placement);

#endif
