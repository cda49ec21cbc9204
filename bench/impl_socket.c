/* SPDX-License-Identifier: MIT */
/*
 * Peer "socket": one system call for each message, the way most programs do it.
 *
 * Connected sockets use send() and recv(), the cheapest calls there are. Where
 * a side has a core to itself and latency or rate is all that counts, it spins
 * on recv(MSG_DONTWAIT): a sleeping receiver costs the sender a wake-up for
 * each message. Where CPU time counts it blocks in recv(). The server of many
 * peers blocks in recvfrom() and answers with sendto(); many sockets need an
 * event loop, which is the peer "epoll".
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "impl.h"
#include "message.h"
#include "pace.h"
#include "tcp_sides.h"

static void send_message(struct bench_side *side, const void *data, uint32_t bytes)
{
	if (send(side->fds[0], data, bytes, 0) < 0)
		side_fail_call(side, "send", errno);
}

/* The length of a message, or -1 when it is time to return. */
static ssize_t receive_spinning(struct bench_side *side, void *data)
{
	while (side_running(side)) {
		ssize_t bytes = recv(side->fds[0], data, side->params.stride, MSG_DONTWAIT);

		if (bytes >= 0)
			return bytes;
		side_relax(side);
	}
	return -1;
}

static ssize_t receive_blocking(struct bench_side *side, void *data)
{
	ssize_t bytes = recv(side->fds[0], data, side->params.stride, 0);

	if (bytes < 0)
		side_fail_call(side, "recv", errno);
	return side_running(side) ? bytes : -1;
}

static ssize_t receive(struct bench_side *side, void *data)
{
	return side->params.spin ? receive_spinning(side, data) : receive_blocking(side, data);
}

static void stream_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (side_running(side))
		send_message(side, message, message_write(side, message));
}

static void stream_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	ssize_t bytes;

	side_start(side);
	while ((bytes = receive(side, message)) >= 0)
		message_read(side, message, (uint32_t)bytes);
}

static void multicast_rx(struct bench_side *side)
{
	struct message_track *tracks = message_tracks(side);
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < side->fd_count; i++) {
			ssize_t bytes =
				recv(side->fds[i], message, side->params.stride, MSG_DONTWAIT);

			if (bytes >= 0)
				message_read_on(side, &tracks[i], message, (uint32_t)bytes);
			else
				side_relax(side);
		}
	}
}

static void paced_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (pace_next(side)) {
		send_message(side, message, message_write(side, message));
		pace_done(side);
	}
}

static void paced_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	ssize_t bytes;

	side_start(side);
	while ((bytes = receive_blocking(side, message)) >= 0)
		pace_read(side, message, (uint32_t)bytes);
}

static void pingpong_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	uint64_t started_ns;
	ssize_t bytes;

	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		send_message(side, message, message_write(side, message));
		bytes = receive(side, message);
		if (bytes < 0)
			return;
		message_read(side, message, (uint32_t)bytes);
		started_ns = side_round_trip(side, started_ns);
	}
}

static void pingpong_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	ssize_t bytes;

	side_start(side);
	while ((bytes = receive(side, message)) >= 0) {
		message_read(side, message, (uint32_t)bytes);
		send_message(side, message, (uint32_t)bytes);
	}
}

static void fanin_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	struct sockaddr_in peer;

	side_start(side);
	while (side_running(side)) {
		socklen_t peer_bytes = sizeof(peer);
		ssize_t bytes = recvfrom(side->fds[0], message, side->params.stride, 0,
					 (struct sockaddr *)&peer, &peer_bytes);

		if (bytes < 0)
			side_fail_call(side, "recvfrom", errno);
		if (sendto(side->fds[0], message, (size_t)bytes, 0, (struct sockaddr *)&peer,
			   peer_bytes) < 0)
			side_fail_call(side, "sendto", errno);
		side_count(side, 1);
	}
}

#define POLLS 256u

static void idle_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < POLLS; i++)
			recv(side->fds[0], message, side->params.stride, MSG_DONTWAIT);
		side_count(side, POLLS);
	}
}

const struct bench_impl bench_impl_socket = {
	.name = "socket",
	.about = "one send or recv for each message",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_PINGPONG] = {pingpong_tx, pingpong_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_IDLE] = {NULL, idle_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
			[SHAPE_TCP_STREAM] = {socket_tcp_stream_tx, socket_tcp_stream_rx},
			[SHAPE_TCP_PINGPONG] = {socket_tcp_pingpong_tx, socket_tcp_echo_rx},
			[SHAPE_NODEFER] = {stream_tx, NULL},
		},
};
