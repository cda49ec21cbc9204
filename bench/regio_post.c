/* SPDX-License-Identifier: MIT */
/*
 * Streams on regio, a batch of requests in each call: regio_post() instead of
 * regio_send() and regio_receive(). Otherwise as regio_stream.c and
 * regio_core.c.
 */
#include "regio_side.h"

#define SEND_BATCHES 2u
#define RECEIVES 2048u
#define CORE_SLOTS 2048u

struct poster {
	struct regio_side regio;
	struct regio_rq *rq;
	struct regio_request *requests;
	uint32_t count;
};

static void poster_open(struct poster *poster, struct bench_side *side, uint32_t receives,
			uint32_t sends)
{
	const uint32_t slots = receives + sends;

	regio_side_open(&poster->regio, side, slots, 0, slots);
	poster->rq = regio_side_add_rq(&poster->regio, 0, receives, sends);
	poster->requests = side_alloc(side, slots * sizeof(*poster->requests));
	poster->count = 0;
}

static inline void add(struct poster *poster, uint64_t slot, uint32_t bytes)
{
	struct regio_request *request = &poster->requests[poster->count++];

	request->data = regio_side_slice(&poster->regio, slot, bytes);
	request->context = slot;
	request->flags = REGIO_MSG_DEFER;
}

static void post(struct poster *poster, uint32_t half)
{
	int posted = regio_post(poster->rq, half, poster->requests, poster->count);

	regio_side_check(&poster->regio, "regio_post", posted);
	if (unlikely((uint32_t)posted < poster->count))
		side_fail(poster->regio.side, "regio_post: %d of %u", posted, poster->count);
	poster->count = 0;
}

/* The last request of a batch starts them all. */
static void post_sends(struct poster *poster)
{
	poster->requests[poster->count - 1].flags = 0;
	post(poster, REGIO_HALF_SEND);
}

static void post_all_receives(struct poster *poster, uint32_t slots)
{
	for (uint32_t slot = 0; slot < slots; slot++)
		add(poster, slot, poster->regio.side->params.stride);
	post(poster, REGIO_HALF_RECEIVE);
}

void regio_post_stream_tx(struct bench_side *side)
{
	const uint32_t batch = side->params.batch, slots = batch * SEND_BATCHES;
	uint32_t next = 0, outstanding = 0;
	struct poster poster;

	poster_open(&poster, side, 0, slots);
	side_start(side);
	while (side_running(side)) {
		bool room = slots - outstanding >= batch;
		uint32_t done;

		for (uint32_t i = 0; room && i < batch; i++) {
			add(&poster, next,
			    message_write(side, regio_side_slot(&poster.regio, next)));
			next = next + 1 == slots ? 0 : next + 1;
		}
		if (room) {
			post_sends(&poster);
			outstanding += batch;
		}
		done = regio_side_dequeue(&poster.regio);
		outstanding -= done;
		if (done == 0 && !room)
			regio_side_idle(&poster.regio);
	}
}

void regio_post_stream_rx(struct bench_side *side)
{
	struct poster poster;

	poster_open(&poster, side, RECEIVES, 0);
	post_all_receives(&poster, RECEIVES);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &poster.regio.results[i];
			uint64_t slot = result->request_context;

			message_read(side, regio_side_slot(&poster.regio, slot), result->bytes);
			add(&poster, slot, side->params.stride);
		}
		if (count)
			post(&poster, REGIO_HALF_RECEIVE);
		else
			regio_side_idle(&poster.regio);
	}
}

void regio_post_core_tx(struct bench_side *side)
{
	const uint32_t batch = side->params.batch < CORE_SLOTS ? side->params.batch : CORE_SLOTS;
	uint32_t next = 0, outstanding = 0;
	struct poster poster;

	poster_open(&poster, side, 0, CORE_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t room = CORE_SLOTS - outstanding, count = room < batch ? room : batch;

		for (uint32_t i = 0; i < count; i++)
			add(&poster, next++ % CORE_SLOTS, side->params.size);
		if (count)
			post_sends(&poster);
		side_count(side, count);
		outstanding += count;
		outstanding -= regio_side_dequeue(&poster.regio);
	}
}

void regio_post_core_rx(struct bench_side *side)
{
	struct poster poster;

	poster_open(&poster, side, CORE_SLOTS, 0);
	post_all_receives(&poster, CORE_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		for (uint32_t i = 0; i < count; i++)
			add(&poster, poster.regio.results[i].request_context, side->params.stride);
		if (count)
			post(&poster, REGIO_HALF_RECEIVE);
		side_count(side, count);
	}
}
