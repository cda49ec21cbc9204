/* SPDX-License-Identifier: MIT */
/*
 * report.h - what a soak says of itself: each round, and at its end
 */
#ifndef REGIO_TESTS_SOAK_REPORT_H
#define REGIO_TESTS_SOAK_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* 'tap': lines are comments of a TAP stream. */
void report_open(bool tap);

/* While there is traffic: takes part in "highest". */
void report_look(void);

/* With everything closed: takes part in the judgement of growth. */
void report_round(uint32_t round, int64_t elapsed_ns);

/*
 * The sums, and the judgement. The first half of the rounds is for warming up; in the second half,
 * with everything closed,
 * - no more descriptors may be open than at most in the first,
 * - no more of the heap in use than at most in the first, plus HEAP_SLACK,
 * - no more memory resident than at most in the first, plus RESIDENT_SLACK; in runs of ROUNDS_WARM
 *   rounds and more.
 */
void report_verdict(uint32_t rounds);

#endif
