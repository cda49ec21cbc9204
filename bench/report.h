/* SPDX-License-Identifier: MIT */
/*
 * What the user gets: tables while the benchmark runs, JSON and a plot at the end.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdio.h>

#include "plan.h"

struct bench_host {
	char kernel[144];
	char cpu_model[128];
	unsigned cores;
	struct socket_grant grant;
};

/* -1, after a complaint on stderr, when the sockets asked for cannot be had. */
int host_describe(const struct socket_opts *opts, struct bench_host *ret_host);

/* Where the figures come from, and who had to stay out. */
void report_heading(FILE *file, const struct bench_plan *plan, const struct bench_host *host);

/* How long it will take. */
void report_length(FILE *file, const struct bench_plan *plan);

void report_group(FILE *file, const struct bench_group *group);

/* Below its table, where it has bars: whether they are met. */
void report_bars(FILE *file, const struct bench_group *group);

/* What each figure means. */
void report_legend(FILE *file, const struct bench_plan *plan);

/* Each returns 0, or -1 after a complaint on stderr; the file is closed unless it is stdout. */
int report_json(FILE *file, const struct bench_plan *plan, const struct bench_host *host);
int report_plot(const char *path, const struct bench_plan *plan, const struct bench_host *host);

/* Whether there is room for all rows on one picture: 0, or -1 after a complaint on stderr. */
int plot_fits(const char *path, const struct bench_plan *plan);

#endif
