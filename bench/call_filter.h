/* SPDX-License-Identifier: MIT */
/*
 * A seccomp filter that allows every system call and takes its time over it.
 */
#ifndef BENCH_CALL_FILTER_H
#define BENCH_CALL_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

/* What the kernel takes in one filter is 4,096 instructions; two of them are ours. */
#define CALL_FILTER_WORK_MAX 4094u
/* What it takes in all filters of a thread is 32,768, and each counts as four more. */
#define CALL_COST_WORK_MAX 32000u

/* Makes a filter of 'work' instructions and a few more; returns how many it has. */
uint16_t call_filter_make(uint32_t work, struct sock_filter *ret_filter);

#endif
