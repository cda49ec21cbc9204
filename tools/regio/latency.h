/* SPDX-License-Identifier: MIT */
/*
 * Latencies of a run, and of its last second: recorded by one thread, shown by
 * percentiles, as a table, JSON and a plot.
 */
#ifndef REGIO_TOOL_LATENCY_H
#define REGIO_TOOL_LATENCY_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "counter.h"
#include "histogram.h"

struct latency {
	struct histogram all;
	struct histogram recent;
	/* Of the second before, for the live line. */
	counter p50_ns;
	counter p99_ns;
};

static inline void latency_record(struct latency *latency, uint64_t value_ns)
{
	histogram_record(&latency->all, value_ns);
	histogram_record(&latency->recent, value_ns);
}

/* A second is over. */
void latency_tick(struct latency *latency);

/* A line of titles, and lines of values in us. */
void latency_print_titles(FILE *file, const char *name);
void latency_print(FILE *file, const char *name, const struct histogram *histogram);

/* {"count": ..., "p50": ..., "max": ...} in us; nothing when it is empty. */
void latency_add_json(cJSON *object, const char *name, const struct histogram *histogram);

/* Percentiles as a curve, one for each of the histograms. Returns 0 or -1. */
int latency_plot(const char *path, const char *title, const struct histogram *const *histograms,
		 const char *const *names, unsigned count);

#endif
