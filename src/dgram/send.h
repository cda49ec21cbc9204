/* SPDX-License-Identifier: MIT */
/*
 * Joining sends into trains: queued sends become one operation, and its result becomes theirs. A
 * train is one message to the kernel, which splits it: generic segmentation offload (GSO), by the
 * option UDP_SEGMENT. No system calls, no locks.
 */
#ifndef REGIO_DGRAM_SEND_H
#define REGIO_DGRAM_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/count.h"
#include "base/lesser.h"
#include "dgram/path.h"
#include "engine/engine.h"
#include "mem/area.h"
#include "mem/request.h"

/*
 * From 65,474 bytes on the kernel sends the messages one at a time, without an error (Linux 6.18).
 */
#define REGIOI_TRAIN_BYTES_MAX 65400u

/*
 * The state of a send half between operations. Initialised to zero; then the first two fields are
 * set.
 */
struct regioi_send_state {
	uint32_t train_messages_max; /* 1: never join */
	uint32_t train_bytes_max;
	union {
		uint32_t unsegmented_left; /* requests of a refused train yet to be sent */
		uint32_t partial_bytes;	   /* streams: bytes of the oldest request already sent */
	};
	uint32_t retries; /* of the oldest request, after ICMP errors caused by others */
	_Atomic uint64_t messages;
	_Atomic uint64_t trains;
	_Atomic uint64_t calls;
	_Atomic uint64_t trains_refused;
	struct regioi_paths paths;
};

enum regioi_send_verdict {
	REGIOI_SEND_PROGRESS, /* look again */
	REGIOI_SEND_FULL,     /* the socket takes no more now */
};

/* Whether planning the oldest requests needs an area: all but a single plain message. */
static inline bool regioi_send_needs_area(const struct regioi_window *window)
{
	return window->count > 1 || regioi_window_request(window, 0)->flags & REGIOI_REQUEST_EXTRA;
}

/*
 * Turns the oldest requests of the window into 'op'. Returns the number of them that completed
 * without an operation (their region was deregistered, or their control data is malformed); the
 * operation starts after these. *ret_planned is the number of requests in the operation, 0 if there
 * is none. 'area' may be NULL if none is needed.
 */
uint32_t regioi_send_plan(struct regioi_send_state *state, const struct regioi_window *window,
			  struct regioi_area *area, struct regioi_op *op, uint64_t now_ns,
			  uint32_t *ret_planned);

/* The cheapest call for one piece of memory, send(2). For a stream as well. */
static inline void regioi_plan_plain_send(struct regioi_op *op, const void *data, size_t length)
{
	op->kind = REGIOI_OP_SEND;
	op->data = (void *)(uintptr_t)data;
	op->length = length;
}

/* An operation has sent 'requests' requests, and 'trains' trains among them. Returns 'requests'. */
static inline uint32_t regioi_send_count(struct regioi_send_state *state, uint32_t requests,
					 uint32_t trains)
{
	regioi_count_add(&state->messages, requests);
	regioi_count_add(&state->trains, trains);
	state->unsegmented_left -= regioi_lesser(state->unsegmented_left, requests);
	state->retries = 0;
	return requests;
}

/* The parts of regioi_send_settle() that are not for a single message that was sent. */
uint32_t regioi_send_settle_messages(struct regioi_send_state *state,
				     const struct regioi_area *area, uint32_t messages);
uint32_t regioi_send_settle_error(struct regioi_send_state *state,
				  const struct regioi_window *window, struct regioi_area *area,
				  const struct regioi_op *op, uint64_t now_ns,
				  enum regioi_send_verdict *ret_verdict);

/* Settles an operation that has sent something. Returns the number of requests completed. */
static inline uint32_t regioi_send_settle_sent(struct regioi_send_state *state,
					       const struct regioi_area *area,
					       const struct regioi_op *op)
{
	regioi_count_add(&state->calls, 1);
	return op->kind == REGIOI_OP_SEND
		       ? regioi_send_count(state, 1, 0)
		       : regioi_send_settle_messages(state, area, (uint32_t)op->result);
}

/* The same for any operation; the window starts at its first request. */
static inline uint32_t regioi_send_settle(struct regioi_send_state *state,
					  const struct regioi_window *window,
					  struct regioi_area *area, const struct regioi_op *op,
					  uint64_t now_ns, enum regioi_send_verdict *ret_verdict)
{
	*ret_verdict = REGIOI_SEND_PROGRESS;
	if (op->result >= 0)
		return regioi_send_settle_sent(state, area, op);
	regioi_count_add(&state->calls, 1);
	return regioi_send_settle_error(state, window, area, op, now_ns, ret_verdict);
}

#endif
