/* SPDX-License-Identifier: MIT */
/*
 * Counting the system calls of the two sides where no tracepoint can be had: by
 * stopping both at each call. Both crawl, and their batches are not those of a
 * measured run.
 */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <sys/types.h>

#include "side.h"

#define TRACE_TASKS_MAX 16

struct trace_task {
	pid_t id;
	enum bench_role role;
	bool inside; /* between entry and exit of a call */
	uint64_t call;
};

struct trace {
	struct bench_shared *shared;
	uint32_t task_count;
	struct trace_task tasks[TRACE_TASKS_MAX];
	struct calls_count calls[BENCH_ROLES];
};

/* In the child: asks to be traced and stops. False where that is not allowed. */
bool trace_me(void);

/* In the parent, before the child stops for the first time. */
void trace_add(struct trace *trace, pid_t id, enum bench_role role);

/* In the parent: a task has stopped; counts what it was about to do and lets it go on. */
void trace_stopped(struct trace *trace, pid_t id, int wait_status);

#endif
