/* SPDX-License-Identifier: MIT */
/*
 * No call is a cancellation point: a thread cancelled inside would never release our locks, or
 * would end while others wait for it as the leader. Code that moves data or sleeps makes system
 * calls that are not cancellation points (base/syscalls.h); the rest defers cancellation.
 */
#ifndef REGIO_BASE_UNCANCELLED_H
#define REGIO_BASE_UNCANCELLED_H

#include <pthread.h>
#include <stddef.h>

static inline int regioi_cancel_disable(void)
{
	int before;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	return before;
}

static inline void regioi_cancel_restore(const int *before)
{
	pthread_setcancelstate(*before, NULL);
}

/* A declaration: defers cancellation until the end of its block. */
#define REGIOI_UNCANCELLED                                                                         \
	__attribute__((cleanup(regioi_cancel_restore), unused)) const int cancel_state =           \
		regioi_cancel_disable()

#endif
