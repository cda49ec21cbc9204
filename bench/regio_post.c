/* SPDX-License-Identifier: MIT */
/*
 * Streams on regio, a batch of requests in each call: regio_post() instead of
 * regio_send() and regio_receive(). Otherwise as regio_stream.c and
 * regio_core.c.
 */
#include "regio_side.h"

#define SEND_BATCHES 2u
#define RECEIVES 2048u
/* On each socket of a group: a few trains. */
#define COPY_RECEIVES 512u
#define CORE_SLOTS 2048u

/* Requests of one queue that are posted in the next call. */
struct posts {
	struct regio_rq *rq;
	struct regio_request *requests;
	uint32_t count;
};

struct poster {
	struct regio_side regio;
	struct posts posts;
};

static void posts_open(struct posts *posts, struct regio_side *regio, uint32_t index,
		       uint32_t receives, uint32_t sends)
{
	posts->rq = regio_side_add_rq(regio, index, receives, sends);
	posts->requests = side_alloc(regio->side, (receives + sends) * sizeof(*posts->requests));
	posts->count = 0;
}

static void poster_open(struct poster *poster, struct bench_side *side, uint32_t receives,
			uint32_t sends)
{
	const uint32_t slots = receives + sends;

	regio_side_open(&poster->regio, side, slots, 0, slots);
	posts_open(&poster->posts, &poster->regio, 0, receives, sends);
}

static inline void add(struct posts *posts, const struct regio_side *regio, uint64_t slot,
		       uint32_t bytes)
{
	struct regio_request *request = &posts->requests[posts->count++];

	request->data = regio_side_slice(regio, slot, bytes);
	request->context = slot;
	request->flags = REGIO_MSG_DEFER;
}

static void post(struct posts *posts, struct regio_side *regio, uint32_t half)
{
	int posted = regio_post(posts->rq, half, posts->requests, posts->count);

	regio_side_check(regio, "regio_post", posted);
	if (unlikely((uint32_t)posted < posts->count))
		side_fail(regio->side, "regio_post: %d of %u", posted, posts->count);
	posts->count = 0;
}

/* The last request of a batch starts them all. */
static void post_sends(struct poster *poster)
{
	struct posts *posts = &poster->posts;

	posts->requests[posts->count - 1].flags = 0;
	post(posts, &poster->regio, REGIO_HALF_SEND);
}

/* Slots number 'first' and 'count' - 1 after it. */
static void post_receives(struct posts *posts, struct regio_side *regio, uint32_t first,
			  uint32_t count)
{
	for (uint32_t slot = first; slot < first + count; slot++)
		add(posts, regio, slot, regio->side->params.stride);
	post(posts, regio, REGIO_HALF_RECEIVE);
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
			add(&poster.posts, &poster.regio, next,
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
	post_receives(&poster.posts, &poster.regio, 0, RECEIVES);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &poster.regio.results[i];
			uint64_t slot = result->request_context;

			message_read(side, regio_side_slot(&poster.regio, slot), result->bytes);
			add(&poster.posts, &poster.regio, slot, side->params.stride);
		}
		if (count)
			post(&poster.posts, &poster.regio, REGIO_HALF_RECEIVE);
		else
			regio_side_idle(&poster.regio);
	}
}

/* What was received is posted anew in a call for each subscriber that it was from. */
void regio_post_multicast_rx(struct bench_side *side)
{
	const uint32_t slots = side->fd_count * COPY_RECEIVES;
	struct posts *posts = side_alloc(side, side->fd_count * sizeof(*posts));
	struct message_track *tracks = message_tracks(side);
	struct regio_side regio;

	regio_side_open(&regio, side, slots, 0, slots);
	for (uint32_t i = 0; i < side->fd_count; i++) {
		posts_open(&posts[i], &regio, i, COPY_RECEIVES, 0);
		post_receives(&posts[i], &regio, i * COPY_RECEIVES, COPY_RECEIVES);
	}
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &regio.results[i];
			uint64_t slot = result->request_context;

			message_read_on(side, &tracks[result->rq_context],
					regio_side_slot(&regio, slot), result->bytes);
			add(&posts[result->rq_context], &regio, slot, side->params.stride);
		}
		for (uint32_t i = 0; i < side->fd_count; i++) {
			if (posts[i].count)
				post(&posts[i], &regio, REGIO_HALF_RECEIVE);
		}
		if (count == 0)
			regio_side_idle(&regio);
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
			add(&poster.posts, &poster.regio, next++ % CORE_SLOTS, side->params.size);
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
	post_receives(&poster.posts, &poster.regio, 0, CORE_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		for (uint32_t i = 0; i < count; i++)
			add(&poster.posts, &poster.regio, poster.regio.results[i].request_context,
			    side->params.stride);
		if (count)
			post(&poster.posts, &poster.regio, REGIO_HALF_RECEIVE);
		side_count(side, count);
	}
}
