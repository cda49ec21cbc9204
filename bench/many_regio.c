/* SPDX-License-Identifier: MIT */
/*
 * regio on many sockets: a request queue of 32 + 32 slots on each, all on one completion queue, and
 * 32 receives posted on each. Receives are posted again with REGIO_MSG_DEFER.
 */
#include "many.h"
#include "regio_side.h"

#define SLOTS 32u

struct server {
	struct regio_side regio;
	struct many many;
	struct regio_rq **rqs; /* by socket */
};

static void open_queues(struct server *server)
{
	struct bench_side *side = server->regio.side;

	many_open_begin(&server->many);
	for (uint32_t i = 0; i < side->fd_count; i++)
		server->rqs[i] = regio_side_add_rq(&server->regio, i, SLOTS, SLOTS);
	many_open_end(&server->many);
	for (uint32_t slot = 0; slot < side->fd_count * SLOTS; slot++)
		regio_side_post_receive(&server->regio, server->rqs[slot / SLOTS], slot,
					REGIO_MSG_DEFER);
}

static void close_queues(struct server *server)
{
	many_close_begin(&server->many);
	for (uint32_t i = 0; i < server->regio.side->fd_count; i++)
		regio_side_check(&server->regio, "regio_rq_close",
				 regio_rq_close(server->rqs[i], 0));
	many_close_end(&server->many);
}

/* Handles all completions; returns how many there were. */
static uint32_t serve(struct server *server)
{
	struct regio_side *regio = &server->regio;
	uint32_t count = regio_side_dequeue(regio);

	for (uint32_t i = 0; i < count; i++) {
		const struct regio_result *result = &regio->results[i];
		uint64_t slot = result->request_context;
		uint32_t queue = (uint32_t)(slot / SLOTS);

		many_read(&server->many, queue, regio_side_slot(regio, slot), result->bytes);
		regio_side_post_receive(regio, server->rqs[queue], slot, REGIO_MSG_DEFER);
	}
	return count;
}

void regio_many_rx(struct bench_side *side)
{
	struct server server;

	many_init(&server.many, side);
	server.rqs = side_alloc(side, side->fd_count * sizeof(struct regio_rq *));
	regio_side_open(&server.regio, side, side->fd_count * SLOTS, 0, side->fd_count * 2 * SLOTS);
	open_queues(&server);
	side_start(side);
	while (side_running(side)) {
		if (serve(&server) == 0)
			regio_side_wait(&server.regio);
	}
	close_queues(&server);
}
