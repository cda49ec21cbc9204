/* SPDX-License-Identifier: MIT */
/*
 * Slices that one operation sends, as few vectors.
 *
 * Slices that lie side by side are one piece. A long piece is passed to the kernel as it lies.
 * Short ones are copied together: a vector for each costs more than the copy.
 */
#ifndef REGIO_MEM_GATHER_H
#define REGIO_MEM_GATHER_H

#include <stddef.h>
#include <stdint.h>

#include "mem/area.h"
#include "mem/copy.h"
#include "mem/request.h"

struct regioi_gather {
	struct regioi_area *area;
	uint32_t vectors;	   /* of the area, without the piece */
	uint32_t copied;	   /* bytes of the stages in use */
	struct iovec *copied_last; /* the last vector, if it is in the stages and may grow */
	const uint8_t *start;	   /* the piece */
	const uint8_t *end;
};

static inline void regioi_gather_vector(struct regioi_gather *gather, const uint8_t *start,
					size_t bytes)
{
	gather->area->vectors[gather->vectors++] = (struct iovec){(void *)(uintptr_t)start, bytes};
}

/* Begins a message with a piece. */
static inline void regioi_gather_begin(struct regioi_gather *gather, const uint8_t *data,
				       size_t bytes)
{
	gather->copied_last = NULL;
	gather->start = data;
	gather->end = data + bytes;
}

/* Adds the piece to the vectors. */
static inline void regioi_gather_put(struct regioi_gather *gather)
{
	const size_t bytes = (size_t)(gather->end - gather->start);
	uint8_t *stage = gather->area->stages + gather->copied;

	if (bytes > REGIOI_COPY_TOGETHER_MAX) {
		regioi_gather_vector(gather, gather->start, bytes);
		gather->copied_last = NULL;
		return;
	}
	regioi_copy(stage, gather->start, bytes);
	gather->copied += (uint32_t)bytes;
	if (!gather->copied_last) {
		gather->copied_last = &gather->area->vectors[gather->vectors];
		regioi_gather_vector(gather, stage, 0);
	}
	gather->copied_last->iov_len += bytes;
}

static inline void regioi_gather_add(struct regioi_gather *gather, const uint8_t *data,
				     size_t bytes)
{
	if (data != gather->end) {
		regioi_gather_put(gather);
		gather->start = data;
	}
	gather->end = data + bytes;
}

/* Adds what a run of requests sends, from 'data' on. */
static inline void regioi_gather_run(struct regioi_gather *gather, const uint8_t *data,
				     const struct regioi_run *run)
{
	uint32_t bytes, pieces = regioi_run_pieces(run, &bytes);
	struct regioi_gather local;

	if (pieces == 1) {
		regioi_gather_add(gather, data, bytes);
		return;
	}
	local = *gather;
	for (uint32_t i = 0; i < pieces; i++)
		regioi_gather_add(&local, regioi_run_slice(run, data, i), bytes);
	*gather = local;
}

/* Ends the message that has its vectors from number 'first' on. A single piece is not copied. */
static inline void regioi_gather_end(struct regioi_gather *gather, uint32_t first)
{
	if (gather->vectors == first)
		regioi_gather_vector(gather, gather->start, (size_t)(gather->end - gather->start));
	else
		regioi_gather_put(gather);
}

#endif
