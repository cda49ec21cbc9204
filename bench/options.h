/* SPDX-License-Identifier: MIT */
/*
 * The arguments of `regio bench`.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "arguments.h"
#include "case.h"

#define OPTIONS_LIST_MAX 32

struct bench_impl_list {
	const struct bench_impl *impls[OPTIONS_LIST_MAX];
	uint32_t count;
};

struct bench_options {
	const struct bench_case *cases[OPTIONS_LIST_MAX];
	uint32_t case_count;	       /* 0: the overview */
	struct bench_impl_list chosen; /* none: all */
	struct number_list sizes;      /* none: each case's own */
	struct number_list sockets;
	struct number_list batches;
	struct number_list hosts;
	struct number_list loads;
	struct number_list workers;
	uint32_t active; /* 0: all */
	uint32_t rate;	 /* 0: each case's own; the same of the flood */
	uint32_t flood;
	uint32_t call_cost_ns; /* 0: system calls cost what they do */
	uint32_t rounds;
	double seconds;
	bool verify;
	bool list;
	struct number_list cpus;
	const char *json_path; /* NULL: none; "-": standard output */
	const char *plot_path;
	struct socket_opts socket_opts;
};

/*
 * Reads the arguments; complains on stderr, naming the option, the value and
 * what is allowed. Returns -1 to go on, or the exit status: 0 where help or the
 * list was asked for and printed.
 */
int options_parse(int argc, char **argv, struct bench_options *ret_options);

#endif
