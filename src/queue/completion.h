/* SPDX-License-Identifier: MIT */
/*
 * Completions: the list of the halves of a CQ that have some, from whoever executes them to the
 * consumer.
 */
#ifndef REGIO_QUEUE_COMPLETION_H
#define REGIO_QUEUE_COMPLETION_H

#include "queue/cq.h"
#include "queue/half.h"
#include "regio.h"

/*
 * Where the dequeue that makes progress wants results. What completes on its CQ while there is room
 * goes there at once; the rest takes the way over the CQ's list.
 */
struct regioi_direct_results {
	const struct regioi_cq *cq;
	struct regio_result *results;
	uint32_t results_max;
	uint32_t count;
};

/* As executor of the half: its next 'count' requests are complete, results in place. */
void regioi_half_publish(struct regioi_half *half, uint32_t count,
			 struct regioi_direct_results *sink);

/*
 * As executor, in a read section of any driver: complete everything outstanding with 'status'.
 * Returns how many.
 */
uint32_t regioi_half_fail(struct regioi_half *half, int status);

/* Binds a half to its CQ, reserving 'half->limit' places. Returns 0 or -ENOBUFS. */
int regioi_cq_attach(struct regioi_cq *cq, struct regioi_half *half);
/*
 * No completion of the half will follow. The half leaves its CQ, gives its places back, and drops
 * its reference to the RQ, now or when the last completion is dequeued.
 */
void regioi_half_detach(struct regioi_half *half);

/* Whether anything of the CQ's halves is on its lists. As consumer. */
static inline bool regioi_cq_others_are_pending(const struct regioi_cq *cq)
{
	return cq->drain || atomic_load_explicit(&cq->pending, memory_order_relaxed);
}

static inline bool regioi_cq_has_some(const struct regioi_cq *cq)
{
	return cq->current || regioi_cq_others_are_pending(cq);
}

/* As consumer: dequeues what has completed. Returns how many results were written. */
uint32_t regioi_cq_take(struct regioi_cq *cq, struct regio_result *results, uint32_t results_max);
/* Throws away what is on a closed CQ. Any thread that ends a half of it may. */
void regioi_cq_discard(struct regioi_cq *cq);

#endif
