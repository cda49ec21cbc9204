/* SPDX-License-Identifier: MIT */
/*
 * Messages by request queues: one completion queue, a request queue for each
 * connection. Messages that are due together are posted together.
 */
#include <errno.h>
#include <string.h>

#include "console.h"
#include "load.h"

#define SEND_MARK (1ull << 32)
/* Slots of all connections together, where it is not the depth that says. */
#define SLOTS_ALL 4096u
#define SLOTS_MOST 1024u
#define SLOTS_LEAST 4u
/* What a TCP source is read by. */
#define PIECE_BYTES 16384u
/* An address slice; a multiple of what the library asks for. */
#define NAME_BYTES 32u

/* ---- Slots --------------------------------------------------------------- */

static uint32_t slot_bytes(const struct load *load)
{
	if (load->options->mode == SERVE_SOURCE && load->options->tcp)
		return PIECE_BYTES;
	return load->size_most > NOTE_BYTES ? load->size_most : NOTE_BYTES;
}

static void choose_window(struct load *load)
{
	const struct load_options *options = load->options;

	load->window = SLOTS_ALL / load->connection_count;
	if (load->window > SLOTS_MOST)
		load->window = SLOTS_MOST;
	if (load->window < SLOTS_LEAST)
		load->window = SLOTS_LEAST;
	load->receives = load->sends = load->window;
	if (load_is_closed_loop(load)) {
		load->sends = options->depth;
		/* Those that have joined a group answer at the same time. */
		if (!load->named || load->receives < options->depth)
			load->receives = options->depth;
	}
	if (options->mode == SERVE_SINK)
		load->receives = options->tcp; /* for the end of the stream */
	else if (options->mode == SERVE_SOURCE)
		load->sends = 0;
}

static uint32_t slots_of_one(const struct load *load)
{
	return load->receives + load->sends;
}

static uint32_t index_of(const struct load *load, const struct load_connection *connection)
{
	return (uint32_t)(connection - load->connections);
}

/* The address that goes with a slot: nobody's where no connection is to a group. */
static struct regio_buf name_slice(const struct load *load, uint32_t slot)
{
	uint32_t names = load->connection_count * slots_of_one(load) * load->station.stride;

	return (struct regio_buf){load->station.region, names + slot * NAME_BYTES, NAME_BYTES};
}

static int post_receive(struct load *load, struct load_connection *connection, uint32_t slot)
{
	const struct load_options *options = load->options;
	bool whole = options->tcp && options->mode == SERVE_ECHO;
	struct regio_buf slice =
		station_slice(&load->station, slot, whole ? options->size : slot_bytes(load));
	uint32_t flags = whole ? REGIO_MSG_DEFER | REGIO_MSG_WAITALL : REGIO_MSG_DEFER;
	struct regio_extra extra = {.remote_address = name_slice(load, slot)};
	int status = connection->group
			     ? regio_receive_ex(connection->rq, &slice, &extra, flags, slot)
			     : regio_receive(connection->rq, &slice, flags, slot);

	return status ? station_refused("receive", status) : 0;
}

/* ---- Opening and closing ------------------------------------------------- */

static int open_queue(struct load *load, struct load_connection *connection)
{
	struct regio_rq_opts opts = {.size = sizeof(opts)};
	uint32_t first = index_of(load, connection) * slots_of_one(load);
	int status;

	if (!load->options->tcp && !connection->group)
		opts.flags = REGIO_RQ_REPORT_ICMP;
	status = regio_rq_create(connection->fd, load->receives, load->sends, load->station.cq,
				 load->station.cq, index_of(load, connection), &opts,
				 &connection->rq);
	if (status)
		return console_fail_call("make a request queue", status);
	for (uint32_t i = 0; i < load->sends && connection->group; i++)
		memcpy(load->station.memory + name_slice(load, first + load->receives + i).offset,
		       &connection->address->name, sizeof(connection->address->name));
	for (uint32_t i = 0; i < load->receives; i++) {
		if (post_receive(load, connection, first + i))
			return -1;
	}
	return 0;
}

static int open_queues(struct load *load)
{
	uint32_t slots;

	choose_window(load);
	slots = load->connection_count * slots_of_one(load);
	if (station_open(&load->station, slots, slots, slot_bytes(load),
			 load->named ? slots * NAME_BYTES : 0))
		return -1;
	load->station.spin = load->options->spin;
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (open_queue(load, &load->connections[i]))
			return -1;
	}
	return 0;
}

static void close_queues(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (load->connections[i].rq)
			regio_rq_close(load->connections[i].rq, 0);
		load->connections[i].rq = NULL;
	}
	station_close(&load->station);
}

/* ---- Moving messages ----------------------------------------------------- */

/* One message at a time is sent by the call itself: there is nothing to join it with. */
static uint32_t send_flags(const struct load *load)
{
	if (load_is_closed_loop(load) && load->options->depth == 1)
		return REGIO_MSG_DONT_NOTIFY;
	return REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY;
}

static int send_message(struct load *load, struct load_connection *connection, uint32_t bytes,
			uint64_t made_ns)
{
	uint32_t first = index_of(load, connection) * slots_of_one(load) + load->receives;
	uint32_t slot = first + (uint32_t)(connection->sent % load->sends);
	struct regio_buf slice = station_slice(&load->station, slot, bytes);
	struct regio_extra extra = {.remote_address = name_slice(load, slot)};
	uint32_t flags = send_flags(load);
	uint64_t context = slot | SEND_MARK;
	int status;

	message_write_head(station_slot(&load->station, slot), connection->sent, made_ns);
	status = connection->group ? regio_send_ex(connection->rq, &slice, &extra, flags, context)
				   : regio_send(connection->rq, &slice, flags, context);
	return status ? station_refused("send", status) : 0;
}

static struct address name_of(const struct load *load, uint32_t slot)
{
	struct address address = {.bytes = sizeof(address.name)};

	memcpy(&address.name, load->station.memory + name_slice(load, slot).offset,
	       sizeof(address.name));
	return address;
}

static int take_received(struct load *load, struct load_connection *connection, uint32_t slot,
			 const struct regio_result *result)
{
	struct address from;

	if (result->status && !load->options->tcp) {
		load_take_error(load, connection, result->status);
		return post_receive(load, connection, slot);
	}
	if (result->status || (load->options->tcp && result->bytes == 0)) {
		load_end_stream(load, connection, result->status);
		return 0;
	}
	if (connection->group)
		from = name_of(load, slot);
	load_take(load, connection, connection->group ? &from : NULL,
		  station_slot(&load->station, slot), result->bytes);
	return post_receive(load, connection, slot);
}

/* Starts what is deferred, takes what has completed. Returns how many, or -1. */
static int progress(struct load *load)
{
	struct station *station = &load->station;
	uint64_t before_ns = load->now_ns;
	int count = station_dequeue(station);

	load->now_ns = clock_now_ns();
	crew_note_pause(&load->pause_ns, before_ns, load->now_ns);
	for (int i = 0; i < count; i++) {
		const struct regio_result *result = &station->results[i];
		struct load_connection *connection = &load->connections[result->rq_context];

		if (result->request_context & SEND_MARK)
			load_take_sent(load, connection, result->status);
		else if (take_received(load, connection, (uint32_t)result->request_context, result))
			return -1;
		if (load_is_closed_loop(load) && load_fill(load, connection))
			return -1;
	}
	return count;
}

static int wait_for_any(struct load *load, uint64_t nap_ns)
{
	return station_wait(&load->station, nap_ns);
}

const struct load_carrier load_queues = {
	.open = open_queues,
	.send = send_message,
	.progress = progress,
	.wait = wait_for_any,
	.close = close_queues,
};
