/* SPDX-License-Identifier: MIT */
/*
 * TCP in an epoll loop, as a server that has other things to do as well is
 * written: level-triggered, output gathered in a buffer and written once for each
 * commit, a full socket waited for. A receive that does not fill its buffer has
 * emptied the socket, so no call is spent on being told so. Where a side may spin,
 * epoll_wait is asked without sleeping.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "byte_stream.h"
#include "tcp_sides.h"

#define EVENTS 256

struct loop {
	struct bench_side *side;
	int epoll;
	int timeout_ms; /* 0 where the side spins */
	struct epoll_event events[EVENTS];
};

static void watch(struct loop *loop, int operation, uint32_t index, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.u32 = index};

	if (epoll_ctl(loop->epoll, operation, loop->side->fds[index], &event))
		side_fail_call(loop->side, "epoll_ctl", errno);
}

static void loop_open(struct loop *loop, struct bench_side *side)
{
	loop->side = side;
	loop->timeout_ms = side->params.spin ? 0 : -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		side_fail_call(side, "epoll_create1", errno);
	for (uint32_t i = 0; i < side->fd_count; i++)
		watch(loop, EPOLL_CTL_ADD, i, EPOLLIN);
}

/* How many sockets are ready. */
static int loop_wait(struct loop *loop)
{
	int count = epoll_wait(loop->epoll, loop->events, EVENTS, loop->timeout_ms);

	if (count < 0 && errno != EINTR)
		side_fail_call(loop->side, "epoll_wait", errno);
	if (count <= 0)
		side_relax(loop->side);
	return count;
}

/* Waits until the socket takes more; the loop serves nobody else meanwhile. */
static void wait_for_room(struct loop *loop, uint32_t index)
{
	struct epoll_event event;

	if (loop->side->params.spin) {
		side_relax(loop->side);
		return;
	}
	for (uint32_t i = 0; i < loop->side->fd_count; i++)
		watch(loop, EPOLL_CTL_MOD, i, i == index ? EPOLLOUT : 0);
	epoll_wait(loop->epoll, &event, 1, -1);
	for (uint32_t i = 0; i < loop->side->fd_count; i++)
		watch(loop, EPOLL_CTL_MOD, i, EPOLLIN);
}

static void send_all(struct loop *loop, uint32_t index, const uint8_t *data, uint32_t bytes)
{
	while (bytes > 0 && side_running(loop->side)) {
		ssize_t sent = send(loop->side->fds[index], data, bytes, MSG_DONTWAIT);

		if (sent >= 0) {
			data += sent;
			bytes -= (uint32_t)sent;
		} else if (errno == EAGAIN) {
			wait_for_room(loop, index);
		} else {
			side_fail_call(loop->side, "send", errno);
		}
	}
}

/* How many bytes came; 0: there were none. */
static uint32_t receive(struct loop *loop, uint32_t index, void *data)
{
	ssize_t bytes = recv(loop->side->fds[index], data, TCP_RECEIVE_BYTES, MSG_DONTWAIT);

	if (bytes == 0)
		byte_stream_ended(loop->side);
	if (bytes < 0 && errno != EAGAIN)
		side_fail_call(loop->side, "recv", errno);
	return bytes > 0 ? (uint32_t)bytes : 0;
}

void epoll_tcp_stream_tx(struct bench_side *side)
{
	uint8_t *messages = side_alloc_messages(side, side->params.batch);
	struct loop loop;

	loop_open(&loop, side);
	side_start(side);
	while (side_running(side))
		send_all(&loop, 0, messages, byte_stream_write(side, messages));
}

void epoll_tcp_stream_rx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	struct byte_stream stream;
	struct loop loop;
	uint32_t bytes;

	loop_open(&loop, side);
	byte_stream_open(&stream, side);
	side_start(side);
	while (side_running(side)) {
		if (loop_wait(&loop) <= 0)
			continue;
		do {
			bytes = receive(&loop, 0, data);
			byte_stream_read(&stream, data, bytes);
		} while (bytes == TCP_RECEIVE_BYTES && side_running(side));
	}
}

void epoll_tcp_pingpong_tx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	uint8_t *message = side_alloc_messages(side, 1);
	struct byte_stream stream;
	uint64_t started_ns;
	struct loop loop;

	loop_open(&loop, side);
	byte_stream_open(&stream, side);
	side_start(side);
	started_ns = clock_now_ns();
	send_all(&loop, 0, message, message_write(side, message));
	while (side_running(side)) {
		if (loop_wait(&loop) <= 0 ||
		    byte_stream_read(&stream, data, receive(&loop, 0, data)) == 0)
			continue;
		started_ns = side_round_trip(side, started_ns);
		send_all(&loop, 0, message, message_write(side, message));
	}
}

void epoll_tcp_echo_rx(struct bench_side *side)
{
	uint8_t *data = side_alloc(side, TCP_RECEIVE_BYTES);
	struct loop loop;

	loop_open(&loop, side);
	side_start(side);
	while (side_running(side)) {
		int count = loop_wait(&loop);

		for (int i = 0; i < count; i++) {
			uint32_t index = loop.events[i].data.u32;
			uint32_t bytes = receive(&loop, index, data);

			send_all(&loop, index, data, bytes);
			side_count_bytes(side, bytes);
		}
	}
}
