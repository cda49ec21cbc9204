/* SPDX-License-Identifier: MIT */
/*
 * Streams on regio, a batch of requests in each call: regio_post() instead of
 * regio_send() and regio_receive(). The requests of all slots are written once: a
 * queue completes them in order, so what is posted next is next in the array as
 * well. Otherwise as regio_stream.c and regio_core.c.
 */
#include "regio_side.h"

#define SEND_BATCHES 2u
#define RECEIVES 2048u
/* On each socket of a group: a few trains. */
#define COPY_RECEIVES 512u
#define CORE_SLOTS 2048u

/* The requests of one queue, one for each of its slots. */
struct posts {
	struct regio_rq *rq;
	struct regio_request *requests;
	uint32_t slots;
	uint32_t next;	/* to be posted */
	uint32_t count; /* that are posted in the next call */
};

struct poster {
	struct regio_side regio;
	struct posts posts;
};

/* The slots are those from number 'first' on. */
static void posts_open(struct posts *posts, struct regio_side *regio, uint32_t index,
		       uint32_t first, uint32_t receives, uint32_t sends)
{
	const struct bench_params *params = &regio->side->params;
	const uint32_t slots = receives + sends;

	*posts = (struct posts){
		.rq = regio_side_add_rq(regio, index, receives, sends),
		.requests = side_alloc(regio->side, slots * sizeof(*posts->requests)),
		.slots = slots,
	};
	for (uint32_t i = 0; i < slots; i++) {
		posts->requests[i] = (struct regio_request){
			.data = regio_side_slice(regio, first + i,
						 sends ? params->size : params->stride),
			.context = first + i,
			.flags = REGIO_MSG_DEFER,
		};
	}
}

static void poster_open(struct poster *poster, struct bench_side *side, uint32_t receives,
			uint32_t sends)
{
	const uint32_t slots = receives + sends;

	regio_side_open(&poster->regio, side, slots, 0, slots);
	posts_open(&poster->posts, &poster->regio, 0, 0, receives, sends);
}

/* Up to the end of the array. */
static void post_part(struct posts *posts, struct regio_side *regio, uint32_t half)
{
	const uint32_t to_end = posts->slots - posts->next;
	const uint32_t count = posts->count < to_end ? posts->count : to_end;
	int posted = regio_post(posts->rq, half, &posts->requests[posts->next], count);

	regio_side_check(regio, "regio_post", posted);
	if (unlikely((uint32_t)posted < count))
		side_fail(regio->side, "regio_post: %d of %u", posted, count);
	posts->next = count < to_end ? posts->next + count : 0;
	posts->count -= count;
}

static void post(struct posts *posts, struct regio_side *regio, uint32_t half)
{
	while (posts->count > 0)
		post_part(posts, regio, half);
}

/* The last request of a batch starts them all. */
static void post_sends(struct poster *poster)
{
	struct posts *posts = &poster->posts;
	struct regio_request *last =
		&posts->requests[(posts->next + posts->count - 1) % posts->slots];

	last->flags = 0;
	post(posts, &poster->regio, REGIO_HALF_SEND);
	last->flags = REGIO_MSG_DEFER;
}

static void post_all_receives(struct posts *posts, struct regio_side *regio)
{
	posts->count = posts->slots;
	post(posts, regio, REGIO_HALF_RECEIVE);
}

static void write_messages(struct poster *poster, uint32_t count)
{
	struct bench_side *side = poster->regio.side;
	struct posts *posts = &poster->posts;
	struct regio_request *const requests = posts->requests, *const end =
									requests + posts->slots;
	struct regio_request *request = requests + posts->next;
	uint8_t *const memory = poster->regio.memory;

	for (uint32_t i = 0; i < count; i++) {
		request->data.length = message_write(side, memory + request->data.offset);
		if (unlikely(++request == end))
			request = requests;
	}
	posts->count = count;
}

void regio_post_stream_tx(struct bench_side *side)
{
	const uint32_t batch = side->params.batch, slots = batch * SEND_BATCHES;
	uint32_t outstanding = 0;
	struct poster poster;

	poster_open(&poster, side, 0, slots);
	side_start(side);
	while (side_running(side)) {
		bool room = slots - outstanding >= batch;
		uint32_t done;

		if (room) {
			write_messages(&poster, batch);
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
	post_all_receives(&poster.posts, &poster.regio);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &poster.regio.results[i];

			message_read(side, regio_side_slot(&poster.regio, result->request_context),
				     result->bytes);
		}
		poster.posts.count = count;
		post(&poster.posts, &poster.regio, REGIO_HALF_RECEIVE);
		if (count == 0)
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
		posts_open(&posts[i], &regio, i, i * COPY_RECEIVES, COPY_RECEIVES, 0);
		post_all_receives(&posts[i], &regio);
	}
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &regio.results[i];

			message_read_on(side, &tracks[result->rq_context],
					regio_side_slot(&regio, result->request_context),
					result->bytes);
			posts[result->rq_context].count++;
		}
		for (uint32_t i = 0; i < side->fd_count; i++)
			post(&posts[i], &regio, REGIO_HALF_RECEIVE);
		if (count == 0)
			regio_side_idle(&regio);
	}
}

void regio_post_core_tx(struct bench_side *side)
{
	const uint32_t batch = side->params.batch < CORE_SLOTS ? side->params.batch : CORE_SLOTS;
	uint32_t outstanding = 0;
	struct poster poster;

	poster_open(&poster, side, 0, CORE_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t room = CORE_SLOTS - outstanding, count = room < batch ? room : batch;

		poster.posts.count = count;
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
	post_all_receives(&poster.posts, &poster.regio);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&poster.regio);

		poster.posts.count = count;
		post(&poster.posts, &poster.regio, REGIO_HALF_RECEIVE);
		side_count(side, count);
	}
}
