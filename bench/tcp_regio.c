/* SPDX-License-Identifier: MIT */
/*
 * TCP on regio. The sender of small messages is that of regio_stream.c: one slice
 * and one request for each. Receivers have a few large slices posted, which are
 * filled in turn. An answer is posted from the slice the request came in, with
 * REGIO_MSG_DEFER where the server sleeps and has others to answer.
 */
#include "byte_stream.h"
#include "regio_side.h"
#include "tcp_sides.h"

#define STREAM_RECEIVES 8u
#define PINGPONG_RECEIVES 2u
/* Marks the context of a send. */
#define SEND_MARK (1ull << 32)

static uint32_t bytes_of(const struct regio_side *regio, const struct regio_result *result)
{
	if (result->bytes == 0)
		byte_stream_ended(regio->side);
	return result->bytes;
}

static void post_large(struct regio_side *regio, struct regio_rq *rq, uint64_t index)
{
	struct regio_buf slice = {
		.region = regio->region,
		.offset = (uint32_t)index * TCP_RECEIVE_BYTES,
		.length = TCP_RECEIVE_BYTES,
	};

	regio_side_check(regio, "regio_receive", regio_receive(rq, &slice, REGIO_MSG_DEFER, index));
}

void regio_tcp_stream_rx(struct bench_side *side)
{
	struct byte_stream stream;
	struct regio_side regio;
	struct regio_rq *rq;

	regio_side_open(&regio, side, 0, STREAM_RECEIVES * TCP_RECEIVE_BYTES, STREAM_RECEIVES);
	rq = regio_side_add_rq(&regio, 0, STREAM_RECEIVES, 0);
	for (uint32_t i = 0; i < STREAM_RECEIVES; i++)
		post_large(&regio, rq, i);
	byte_stream_open(&stream, side);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&regio);

		for (uint32_t i = 0; i < count; i++) {
			uint64_t index = regio.results[i].request_context;

			byte_stream_read(&stream, regio.memory + index * TCP_RECEIVE_BYTES,
					 bytes_of(&regio, &regio.results[i]));
			post_large(&regio, rq, index);
		}
		if (count == 0)
			regio_side_idle(&regio);
	}
}

struct pair {
	struct regio_side regio;
	struct regio_rq *rq;
	struct byte_stream stream;
	uint64_t next_send; /* slots of sends follow those of receives */
};

static void send_next(struct pair *pair)
{
	struct regio_side *regio = &pair->regio;
	uint64_t slot = PINGPONG_RECEIVES + pair->next_send++ % PINGPONG_RECEIVES;
	uint32_t bytes = message_write(regio->side, regio_side_slot(regio, slot));
	struct regio_buf slice = regio_side_slice(regio, slot, bytes);

	regio_side_check(regio, "regio_send",
			 regio_send(pair->rq, &slice, REGIO_MSG_DONT_NOTIFY, slot));
}

/* Reads all that has come; returns how many messages that completed. */
static uint32_t read_all(struct pair *pair)
{
	struct regio_side *regio = &pair->regio;
	uint32_t count = regio_side_dequeue(regio);
	uint32_t completed = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct regio_result *result = &regio->results[i];
		uint64_t slot = result->request_context;

		if (slot >= PINGPONG_RECEIVES)
			continue;
		completed += byte_stream_read(&pair->stream, regio_side_slot(regio, slot),
					      bytes_of(regio, result));
		regio_side_post_receive(regio, pair->rq, slot, REGIO_MSG_DEFER);
	}
	if (count == 0)
		regio_side_idle(regio);
	return completed;
}

void regio_tcp_pingpong_tx(struct bench_side *side)
{
	const uint32_t slots = 2 * PINGPONG_RECEIVES;
	uint64_t started_ns;
	struct pair pair;

	pair.next_send = 0;
	regio_side_open(&pair.regio, side, slots, 0, slots);
	pair.rq = regio_side_add_rq(&pair.regio, 0, PINGPONG_RECEIVES, PINGPONG_RECEIVES);
	for (uint32_t slot = 0; slot < PINGPONG_RECEIVES; slot++)
		regio_side_post_receive(&pair.regio, pair.rq, slot, 0);
	byte_stream_open(&pair.stream, side);
	side_start(side);
	started_ns = clock_now_ns();
	send_next(&pair);
	while (side_running(side)) {
		if (read_all(&pair) == 0)
			continue;
		started_ns = side_round_trip(side, started_ns);
		send_next(&pair);
	}
}

static void post_answer(struct regio_side *regio, struct regio_rq *rq, uint64_t slot,
			uint32_t bytes, uint32_t flags)
{
	struct regio_buf slice = regio_side_slice(regio, slot, bytes);

	regio_side_check(regio, "regio_send", regio_send(rq, &slice, flags, slot | SEND_MARK));
	side_count_bytes(regio->side, bytes);
}

/* Handles all completions; returns how many there were. */
static uint32_t serve(struct regio_side *regio, struct regio_rq **rqs, uint32_t flags)
{
	uint32_t count = regio_side_dequeue(regio);

	for (uint32_t i = 0; i < count; i++) {
		const struct regio_result *result = &regio->results[i];
		struct regio_rq *rq = rqs[result->rq_context];
		uint64_t slot = result->request_context & ~SEND_MARK;

		if (result->request_context & SEND_MARK)
			regio_side_post_receive(regio, rq, slot, REGIO_MSG_DEFER);
		else
			post_answer(regio, rq, slot, bytes_of(regio, result), flags);
	}
	return count;
}

static void echo(struct bench_side *side, uint32_t flags)
{
	uint32_t slots = side->fd_count * SOCKET_SLOTS;
	struct regio_rq **rqs = side_alloc(side, side->fd_count * sizeof(struct regio_rq *));
	struct regio_side regio;

	regio_side_open(&regio, side, slots, 0, 2 * slots);
	for (uint32_t i = 0; i < side->fd_count; i++)
		rqs[i] = regio_side_add_rq(&regio, i, SOCKET_SLOTS, SOCKET_SLOTS);
	for (uint32_t slot = 0; slot < slots; slot++)
		regio_side_post_receive(&regio, rqs[slot / SOCKET_SLOTS], slot, REGIO_MSG_DEFER);
	side_start(side);
	while (side_running(side)) {
		if (serve(&regio, rqs, flags) == 0)
			regio_side_idle(&regio);
	}
}

void regio_tcp_echo_rx(struct bench_side *side)
{
	echo(side, REGIO_MSG_DONT_NOTIFY | (side->params.spin ? 0 : REGIO_MSG_DEFER));
}

void regio_slots_by_hand_streams_rx(struct bench_side *side)
{
	echo(side, REGIO_MSG_DEFER);
}
