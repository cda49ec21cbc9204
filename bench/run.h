/* SPDX-License-Identifier: MIT */
/*
 * One run: two processes, a warm-up, a measured window, an end in bounded time.
 */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "case.h"
#include "placement.h"

struct run_request {
	const struct bench_case *test;
	const struct bench_impl *impl;
	struct bench_params params;
	struct socket_opts sockets;
	struct placement placement;
	uint64_t warmup_ns;
	uint64_t measure_ns;
	uint32_t call_work;		     /* of call_cost_install() */
	struct histogram *latency;	     /* to add what is recorded to, or NULL */
	const struct calls_method *counting; /* of system calls; NULL: none */
};

/* Blocks the signals the supervision waits for; once, before the first run. */
void run_prepare(void);

/* The signal that asked to stop, or 0. Once one has come every run fails at once. */
int run_interrupted(void);

/* Returns 0, or -1 with the reason in ret_result->error. */
int run_once(const struct run_request *request, struct bench_result *ret_result);

#endif
