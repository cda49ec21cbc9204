/* SPDX-License-Identifier: MIT */
/*
 * What the regio implementations share: a driver as the implementation wants it,
 * one completion queue, one region of message buffers. Everything is the public
 * interface of regio.h.
 */
#ifndef BENCH_REGIO_SIDE_H
#define BENCH_REGIO_SIDE_H

#include <regio.h>

#include "impl.h"
#include "message.h"

/* The most completions taken off the queue at once. */
#define REGIO_RESULTS 1024u

/* Receives of a server on the one socket of all peers. */
#define FANIN_SLOTS 1024u
/* On the socket of each peer: it has one request outstanding; the second is there before the first
 * is free.
 */
#define SOCKET_SLOTS 2u

struct regio_side {
	struct bench_side *side;
	struct regio_driver *driver;
	struct regio_cq *cq;
	uint64_t region;
	uint8_t *memory;
	struct regio_result results[REGIO_RESULTS];
};

/* 0 when the engine works here, else -1 and why not. */
int regio_side_probe(const struct bench_impl *impl, char *ret_reason, size_t reason_bytes);

/* A queue for 'completions', and no memory. */
void regio_side_open_queue(struct regio_side *regio, struct bench_side *side, uint32_t completions);

/* 'slots' message buffers, then 'extra_bytes'; a queue for 'completions'. */
void regio_side_open(struct regio_side *regio, struct bench_side *side, uint32_t slots,
		     uint32_t extra_bytes, uint32_t completions);

/* A request queue on socket number 'index', which is also its context. */
struct regio_rq *regio_side_add_rq(struct regio_side *regio, uint32_t index, uint32_t receives,
				   uint32_t sends);

/* Ends the run when a call of the library has failed. */
void regio_side_check_slow(struct regio_side *regio, const char *call, int result);

static inline void regio_side_check(struct regio_side *regio, const char *call, int result)
{
	if (unlikely(result < 0))
		regio_side_check_slow(regio, call, result);
}

static inline uint8_t *regio_side_slot(const struct regio_side *regio, uint64_t slot)
{
	return regio->memory + slot * regio->side->params.stride;
}

/* The slice of a slot: 'bytes' of it. */
static inline struct regio_buf regio_side_slice(const struct regio_side *regio, uint64_t slot,
						uint32_t bytes)
{
	return (struct regio_buf){
		.region = regio->region,
		.offset = (uint32_t)(slot * regio->side->params.stride),
		.length = bytes,
	};
}

/* Posts a receive into a slot, which becomes its context. */
static inline void regio_side_post_receive(struct regio_side *regio, struct regio_rq *rq,
					   uint64_t slot, uint32_t flags)
{
	struct regio_buf slice = regio_side_slice(regio, slot, regio->side->params.stride);

	regio_side_check(regio, "regio_receive", regio_receive(rq, &slice, flags, slot));
}

/* Up to REGIO_RESULTS completions into regio->results, none of which may have failed. */
static inline uint32_t regio_side_dequeue(struct regio_side *regio)
{
	int count = regio_cq_dequeue(regio->cq, regio->results, REGIO_RESULTS);

	regio_side_check(regio, "regio_cq_dequeue", count);
	for (int i = 0; i < count; i++)
		regio_side_check(regio, "completion", regio->results[i].status);
	return (uint32_t)count;
}

/* Sleeps until there is a completion. */
void regio_side_wait(struct regio_side *regio);

/* For a side that found nothing: it spins or sleeps, whichever it is to do. */
static inline void regio_side_idle(struct regio_side *regio)
{
	if (regio->side->params.spin)
		side_relax(regio->side);
	else
		regio_side_wait(regio);
}

/* The sides of the cases; those of core-cost run on the engine "null" alone. */
bench_side_fn regio_stream_tx, regio_stream_rx, regio_paced_tx, regio_paced_rx, regio_pingpong_tx,
	regio_pingpong_rx, regio_fanin_rx, regio_sockets_rx, regio_idle_rx, regio_nodefer_tx,
	regio_multicast_rx, regio_core_tx, regio_core_rx, regio_post_stream_tx,
	regio_post_stream_rx, regio_post_multicast_rx, regio_post_core_tx, regio_post_core_rx,
	regio_slots_datagrams_rx, regio_slots_by_hand_rx;

#endif
