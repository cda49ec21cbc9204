/* SPDX-License-Identifier: MIT */
/*
 * Builds with the option 'checked': rules that no caller may break are asserted, and counters that
 * wrap, or end, start shortly before, so that whatever runs takes them there. In other builds
 * nothing of this is left.
 */
#ifndef REGIO_BASE_CHECK_H
#define REGIO_BASE_CHECK_H

#include <stdint.h>

#ifndef REGIOI_CHECKED
#define REGIOI_CHECKED 0
#endif

/*
 * An invariant. A trap without a message: the library prints nothing, and a debugger or a core file
 * shows the place. Nothing is left of it, nor of what the condition would read, in other builds.
 */
#define REGIOI_ASSERT(condition)                                                                   \
	do {                                                                                       \
		if (REGIOI_CHECKED && !(condition))                                                \
			__builtin_trap();                                                          \
	} while (0)

/* Steps of a counter to its end. Few: most tests make no more. */
#define REGIOI_STEPS_TO_END 5u

/* Where a counter starts that has 'last' as its last number. */
static inline uint64_t regioi_counter_start(uint64_t last)
{
	return REGIOI_CHECKED ? last - REGIOI_STEPS_TO_END : 0;
}

#endif
