/* SPDX-License-Identifier: MIT */
/*
 * A server and many peers, each with one request outstanding. The peers are the
 * same for every implementation; only the server is the one under test, and its
 * CPU time for a request is what counts. It sleeps when it has nothing to do.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "case.h"
#include "message.h"

#define EVENTS 256
/* A request or reply may be lost; its peer asks again after this long. */
#define RETRY_MS 250

struct peer {
	uint64_t sequence; /* of the request that is outstanding */
	uint64_t sent_ns;
	uint32_t given_up; /* requests before it whose reply may yet come */
};

struct load {
	struct bench_side *side;
	int epoll;
	struct peer *peers;
	uint8_t *request;
	uint8_t *reply;
	uint32_t reply_bytes; /* what is asked for: of a stream, no more than one reply */
};

static void ask(struct load *load, uint32_t index)
{
	struct bench_side *side = load->side;
	struct peer *peer = &load->peers[index];

	peer->sequence = side->next_sequence;
	peer->sent_ns = clock_now_ns();
	uint32_t bytes = message_write(side, load->request);
	if (send(side->fds[index], load->request, bytes, 0) < 0 && errno != ENOBUFS)
		side_fail_call(side, "send", errno);
}

/* Takes the reply that is there, if it is the right one; then asks again. */
static void answered(struct load *load, uint32_t index)
{
	struct bench_side *side = load->side;
	struct peer *peer = &load->peers[index];
	ssize_t bytes = recv(side->fds[index], load->reply, load->reply_bytes, MSG_DONTWAIT);
	uint64_t sequence = 0;

	if (bytes == 0)
		side_fail(side, "the server has closed a connection");
	if (bytes < 0 || bytes == MESSAGE_BYTES_WAKE)
		return;
	if (bytes != side->params.size ||
	    (side->params.verify && !message_intact(side, load->reply, (uint32_t)bytes))) {
		side->corrupted++;
		return;
	}
	memcpy(&sequence, load->reply, sizeof(sequence));
	if (sequence != peer->sequence) {
		if (peer->given_up)
			peer->given_up--;
		else
			side->duplicated++;
		return;
	}
	side_round_trip(side, peer->sent_ns);
	ask(load, index);
}

static void ask_again(struct load *load)
{
	uint64_t now_ns = clock_now_ns();

	for (uint32_t i = 0; i < load->side->fd_count; i++) {
		if (now_ns - load->peers[i].sent_ns < RETRY_MS * 1000000u)
			continue;
		load->side->lost++;
		load->peers[i].given_up++;
		ask(load, i);
	}
}

/* A stream says that it can be read when all of a reply is there. */
static void want_whole_replies(struct bench_side *side, int fd)
{
	int bytes = (int)side->params.size;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes)))
		side_fail_call(side, "SO_RCVLOWAT", errno);
}

static void load_open(struct load *load, struct bench_side *side)
{
	load->side = side;
	load->peers = side_alloc(side, side->fd_count * sizeof(*load->peers));
	load->request = side_alloc_messages(side, 1);
	load->reply = side_alloc_messages(side, 1);
	load->reply_bytes = side->params.streams ? side->params.size : side->params.stride;
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < side->fd_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		if (side->params.streams)
			want_whole_replies(side, side->fds[i]);
		if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, side->fds[i], &event))
			side_fail_call(side, "epoll_ctl", errno);
	}
}

/* Plain calls, as light as they come: one recv and one send for each exchange. */
static void load_run(struct bench_side *side)
{
	struct epoll_event events[EVENTS];
	struct load load;

	load_open(&load, side);
	side_start(side);
	for (uint32_t i = 0; i < side->fd_count; i++)
		ask(&load, i);
	while (side_running(side)) {
		int count = epoll_wait(load.epoll, events, EVENTS, RETRY_MS);

		atomic_store_explicit(&side->record->progress, side->next_sequence,
				      memory_order_relaxed);
		for (int i = 0; i < count; i++)
			answered(&load, events[i].data.u32);
		if (count <= 0 && !side->params.streams)
			ask_again(&load);
	}
}

static int open_fanin(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return sockets_open_fanin(params->sockets, opts, ret_sockets);
}

static int open_pairs(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(params->sockets, opts, ret_sockets);
}

static int open_streams(const struct bench_params *params, const struct socket_opts *opts,
			struct bench_sockets *ret_sockets)
{
	return sockets_open_streams(params->sockets, opts, ret_sockets);
}

const struct bench_case bench_case_udp_fanin = {
	.name = "udp-fanin",
	.counted = "requests answered",
	.about = "many peers, one request each, on one server socket",
	.figure = "the server's CPU time for a request (cpu rx); ratio: to epoll, less is better",
	.shape = SHAPE_FANIN,
	.size = 64,
	.sockets = 64,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.open = open_fanin,
	.load = load_run,
};

const struct bench_case bench_case_udp_sockets = {
	.name = "udp-sockets",
	.counted = "requests answered",
	.about = "many peers, one request each, on a server socket for each",
	.figure = "the server's CPU time for a request (cpu rx); ratio: to epoll, less is better",
	.shape = SHAPE_SOCKETS,
	.size = 64,
	.sockets = 64,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.open = open_pairs,
	.load = load_run,
};

const struct bench_case bench_case_tcp_echo = {
	.name = "tcp-echo",
	.counted = "requests answered",
	.about = "many TCP connections, one request on each",
	.figure = "the server's CPU time for a request (cpu rx); ratio: to epoll, less is better",
	.shape = SHAPE_TCP_ECHO,
	.size = 64,
	.sockets = 64,
	.streams = true,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.open = open_streams,
	.load = load_run,
};
