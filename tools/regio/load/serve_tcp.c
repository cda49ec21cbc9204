/* SPDX-License-Identifier: MIT */
/*
 * Serving streams. A connection has a few slots: a piece that was received is
 * sent back from its slot, and only then is the slot used to receive again, so a
 * client that does not read is not read from. A connection that is over is kept
 * until the last of its requests has been taken off the queue.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "serve.h"
#include "station.h"

#define SLOTS 4u
#define SLOT_BYTES 16384u
#define SEND_MARK (1ull << 32)
#define ACCEPTS_AT_ONCE 64u
/* While there is always something to do, newcomers are looked for this often. */
#define ACCEPT_EVERY 16u
/* After there was no descriptor left for one. */
#define ACCEPT_REST_NS (100u * MILLISECOND_NS)

enum state { FREE, OPEN, CLOSING };

struct connection {
	enum state state;
	struct regio_rq *rq;
	uint64_t region;
	uint32_t outstanding; /* requests posted and not dequeued */
	uint32_t sends;	      /* of those */
	bool ended;	      /* the client has sent all it will */
	uint32_t next_free;
};

struct tcp_server {
	struct server *server;
	struct station station;
	struct connection *connections;
	uint32_t first_free; /* number of connections: none */
	uint32_t used;	     /* beyond it, none has been used */
	uint64_t now_ns;
	uint64_t accept_from_ns;
	uint32_t passes;
	struct pollfd *descriptors; /* the completion queue's, and the listeners' */
};

/* ---- One connection ------------------------------------------------------ */

static uint32_t index_of(const struct tcp_server *tcp, const struct connection *connection)
{
	return (uint32_t)(connection - tcp->connections);
}

static void set_free(struct tcp_server *tcp, struct connection *connection)
{
	regio_region_deregister(connection->region);
	*connection = (struct connection){.state = FREE, .next_free = tcp->first_free};
	tcp->first_free = index_of(tcp, connection);
}

static void end_connection(struct tcp_server *tcp, struct connection *connection)
{
	struct serve_counts *counts = &tcp->server->counts;

	if (connection->state != OPEN)
		return;
	regio_rq_close(connection->rq, REGIO_CLOSE_SOCKET);
	connection->state = CLOSING;
	counter_set(&counts->connections, counter_read(&counts->connections) - 1);
	if (connection->outstanding == 0)
		set_free(tcp, connection);
}

/* A request that is refused ends its connection and nothing else. */
static void posted(struct tcp_server *tcp, struct connection *connection, int status, bool send)
{
	if (status) {
		counter_add(&tcp->server->counts.failed, 1);
		end_connection(tcp, connection);
		return;
	}
	connection->outstanding++;
	connection->sends += send;
}

static void post_receive(struct tcp_server *tcp, struct connection *connection, uint32_t slot)
{
	struct regio_buf slice = {connection->region, slot * SLOT_BYTES, SLOT_BYTES};

	if (connection->state == OPEN && !connection->ended)
		posted(tcp, connection,
		       regio_receive(connection->rq, &slice, REGIO_MSG_DEFER, slot), false);
}

static void post_send(struct tcp_server *tcp, struct connection *connection, uint32_t slot,
		      uint32_t bytes)
{
	struct regio_buf slice = {connection->region, slot * SLOT_BYTES, bytes};

	if (connection->state == OPEN)
		posted(tcp, connection,
		       regio_send(connection->rq, &slice, REGIO_MSG_DEFER, slot | SEND_MARK), true);
}

/* ---- Completions --------------------------------------------------------- */

static void take_received(struct tcp_server *tcp, struct connection *connection, uint32_t slot,
			  uint32_t bytes)
{
	struct serve_counts *counts = &tcp->server->counts;

	if (bytes == 0) {
		connection->ended = true;
		/* A source is told that way that it was enough. */
		if (connection->sends == 0 || tcp->server->options->mode == SERVE_SOURCE)
			end_connection(tcp, connection);
		return;
	}
	counter_add(&counts->received, 1);
	counter_add(&counts->received_bytes, bytes);
	if (tcp->server->options->mode == SERVE_ECHO)
		post_send(tcp, connection, slot, bytes);
	else
		post_receive(tcp, connection, slot);
}

static void take_sent(struct tcp_server *tcp, struct connection *connection, uint32_t slot,
		      uint32_t bytes)
{
	struct serve_counts *counts = &tcp->server->counts;

	counter_add(&counts->sent, 1);
	counter_add(&counts->sent_bytes, bytes);
	if (tcp->server->options->mode == SERVE_SOURCE)
		post_send(tcp, connection, slot, SLOT_BYTES);
	else if (!connection->ended)
		post_receive(tcp, connection, slot);
	else if (connection->sends == 0)
		end_connection(tcp, connection);
}

static void take(struct tcp_server *tcp, const struct regio_result *result)
{
	struct connection *connection = &tcp->connections[result->rq_context];
	uint32_t slot = (uint32_t)result->request_context;
	bool sent = result->request_context & SEND_MARK;

	connection->outstanding--;
	connection->sends -= sent;
	if (connection->state == CLOSING) {
		if (connection->outstanding == 0)
			set_free(tcp, connection);
	} else if (result->status) {
		counter_add(&tcp->server->counts.resets, 1);
		end_connection(tcp, connection);
	} else if (sent) {
		take_sent(tcp, connection, slot, result->bytes);
	} else {
		take_received(tcp, connection, slot, result->bytes);
	}
}

/* ---- New connections ----------------------------------------------------- */

static struct connection *find_free(struct tcp_server *tcp)
{
	struct connection *connection = &tcp->connections[tcp->first_free];

	if (tcp->first_free < tcp->server->options->connections) {
		tcp->first_free = connection->next_free;
		return connection;
	}
	if (tcp->used == tcp->server->options->connections)
		return NULL;
	return &tcp->connections[tcp->used++];
}

static void start(struct tcp_server *tcp, struct connection *connection)
{
	bool source = tcp->server->options->mode == SERVE_SOURCE;

	post_receive(tcp, connection, 0);
	for (uint32_t slot = 1; slot < SLOTS && connection->state == OPEN; slot++) {
		if (source)
			post_send(tcp, connection, slot, SLOT_BYTES);
		else
			post_receive(tcp, connection, slot);
	}
}

/* Returns 0 or a negative errno value, with the descriptor still the caller's. */
static int open_connection(struct tcp_server *tcp, struct connection *connection, int fd)
{
	void *memory;
	int status = regio_region_allocate(SLOTS * SLOT_BYTES, NULL, &connection->region, &memory);

	if (status == 0)
		status = regio_rq_create(fd, SLOTS, SLOTS, tcp->station.cq, tcp->station.cq,
					 index_of(tcp, connection), NULL, &connection->rq);
	if (status) {
		set_free(tcp, connection);
		return status;
	}
	connection->state = OPEN;
	return 0;
}

static int take_connection(struct tcp_server *tcp, int fd)
{
	struct serve_counts *counts = &tcp->server->counts;
	struct connection *connection = find_free(tcp);
	int on = 1;
	int status = -EMFILE;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connection)
		status = open_connection(tcp, connection, fd);
	if (status == 0) {
		counter_add(&counts->clients, 1);
		counter_add(&counts->connections, 1);
		start(tcp, connection);
		return 0;
	}
	close(fd);
	counter_add(&counts->refused, 1);
	/* That will be so for every connection. */
	if (status == -EOPNOTSUPP)
		return console_fail_call("make a request queue on a stream socket", status);
	return 0;
}

static int accept_from(struct tcp_server *tcp, int listener)
{
	for (uint32_t i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			if (take_connection(tcp, fd))
				return -1;
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			counter_add(&tcp->server->counts.refused, 1);
			tcp->accept_from_ns = tcp->now_ns + ACCEPT_REST_NS;
			return 0;
		} else if (errno == EAGAIN) {
			return 0;
		}
		/* Anything else befell one client, who is gone. */
	}
	return 0;
}

static int accept_all(struct tcp_server *tcp)
{
	for (uint32_t i = 0; i < tcp->server->socket_count; i++) {
		if (tcp->now_ns >= tcp->accept_from_ns &&
		    accept_from(tcp, tcp->server->sockets[i].fd))
			return -1;
	}
	return 0;
}

/* ---- Work ---------------------------------------------------------------- */

/* Sleeps until there is a completion or a newcomer; true for the latter. */
static bool wait_for_any(struct tcp_server *tcp)
{
	nfds_t count = tcp->now_ns >= tcp->accept_from_ns ? 1 + tcp->server->socket_count : 1;
	int ready;

	if (tcp->server->options->spin)
		return true;
	regio_cq_notify(tcp->station.cq);
	ready = poll(tcp->descriptors, count, CREW_NAP_NS / MILLISECOND_NS);
	return count > 1 && ready > (tcp->descriptors[0].revents != 0);
}

/* What to sleep on. Returns 0 or -1. */
static int list_descriptors(struct tcp_server *tcp)
{
	const struct server *server = tcp->server;

	tcp->descriptors = calloc(1 + server->socket_count, sizeof(*tcp->descriptors));
	if (!tcp->descriptors)
		return console_fail("allocate %u descriptors: %s", server->socket_count,
				    strerror(ENOMEM));
	tcp->descriptors[0] = (struct pollfd){.fd = regio_cq_fd(tcp->station.cq), .events = POLLIN};
	for (uint32_t i = 0; i < server->socket_count; i++)
		tcp->descriptors[1 + i] =
			(struct pollfd){.fd = server->sockets[i].fd, .events = POLLIN};
	return 0;
}

static int serve_once(struct tcp_server *tcp)
{
	int count = station_dequeue(&tcp->station);
	bool newcomers = ++tcp->passes % ACCEPT_EVERY == 0;

	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++)
		take(tcp, &tcp->station.results[i]);
	if (count == 0)
		newcomers = wait_for_any(tcp);
	return newcomers && tcp->now_ns >= tcp->accept_from_ns ? accept_all(tcp) : 0;
}

static int run_tcp(struct crew *crew, struct tcp_server *tcp)
{
	uint32_t most = tcp->server->options->connections;

	tcp->connections = calloc(most, sizeof(*tcp->connections));
	tcp->first_free = most;
	if (!tcp->connections)
		return console_fail("allocate %u connections: %s", most, strerror(ENOMEM));
	if (station_open(&tcp->station, most * 2 * SLOTS, 0, 0, 0) || list_descriptors(tcp))
		return -1;
	memcpy(tcp->server->engine, tcp->station.engine, sizeof(tcp->server->engine));
	do {
		tcp->now_ns = clock_now_ns();
		if (serve_once(tcp))
			return -1;
	} while (!server_stopping(crew, tcp->server, tcp->now_ns));
	return 0;
}

int serve_tcp(struct crew *crew, void *server)
{
	struct tcp_server tcp = {.server = server};
	int status = run_tcp(crew, &tcp);

	for (uint32_t i = 0; i < tcp.used; i++)
		end_connection(&tcp, &tcp.connections[i]);
	station_close(&tcp.station);
	/* Nothing takes their requests off the queue any more. */
	for (uint32_t i = 0; i < tcp.used; i++) {
		if (tcp.connections[i].state == CLOSING)
			regio_region_deregister(tcp.connections[i].region);
	}
	free(tcp.connections);
	free(tcp.descriptors);
	return status;
}
