/* SPDX-License-Identifier: MIT */
/*
 * A receiver of many sockets, as all implementations share it: what a message carries, which host
 * it came from, and what it costs to open and close the queues.
 *
 * The messages of a queue are numbered on their own. One that is due at a fixed time says when.
 */
#ifndef BENCH_MANY_H
#define BENCH_MANY_H

#include "message.h"

struct many_message {
	struct message_header header;
	uint64_t due_ns; /* 0: of a flood, due at no time */
};

#define MANY_BYTES_MIN ((uint32_t)sizeof(struct many_message))

struct many {
	struct bench_side *side;
	uint64_t *expected; /* by queue: the next number */
	uint32_t queues_per_host;
	uint64_t since_ns;
	int64_t bytes_before;
};

void many_init(struct many *many, struct bench_side *side);

/* Around what an implementation does for each of its sockets, and nothing else. */
void many_open_begin(struct many *many);
void many_open_end(struct many *many);
void many_close_begin(struct many *many);
void many_close_end(struct many *many);

/* Accounts for a message that arrived on a queue. */
void many_read(struct many *many, uint32_t queue, const void *data, uint32_t bytes);

bench_side_fn many_load, epoll_many_rx, mmsg_many_rx, uring_many_rx, regio_many_rx;

#endif
