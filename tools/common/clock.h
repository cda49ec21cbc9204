/* SPDX-License-Identifier: MIT */
/*
 * The clocks. Intervals are measured with the one that nothing sets; what two
 * processes, perhaps on two hosts, compare is the time of day.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

#define SECOND_NS 1000000000u
#define MILLISECOND_NS 1000000u

static inline uint64_t clock_read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

static inline uint64_t clock_of_day_ns(void)
{
	return clock_read_ns(CLOCK_REALTIME);
}

#endif
