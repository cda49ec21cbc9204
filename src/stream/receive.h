/* SPDX-License-Identifier: MIT */
/*
 * Scattering: what arrives on a stream is distributed over the posted receives, in order. No system
 * calls, no locks.
 */
#ifndef REGIO_STREAM_RECEIVE_H
#define REGIO_STREAM_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "dgram/receive.h"
#include "engine/engine.h"
#include "mem/area.h"
#include "mem/request.h"

/* Whether planning the oldest requests needs an area: not if one is filled at a time. */
static inline bool regioi_stream_receive_needs_area(const struct regioi_receive_state *state,
						    const struct regioi_window *window)
{
	return state->asked > 1 && window->count > 1;
}

/*
 * Turns the oldest requests of the window, or the rest of the first, into 'op'. Returns the number
 * of them that completed without an operation, because their region was deregistered; the operation
 * starts after these. *ret_planned is the number of requests it is for, 0 if there is no operation.
 * 'area' may be NULL if none is needed.
 */
uint32_t regioi_stream_receive_plan(struct regioi_receive_state *state,
				    const struct regioi_window *window, struct regioi_area *area,
				    struct regioi_op *op, uint32_t *ret_planned);

/*
 * Settles an operation that received bytes, or that asked for none; the window starts at its first
 * request. Returns the number of requests completed.
 */
uint32_t regioi_stream_receive_settle(struct regioi_receive_state *state,
				      const struct regioi_window *window,
				      const struct regioi_area *area, const struct regioi_op *op,
				      uint32_t planned);

/* The end of the stream completes every request. Returns their number. */
uint32_t regioi_stream_receive_end(struct regioi_receive_state *state,
				   const struct regioi_window *window);

#endif
