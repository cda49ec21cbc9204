/* SPDX-License-Identifier: MIT */
/*
 * slots_traffic.c - an echo server, by hand or with a pool, for a counter of instructions
 *
 *	slots_traffic hand|slots named|connected|stream MESSAGES
 *
 * On the engine that does nothing: every receive finds 64 bytes, every send is accepted. By hand
 * it makes the calls that the servers of the benchmark make. The counter sees serve().
 */
#include "support/demand.h"
#include "support/net.h"
#include "support/streams.h"
#include "support/suite.h"

#include <regio_slots.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 512u
#define BYTES 64u
#define NAME_BYTES 32u
#define RESULTS 256u
/* Of the context of a send. */
#define SEND_MARK (UINT64_C(1) << 32)

struct server {
	struct regio_cq *cq;
	struct regio_rq *rq;
	struct regio_slots *slots; /* NULL: by hand */
	uint64_t region;
	bool named;
	struct regio_result results[RESULTS];
	struct regio_slot handed[RESULTS];
};

/* ---- By hand ------------------------------------------------------------------- */

static void post(struct server *server, bool send, uint64_t slot, uint32_t bytes)
{
	const struct regio_buf data = {server->region, (uint32_t)slot * BYTES, bytes};
	const struct regio_extra extra = {
		.remote_address = {server->region, SLOTS * BYTES + (uint32_t)slot * NAME_BYTES,
				   NAME_BYTES}};
	int error;

	if (send && server->named)
		error = regio_send_ex(server->rq, &data, &extra, REGIO_MSG_DEFER, slot | SEND_MARK);
	else if (send)
		error = regio_send(server->rq, &data, REGIO_MSG_DEFER, slot | SEND_MARK);
	else if (server->named)
		error = regio_receive_ex(server->rq, &data, &extra, REGIO_MSG_DEFER, slot);
	else
		error = regio_receive(server->rq, &data, REGIO_MSG_DEFER, slot);
	demand(!error, "post");
}

static uint64_t serve_by_hand(struct server *server)
{
	int count = regio_cq_dequeue(server->cq, server->results, RESULTS);
	uint64_t received = 0;

	for (int i = 0; i < count; i++) {
		const struct regio_result *result = &server->results[i];
		uint64_t slot = result->request_context & ~SEND_MARK;

		demand(!result->status, "result");
		if (result->request_context & SEND_MARK) {
			post(server, false, slot, BYTES);
		} else {
			post(server, true, slot, result->bytes);
			received++;
		}
	}
	return received;
}

/* ---- With a pool --------------------------------------------------------------- */

static uint64_t serve_slots(struct server *server)
{
	int count = regio_slots_dequeue(server->slots, server->handed, RESULTS);

	for (int i = 0; i < count; i++) {
		const struct regio_slot *slot = &server->handed[i];

		demand(!slot->status && !regio_slots_reply(server->slots, slot, slot->length),
		       "reply");
	}
	return count > 0 ? (uint64_t)count : 0;
}

/* ---- Either -------------------------------------------------------------------- */

static int socket_of(const char *kind)
{
	int fds[2];

	if (!strcmp(kind, "stream")) {
		stream_pair(AF_INET, fds);
		return fds[0];
	}
	fds[0] = bound_socket(AF_INET);
	if (!strcmp(kind, "connected"))
		connect_to(fds[0], fds[0]);
	return fds[0];
}

static void prepare(struct server *server, bool by_hand, int fd)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = "null"};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	void *memory;

	demand(!regio_driver_create(&opts, &cq_opts.driver), "regio_driver_create");
	demand(!regio_cq_create(2 * SLOTS, &cq_opts, &server->cq), "regio_cq_create");
	demand(!regio_rq_create(fd, SLOTS, SLOTS, server->cq, server->cq, 0, NULL, &server->rq),
	       "regio_rq_create");
	if (!by_hand) {
		demand(!regio_slots_create(server->cq, SLOTS, BYTES, NULL, &server->slots),
		       "regio_slots_create");
		demand(!regio_slots_attach(server->slots, server->rq, SLOTS), "regio_slots_attach");
		return;
	}
	demand(!regio_region_allocate(SLOTS * (BYTES + NAME_BYTES), NULL, &server->region, &memory),
	       "regio_region_allocate");
	for (uint64_t slot = 0; slot < SLOTS; slot++)
		post(server, false, slot, BYTES);
}

__attribute__((noinline)) void serve(struct server *server, uint64_t messages);

void serve(struct server *server, uint64_t messages)
{
	uint64_t served = 0;

	while (served < messages)
		served += server->slots ? serve_slots(server) : serve_by_hand(server);
}

int main(int argc, char **argv)
{
	static struct server server;

	if (argc != 4)
		return EXIT_FAILURE;
	server.named = !strcmp(argv[2], "named");
	prepare(&server, !strcmp(argv[1], "hand"), socket_of(argv[2]));
	serve(&server, strtoull(argv[3], NULL, 10));
	return EXIT_SUCCESS;
}
