/* SPDX-License-Identifier: MIT */
/*
 * TCP by plain calls: peer "socket", one send for each message; and peer "limit",
 * which makes the messages of a commit where one send takes them all, and needs
 * nothing else. Blocking sends take all they are given. Receivers spin where a side
 * has a core to itself and read as much as is there.
 */
#include <errno.h>
#include <sys/socket.h>

#include "byte_stream.h"
#include "tcp_sides.h"

static void send_all(struct bench_side *side, const void *data, uint32_t bytes)
{
	if (send(side->fds[0], data, bytes, 0) < 0)
		side_fail_call(side, "send", errno);
}

/* How many bytes came; 0 when it is time to return. */
static uint32_t receive(struct bench_side *side, void *data)
{
	const int flags = side->params.spin ? MSG_DONTWAIT : 0;

	while (side_running(side)) {
		ssize_t bytes = recv(side->fds[0], data, TCP_RECEIVE_BYTES, flags);

		if (bytes > 0)
			return (uint32_t)bytes;
		if (bytes == 0)
			byte_stream_ended(side);
		if (errno != EAGAIN)
			side_fail_call(side, "recv", errno);
		side_relax(side);
	}
	return 0;
}

void socket_tcp_stream_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);

	side_start(side);
	while (side_running(side))
		send_all(side, message, message_write(side, message));
}

void limit_tcp_stream_tx(struct bench_side *side)
{
	uint8_t *messages = side_alloc_messages(side, side->params.batch);

	side_start(side);
	while (side_running(side))
		send_all(side, messages, byte_stream_write(side, messages));
}

void socket_tcp_stream_rx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	struct byte_stream stream;
	uint32_t bytes;

	byte_stream_open(&stream, side);
	side_start(side);
	while ((bytes = receive(side, data)) > 0)
		byte_stream_read(&stream, data, bytes);
}

void socket_tcp_pingpong_tx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	void *message = side_alloc_messages(side, 1);
	struct byte_stream stream;
	uint64_t started_ns;

	byte_stream_open(&stream, side);
	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		uint32_t bytes;

		send_all(side, message, message_write(side, message));
		do {
			bytes = receive(side, data);
			if (bytes == 0)
				return;
		} while (byte_stream_read(&stream, data, bytes) == 0);
		started_ns = side_round_trip(side, started_ns);
	}
}

void socket_tcp_echo_rx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	uint32_t bytes;

	side_start(side);
	while ((bytes = receive(side, data)) > 0) {
		send_all(side, data, bytes);
		side_count_bytes(side, bytes);
	}
}
