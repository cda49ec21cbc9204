/* SPDX-License-Identifier: MIT */
/*
 * Servers on regio: an answer is posted from the slice the request came in, with
 * REGIO_MSG_DEFER, and starts with all others at the next dequeue that finds the
 * queue empty. Its completion posts the slice for a receive again. Answers carry
 * DONT_NOTIFY: nobody needs to be woken because one has left. They do not where the
 * server is compared with a pool of slots, whose answers have no flags.
 */
#include <netinet/in.h>

#include "regio_side.h"

/* An address slice; a multiple of what the library asks for. */
#define NAME_BYTES 32u
#define ANSWER_FLAGS (REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY)
/* Marks the context of a send. */
#define SEND_MARK (1ull << 32)

struct server {
	struct regio_side regio;
	struct regio_rq **rqs; /* by socket */
	uint32_t slots_per_rq;
	uint32_t answer_flags;
	bool named; /* one socket, not connected: addresses go with the messages */
};

static struct regio_extra name_of(const struct server *server, uint64_t slot)
{
	uint32_t names = FANIN_SLOTS * server->regio.side->params.stride;

	return (struct regio_extra){
		.remote_address =
			{
				.region = server->regio.region,
				.offset = names + (uint32_t)slot * NAME_BYTES,
				.length = NAME_BYTES,
			},
	};
}

static void post_receive(struct server *server, uint64_t slot)
{
	struct regio_side *regio = &server->regio;
	struct regio_buf slice = regio_side_slice(regio, slot, regio->side->params.stride);
	struct regio_rq *rq = server->rqs[slot / server->slots_per_rq];
	struct regio_extra extra;

	if (!server->named) {
		regio_side_post_receive(regio, rq, slot, REGIO_MSG_DEFER);
		return;
	}
	extra = name_of(server, slot);
	regio_side_check(regio, "regio_receive_ex",
			 regio_receive_ex(rq, &slice, &extra, REGIO_MSG_DEFER, slot));
}

static void post_answer(struct server *server, uint64_t slot, uint32_t bytes)
{
	struct regio_side *regio = &server->regio;
	struct regio_buf slice = regio_side_slice(regio, slot, bytes);
	struct regio_rq *rq = server->rqs[slot / server->slots_per_rq];
	struct regio_extra extra;

	if (!server->named) {
		regio_side_check(regio, "regio_send",
				 regio_send(rq, &slice, server->answer_flags, slot | SEND_MARK));
		return;
	}
	extra = name_of(server, slot);
	regio_side_check(regio, "regio_send_ex",
			 regio_send_ex(rq, &slice, &extra, server->answer_flags, slot | SEND_MARK));
}

/* Handles all completions; returns how many there were. */
static uint32_t serve(struct server *server)
{
	struct regio_side *regio = &server->regio;
	uint32_t count = regio_side_dequeue(regio);
	uint32_t requests = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct regio_result *result = &regio->results[i];
		uint64_t slot = result->request_context & ~SEND_MARK;

		if (result->request_context & SEND_MARK) {
			post_receive(server, slot);
		} else {
			post_answer(server, slot, result->bytes);
			requests++;
		}
	}
	side_count(regio->side, requests);
	return count;
}

static void serve_all(struct server *server)
{
	struct bench_side *side = server->regio.side;
	uint32_t slots = side->fd_count * server->slots_per_rq;

	for (uint32_t slot = 0; slot < slots; slot++)
		post_receive(server, slot);
	side_start(side);
	while (side_running(side)) {
		if (serve(server) == 0)
			regio_side_wait(&server->regio);
	}
}

static void server_open(struct server *server, struct bench_side *side, uint32_t slots_per_rq,
			uint32_t extra_bytes)
{
	uint32_t slots = side->fd_count * slots_per_rq;

	server->slots_per_rq = slots_per_rq;
	server->rqs = side_alloc(side, side->fd_count * sizeof(struct regio_rq *));
	regio_side_open(&server->regio, side, slots, extra_bytes, 2 * slots);
	for (uint32_t i = 0; i < side->fd_count; i++)
		server->rqs[i] = regio_side_add_rq(&server->regio, i, slots_per_rq, slots_per_rq);
}

void regio_fanin_rx(struct bench_side *side)
{
	struct server server = {.named = true, .answer_flags = ANSWER_FLAGS};

	server_open(&server, side, FANIN_SLOTS, FANIN_SLOTS * NAME_BYTES);
	serve_all(&server);
}

void regio_slots_by_hand_rx(struct bench_side *side)
{
	struct server server = {.named = true, .answer_flags = REGIO_MSG_DEFER};

	server_open(&server, side, FANIN_SLOTS, FANIN_SLOTS * NAME_BYTES);
	serve_all(&server);
}

void regio_sockets_rx(struct bench_side *side)
{
	struct server server = {.named = false, .answer_flags = ANSWER_FLAGS};

	server_open(&server, side, SOCKET_SLOTS, 0);
	serve_all(&server);
}
