/* SPDX-License-Identifier: MIT */
/*
 * Completion queues, and the places that RQs have reserved in them. A CQ has room for everything
 * its RQs have reserved, so it cannot overflow.
 */
#ifndef REGIO_QUEUE_CQ_H
#define REGIO_QUEUE_CQ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cache.h"
#include "queue/driver.h"
#include "queue/half.h"
#include "queue/ready.h"

/* Whether, and where, a thread sleeps in regio_cq_wait(). */
enum regioi_sleeper {
	REGIOI_AWAKE,
	REGIOI_SLEEPS_IN_ENGINE,
	REGIOI_SLEEPS_ON_FUTEX,
};

struct regioi_cq {
	uint64_t id;
	struct regioi_driver *driver;
	pthread_mutex_t lock; /* capacity, reserved; arming, where 'on_notify' is set */
	uint32_t capacity;
	uint32_t reserved;
	/*
	 * Of the handle, each attached half, and calls of other threads. Dropping the last one
	 * releases the driver.
	 */
	_Atomic uint32_t references;
	_Atomic bool closed;
	_Atomic bool consumed;		  /* checked builds: the consumer is in a call */
	void (*on_notify)(void *context); /* NULL: regio_cq_notify() uses the descriptor */
	void *on_notify_context;

	/* Executors push one half at a time; the consumer takes the whole list. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic(struct regioi_half *) pending;
	_Atomic bool armed;
	_Atomic bool fired;		 /* signalled on the descriptor, and not dequeued since */
	_Atomic uint32_t sleeper;	 /* enum regioi_sleeper; also the futex */
	struct regioi_cq *follower_next; /* under the driver's wait_lock */
	uint32_t sleeps_unchecked;	 /* as a follower: drive/sleep.c */
	_Atomic uint64_t posted;	 /* completions that may notify */

	/* The consumer's. */
	_Alignas(REGIOI_CACHE_LINE) struct regioi_half *drain; /* off 'pending', oldest first */
	struct regioi_half *drain_last;
	struct regioi_half *current; /* partly dequeued */
	uint32_t taken_unpolled;     /* results since it last made progress */
	/* After a wait that slept, which has asked the engine: dequeues that need not ask again. */
	uint8_t unasked;
	bool leads;		      /* in a wait: drive/sleep.c */
	bool listens;		      /* the same: among the driver's listeners */
	_Atomic uint64_t taken;	      /* of 'posted' */
	pthread_mutex_t discard_lock; /* once closed: for threads that end a half */
};

/* Returns a CQ without a driver, with one reference, the caller's; NULL if there is no memory. */
struct regioi_cq *regioi_cq_allocate(uint32_t capacity);
/* Drops a reference. */
void regioi_cq_release(struct regioi_cq *cq);

/* The number of places not reserved. */
uint32_t regioi_cq_room(struct regioi_cq *cq);

/* Changes a reservation. Returns 0 or -ENOBUFS with nothing changed. */
int regioi_cq_reserve(struct regioi_cq *cq, uint32_t from, uint32_t to);

/* Whether the half has requests to execute and its socket's state is 'ready'. */
static inline bool regioi_half_runnable(struct regioi_half *half, enum regioi_ready ready)
{
	/* The one that mostly says no comes first: each look may be at a line of its own. */
	return regioi_ready_now(half) == ready && regioi_half_pending(half) > 0 &&
	       !atomic_load_explicit(&half->cq->closed, memory_order_relaxed);
}

#endif
