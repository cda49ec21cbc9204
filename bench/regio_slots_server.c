/* SPDX-License-Identifier: MIT */
/*
 * Servers on a pool of slots (regio_slots.h): each answer is a reply from the slot that the request
 * came in. As many receives are posted as by the servers that make the same calls by hand.
 */
#include <regio_slots.h>

#include "byte_stream.h"
#include "regio_side.h"
#include "tcp_sides.h"

struct slots_server {
	struct regio_side regio;
	struct regio_slots *pool;
	struct regio_slot slots[REGIO_RESULTS];
};

static void server_open(struct slots_server *server, struct bench_side *side, uint32_t receives)
{
	struct regio_side *regio = &server->regio;
	uint32_t slots = side->fd_count * receives;

	regio_side_open_queue(regio, side, 2 * slots);
	regio_side_check_slow(
		regio, "regio_slots_create",
		regio_slots_create(regio->cq, slots, side->params.stride, NULL, &server->pool));
	for (uint32_t i = 0; i < side->fd_count; i++)
		regio_side_check_slow(
			regio, "regio_slots_attach",
			regio_slots_attach(server->pool,
					   regio_side_add_rq(regio, i, receives, receives),
					   receives));
}

static void answer(struct slots_server *server, const struct regio_slot *slot)
{
	struct regio_side *regio = &server->regio;

	regio_side_check(regio, "receive", slot->status);
	regio_side_check(regio, "regio_slots_reply",
			 regio_slots_reply(server->pool, slot, slot->length));
}

static uint32_t take(struct slots_server *server)
{
	int count = regio_slots_dequeue(server->pool, server->slots, REGIO_RESULTS);

	regio_side_check(&server->regio, "regio_slots_dequeue", count);
	return (uint32_t)count;
}

void regio_slots_datagrams_rx(struct bench_side *side)
{
	struct slots_server server;

	server_open(&server, side, side->fd_count == 1 ? FANIN_SLOTS : SOCKET_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = take(&server);

		for (uint32_t i = 0; i < count; i++)
			answer(&server, &server.slots[i]);
		side_count(side, count);
		if (count == 0)
			regio_side_wait(&server.regio);
	}
}

void regio_slots_streams_rx(struct bench_side *side)
{
	struct slots_server server;

	server_open(&server, side, SOCKET_SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = take(&server);

		for (uint32_t i = 0; i < count; i++) {
			if (server.slots[i].length == 0)
				byte_stream_ended(side);
			side_count_bytes(side, server.slots[i].length);
			answer(&server, &server.slots[i]);
		}
		if (count == 0)
			regio_side_wait(&server.regio);
	}
}
