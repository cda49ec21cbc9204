/* SPDX-License-Identifier: MIT */
/*
 * Signals of a CQ: how many completions it has that may notify, who is armed, who sleeps.
 */
#ifndef REGIO_QUEUE_SIGNAL_H
#define REGIO_QUEUE_SIGNAL_H

#include "queue/cq.h"

/* Completions that may notify are on the CQ. Any thread; the look at 'armed' comes after. */
static inline void regioi_cq_posted(struct regioi_cq *cq, uint32_t count)
{
	atomic_fetch_add(&cq->posted, count);
}

/* As consumer: so many of them have left. */
static inline void regioi_cq_taken(struct regioi_cq *cq, uint32_t count)
{
	atomic_store_explicit(&cq->taken,
			      atomic_load_explicit(&cq->taken, memory_order_relaxed) + count,
			      memory_order_relaxed);
}

/*
 * The count rises after the completion is there, so for a moment it may fall short; whoever is
 * about to raise it then looks for sleepers.
 */
static inline int64_t regioi_cq_available(const struct regioi_cq *cq)
{
	int64_t count = (int64_t)(atomic_load(&cq->posted) - atomic_load(&cq->taken));

	return count > 0 ? count : 0;
}

/* Asks for one signal. Returns 0, or -EALREADY where one has been asked for. */
int regioi_cq_arm(struct regioi_cq *cq);
/*
 * A notifiable completion has arrived on a CQ that is armed or has a sleeper: of 'half', the last
 * below number 'end'; or some are known to be there, with half NULL.
 */
void regioi_cq_wake(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end);
/* Disarms, where it was armed. A closed CQ calls the program no more after the return. */
void regioi_cq_disarm(struct regioi_cq *cq);
/* Takes back a signal on the descriptor, at dequeue. */
void regioi_cq_unfire(struct regioi_cq *cq);
/* Under the driver's wait_lock: ends the sleep of the CQ's thread. */
void regioi_cq_wake_sleeper(struct regioi_cq *cq);

#endif
