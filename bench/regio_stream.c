/* SPDX-License-Identifier: MIT */
/*
 * Streams on regio. The sender fills slices and posts each with
 * REGIO_MSG_DEFER, but the last of a batch, which starts them all; it takes
 * completions off the queue before it writes a slice again. The receiver keeps
 * many receives posted, takes what has completed and posts the slices anew.
 */
#include "pace.h"
#include "regio_side.h"

/* Batches of slices the sender owns, so that it need not wait for the last to complete. */
#define SEND_BATCHES 2u
#define RECEIVES 2048u
/* On each socket of a group: a few trains. */
#define COPY_RECEIVES 512u

struct sender {
	struct regio_side regio;
	struct regio_rq *rq;
	uint32_t slots;
	uint32_t next_slot;
	uint32_t outstanding;
};

static void sender_open(struct sender *sender, struct bench_side *side)
{
	sender->slots = side->params.batch * SEND_BATCHES;
	sender->next_slot = 0;
	sender->outstanding = 0;
	regio_side_open(&sender->regio, side, sender->slots, 0, sender->slots);
	sender->rq = regio_side_add_rq(&sender->regio, 0, 0, sender->slots);
}

static void send_next(struct sender *sender, uint32_t flags)
{
	struct regio_side *regio = &sender->regio;
	uint32_t slot = sender->next_slot;
	uint32_t bytes = message_write(regio->side, regio_side_slot(regio, slot));
	struct regio_buf slice = regio_side_slice(regio, slot, bytes);

	regio_side_check(regio, "regio_send", regio_send(sender->rq, &slice, flags, slot));
	sender->next_slot = slot + 1 == sender->slots ? 0 : slot + 1;
	sender->outstanding++;
}

/* The last of them starts them all. */
static void send_batch(struct sender *sender, uint32_t count)
{
	struct regio_side *regio = &sender->regio;
	struct bench_side *side = regio->side;
	const uint32_t stride = side->params.stride, slots = sender->slots;
	uint8_t *const memory = regio->memory;
	struct regio_rq *const rq = sender->rq;
	struct regio_buf slice = {.region = regio->region};
	uint32_t slot = sender->next_slot, offset = slot * stride;

	for (uint32_t left = count; left > 0; left--) {
		slice.offset = offset;
		slice.length = message_write(side, memory + offset);
		regio_side_check(
			regio, "regio_send",
			regio_send(rq, &slice, likely(left > 1) ? REGIO_MSG_DEFER : 0, slot));
		slot++;
		offset += stride;
		if (unlikely(slot == slots))
			slot = offset = 0;
	}
	sender->next_slot = slot;
	sender->outstanding += count;
}

static uint32_t take_completions(struct sender *sender)
{
	uint32_t count = regio_side_dequeue(&sender->regio);

	sender->outstanding -= count;
	return count;
}

void regio_stream_tx(struct bench_side *side)
{
	uint32_t batch = side->params.batch;
	struct sender sender;

	sender_open(&sender, side);
	side_start(side);
	while (side_running(side)) {
		bool room = sender.slots - sender.outstanding >= batch;

		if (room)
			send_batch(&sender, batch);
		if (take_completions(&sender) == 0 && !room)
			regio_side_idle(&sender.regio);
	}
}

void regio_paced_tx(struct bench_side *side)
{
	struct sender sender;

	sender_open(&sender, side);
	side_start(side);
	while (pace_next(side)) {
		while (sender.outstanding == sender.slots && side_running(side))
			take_completions(&sender);
		send_next(&sender, 0);
		take_completions(&sender);
		pace_done(side);
	}
}

typedef void read_fn(struct bench_side *side, const void *data, uint32_t bytes);

static struct regio_rq *receiver_open(struct regio_side *regio, struct bench_side *side)
{
	struct regio_rq *rq;

	regio_side_open(regio, side, RECEIVES, 0, RECEIVES);
	rq = regio_side_add_rq(regio, 0, RECEIVES, 0);
	for (uint32_t slot = 0; slot < RECEIVES; slot++)
		regio_side_post_receive(regio, rq, slot, REGIO_MSG_DEFER);
	return rq;
}

/* Reads what has arrived and posts its slices anew; returns how many there were. */
static inline uint32_t take_messages(struct regio_side *regio, struct regio_rq *rq, read_fn *read)
{
	uint32_t count = regio_side_dequeue(regio);

	for (uint32_t i = 0; i < count; i++) {
		uint64_t slot = regio->results[i].request_context;

		read(regio->side, regio_side_slot(regio, slot), regio->results[i].bytes);
		regio_side_post_receive(regio, rq, slot, REGIO_MSG_DEFER);
	}
	return count;
}

void regio_stream_rx(struct bench_side *side)
{
	struct regio_side regio;
	struct regio_rq *rq = receiver_open(&regio, side);

	side_start(side);
	while (side_running(side)) {
		if (take_messages(&regio, rq, message_read) == 0)
			regio_side_idle(&regio);
	}
}

void regio_paced_rx(struct bench_side *side)
{
	struct regio_side regio;
	struct regio_rq *rq = receiver_open(&regio, side);

	side_start(side);
	while (side_running(side)) {
		if (take_messages(&regio, rq, pace_read) == 0)
			regio_side_wait(&regio);
	}
}

/* All subscribers are served from one completion queue; its results say which one it was. */
void regio_multicast_rx(struct bench_side *side)
{
	const uint32_t slots = side->fd_count * COPY_RECEIVES;
	struct regio_rq **rqs = side_alloc(side, side->fd_count * sizeof(struct regio_rq *));
	struct message_track *tracks = message_tracks(side);
	struct regio_side regio;

	regio_side_open(&regio, side, slots, 0, slots);
	for (uint32_t i = 0; i < side->fd_count; i++)
		rqs[i] = regio_side_add_rq(&regio, i, COPY_RECEIVES, 0);
	for (uint32_t slot = 0; slot < slots; slot++)
		regio_side_post_receive(&regio, rqs[slot / COPY_RECEIVES], slot, REGIO_MSG_DEFER);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&regio);

		for (uint32_t i = 0; i < count; i++) {
			const struct regio_result *result = &regio.results[i];
			uint64_t slot = result->request_context;

			message_read_on(side, &tracks[result->rq_context],
					regio_side_slot(&regio, slot), result->bytes);
			regio_side_post_receive(&regio, rqs[result->rq_context], slot,
						REGIO_MSG_DEFER);
		}
		if (count == 0)
			regio_side_idle(&regio);
	}
}
