/* SPDX-License-Identifier: MIT */
/*
 * Which system calls found nothing. One table serves both ways of counting: as a
 * test of a call that has returned, and as a filter for the kernel's tracepoint.
 */
#ifndef BENCH_EMPTY_CALLS_H
#define BENCH_EMPTY_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for the filter on every architecture. */
#define EMPTY_CALLS_FILTER_BYTES 1024u

/* Whether call 'number' that returned 'result' (an error as -errno) found nothing. */
bool empty_call(uint64_t number, int64_t result);

/* The same as a filter of the tracepoint raw_syscalls:sys_exit. */
void empty_calls_filter(char *ret_filter, size_t filter_bytes);

#endif
