/* SPDX-License-Identifier: MIT */
/*
 * Serving datagrams. An answer is posted from the slot its request is in, so a
 * server never holds more than it has received; a source has slots of its own.
 * Messages are answered to those only who have returned the cookie of the greeting.
 * Whatever a client sends is a message or a note that is understood, and nothing
 * it can send ends the server.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "console.h"
#include "cookie.h"
#include "local_name.h"
#include "peers.h"
#include "serve.h"
#include "socket_buffers.h"
#include "station.h"

/* Of all sockets together, and of one at least. */
#define RECEIVES 1024u
#define RECEIVES_LEAST 16u
#define SOURCE_SLOTS 512u
/* An address slice; a multiple of what the library asks for. */
#define NAME_BYTES 32u
/* Beside each slot: the address of the client, and packet information. */
#define ENVELOPE_BYTES (NAME_BYTES + LOCAL_NAME_BYTES)
#define SEND_MARK (1ull << 32)
/* Peers of a sink have a list of gaps each. */
#define COUNTED_PEERS 1024u
/* Longer than a thread that is ready has to wait for its turn, and a few waits. */
#define STALL_NS (10ull * CREW_NAP_NS)
/* A source goes on for this long after it was asked to. */
#define SOURCE_NS SECOND_NS
#define SOURCE_AT_ONCE 64u
#define SOURCE_SIZE_MIN MESSAGE_HEAD_BYTES
/* Shorter sleeps are not worth going to sleep for. */
#define DOZE_NS 20000u

struct udp_socket {
	struct regio_rq *rq;
	struct regio_rq *answer_rq; /* of a group: what answers are sent from */
	bool any_address;	    /* answers have to say which address they are from */
};

struct udp_server {
	struct server *server;
	struct station station;
	struct udp_socket *sockets;
	uint32_t receives; /* of each socket; its slots are one after another */
	bool alone;	   /* what is taken is alone: an answer has nothing to be joined with */
	uint64_t now_ns;
	/* Of a source: its slots are used in turn. */
	uint64_t source_posted;
	uint64_t source_completed;
	uint32_t source_sockets[SOURCE_SLOTS]; /* that the message in each is for */
	bool sources;			       /* some peer may be sent to */
	struct cookie_key cookie_key;
	uint64_t look_ns;   /* when a stall is looked for next */
	uint64_t unread_ns; /* since when the socket has had something to read; 0: it has not */
	struct peers peers;
};

/* ---- Slots --------------------------------------------------------------- */

static uint32_t receive_slots(const struct udp_server *udp)
{
	return udp->receives * udp->server->socket_count;
}

static uint32_t slot_count(const struct udp_server *udp)
{
	return receive_slots(udp) + (udp->server->options->mode == SERVE_SOURCE ? SOURCE_SLOTS : 0);
}

static uint32_t socket_of(const struct udp_server *udp, uint32_t slot)
{
	if (slot < receive_slots(udp))
		return slot / udp->receives;
	return udp->source_sockets[slot - receive_slots(udp)];
}

static bool says_address(const struct udp_server *udp, uint32_t slot)
{
	return udp->sockets[socket_of(udp, slot)].any_address;
}

static struct regio_extra envelope(const struct udp_server *udp, uint32_t slot)
{
	uint32_t at = slot_count(udp) * udp->station.stride + slot * ENVELOPE_BYTES;
	struct regio_extra extra = {.remote_address = {udp->station.region, at, NAME_BYTES}};

	if (says_address(udp, slot))
		extra.control =
			(struct regio_buf){udp->station.region, at + NAME_BYTES, LOCAL_NAME_BYTES};
	return extra;
}

static void *name_of(const struct udp_server *udp, uint32_t slot)
{
	return udp->station.memory + envelope(udp, slot).remote_address.offset;
}

static void *control_of(const struct udp_server *udp, uint32_t slot)
{
	return (uint8_t *)name_of(udp, slot) + NAME_BYTES;
}

static int post_receive(struct udp_server *udp, uint32_t slot)
{
	struct regio_buf slice = station_slice(&udp->station, slot, udp->server->options->size);
	struct regio_extra extra = envelope(udp, slot);
	int status = regio_receive_ex(udp->sockets[socket_of(udp, slot)].rq, &slice, &extra,
				      REGIO_MSG_DEFER, slot);

	return status ? station_refused("receive", status) : 0;
}

/* Sends what is in the slot to the address that goes with it. */
static int post_send(struct udp_server *udp, uint32_t slot, uint32_t bytes)
{
	const struct udp_socket *from = &udp->sockets[socket_of(udp, slot)];
	struct regio_buf slice = station_slice(&udp->station, slot, bytes);
	struct regio_extra extra = envelope(udp, slot);
	int status = regio_send_ex(from->answer_rq ? from->answer_rq : from->rq, &slice, &extra,
				   udp->alone ? REGIO_MSG_DONT_NOTIFY
					      : REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY,
				   slot | SEND_MARK);

	return status ? station_refused("send", status) : 0;
}

/* ---- Notes --------------------------------------------------------------- */

static int answer(struct udp_server *udp, uint32_t slot, const struct note *note)
{
	note_write(station_slot(&udp->station, slot), note);
	return post_send(udp, slot, NOTE_BYTES);
}

/* What only those can know who receive at the address the slot has come from. */
static uint64_t cookie_of(const struct udp_server *udp, uint32_t slot, uint64_t greeting)
{
	const struct {
		struct peer_key key;
		uint64_t greeting;
	} subject = {peers_key(name_of(udp, slot)), greeting};

	return cookie_make(&udp->cookie_key, &subject, sizeof(subject));
}

static int greet(struct udp_server *udp, uint32_t slot, uint64_t greeting)
{
	const struct serve_options *options = udp->server->options;
	const struct note note = {.kind = NOTE_WELCOME,
				  .mode = options->mode,
				  .size = options->size,
				  .cookie = cookie_of(udp, slot, greeting)};

	return answer(udp, slot, &note);
}

static void start_source(struct udp_server *udp, uint32_t slot, struct peer *peer,
			 const struct note *note)
{
	uint32_t most = udp->server->options->size;

	peer->until_ns = udp->now_ns + SOURCE_NS;
	peer->socket = socket_of(udp, slot);
	if (says_address(udp, slot))
		memcpy(peer->local_name, control_of(udp, slot), sizeof(peer->local_name));
	if (peer->sending)
		return;
	peer->sending = true;
	peer->rate = note->rate;
	peer->size = note->size < SOURCE_SIZE_MIN ? SOURCE_SIZE_MIN : note->size;
	if (peer->size > most)
		peer->size = most;
	peer->start_ns = udp->now_ns;
	peer->sent = 0;
	udp->sources = true;
}

static int count_for(struct udp_server *udp, uint32_t slot, const struct peer *peer)
{
	struct note note = {.kind = NOTE_COUNTS,
			    .mode = udp->server->options->mode,
			    .cookie = peer->cookie,
			    .sent = peer->sent};

	if (udp->server->options->mode == SERVE_ECHO) {
		note.received = peer->echoed;
		note.sent = udp->server->pause_ns / 1000;
	}
	if (peer->sequence) {
		note.received = peer->sequence->received;
		note.lost = peer->sequence->lost;
		note.reordered = peer->sequence->reordered;
		note.duplicated = peer->sequence->duplicated;
	}
	return answer(udp, slot, &note);
}

static int take_ready(struct udp_server *udp, uint32_t slot, const struct note *note)
{
	bool sink = udp->server->options->mode == SERVE_SINK, new = false;
	struct peer *peer = NULL;

	if (note->cookie == cookie_of(udp, slot, note->greeting))
		peer = peers_open(&udp->peers, name_of(udp, slot), note->cookie, sink, udp->now_ns,
				  &new);
	if (!peer)
		return post_receive(udp, slot);
	counter_add(&udp->server->counts.clients, new);
	return count_for(udp, slot, peer);
}

/* A note that is not from a peer who knows the cookie is left unanswered. */
static int take_note(struct udp_server *udp, uint32_t slot, const struct note *note)
{
	struct peer *peer;

	if (note->kind == NOTE_HELLO)
		return greet(udp, slot, note->cookie);
	if (note->kind == NOTE_READY)
		return take_ready(udp, slot, note);
	peer = peers_find(&udp->peers, name_of(udp, slot));
	if (!peer || peer->cookie != note->cookie)
		return post_receive(udp, slot);
	peer->heard_ns = udp->now_ns;
	switch (note->kind) {
	case NOTE_START:
		if (udp->server->options->mode == SERVE_SOURCE)
			start_source(udp, slot, peer, note);
		return post_receive(udp, slot);
	case NOTE_STOP:
		peer->sending = false;
		return count_for(udp, slot, peer);
	case NOTE_REPORT:
		return count_for(udp, slot, peer);
	default:
		return post_receive(udp, slot);
	}
}

/* ---- Messages ------------------------------------------------------------ */

static void sink(struct udp_server *udp, uint32_t slot, uint32_t bytes, struct peer *peer)
{
	if (!peer->sequence || bytes < MESSAGE_HEAD_BYTES)
		return;
	sequence_take(peer->sequence, message_read_head(station_slot(&udp->station, slot)).number,
		      udp->now_ns);
}

/* One of a peer, or of a stranger: those are not answered, unless it was asked for. */
static int take_data(struct udp_server *udp, uint32_t slot, uint32_t bytes)
{
	const struct serve_options *options = udp->server->options;
	struct peer *peer = peers_find(&udp->peers, name_of(udp, slot));

	if (peer) {
		peer->heard_ns = udp->now_ns;
		peer->echoed++;
	}
	if (options->mode == SERVE_ECHO && (peer || options->open))
		return post_send(udp, slot, bytes);
	if (!peer)
		counter_add(&udp->server->counts.strangers, 1);
	else if (options->mode == SERVE_SINK)
		sink(udp, slot, bytes, peer);
	return post_receive(udp, slot);
}

static int take_message(struct udp_server *udp, uint32_t slot, uint32_t bytes)
{
	struct serve_counts *counts = &udp->server->counts;
	struct note note;

	counter_add(&counts->received, 1);
	counter_add(&counts->received_bytes, bytes);
	if (says_address(udp, slot))
		local_name_turn(control_of(udp, slot));
	if (note_read(station_slot(&udp->station, slot), bytes, &note))
		return take_note(udp, slot, &note);
	return take_data(udp, slot, bytes);
}

static int take_sent(struct udp_server *udp, uint32_t slot, const struct regio_result *result)
{
	struct serve_counts *counts = &udp->server->counts;

	if (result->status) {
		counter_add(&counts->failed, 1);
	} else {
		counter_add(&counts->sent, 1);
		counter_add(&counts->sent_bytes, result->bytes);
	}
	if (slot < receive_slots(udp))
		return post_receive(udp, slot);
	udp->source_completed++;
	return 0;
}

static int take(struct udp_server *udp, const struct regio_result *result)
{
	uint32_t slot = (uint32_t)result->request_context;

	if (result->request_context & SEND_MARK)
		return take_sent(udp, slot, result);
	if (result->status == 0)
		return take_message(udp, slot, result->bytes);
	if (result->status == -EBADF || result->status == -ECANCELED)
		return station_refused("receive", result->status);
	counter_add(result->status == -EMSGSIZE ? &udp->server->counts.too_long
						: &udp->server->counts.failed,
		    1);
	return post_receive(udp, slot);
}

/* ---- Source -------------------------------------------------------------- */

static uint64_t source_due_ns(const struct peer *peer)
{
	if (peer->rate == 0)
		return peer->start_ns;
	return peer->start_ns + (uint64_t)((__uint128_t)peer->sent * SECOND_NS / peer->rate);
}

/* The address goes with the slot, as if the peer had sent what is in it. */
static void write_name(struct udp_server *udp, uint32_t slot, const struct peer *peer)
{
	const struct peer_key *key = &peer->key;
	struct address address = {0};

	address.name.any.sa_family = key->family;
	if (key->family == AF_INET6) {
		address.name.v6.sin6_port = key->port;
		address.name.v6.sin6_scope_id = key->scope;
		memcpy(&address.name.v6.sin6_addr, key->address, sizeof(key->address));
	} else {
		address.name.v4.sin_port = key->port;
		memcpy(&address.name.v4.sin_addr, key->address, sizeof(address.name.v4.sin_addr));
	}
	memcpy(name_of(udp, slot), &address.name, sizeof(address.name));
	if (says_address(udp, slot))
		memcpy(control_of(udp, slot), peer->local_name, sizeof(peer->local_name));
}

static int send_to_peer(struct udp_server *udp, struct peer *peer)
{
	uint32_t number = (uint32_t)(udp->source_posted++ % SOURCE_SLOTS);
	uint32_t slot = receive_slots(udp) + number;

	udp->source_sockets[number] = peer->socket;
	message_write_head(station_slot(&udp->station, slot), peer->sent++, udp->now_ns);
	write_name(udp, slot, peer);
	return post_send(udp, slot, peer->size);
}

static bool source_has_room(const struct udp_server *udp)
{
	return udp->source_posted - udp->source_completed < SOURCE_SLOTS;
}

/* Sends to each peer what is due to it; returns when the next message is due, at the earliest. */
static int run_sources(struct udp_server *udp, uint64_t *ret_due_ns)
{
	uint32_t peers = udp->sources ? udp->peers.count : 0;

	udp->sources = false;
	for (uint32_t i = 0; i < peers; i++) {
		struct peer *peer = &udp->peers.list[i];

		peer->sending = peer->sending && udp->now_ns <= peer->until_ns;
		if (!peer->sending)
			continue;
		udp->sources = true;
		for (uint32_t j = 0; j < SOURCE_AT_ONCE && source_has_room(udp) &&
				     source_due_ns(peer) <= udp->now_ns;
		     j++) {
			if (send_to_peer(udp, peer))
				return -1;
		}
		if (source_due_ns(peer) < *ret_due_ns)
			*ret_due_ns = source_due_ns(peer);
	}
	return 0;
}

/* ---- Work ---------------------------------------------------------------- */

static int make_queue(struct udp_server *udp, int fd, uint32_t receives, uint32_t sends,
		      struct regio_rq **ret_rq)
{
	int status = regio_rq_create(fd, receives, sends, udp->station.cq, udp->station.cq, 0, NULL,
				     ret_rq);

	return status ? console_fail_call("make a request queue", status) : 0;
}

static int open_queue(struct udp_server *udp, uint32_t index)
{
	const struct server_socket *from = &udp->server->sockets[index];
	struct udp_socket *to = &udp->sockets[index];
	uint32_t sends = udp->receives + slot_count(udp) - receive_slots(udp);
	bool group = from->answer_fd >= 0;

	if (make_queue(udp, from->fd, udp->receives, group ? 0 : sends, &to->rq) ||
	    (group && make_queue(udp, from->answer_fd, 0, sends, &to->answer_rq)))
		return -1;
	for (uint32_t i = 0; i < udp->receives; i++) {
		if (post_receive(udp, index * udp->receives + i))
			return -1;
	}
	return 0;
}

/* Has the sockets of all addresses say which of them each message was for. Returns 0 or -1. */
static int ask_for_addresses(struct udp_server *udp)
{
	for (uint32_t i = 0; i < udp->server->socket_count; i++) {
		int status = local_name_request(udp->server->sockets[i].fd,
						&udp->server->sockets[i].address);

		if (status < 0)
			return console_fail("have the address of each message reported: %s",
					    strerror(-status));
		udp->sockets[i].any_address = status > 0;
	}
	return 0;
}

static int open_udp(struct udp_server *udp)
{
	const struct serve_options *options = udp->server->options;
	uint32_t count = udp->server->socket_count, slots;

	udp->receives = RECEIVES / count > RECEIVES_LEAST ? RECEIVES / count : RECEIVES_LEAST;
	udp->sockets = calloc(count, sizeof(*udp->sockets));
	if (!udp->sockets)
		return console_fail("allocate %u sockets: %s", count, strerror(ENOMEM));
	slots = slot_count(udp);
	if (ask_for_addresses(udp))
		return -1;
	if (getrandom(&udp->cookie_key, sizeof(udp->cookie_key), 0) != sizeof(udp->cookie_key))
		return console_fail("make a key for cookies: %s", strerror(errno));
	if (station_open(&udp->station, count * (2 * udp->receives + slots - receive_slots(udp)),
			 slots, options->size, slots * ENVELOPE_BYTES))
		return -1;
	udp->station.spin = options->spin;
	memcpy(udp->server->engine, udp->station.engine, sizeof(udp->server->engine));
	for (uint32_t i = 0; i < count; i++) {
		if (open_queue(udp, i))
			return -1;
	}
	return 0;
}

static void close_udp(struct udp_server *udp)
{
	for (uint32_t i = 0; i < udp->server->socket_count && udp->sockets; i++) {
		if (udp->sockets[i].rq)
			regio_rq_close(udp->sockets[i].rq, 0);
		if (udp->sockets[i].answer_rq)
			regio_rq_close(udp->sockets[i].answer_rq, 0);
	}
	station_close(&udp->station);
	free(udp->sockets);
}

static bool has_unread(const struct server *server)
{
	for (uint32_t i = 0; i < server->socket_count; i++) {
		if (socket_has_unread(server->sockets[i].fd))
			return true;
	}
	return false;
}

/*
 * A detector, for what must not be: the socket has had something to read for a long time, and
 * dequeues and waits do not bring it. Looked for now and then, when there is nothing to do.
 */
static void look_for_stall(struct udp_server *udp, int count)
{
	if (count > 0 || udp->now_ns < udp->look_ns) {
		udp->unread_ns = count > 0 ? 0 : udp->unread_ns;
		return;
	}
	udp->look_ns = udp->now_ns + CREW_NAP_NS;
	if (!has_unread(udp->server))
		udp->unread_ns = 0;
	else if (udp->unread_ns == 0)
		udp->unread_ns = udp->now_ns;
	else if (udp->now_ns - udp->unread_ns > STALL_NS)
		counter_add(&udp->server->counts.stalls, 1);
}

static int serve_once(struct udp_server *udp)
{
	uint64_t due_ns = udp->now_ns + CREW_NAP_NS;
	int count = station_dequeue(&udp->station);

	udp->alone = count == 1;
	for (int i = 0; i < count; i++) {
		if (take(udp, &udp->station.results[i]))
			return -1;
	}
	look_for_stall(udp, count);
	udp->alone = false;
	if (run_sources(udp, &due_ns))
		return -1;
	if (count != 0 || due_ns < udp->now_ns + DOZE_NS)
		return count < 0 ? -1 : 0;
	return station_wait(&udp->station, due_ns - udp->now_ns);
}

static int run_udp(struct crew *crew, struct udp_server *udp)
{
	if (open_udp(udp))
		return -1;
	udp->now_ns = clock_now_ns();
	do {
		uint64_t before_ns = udp->now_ns;

		udp->now_ns = clock_now_ns();
		crew_note_pause(&udp->server->pause_ns, before_ns, udp->now_ns);
		if (serve_once(udp))
			return -1;
	} while (!server_stopping(crew, udp->server, udp->now_ns));
	return 0;
}

int serve_udp(struct crew *crew, void *server)
{
	struct udp_server *udp = calloc(1, sizeof(*udp));
	int status;

	if (!udp)
		return console_fail("allocate the server: %s", strerror(ENOMEM));
	udp->server = server;
	udp->peers.limit = udp->server->options->mode == SERVE_ECHO ? PEERS_MAX : COUNTED_PEERS;
	status = run_udp(crew, udp);
	close_udp(udp);
	peers_free(&udp->peers);
	free(udp);
	return status;
}
