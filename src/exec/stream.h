/* SPDX-License-Identifier: MIT */
/*
 * What the results of operations on a stream socket mean beyond their bytes: connecting, the end
 * of the stream, errors.
 */
#ifndef REGIO_EXEC_STREAM_H
#define REGIO_EXEC_STREAM_H

#include "exec/work.h"
#include "queue/rq.h"

/* The first fatal error, or 0. */
static inline int32_t regioi_stream_error(const struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->error, memory_order_relaxed);
}

void regioi_stream_open(struct regioi_rq *rq);

/*
 * As executor: plans the next operation of a half. Returns how many of the oldest requests are
 * complete without one; work->planned is 0 where there is none.
 */
uint32_t regioi_stream_plan(struct regioi_half *half, const struct regioi_window *window,
			    struct regioi_work *work);

/*
 * As executor of the receive half: settles an executed operation, with the window that starts at
 * its first request. Returns how many of the oldest
 * requests have their results, and are for the caller to complete; the rest has been dealt with.
 * *ret_ready is what the attempt found.
 */
uint32_t regioi_stream_settle_receive(struct regioi_half *half, const struct regioi_window *window,
				      const struct regioi_work *work, enum regioi_ready *ret_ready);
/* The same for the send half. */
uint32_t regioi_stream_settle_send(struct regioi_half *half, const struct regioi_window *window,
				   const struct regioi_work *work,
				   enum regioi_send_verdict *ret_verdict);

#endif
