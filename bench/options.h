/* SPDX-License-Identifier: MIT */
/*
 * The arguments of `regio bench`.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdio.h>

#include "case.h"
#include "placement.h"

#define OPTIONS_LIST_MAX 32

struct bench_options {
	const struct bench_case *cases[OPTIONS_LIST_MAX];
	uint32_t case_count; /* 0: the overview */
	const struct bench_impl *impls[OPTIONS_LIST_MAX];
	uint32_t impl_count; /* 0: all */
	uint32_t sizes[OPTIONS_LIST_MAX];
	uint32_t size_count; /* 0: each case's own */
	uint32_t sockets[OPTIONS_LIST_MAX];
	uint32_t socket_count;
	uint32_t batches[OPTIONS_LIST_MAX];
	uint32_t batch_count;
	uint32_t rate;
	uint32_t dear_calls_ns; /* 0: system calls cost what they do */
	uint32_t rounds;
	double seconds;
	bool verify;
	int cpus[PLACEMENT_CPUS];
	uint32_t cpu_count; /* how many of these are chosen */
	const char *cpus_text;
	const char *json_path; /* NULL: none; "-": standard output */
	const char *plot_path;
	struct socket_opts socket_opts;
};

enum options_outcome { OPTIONS_RUN, OPTIONS_DONE, OPTIONS_BAD };

/*
 * Reads the arguments; complains on stderr, naming the option, the value and
 * what is allowed. OPTIONS_DONE: help or the list was asked for and printed.
 */
enum options_outcome options_parse(int argc, char **argv, struct bench_options *ret_options);

#endif
