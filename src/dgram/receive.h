/* SPDX-License-Identifier: MIT */
/*
 * Splitting trains: what arrives is distributed over the posted receives, in order. The kernel
 * joins messages of one sender into a train by generic receive offload (GRO), the option UDP_GRO.
 * No system calls, no locks.
 */
#ifndef REGIO_DGRAM_RECEIVE_H
#define REGIO_DGRAM_RECEIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "mem/area.h"
#include "mem/request.h"

/* Received messages that are kept in the stages of an area until receives are posted. */
struct regioi_staged {
	struct regioi_area *area; /* NULL: nothing is staged */
	uint8_t message;	  /* the next one to split */
	uint8_t messages;
	uint32_t offset; /* bytes of it delivered */
};

/*
 * The state of a receive half between operations. Initialised to zero; then 'local' and
 * 'report_icmp' are set. Fields needed for every message come first, to share cache lines. A stream
 * has no trains and stages nothing.
 */
struct regioi_receive_state {
	/*
	 * A request with extra slices has been posted: get names and control data. Set by the
	 * poster.
	 */
	_Atomic bool extras;
	/* Control data may be longer than REGIOI_CONTROL_BYTES. */
	_Atomic bool long_control;
	_Atomic bool trains; /* UDP_GRO was turned on by the library */
	bool report_icmp;
	uint8_t asked;		     /* messages the next operation asks for */
	uint8_t single_receives;     /* operations in a row that asked for one message and got it */
	uint8_t single_receives_max; /* after so many the next asks for more */
	uint8_t retries;	     /* after consecutive ICMP errors */
	uint32_t burst;		/* consecutive messages of one sender that were queued together */
	uint32_t partial_bytes; /* streams: bytes that the oldest request has got */
	struct regioi_staged staged;
	_Atomic uint64_t messages;
	_Atomic uint64_t calls;

	uint32_t hidden;	  /* REGIOI_HIDE_...: control messages for the library */
	bool destination_missing; /* of the last message: the kernel has not reported it */
	uint8_t long_bursts;	  /* in a row */
	uint32_t awake;		  /* messages since the driver slept last */
	uint32_t sleeps;	  /* how often the driver has slept, at the last message */
	uint8_t ask_credit;	  /* calls that may find only one before the next asks for one */
	uint8_t drains;	   /* calls with several messages and the queue's end, less lone ones */
	bool drains_often; /* 'drains' has reached its limit, and not 0 since */
	union {
		union regioi_address burst_sender;
		union regioi_address peer; /* streams: for remote address slices */
	};
	/* The socket's own, for local address slices if the destination is missing. */
	union regioi_address local;
	_Atomic uint64_t received_trains;
	_Atomic uint64_t truncated;
};

enum regioi_receive_verdict {
	REGIOI_RECEIVE_PROGRESS, /* look again */
	REGIOI_RECEIVE_EMPTY,	 /* the socket has nothing */
};

/* Whether planning the oldest requests needs an area. */
static inline bool regioi_receive_needs_area(const struct regioi_receive_state *state,
					     const struct regioi_window *window)
{
	return (state->asked > 1 && window->count > 1) ||
	       atomic_load_explicit(&state->trains, memory_order_relaxed) ||
	       atomic_load_explicit(&state->extras, memory_order_relaxed);
}

/*
 * Turns the oldest requests of the window into 'op'. Returns the number of them that completed
 * without an operation, because their region was deregistered; the operation starts after these.
 * *ret_planned is 0 if there is no operation. 'area' may be NULL if none is needed.
 */
uint32_t regioi_receive_plan(struct regioi_receive_state *state, const struct regioi_window *window,
			     struct regioi_area *area, struct regioi_op *op, uint32_t *ret_planned);

/*
 * A part of it: plans receives of at most 'most' of the window's requests into their slices, of
 * which the first is 'data'. Returns their number.
 */
uint32_t regioi_receive_plan_slices(enum regioi_area_layout layout,
				    const struct regioi_window *window, uint8_t *data,
				    uint32_t most, struct regioi_area *area, struct regioi_op *op);

/*
 * Settles an executed operation; the window starts at its first request and may hold more than were
 * planned. Returns the number of requests completed. Messages without a request are kept in
 * state->staged, with 'area', which then belongs to the state.
 */
uint32_t regioi_receive_settle(struct regioi_receive_state *state,
			       const struct regioi_window *window, struct regioi_area *area,
			       const struct regioi_op *op,
			       enum regioi_receive_verdict *ret_verdict);

/* Delivers staged messages to the requests of the window. Returns the number completed. */
uint32_t regioi_receive_deliver(struct regioi_receive_state *state,
				const struct regioi_window *window);

/* Whether the traffic could be trains: long bursts of one sender. */
bool regioi_receive_bursts(const struct regioi_receive_state *state);

#endif
