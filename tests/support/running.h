/* SPDX-License-Identifier: MIT */
/*
 * running.h - time during which this process was running
 *
 * A limit on what must come is to end what hangs. A process that was stopped, or whose machine was
 * paused, does not hang, so such time does not count.
 */
#ifndef REGIO_TESTS_RUNNING_H
#define REGIO_TESTS_RUNNING_H

#include <stdint.h>

/* Once, in a process that makes no other by fork() afterwards. Starts a thread. */
void running_start(void);
/* Time since then without pauses; now_ns() if it was never started. */
int64_t running_ns(void);

#endif
