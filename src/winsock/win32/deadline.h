/* SPDX-License-Identifier: MIT */
/*
 * Time-outs in milliseconds, as the times at which they end.
 */
#ifndef REGIO_WINSOCK_WIN32_DEADLINE_H
#define REGIO_WINSOCK_WIN32_DEADLINE_H

#include "base/clock.h"
#include "winsock/win32/posix.h"

/* The time when a time-out ends: 0 for at once, UINT64_MAX for never. */
static inline uint64_t regioi_ws_deadline(DWORD timeout_ms)
{
	if (timeout_ms == 0)
		return 0;
	return timeout_ms == INFINITE ? UINT64_MAX
				      : regioi_now_ns() + timeout_ms * UINT64_C(1000000);
}

/* Sleeps until a signal of the condition, or the deadline. Returns 0 or ETIMEDOUT. */
static inline int regioi_ws_cond_wait(pthread_cond_t *condition, pthread_mutex_t *lock,
				      uint64_t deadline_ns)
{
	const struct timespec until = regioi_timespec(deadline_ns);

	return deadline_ns == UINT64_MAX
		       ? pthread_cond_wait(condition, lock)
		       : pthread_cond_clockwait(condition, lock, CLOCK_MONOTONIC, &until);
}

#endif
