/* SPDX-License-Identifier: MIT */
/*
 * The load itself: one thread, which sends what is due and takes what comes. How messages
 * move is up to the carrier.
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
/* So long before a message is due, the thread no longer sleeps. */
#define SPIN_NS 100000u
/* How often a closed loop looks for messages that got lost. */
#define GIVE_UP_EVERY_NS (10u * MILLISECOND_NS)
/* Answers that are in a socket and cannot be had in that time are a fault. */
#define STALL_NS (2ull * SECOND_NS)
/* A UDP source is asked again to go on, or for its counts. */
#define ASK_EVERY_NS (200u * MILLISECOND_NS)

/* ---- Sending ------------------------------------------------------------- */

static bool has_room(const struct load *load, const struct load_connection *connection)
{
	return connection->sent - connection->sends_done < load->sends;
}

/* Of the next message of a connection. */
static uint32_t next_bytes(const struct load *load)
{
	return load->playback.count ? load->playback.messages[load->due].bytes
				    : load->options->size;
}

static int send_message(struct load *load, struct load_connection *connection, uint64_t made_ns)
{
	uint32_t bytes = next_bytes(load);

	if (load->carrier->send(load, connection, bytes, made_ns))
		return -1;
	if (connection->waiting == 0)
		connection->heard_ns = load->now_ns;
	connection->waiting += connection->member_count;
	connection->sent++;
	counter_add(&load->sent, 1);
	counter_add(&load->sent_bytes, bytes);
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
int load_fill(struct load *load, struct load_connection *connection)
{
	bool sink = load->options->mode == SERVE_SINK;
	uint64_t most = (uint64_t)load->options->depth * connection->member_count;

	while (is_sending(load) && !connection->over && has_room(load, connection) &&
	       (sink || connection->waiting + connection->member_count <= most)) {
		/* What this program has done with the answer before is no part of the way. */
		if (send_message(load, connection, sink ? load->now_ns : clock_now_ns()))
			return -1;
	}
	return 0;
}

static int fill_all(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (load_fill(load, &load->connections[i]))
			return -1;
	}
	return 0;
}

/* Open loop: when the next message is due. */
static uint64_t next_due_ns(const struct load *load)
{
	if (load->playback.count)
		return load->due == load->playback.count
			       ? UINT64_MAX
			       : load->start_ns + load->playback.messages[load->due].at_ns;
	return load->start_ns +
	       (uint64_t)((__uint128_t)load->due * SECOND_NS / load->options->rate);
}

/* Open loop: sends what is due and has room. */
static int send_due(struct load *load)
{
	for (;;) {
		struct load_connection *connection =
			&load->connections[load->due % load->connection_count];
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

/* Who has sent it, or NULL. */
static struct load_member *find_member(struct load_connection *connection,
				       const struct address *from)
{
	if (!from)
		return &connection->members[0];
	for (uint32_t i = 0; i < connection->member_count; i++) {
		if (address_is_same(&connection->members[i].address, from))
			return &connection->members[i];
	}
	return NULL;
}

/* How long message 'number' of a connection was. */
static uint32_t bytes_of(const struct load *load, const struct load_connection *connection,
			 uint64_t number)
{
	uint64_t index =
		number * load->connection_count + (uint64_t)(connection - load->connections);

	return load->playback.count ? load->playback.messages[index].bytes : load->options->size;
}

static void take_answer(struct load *load, struct load_connection *connection,
			struct load_member *member, const uint8_t *data, uint32_t bytes)
{
	struct message_head head;

	if (bytes < MESSAGE_HEAD_BYTES) {
		load->odd++;
		return;
	}
	head = message_read_head(data);
	if (head.number >= connection->sent || head.made_ns > load->now_ns ||
	    bytes != bytes_of(load, connection, head.number)) {
		load->odd++;
		return;
	}
	connection->heard_ns = load->now_ns;
	load->done_ns = load->now_ns;
	if (!sequence_take(&member->answers, head.number, load->now_ns))
		return;
	connection->waiting -= connection->waiting > 0;
	counter_add(&load->received, 1);
	counter_add(&load->received_bytes, bytes);
	latency_record(&load->latency, load->now_ns - head.made_ns);
}

static void take_from_source(struct load *load, struct load_connection *connection,
			     const uint8_t *data, uint32_t bytes)
{
	if (load->options->tcp) {
		counter_add(&load->received_bytes, bytes);
		counter_set(&load->received, load->received_bytes / load->options->size);
	} else if (bytes != load->options->size) {
		load->odd++;
		return;
	} else if (sequence_take(&connection->members[0].answers, message_read_head(data).number,
				 load->now_ns)) {
		counter_add(&load->received, 1);
		counter_add(&load->received_bytes, bytes);
	}
	load->done_ns = load->now_ns;
}

void load_take(struct load *load, struct load_connection *connection, const struct address *from,
	       const uint8_t *data, uint32_t bytes)
{
	struct load_member *member = find_member(connection, from);
	struct note note;

	if (!member) {
		load->odd++;
		return;
	}
	if (!load->options->tcp && note_read(data, bytes, &note)) {
		/* Who had to greet twice is welcomed twice. */
		if (load->options->mode == SERVE_SOURCE && note.kind == NOTE_COUNTS &&
		    note.cookie == member->cookie) {
			member->counted = true;
			member->counts = note;
		}
	} else if (load->options->mode == SERVE_ECHO) {
		take_answer(load, connection, member, data, bytes);
	} else if (load->options->mode == SERVE_SOURCE) {
		take_from_source(load, connection, data, bytes);
	} else {
		load->odd++;
	}
}

void load_end_stream(struct load *load, struct load_connection *connection, int status)
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

void load_take_error(struct load *load, struct load_connection *connection, int status)
{
	(void)connection;
	load->refused += status == -ECONNREFUSED;
	load->odd += status != -ECONNREFUSED;
}

void load_take_sent(struct load *load, struct load_connection *connection, int status)
{
	connection->sends_done++;
	if (status == 0) {
		if (load->options->mode == SERVE_SINK)
			load->done_ns = load->now_ns;
		return;
	}
	load->failed++;
	if (load->options->tcp)
		load_end_stream(load, connection, status);
}

static int progress(struct load *load)
{
	int count = load->carrier->progress(load);

	if (load->now_ns >= load->tick_ns) {
		load->tick_ns += SECOND_NS;
		latency_tick(&load->latency);
	}
	return count;
}

static int wait_for_any(struct load *load, uint64_t nap_ns)
{
	return load->carrier->wait(load, nap_ns);
}

/* ---- The loops ----------------------------------------------------------- */

static bool is_over(const struct crew *crew, const struct load *load)
{
	return crew_stopping(crew) || !is_sending(load) || load->over == load->connection_count;
}

/* What has not been answered in time is lost, and others take its place. */
static int give_up(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		struct load_connection *connection = &load->connections[i];

		if (connection->waiting == 0 || load->options->tcp ||
		    load->now_ns - connection->heard_ns < timeout_ns(load))
			continue;
		connection->waiting = 0;
		if (load_fill(load, connection))
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

		if (count < 0 || (count == 0 && wait_for_any(load, GIVE_UP_EVERY_NS)))
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
	       load->over == load->connection_count;
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
		if (wait_for_any(load, nap_ns))
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
static uint64_t share_of_rate(const struct load *load)
{
	return (load->options->rate + load->connection_count - 1) / load->connection_count;
}

/* A UDP source has to be asked, again and again. */
static void ask_source(struct load *load, enum note_kind kind)
{
	for (uint32_t i = 0; !load->options->tcp && i < load->connection_count; i++) {
		struct load_connection *connection = &load->connections[i];
		const struct note note = {
			.kind = kind,
			.mode = SERVE_SOURCE,
			.size = load->options->size,
			.cookie = connection->members[0].cookie,
			.rate = share_of_rate(load),
		};
		uint8_t data[NOTE_BYTES];

		note_write(data, &note);
		if (!connection->members[0].counted &&
		    send(connection->fd, data, sizeof(data), 0) < 0)
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
		if (count < 0 || (count == 0 && wait_for_any(load, CREW_NAP_NS)))
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
	return load->options->tcp
		       ? connection->ended
		       : load->options->mode == SERVE_SINK || connection->members[0].counted;
}

/* Ends the stream once the other side has been sent everything. */
static void finish_streams(struct load *load)
{
	for (uint32_t i = 0; load->options->tcp && i < load->connection_count; i++) {
		struct load_connection *connection = &load->connections[i];

		if (load->options->mode != SERVE_ECHO && !connection->over && !connection->shut &&
		    connection->sends_done == connection->sent) {
			shutdown(connection->fd, SHUT_WR);
			connection->shut = true;
		}
	}
}

static bool all_settled(const struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (!is_settled(load, &load->connections[i]))
			return false;
	}
	return true;
}

static bool has_unread(const struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
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
		if (count < 0 || (count == 0 && wait_for_any(load, GIVE_UP_EVERY_NS)))
			return -1;
	}
	return 0;
}

static int run_mode(struct crew *crew, struct load *load)
{
	if (load->options->mode == SERVE_SOURCE)
		return run_source(crew, load);
	if (load->open_loop)
		return run_open(crew, load);
	return load->options->mode == SERVE_SINK ? run_flood(crew, load) : run_closed(crew, load);
}

/* A playback ends with its last message, or earlier. */
static uint64_t duration_ns(const struct load *load)
{
	uint64_t asked_ns = (uint64_t)(load->options->seconds * 1e9), whole_ns;

	if (!load->playback.count)
		return asked_ns;
	whole_ns = load->playback.messages[load->playback.count - 1].at_ns + 1;
	return asked_ns && asked_ns < whole_ns ? asked_ns : whole_ns;
}

static int run(struct crew *crew, struct load *load)
{
	if (load->carrier->open(load))
		return -1;
	load->now_ns = load->start_ns = load->done_ns = clock_now_ns();
	load->tick_ns = load->start_ns + FIRST_TICK_NS;
	load->end_ns = load->start_ns + duration_ns(load);
	if (run_mode(crew, load))
		return -1;
	if (load->now_ns < load->end_ns)
		load->end_ns = load->now_ns;
	return drain(load);
}

/* What may explain that answers are missing. */
static void look_at_sockets(struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
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
	load->carrier->close(load);
	if (status == 0 && load->options->mode != SERVE_SOURCE && !load->options->tcp)
		load_ask_counts(load);
	return status;
}
