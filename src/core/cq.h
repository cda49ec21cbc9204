/* SPDX-License-Identifier: MIT */
/*
 * Completion queues: the list of halves with completions, and the signals.
 */
#ifndef REGIO_CORE_CQ_H
#define REGIO_CORE_CQ_H

#include "core/objects.h"

/* As executor of the half: its next 'count' requests are complete, results in place. */
void regioi_half_complete(struct regioi_half *half, uint32_t count, struct regioi_sink *sink);

/* Binds a half to its CQ, reserving 'half->limit' places. Returns 0 or -ENOBUFS. */
int regioi_cq_attach(struct regioi_cq *cq, struct regioi_half *half);
/*
 * No completion of the half will follow. The half leaves its CQ, gives its places back, and drops
 * its reference to the RQ, now or when the last completion is dequeued.
 */
void regioi_half_end(struct regioi_half *half);

/* Places that are not reserved. */
uint32_t regioi_cq_room(struct regioi_cq *cq);

/* Changes a reservation. Returns 0 or -ENOBUFS with nothing changed. */
int regioi_cq_reserve(struct regioi_cq *cq, uint32_t from, uint32_t to);

void regioi_cq_release(struct regioi_cq *cq);

/* Drops a reference to an RQ (rq.c). */
void regioi_rq_release(struct regioi_rq *rq);

#endif
