/* SPDX-License-Identifier: MIT */
/*
 * Counting the system calls of the two sides, both in the same way. Where the
 * kernel lets us, its tracepoint counts them, which costs a call some 100 ns and
 * leaves the traffic what it is; elsewhere both sides are stopped at each call
 * (trace.h).
 */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum calls_way { CALLS_BY_TRACEPOINT, CALLS_BY_STOPS };

struct calls_method {
	enum calls_way way;
	uint64_t tracepoint; /* its number */
	char reason[128];    /* why it is not the tracepoint, or "" */
};

/* Calls made inside the measured window, and those of them that found nothing. */
struct calls_count {
	uint64_t made;
	uint64_t empty;
};

/* The counters of a process: two descriptors. */
struct calls_counter {
	int made;
	int empty;
};

/* Chooses what works here, by trying. */
void calls_choose(struct calls_method *ret_method);

/* "tracepoints" or "ptrace". */
const char *calls_way_name(enum calls_way way);

/* Counters of this process and the threads it will have, standing still; 0 or an errno value. */
int calls_open(const struct calls_method *method, struct calls_counter *ret_counter);
void calls_close(struct calls_counter *counter);

/* From here on, to here. */
void calls_begin(const struct calls_counter *counter);
void calls_end(const struct calls_counter *counter, struct calls_count *ret_count);

#endif
