/* SPDX-License-Identifier: MIT */
/*
 * The clock for time-outs and for what is remembered for a limited time.
 */
#ifndef REGIO_BASE_CLOCK_H
#define REGIO_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t regioi_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline struct timespec regioi_timespec(uint64_t time_ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(time_ns / 1000000000u),
		.tv_nsec = (long)(time_ns % 1000000000u),
	};
}

#endif
