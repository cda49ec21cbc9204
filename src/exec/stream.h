/* SPDX-License-Identifier: MIT */
/*
 * What only a stream socket has: it may not be connected yet, it ends, and an error may end it.
 */
#ifndef REGIO_EXEC_STREAM_H
#define REGIO_EXEC_STREAM_H

#include "queue/rq.h"

/* The first fatal error, or 0. */
static inline int32_t regioi_stream_error(const struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->error, memory_order_relaxed);
}

/* Of a stream socket that the RQ has got. */
void regioi_stream_open(struct regioi_rq *rq);

#endif
