/* SPDX-License-Identifier: MIT */
/*
 * What is specific to stream sockets: they may not be connected yet, they end, and an error may end
 * them.
 */
#ifndef REGIO_EXEC_STREAM_H
#define REGIO_EXEC_STREAM_H

#include "queue/rq.h"

/* The first fatal error, or 0. */
static inline int32_t regioi_stream_error(const struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->error, memory_order_relaxed);
}

/* Called when the RQ has got a stream socket. */
void regioi_stream_open(struct regioi_rq *rq);

#endif
