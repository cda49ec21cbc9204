/* SPDX-License-Identifier: MIT */
/*
 * Ping-pong and idle polls on regio: a few receives posted, one send at a time,
 * never deferred. A spinning side polls the completion queue, a sleeping one
 * waits on it.
 */
#include "regio_side.h"

#define RECEIVES 16u
#define SENDS 16u
/* Slots of sends follow those of receives; the context of a send says so. */
#define SLOTS (RECEIVES + SENDS)
#define IDLE_POLLS 256u

struct pair {
	struct regio_side regio;
	struct regio_rq *rq;
	uint32_t sends;
	/* Completions taken off the queue and not looked at yet. */
	uint32_t next;
	uint32_t count;
};

static void pair_open(struct pair *pair, struct bench_side *side)
{
	pair->sends = 0;
	pair->next = pair->count = 0;
	regio_side_open(&pair->regio, side, SLOTS, 0, SLOTS);
	pair->rq = regio_side_add_rq(&pair->regio, 0, RECEIVES, SENDS);
	for (uint32_t slot = 0; slot < RECEIVES; slot++)
		regio_side_post_receive(&pair->regio, pair->rq, slot, 0);
}

/* The slot of the next message to send. */
static uint64_t send_slot(const struct pair *pair)
{
	return RECEIVES + pair->sends % SENDS;
}

static void send_message(struct pair *pair, uint32_t bytes)
{
	uint64_t slot = send_slot(pair);
	struct regio_buf slice = regio_side_slice(&pair->regio, slot, bytes);

	regio_side_check(&pair->regio, "regio_send",
			 regio_send(pair->rq, &slice, REGIO_MSG_DONT_NOTIFY, slot));
	pair->sends++;
}

static void fetch(struct pair *pair)
{
	pair->next = 0;
	pair->count = regio_side_dequeue(&pair->regio);
	if (pair->count == 0)
		regio_side_idle(&pair->regio);
}

/* The completion of the next message, or NULL when it is time to return. */
static const struct regio_result *next_message(struct pair *pair)
{
	while (side_running(pair->regio.side)) {
		while (pair->next < pair->count) {
			const struct regio_result *result = &pair->regio.results[pair->next++];

			if (result->request_context < RECEIVES)
				return result;
		}
		fetch(pair);
	}
	return NULL;
}

void regio_pingpong_tx(struct bench_side *side)
{
	const struct regio_result *result;
	uint64_t started_ns;
	struct pair pair;

	pair_open(&pair, side);
	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		send_message(&pair,
			     message_write(side, regio_side_slot(&pair.regio, send_slot(&pair))));
		result = next_message(&pair);
		if (!result)
			return;
		message_read(side, regio_side_slot(&pair.regio, result->request_context),
			     result->bytes);
		regio_side_post_receive(&pair.regio, pair.rq, result->request_context,
					REGIO_MSG_DEFER);
		started_ns = side_round_trip(side, started_ns);
	}
}

/*
 * The other peers answer from the buffer the message is in; here, too: the slice
 * is posted again for a receive when its send has completed.
 */
static void answer(struct pair *pair, const struct regio_result *result)
{
	uint64_t slot = result->request_context;
	struct regio_buf slice = regio_side_slice(&pair->regio, slot, result->bytes);

	regio_side_check(&pair->regio, "regio_send",
			 regio_send(pair->rq, &slice, REGIO_MSG_DONT_NOTIFY, RECEIVES + slot));
}

void regio_pingpong_rx(struct bench_side *side)
{
	struct pair pair;

	pair_open(&pair, side);
	side_start(side);
	while (side_running(side)) {
		fetch(&pair);
		for (uint32_t i = 0; i < pair.count; i++) {
			const struct regio_result *result = &pair.regio.results[i];
			uint64_t slot = result->request_context;

			if (slot >= RECEIVES) {
				regio_side_post_receive(&pair.regio, pair.rq, slot - RECEIVES,
							REGIO_MSG_DEFER);
				continue;
			}
			message_read(side, regio_side_slot(&pair.regio, slot), result->bytes);
			answer(&pair, result);
		}
	}
}

void regio_idle_rx(struct bench_side *side)
{
	struct pair pair;

	pair_open(&pair, side);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < IDLE_POLLS; i++)
			regio_side_dequeue(&pair.regio);
		side_count(side, IDLE_POLLS);
	}
}
