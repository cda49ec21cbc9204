/* SPDX-License-Identifier: MIT */
/*
 * Completions: the list of the halves of a CQ that have completions, which takes them from the
 * executors to the consumer.
 */
#ifndef REGIO_QUEUE_COMPLETION_H
#define REGIO_QUEUE_COMPLETION_H

#include "queue/cq.h"
#include "queue/half.h"
#include "regio.h"

/*
 * The consumer for which progress is made, and the array of its dequeue, if it is in one. Results
 * of its CQ are written there directly while there is room; the rest is listed without the barriers
 * that other threads need.
 */
struct regioi_direct_results {
	const struct regioi_cq *cq;
	struct regio_result *results;
	uint32_t results_max;
	uint32_t count;
};

/* As executor of the half: its next 'count' requests are complete, results in place. */
void regioi_half_publish(struct regioi_half *half, uint32_t count,
			 struct regioi_direct_results *direct);

/*
 * As executor, in a read section: complete everything outstanding with 'status'.
 * Returns the number completed.
 */
uint32_t regioi_half_fail(struct regioi_half *half, int status);

/* Binds a half to its CQ, reserving 'half->limit' places. Returns 0 or -ENOBUFS. */
int regioi_cq_attach(struct regioi_cq *cq, struct regioi_half *half);
/*
 * No completion of the half will follow. The half leaves its CQ, gives its places back, and drops
 * its reference to the RQ, now or when the last completion is dequeued.
 */
void regioi_half_detach(struct regioi_half *half);

/* As consumer: whether any half is on the CQ's lists. */
static inline bool regioi_cq_others_are_pending(const struct regioi_cq *cq)
{
	return cq->drain || atomic_load_explicit(&cq->pending, memory_order_relaxed);
}

static inline bool regioi_cq_has_some(const struct regioi_cq *cq)
{
	return cq->current || regioi_cq_others_are_pending(cq);
}

/* As consumer: dequeues what has completed. Returns the number of results written. */
uint32_t regioi_cq_take(struct regioi_cq *cq, struct regio_result *results, uint32_t results_max);
/* Drops the completions on a closed CQ. May be called by any thread that ends a half of it. */
void regioi_cq_discard(struct regioi_cq *cq);

#endif
