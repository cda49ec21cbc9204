/* SPDX-License-Identifier: MIT */
/*
 * refuse.h - a system that says no
 *
 * Each of these changes the calling process for good: use them in a case of their own.
 */
#ifndef REGIO_TESTS_REFUSE_H
#define REGIO_TESTS_REFUSE_H

#include <stdint.h>

/*
 * From now on the system calls fail with 'error', as under a container's seccomp profile. Fails the
 * case where filters cannot be had.
 */
void refuse_calls(const int *numbers, unsigned int count, int error);

/*
 * The same for one call, where the low half of an argument, counted from 0, has the value. Returns
 * NULL, or why a filter cannot show it here.
 */
const char *refuse_call_with(int number, unsigned int argument, uint32_t value, int error);

/* Nothing is in /proc. Returns NULL, or why that is not allowed. */
const char *hide_proc(void);

/* The process may have no more threads than it has, nor privileges that lift the limit. */
void refuse_threads(void);

/*
 * /proc/sys/kernel/io_uring_disabled reads as 'value', to this process alone. Returns NULL, or why
 * that is not allowed.
 */
const char *show_io_uring_disabled(const char *value);

/* At most so many bytes of locked memory, and no privileges that lift the limit. */
void limit_locked_memory(unsigned int bytes);

/* No descriptor beyond those that are open. Returns the limit before, for allow_descriptors(). */
unsigned int refuse_descriptors(void);
void allow_descriptors(unsigned int limit);

#endif
