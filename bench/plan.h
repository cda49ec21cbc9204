/* SPDX-License-Identifier: MIT */
/*
 * What is to be run: groups of rows that are compared with each other.
 */
#ifndef BENCH_PLAN_H
#define BENCH_PLAN_H

#include "call_cost.h"
#include "options.h"
#include "placement.h"

/* One case with one set of parameters: a row for each implementation. */
struct bench_group {
	const struct bench_case *test;
	struct bench_params params;
	struct bench_row *rows;
	unsigned row_count;
	double core_min_ns; /* between the two cores, over all rounds; 0: not measured */
	double core_max_ns;
	double capacity; /* of the weakest row in messages/s, of cases with loads */
};

/* An implementation that does not work here, and why. */
struct bench_skip {
	const struct bench_impl *impl;
	char reason[256];
};

struct bench_plan {
	const struct bench_options *options;
	struct placement placement;
	int core_cpus[PLACEMENT_CPUS]; /* the different ones */
	unsigned core_count;
	struct calls_method counting;
	struct call_cost call_cost;
	struct bench_group *groups;
	unsigned group_count;
	bool interrupted; /* the groups are those measured before */
	bool too_many;	  /* groups were asked for */
	struct bench_skip skips[OPTIONS_LIST_MAX];
	unsigned skip_count;
};

/* Returns 0, or 2 after a complaint on stderr. */
int plan_make(const struct bench_options *options, const struct placement *placement,
	      struct bench_plan *ret_plan);

void plan_free(struct bench_plan *plan);

#endif
