/* SPDX-License-Identifier: MIT */
/*
 * Counting the instructions that a side executes outside the kernel: its library and the program
 * around it.
 */
#ifndef BENCH_INSTRUCTIONS_H
#define BENCH_INSTRUCTIONS_H

#include <stdint.h>

/*
 * A stopped counter of this process and the threads that it will create, or a negative errno value.
 */
int instructions_open(void);

void instructions_begin(int counter);
uint64_t instructions_end(int counter);

/* NULL where they can be counted, or why not. */
const char *instructions_refused(void);

#endif
