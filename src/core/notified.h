/* SPDX-License-Identifier: MIT */
/*
 * How many completions that may notify are on a CQ; CQs that call the program when they are
 * notified, in place of signalling a descriptor.
 */
#ifndef REGIO_CORE_NOTIFIED_H
#define REGIO_CORE_NOTIFIED_H

#include "core/objects.h"

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

/* regio_cq_notify() for a CQ that calls. */
int regioi_cq_arm(struct regioi_cq *cq);
/* Calls the program if the CQ is armed and has something for it. */
void regioi_cq_call(struct regioi_cq *cq);
/* Disarms a closed CQ; the program is not called after the return. */
void regioi_cq_silence(struct regioi_cq *cq);

#endif
