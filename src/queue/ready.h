/* SPDX-License-Identifier: MIT */
/*
 * Whether an attempt on a half's socket may succeed, and everything that changes it.
 *
 *	what happens                          from          to
 *	------------------------------------------------------------------------------------
 *	an attempt begins                     any           NO
 *	an attempt has ended                  NO            what it found
 *	an event; an error of the other half; any           YES
 *	the socket is replaced, or lost
 *	there is no other work                UNKNOWN       YES
 *	the socket is watched from now on     UNKNOWN       NO       an event reports arrivals
 *	it cannot be watched                  NO            UNKNOWN
 *
 * An event that comes during an attempt is not lost: the attempt sets NO when it begins, and its
 * result is stored only if the state is still NO. If the event comes between that check and the
 * store, the result replaces YES. The result is then YES or UNKNOWN, and in both cases the socket
 * is tried again.
 */
#ifndef REGIO_QUEUE_READY_H
#define REGIO_QUEUE_READY_H

#include "queue/half.h"

static inline enum regioi_ready regioi_ready_now(const struct regioi_half *half)
{
	return atomic_load(&half->ready);
}

/* As executor. The system call of the attempt orders this store before an event. */
static inline void regioi_ready_attempt_begins(struct regioi_half *half)
{
	atomic_store_explicit(&half->ready, REGIOI_READY_NO, memory_order_release);
}

/*
 * As executor. Leaving the half is the barrier between this store and the next look at what is
 * posted.
 */
static inline void regioi_ready_attempt_ended(struct regioi_half *half, enum regioi_ready found)
{
	if (found != REGIOI_READY_NO &&
	    atomic_load_explicit(&half->ready, memory_order_relaxed) == REGIOI_READY_NO)
		atomic_store_explicit(&half->ready, found, memory_order_release);
}

/* Sequentially consistent: pairs with the poster, which stores its request and looks at 'ready'. */
static inline void regioi_ready_event(struct regioi_half *half)
{
	atomic_store(&half->ready, REGIOI_READY_YES);
}

static inline void regioi_ready_allow_unknown(struct regioi_half *half)
{
	uint32_t perhaps = REGIOI_READY_UNKNOWN;

	atomic_compare_exchange_strong(&half->ready, &perhaps, REGIOI_READY_YES);
}

static inline void regioi_ready_watched(struct regioi_half *half)
{
	uint32_t perhaps = REGIOI_READY_UNKNOWN;

	atomic_compare_exchange_strong(&half->ready, &perhaps, REGIOI_READY_NO);
}

static inline void regioi_ready_unwatched(struct regioi_half *half)
{
	uint32_t no = REGIOI_READY_NO;

	atomic_compare_exchange_strong(&half->ready, &no, REGIOI_READY_UNKNOWN);
}

#endif
