/* SPDX-License-Identifier: MIT */
/*
 * The load itself: one thread, one completion queue, a request queue for each
 * connection. Messages that are due together are posted together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console.h"
#include "load.h"
#include "socket_buffers.h"

/* A moment before the other thread shows what the second was like. */
#define FIRST_TICK_NS (950u * MILLISECOND_NS)
#define SEND_MARK (1ull << 32)
/* Slots of all connections together, where it is not the depth that says. */
#define SLOTS_ALL 4096u
#define SLOTS_MOST 1024u
#define SLOTS_LEAST 4u
/* What a TCP source is read by. */
#define PIECE_BYTES 16384u
/* So long before a message is due, the thread no longer sleeps. */
#define SPIN_NS 100000u
/* How often a closed loop looks for messages that got lost. */
#define GIVE_UP_EVERY_NS (10u * MILLISECOND_NS)
/* Answers that are in a socket and cannot be had in that time are a fault. */
#define STALL_NS (2ull * SECOND_NS)
/* A UDP source is asked again to go on, or for its counts. */
#define ASK_EVERY_NS (200u * MILLISECOND_NS)

/* ---- Slots --------------------------------------------------------------- */

static bool is_closed_loop(const struct load_options *options)
{
	return options->mode == SERVE_ECHO && options->rate == 0;
}

static uint32_t slot_bytes(const struct load_options *options)
{
	if (options->mode == SERVE_SOURCE && options->tcp)
		return PIECE_BYTES;
	return options->size > NOTE_BYTES ? options->size : NOTE_BYTES;
}

static void choose_window(struct load *load)
{
	const struct load_options *options = load->options;

	load->window = SLOTS_ALL / options->connections;
	if (load->window > SLOTS_MOST)
		load->window = SLOTS_MOST;
	if (load->window < SLOTS_LEAST)
		load->window = SLOTS_LEAST;
	if (is_closed_loop(options))
		load->window = options->depth;
	load->receives = load->sends = load->window;
	if (options->mode == SERVE_SINK)
		load->receives = options->tcp; /* for the end of the stream */
	else if (options->mode == SERVE_SOURCE)
		load->sends = 0;
}

static uint32_t index_of(const struct load *load, const struct load_connection *connection)
{
	return (uint32_t)(connection - load->connections);
}

static int post_receive(struct load *load, struct load_connection *connection, uint32_t slot)
{
	const struct load_options *options = load->options;
	bool whole = options->tcp && options->mode == SERVE_ECHO;
	struct regio_buf slice =
		station_slice(&load->station, slot, whole ? options->size : slot_bytes(options));
	int status =
		regio_receive(connection->rq, &slice,
			      whole ? REGIO_MSG_DEFER | REGIO_MSG_WAITALL : REGIO_MSG_DEFER, slot);

	return status ? station_refused("receive", status) : 0;
}

/* ---- Opening and closing ------------------------------------------------- */

static int open_queue(struct load *load, struct load_connection *connection)
{
	struct regio_rq_opts opts = {.size = sizeof(opts)};
	uint32_t first = index_of(load, connection) * (load->receives + load->sends);
	int status;

	if (!load->options->tcp)
		opts.flags = REGIO_RQ_REPORT_ICMP;
	status = regio_rq_create(connection->fd, load->receives, load->sends, load->station.cq,
				 load->station.cq, index_of(load, connection), &opts,
				 &connection->rq);
	if (status)
		return console_fail_call("make a request queue", status);
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
	slots = load->options->connections * (load->receives + load->sends);
	if (station_open(&load->station, slots, slots, slot_bytes(load->options), 0))
		return -1;
	load->station.spin = load->options->spin;
	for (uint32_t i = 0; i < load->options->connections; i++) {
		if (open_queue(load, &load->connections[i]))
			return -1;
	}
	return 0;
}

static void close_queues(struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		if (load->connections[i].rq)
			regio_rq_close(load->connections[i].rq, 0);
		load->connections[i].rq = NULL;
	}
	station_close(&load->station);
}

/* ---- Sending ------------------------------------------------------------- */

static bool has_room(const struct load *load, const struct load_connection *connection)
{
	return connection->sent - connection->sends_done < load->sends;
}

static int send_message(struct load *load, struct load_connection *connection, uint64_t made_ns)
{
	uint32_t first = index_of(load, connection) * (load->receives + load->sends);
	uint32_t slot = first + load->receives + (uint32_t)(connection->sent % load->sends);
	struct regio_buf slice = station_slice(&load->station, slot, load->options->size);
	int status;

	message_write_head(station_slot(&load->station, slot), connection->sent, made_ns);
	status = regio_send(connection->rq, &slice, REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY,
			    slot | SEND_MARK);
	if (status)
		return station_refused("send", status);
	if (connection->waiting++ == 0)
		connection->heard_ns = load->now_ns;
	connection->sent++;
	counter_add(&load->sent, 1);
	counter_add(&load->sent_bytes, load->options->size);
	return 0;
}

static uint64_t timeout_ns(const struct load *load)
{
	return (uint64_t)load->options->timeout_ms * MILLISECOND_NS;
}

static bool is_sending(const struct load *load)
{
	return load->now_ns < load->end_ns;
}

/* Closed loop: as many as may be on their way. A sink takes what there is room for. */
static int fill(struct load *load, struct load_connection *connection)
{
	bool sink = load->options->mode == SERVE_SINK;

	while (is_sending(load) && !connection->over && has_room(load, connection) &&
	       (sink || connection->waiting < load->options->depth)) {
		if (send_message(load, connection, load->now_ns))
			return -1;
	}
	return 0;
}

static int fill_all(struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		if (fill(load, &load->connections[i]))
			return -1;
	}
	return 0;
}

/* Open loop: when the next message is due. */
static uint64_t next_due_ns(const struct load *load)
{
	return load->start_ns +
	       (uint64_t)((__uint128_t)load->due * SECOND_NS / load->options->rate);
}

/* Open loop: sends what is due and has room. */
static int send_due(struct load *load)
{
	for (;;) {
		struct load_connection *connection =
			&load->connections[load->due % load->options->connections];
		uint64_t due_ns = next_due_ns(load);

		if (due_ns > load->now_ns || due_ns >= load->end_ns)
			return 0;
		if (!connection->over) {
			if (!has_room(load, connection))
				return 0;
			if (load->now_ns - due_ns > load->behind_ns)
				load->behind_ns = load->now_ns - due_ns;
			if (send_message(load, connection, due_ns))
				return -1;
		}
		load->due++;
	}
}

/* ---- Receiving ----------------------------------------------------------- */

static void take_answer(struct load *load, struct load_connection *connection, const uint8_t *data,
			uint32_t bytes)
{
	struct message_head head;
	struct note note;

	/* Who had to greet twice is welcomed twice. */
	if (note_read(data, bytes, &note))
		return;
	if (bytes != load->options->size) {
		load->odd++;
		return;
	}
	head = message_read_head(data);
	if (head.number >= connection->sent || head.made_ns > load->now_ns) {
		load->odd++;
		return;
	}
	connection->heard_ns = load->now_ns;
	load->done_ns = load->now_ns;
	if (!sequence_take(&connection->answers, head.number, load->now_ns))
		return;
	connection->waiting -= connection->waiting > 0;
	counter_add(&load->received, 1);
	counter_add(&load->received_bytes, bytes);
	latency_record(&load->latency, load->now_ns - head.made_ns);
}

static void take_from_source(struct load *load, struct load_connection *connection,
			     const uint8_t *data, uint32_t bytes)
{
	struct note note;

	if (load->options->tcp) {
		counter_add(&load->received_bytes, bytes);
		counter_set(&load->received, load->received_bytes / load->options->size);
	} else if (note_read(data, bytes, &note)) {
		if (note.kind == NOTE_COUNTS && note.cookie == connection->cookie) {
			connection->counted = true;
			connection->counts = note;
		}
		return;
	} else if (bytes != load->options->size) {
		load->odd++;
		return;
	} else if (sequence_take(&connection->answers, message_read_head(data).number,
				 load->now_ns)) {
		counter_add(&load->received, 1);
		counter_add(&load->received_bytes, bytes);
	}
	load->done_ns = load->now_ns;
}

/* The stream is over. That is so in good order where we have said that it is enough. */
static void end_stream(struct load *load, struct load_connection *connection, int status)
{
	if (connection->over)
		return;
	connection->over = true;
	connection->ended = status == 0;
	if (status == 0 && !is_sending(load))
		return;
	load->over++;
	load->error = status;
}

static int take_received(struct load *load, struct load_connection *connection, uint32_t slot,
			 const struct regio_result *result)
{
	const uint8_t *data = station_slot(&load->station, slot);

	if (result->status && !load->options->tcp) {
		load->refused += result->status == -ECONNREFUSED;
		load->odd += result->status != -ECONNREFUSED;
		return post_receive(load, connection, slot);
	}
	if (result->status || result->bytes == 0) {
		end_stream(load, connection, result->status);
		return 0;
	}
	if (load->options->mode == SERVE_ECHO)
		take_answer(load, connection, data, result->bytes);
	else if (load->options->mode == SERVE_SOURCE)
		take_from_source(load, connection, data, result->bytes);
	else
		load->odd++;
	return post_receive(load, connection, slot);
}

static void take_sent(struct load *load, struct load_connection *connection,
		      const struct regio_result *result)
{
	connection->sends_done++;
	if (result->status == 0) {
		if (load->options->mode == SERVE_SINK)
			load->done_ns = load->now_ns;
		return;
	}
	load->failed++;
	if (load->options->tcp)
		end_stream(load, connection, result->status);
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
			take_sent(load, connection, result);
		else if (take_received(load, connection, (uint32_t)result->request_context, result))
			return -1;
		if (is_closed_loop(load->options) && fill(load, connection))
			return -1;
	}
	if (load->now_ns >= load->tick_ns) {
		load->tick_ns += SECOND_NS;
		latency_tick(&load->latency);
	}
	return count;
}

/* ---- The loops ----------------------------------------------------------- */

static bool is_over(const struct crew *crew, const struct load *load)
{
	return crew_stopping(crew) || !is_sending(load) || load->over == load->options->connections;
}

/* What has not been answered in time is lost, and others take its place. */
static int give_up(struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		struct load_connection *connection = &load->connections[i];

		if (connection->waiting == 0 || load->options->tcp ||
		    load->now_ns - connection->heard_ns < timeout_ns(load))
			continue;
		connection->waiting = 0;
		if (fill(load, connection))
			return -1;
	}
	return 0;
}

static int run_closed(struct crew *crew, struct load *load)
{
	uint64_t give_up_ns = 0;

	if (fill_all(load))
		return -1;
	while (!is_over(crew, load)) {
		int count = progress(load);

		if (count < 0 || (count == 0 && station_wait(&load->station, GIVE_UP_EVERY_NS)))
			return -1;
		/* After a pause of this program the answers may be here, and not looked at yet. */
		if (load->now_ns < give_up_ns || count == STATION_RESULTS)
			continue;
		give_up_ns = load->now_ns + GIVE_UP_EVERY_NS;
		if (give_up(load))
			return -1;
	}
	return 0;
}

/* What was due in time is sent, however late: to leave it out would hide that it was. */
static bool is_open_loop_over(const struct crew *crew, const struct load *load)
{
	return crew_stopping(crew) || next_due_ns(load) >= load->end_ns ||
	       load->now_ns >= load->end_ns + timeout_ns(load) ||
	       load->over == load->options->connections;
}

static int run_open(struct crew *crew, struct load *load)
{
	while (!is_open_loop_over(crew, load)) {
		uint64_t nap_ns = CREW_NAP_NS;
		int count;

		if (send_due(load))
			return -1;
		count = progress(load);
		if (count < 0)
			return -1;
		if (count > 0 || next_due_ns(load) < load->now_ns + SPIN_NS)
			continue;
		if (next_due_ns(load) - load->now_ns - SPIN_NS < nap_ns)
			nap_ns = next_due_ns(load) - load->now_ns - SPIN_NS;
		if (station_wait(&load->station, nap_ns))
			return -1;
		load->now_ns = clock_now_ns();
	}
	return 0;
}

/* As fast as it goes. */
static int run_flood(struct crew *crew, struct load *load)
{
	while (!is_over(crew, load)) {
		if (fill_all(load) || progress(load) < 0)
			return -1;
	}
	return 0;
}

/* Of each connection; never 0, which asks for as many as go. */
static uint64_t share_of_rate(const struct load_options *options)
{
	return (options->rate + options->connections - 1) / options->connections;
}

/* A UDP source has to be asked, again and again. */
static void ask_source(struct load *load, enum note_kind kind)
{
	for (uint32_t i = 0; !load->options->tcp && i < load->options->connections; i++) {
		struct load_connection *connection = &load->connections[i];
		const struct note note = {
			.kind = kind,
			.mode = SERVE_SOURCE,
			.size = load->options->size,
			.cookie = connection->cookie,
			.rate = share_of_rate(load->options),
		};
		uint8_t data[NOTE_BYTES];

		note_write(data, &note);
		if (!connection->counted && send(connection->fd, data, sizeof(data), 0) < 0)
			load->failed++;
	}
}

static int run_source(struct crew *crew, struct load *load)
{
	uint64_t ask_ns = 0;

	while (!is_over(crew, load)) {
		int count;

		if (load->now_ns >= ask_ns) {
			ask_source(load, NOTE_START);
			ask_ns = load->now_ns + ASK_EVERY_NS;
		}
		count = progress(load);
		if (count < 0 || (count == 0 && station_wait(&load->station, CREW_NAP_NS)))
			return -1;
	}
	return 0;
}

/* ---- The end ------------------------------------------------------------- */

/* True when nothing more is to be expected of a connection. */
static bool is_settled(const struct load *load, const struct load_connection *connection)
{
	if (connection->over)
		return true;
	if (connection->sends_done < connection->sent)
		return false;
	if (load->options->mode == SERVE_ECHO)
		return connection->waiting == 0;
	return load->options->tcp ? connection->ended
				  : load->options->mode == SERVE_SINK || connection->counted;
}

/* Tells the other side that it has all, once it has. */
static void finish_streams(struct load *load)
{
	for (uint32_t i = 0; load->options->tcp && i < load->options->connections; i++) {
		struct load_connection *connection = &load->connections[i];

		if (load->options->mode != SERVE_ECHO && !connection->over &&
		    !connection->counted && connection->sends_done == connection->sent) {
			shutdown(connection->fd, SHUT_WR);
			connection->counted = true;
		}
	}
}

static bool all_settled(const struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		if (!is_settled(load, &load->connections[i]))
			return false;
	}
	return true;
}

static bool has_unread(const struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		if (!is_settled(load, &load->connections[i]) &&
		    socket_has_unread(load->connections[i].fd))
			return true;
	}
	return false;
}

/*
 * True while the time for answers lasts. Those that are here by then are read, however late it is:
 * it may be this program that did not run. 'quiet_ns' is when there was something to read last.
 */
static bool is_waiting(const struct load *load, uint64_t until_ns, int count, uint64_t *quiet_ns)
{
	if (load->now_ns < until_ns)
		return true;
	if (load->options->mode != SERVE_ECHO || load->options->tcp || !has_unread(load))
		return false;
	if (count > 0 || *quiet_ns == 0)
		*quiet_ns = load->now_ns;
	return load->now_ns - *quiet_ns < STALL_NS;
}

/* What is on its way may still arrive, for as long as an answer may take. */
static int drain(struct load *load)
{
	uint64_t until_ns = clock_now_ns() + timeout_ns(load);
	uint64_t ask_ns = 0, quiet_ns = 0;
	int count = 0;

	while (!all_settled(load) && is_waiting(load, until_ns, count, &quiet_ns)) {
		finish_streams(load);
		if (load->options->mode == SERVE_SOURCE && load->now_ns >= ask_ns) {
			ask_source(load, NOTE_STOP);
			ask_ns = load->now_ns + ASK_EVERY_NS;
		}
		count = progress(load);
		if (count < 0 || (count == 0 && station_wait(&load->station, GIVE_UP_EVERY_NS)))
			return -1;
	}
	return 0;
}

static int run_mode(struct crew *crew, struct load *load)
{
	if (load->options->mode == SERVE_SOURCE)
		return run_source(crew, load);
	if (load->options->rate)
		return run_open(crew, load);
	return load->options->mode == SERVE_SINK ? run_flood(crew, load) : run_closed(crew, load);
}

static int run(struct crew *crew, struct load *load)
{
	if (open_queues(load))
		return -1;
	load->now_ns = load->start_ns = load->done_ns = clock_now_ns();
	load->tick_ns = load->start_ns + FIRST_TICK_NS;
	load->end_ns = load->start_ns + (uint64_t)(load->options->seconds * 1e9);
	if (run_mode(crew, load))
		return -1;
	if (load->now_ns < load->end_ns)
		load->end_ns = load->now_ns;
	return drain(load);
}

/* What may explain that answers are missing. */
static void look_at_sockets(struct load *load)
{
	for (uint32_t i = 0; i < load->options->connections; i++) {
		load->drops += socket_kernel_drops(load->connections[i].fd);
		load->unread += socket_has_unread(load->connections[i].fd);
	}
}

int load_run(struct crew *crew, void *context)
{
	struct load *load = context;
	int status = run(crew, load);

	if (!load->options->tcp)
		look_at_sockets(load);
	close_queues(load);
	if (status == 0 && load->options->mode != SERVE_SOURCE && !load->options->tcp)
		load_ask_counts(load);
	return status;
}
