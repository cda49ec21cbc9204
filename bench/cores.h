/* SPDX-License-Identifier: MIT */
/*
 * A server of several worker threads, each on a CPU of its own with a socket of one SO_REUSEPORT
 * group. A classic BPF program gives a message to the worker on the CPU that received it, and on
 * loopback that is the CPU of the sender: worker and sender of a pair share one.
 */
#ifndef BENCH_CORES_H
#define BENCH_CORES_H

#include <pthread.h>

#include "message.h"

#define CORES_MAX BENCH_WORKERS_MAX

struct core {
	_Alignas(BENCH_CACHE_LINE_BYTES) struct bench_side *side;
	uint32_t index;
	pthread_t thread;
	/* Written by its thread, and read by the first. */
	_Atomic uint64_t messages;
	_Atomic uint64_t lost;
	_Atomic uint64_t elsewhere; /* steered to another worker than that of its sender's CPU */
	uint64_t expected;
};

typedef void core_fn(struct core *core);

/*
 * Runs the function on as many threads as there are workers, each on its CPU; the caller's is the
 * first. It calls core_start() once, then works while core_running().
 */
void cores_run(struct bench_side *side, core_fn *function);
void core_start(struct core *core);
bool core_running(struct core *core);

void core_read(struct core *core, const void *data, uint32_t bytes);

bench_side_fn cores_load, epoll_cores_rx, regio_cores_rx;

#endif
