/* SPDX-License-Identifier: MIT */
/*
 * trap.h - every system call of the process passes through here, counted, and one of them fails
 *
 * A seccomp filter turns the calls of the list into a signal, whoever makes them, libc and raw
 * calls alike; the handler makes the call itself, or gives it the error that was asked for. The
 * allocations of libc are counted and refused in the same way, as if they were a call.
 */
#ifndef REGIO_TESTS_TRAP_H
#define REGIO_TESTS_TRAP_H

#include <stdbool.h>
#include <stddef.h>

/* Made for real first, and then said to have failed: the kernel ends things in any case. */
#define TRAP_AFTER 0x1u

struct trap_call {
	const char *name;
	long number;
	int argument; /* -1, or the one that must have 'value' */
	long value;
	unsigned int flags; /* TRAP_... */
};

/* The number of what is no system call: an allocation. */
#define TRAP_ALLOCATION (-2L)

/* NULL, or why it cannot be had here. */
const char *trap_refused(void);
/*
 * From now on, for good, in this process and its children. A call is the first of the list that
 * fits.
 */
void trap_calls(const struct trap_call *calls, size_t count);

/*
 * Only calls inside count, and fail. A thread that the library makes is inside; the one that has
 * called trap_calls() is outside until it says so.
 */
void trap_enter(void);
void trap_leave(void);

/* Makes the expression inside. */
#define INSIDE(expression)                                                                         \
	__extension__({                                                                            \
		trap_enter();                                                                      \
		__typeof__(expression) inside_result = (expression);                               \
		trap_leave();                                                                      \
		inside_result;                                                                     \
	})

/* Call number 'index' of the list fails with 'error', a positive errno, at its n-th time, from 0.
 */
void trap_fail(size_t index, unsigned int occurrence, int error);
/* Whether it has. */
bool trap_failed(void);
/* How often a call was made inside since trap_calls() or trap_forget(). */
unsigned int trap_count(size_t index);
void trap_forget(void);

/* What the process has of libc and of the kernel: allocations, and bytes of mappings. */
long trap_allocations(void);
long trap_mapped_bytes(void);

#endif
