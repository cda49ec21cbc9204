/* SPDX-License-Identifier: MIT */
/*
 * A lock that is held to the end of a block, however the block is left.
 */
#ifndef REGIO_BASE_LOCKED_H
#define REGIO_BASE_LOCKED_H

#include <pthread.h>

static inline pthread_mutex_t *regioi_lock(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock);
	return lock;
}

static inline void regioi_unlock(pthread_mutex_t *const *lock)
{
	pthread_mutex_unlock(*lock);
}

/* A declaration: takes the lock, and releases it at the end of its block. */
#define REGIOI_LOCKED(lock)                                                                        \
	__attribute__((cleanup(regioi_unlock), unused)) pthread_mutex_t *const locked =            \
		regioi_lock(lock)

#endif
