/* SPDX-License-Identifier: MIT */
/*
 * Gathering: queued sends of a stream become one operation, and what it moved becomes theirs. No
 * system calls, no locks.
 */
#ifndef REGIO_STREAM_SEND_H
#define REGIO_STREAM_SEND_H

#include <stdbool.h>
#include <stdint.h>

#include "dgram/send.h"
#include "engine/engine.h"
#include "mem/area.h"
#include "mem/request.h"

/* Whether planning the oldest requests needs an area. */
static inline bool regioi_stream_send_needs_area(const struct regioi_window *window)
{
	return window->count > 1;
}

/*
 * Turns the oldest requests of the window, or the rest of the first, into 'op'. Returns the number
 * of them that completed without an operation, because their region was deregistered; the operation
 * starts after these. *ret_planned is the number of requests in it, 0 if there is no operation.
 * 'area' may be NULL if none is needed.
 */
uint32_t regioi_stream_send_plan(struct regioi_send_state *state,
				 const struct regioi_window *window, struct regioi_area *area,
				 struct regioi_op *op, uint32_t *ret_planned);

/*
 * Settles an operation that moved bytes; the window starts at its first request. Returns the number
 * of requests completed: those that the kernel has taken completely.
 */
uint32_t regioi_stream_send_settle(struct regioi_send_state *state,
				   const struct regioi_window *window, const struct regioi_op *op,
				   uint32_t planned);

#endif
