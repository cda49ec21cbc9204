/* SPDX-License-Identifier: MIT */
/*
 * Builds with the option 'checked': internal rules are asserted, and counters that wrap, or end,
 * start shortly before that point, so that every run reaches it. In other builds this code does
 * nothing.
 */
#ifndef REGIO_BASE_CHECK_H
#define REGIO_BASE_CHECK_H

#include <stdint.h>

#ifndef REGIOI_CHECKED
#define REGIOI_CHECKED 0
#endif

/*
 * An invariant. A trap without a message: the library prints nothing, and a debugger or a core file
 * shows the place. In other builds the condition is not evaluated.
 */
#define REGIOI_ASSERT(condition)                                                                   \
	do {                                                                                       \
		if (REGIOI_CHECKED && !(condition))                                                \
			__builtin_trap();                                                          \
	} while (0)

/*
 * An invariant that the compiler cannot see, so that it would check again what is known. Other
 * builds rely on it, so it is only for places where the lines before leave no doubt.
 */
#define REGIOI_ASSUME(condition)                                                                   \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			if (REGIOI_CHECKED)                                                        \
				__builtin_trap();                                                  \
			__builtin_unreachable();                                                   \
		}                                                                                  \
	} while (0)

/* The steps of a counter to its end. Few, because most tests make no more. */
#define REGIOI_STEPS_TO_END 5u

/* The start value of a counter whose last number is 'last'. */
static inline uint64_t regioi_counter_start(uint64_t last)
{
	return REGIOI_CHECKED ? last - REGIOI_STEPS_TO_END : 0;
}

#endif
