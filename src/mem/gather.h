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

/* Adds 'bytes' bytes that were copied to 'stage', where those copied before end. */
static inline void regioi_gather_copied(struct regioi_gather *gather, uint8_t *stage,
					uint32_t bytes)
{
	gather->copied += bytes;
	if (!gather->copied_last) {
		gather->copied_last = &gather->area->vectors[gather->vectors];
		regioi_gather_vector(gather, stage, 0);
	}
	gather->copied_last->iov_len += bytes;
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
	regioi_gather_copied(gather, stage, (uint32_t)bytes);
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

/*
 * Copies the slices that a run begins with to 'stage', as far as each is a piece of its own, and
 * not the last one, which the next request may continue. Returns their number. 'is_short' is a
 * constant.
 */
static inline __attribute__((always_inline)) uint32_t regioi_gather_copy(
	uint8_t *stage, const uint8_t *data, const struct regioi_run *run, bool is_short)
{
	const struct regioi_request *request = run->first, *const last = request + run->count - 1;
	const uint8_t *const base = data - request->offset;
	const uint32_t bytes = run->bytes;

	for (; request < last; request++, stage += bytes) {
		const uint8_t *next = base + request[1].offset;

		if (next == data + bytes)
			break;
		if (is_short)
			regioi_copy_ends(stage, data, bytes, 2);
		else
			regioi_copy(stage, data, bytes);
		data = next;
	}
	return (uint32_t)(request - run->first);
}

/* Adds slices that a run begins with, as far as they are copied. Returns their number. */
static inline uint32_t regioi_gather_short(struct regioi_gather *gather, const uint8_t *data,
					   const struct regioi_run *run)
{
	uint8_t *stage;
	uint32_t count;

	if (gather->start != gather->end) {
		if (data == gather->end)
			return 0;
		regioi_gather_put(gather);
	}
	stage = gather->area->stages + gather->copied;
	count = regioi_copy_is_short(run->bytes) ? regioi_gather_copy(stage, data, run, true)
						 : regioi_gather_copy(stage, data, run, false);
	gather->start = gather->end = regioi_run_slice(run, data, count);
	if (count)
		regioi_gather_copied(gather, stage, count * run->bytes);
	return count;
}

/* Adds what a run of requests sends, from 'data' on. */
static inline void regioi_gather_run(struct regioi_gather *gather, const uint8_t *data,
				     const struct regioi_run *run)
{
	uint32_t bytes, pieces = regioi_run_pieces(run, &bytes), done = 0;
	struct regioi_gather local;

	if (pieces == 1) {
		regioi_gather_add(gather, data, bytes);
		return;
	}
	local = *gather;
	if (bytes <= REGIOI_COPY_TOGETHER_MAX)
		done = regioi_gather_short(&local, data, run);
	for (; done < pieces; done++)
		regioi_gather_add(&local, regioi_run_slice(run, data, done), bytes);
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
