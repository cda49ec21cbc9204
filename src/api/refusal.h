/* SPDX-License-Identifier: MIT */
/*
 * Why a request is refused, in words for regio_last_error(). A program may meet the limit of
 * outstanding requests as part of its normal work, so that text is not formatted.
 */
#ifndef REGIO_API_REFUSAL_H
#define REGIO_API_REFUSAL_H

#include "queue/half.h"

#define REGIOI_COLD __attribute__((cold, noinline))

/* All return the error. The queue itself cannot be posted on. */
REGIOI_COLD int regioi_refuse_queue(enum regioi_direction direction, int error);

REGIOI_COLD int regioi_refuse_full(enum regioi_direction direction);

/* 'flags' is not a combination that a request of the half may have. */
REGIOI_COLD int regioi_refuse_flags(const struct regioi_half *half, uint32_t flags);

/* A request of a stream without a slice. */
REGIOI_COLD int regioi_refuse_nothing(enum regioi_direction direction);

/* 'what' names the slice; 'length_min' is what it needs. */
REGIOI_COLD int regioi_refuse_slice(enum regioi_direction direction, const char *what,
				    const struct regio_buf *slice, uint32_t length_min);

/* 'what' names a slice that no request of the half may have. */
REGIOI_COLD int regioi_refuse_extra(enum regioi_direction direction, const char *what);

/* The arguments of regio_post() that are not about one request. */
REGIOI_COLD int regioi_refuse_batch(uint32_t half, uint32_t count);

#endif
