/* SPDX-License-Identifier: MIT */
/*
 * How the peer "limit" sends: the program's messages are in buffers of their own.
 * A run of equal length (its last may be shorter) goes as one UDP_SEGMENT train,
 * small messages copied together first, because one long vector is cheaper for
 * the kernel than many short ones up to about 512 bytes.
 */
#ifndef BENCH_LIMIT_TRAINS_H
#define BENCH_LIMIT_TRAINS_H

#include <sys/socket.h>

#include "message.h"

struct gso_control;

struct limit_trains {
	struct bench_side *side;
	uint32_t stride;
	uint32_t train_max; /* messages */
	uint8_t *messages;
	uint32_t *sizes;
	uint8_t *together; /* copies of the messages of a call, one after the other */
	struct iovec *vectors;
	struct mmsghdr *trains;
	struct gso_control *controls;
	/* Of the thread that sends; another may be writing messages meanwhile. */
	_Alignas(BENCH_CACHE_LINE_BYTES) uint32_t train_count;
	uint32_t vector_count;
	uint32_t together_bytes;
};

/* Buffers for 'slots' messages. */
void limit_trains_open(struct limit_trains *trains, struct bench_side *side, uint32_t slots);

/* Joins and sends the messages of 'count' slots from 'first' on, in one call. */
void limit_trains_send(struct limit_trains *trains, uint32_t first, uint32_t count);

/* Makes the next message, in a slot. */
static inline void limit_trains_write(struct limit_trains *trains, uint32_t slot)
{
	uint8_t *message = trains->messages + (uint64_t)slot * trains->stride;

	trains->sizes[slot] = message_write(trains->side, message);
}

#endif
