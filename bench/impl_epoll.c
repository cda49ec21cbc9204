/* SPDX-License-Identifier: MIT */
/*
 * Peer "epoll": an event loop, as a server that has other things to do as well
 * is written. One level-triggered epoll set; what is ready is drained with the
 * calls that suit it: recvmmsg and sendmmsg of 64 where one socket carries many
 * messages, plain recv and send where each carries one. A short recvmmsg means
 * empty, so no call is spent on being told so. Calls carry MSG_DONTWAIT; a full
 * socket is waited for. Where a side may spin, epoll_wait is asked without
 * sleeping, which costs the other side no wake-up.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "cores.h"
#include "impl.h"
#include "many.h"
#include "mmsg_batch.h"
#include "pace.h"
#include "tcp_sides.h"

#define EVENTS 256

struct loop {
	struct bench_side *side;
	int epoll;
	int timeout_ms; /* 0 where the side spins */
	struct epoll_event events[EVENTS];
};

static void loop_open(struct loop *loop, struct bench_side *side)
{
	loop->side = side;
	loop->timeout_ms = side->params.spin ? 0 : -1;
	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll < 0)
		side_fail_call(side, "epoll_create1", errno);
	for (uint32_t i = 0; i < side->fd_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, side->fds[i], &event))
			side_fail_call(side, "epoll_ctl", errno);
	}
}

/* How many sockets are ready; 0 when a spinning side found none. */
static int loop_wait(struct loop *loop)
{
	int count = epoll_wait(loop->epoll, loop->events, EVENTS, loop->timeout_ms);

	if (count < 0 && errno != EINTR)
		side_fail_call(loop->side, "epoll_wait", errno);
	if (count <= 0)
		side_relax(loop->side);
	return count;
}

/* Sleeps until the only socket takes more. */
static void wait_for_room(struct loop *loop)
{
	struct epoll_event event = {.events = EPOLLOUT};

	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, loop->side->fds[0], &event))
		side_fail_call(loop->side, "epoll_ctl", errno);
	epoll_wait(loop->epoll, loop->events, EVENTS, 100);
	event.events = EPOLLIN;
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, loop->side->fds[0], &event);
}

static void send_batch(struct loop *loop, struct mmsg_batch *batch, unsigned count)
{
	unsigned sent = mmsg_batch_send(batch, loop->side, count, MSG_DONTWAIT);

	while (sent < count) {
		struct mmsg_batch rest = *batch;

		wait_for_room(loop);
		memmove(rest.headers, batch->headers + sent,
			(count - sent) * sizeof(*rest.headers));
		sent += mmsg_batch_send(&rest, loop->side, count - sent, MSG_DONTWAIT);
	}
}

static void send_one(struct loop *loop, uint32_t index, const void *data, uint32_t bytes)
{
	while (send(loop->side->fds[index], data, bytes, MSG_DONTWAIT) < 0) {
		if (errno != EAGAIN && errno != ENOBUFS)
			side_fail_call(loop->side, "send", errno);
		wait_for_room(loop);
	}
}

static ssize_t receive_one(struct loop *loop, uint32_t index, void *data)
{
	return recv(loop->side->fds[index], data, loop->side->params.stride, MSG_DONTWAIT);
}

/* ---- Streams ------------------------------------------------------------- */

static void stream_tx(struct bench_side *side)
{
	struct mmsg_batch batch;
	struct loop loop;

	loop_open(&loop, side);
	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		mmsg_batch_write(&batch, side);
		send_batch(&loop, &batch, MMSG_BATCH);
	}
}

static void stream_rx(struct bench_side *side)
{
	struct mmsg_batch batch;
	struct loop loop;
	int count;

	loop_open(&loop, side);
	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		if (loop_wait(&loop) <= 0)
			continue;
		do {
			count = mmsg_batch_receive(&batch, side, MSG_DONTWAIT);
			if (count > 0)
				mmsg_batch_read(&batch, side, (unsigned)count);
		} while (count == MMSG_BATCH && side_running(side));
	}
}

static void multicast_rx(struct bench_side *side)
{
	struct message_track *tracks = message_tracks(side);
	struct mmsg_batch batch;
	struct loop loop;

	loop_open(&loop, side);
	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		int count = loop_wait(&loop);

		for (int i = 0; i < count; i++) {
			uint32_t index = loop.events[i].data.u32;

			mmsg_batch_take(&batch, side, index, &tracks[index]);
		}
	}
}

static void paced_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	struct loop loop;

	loop_open(&loop, side);
	side_start(side);
	while (pace_next(side)) {
		send_one(&loop, 0, message, message_write(side, message));
		pace_done(side);
	}
}

static void paced_rx(struct bench_side *side)
{
	struct mmsg_batch batch;
	struct loop loop;

	loop_open(&loop, side);
	mmsg_batch_open(&batch, side, false);
	side_start(side);
	while (side_running(side)) {
		if (loop_wait(&loop) <= 0)
			continue;
		int count = mmsg_batch_receive(&batch, side, MSG_DONTWAIT);

		for (int i = 0; i < count; i++)
			pace_read(side, batch.vectors[i].iov_base, batch.headers[i].msg_len);
	}
}

/* ---- One message at a time ------------------------------------------------ */

/* Waits for a message; false when it is time to return. */
static bool next_message(struct loop *loop, void *data, uint32_t *ret_bytes)
{
	ssize_t bytes;

	do {
		if (!side_running(loop->side))
			return false;
	} while (loop_wait(loop) <= 0 || (bytes = receive_one(loop, 0, data)) < 0);
	*ret_bytes = (uint32_t)bytes;
	message_read(loop->side, data, *ret_bytes);
	return true;
}

static void pingpong_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	uint64_t started_ns;
	struct loop loop;
	uint32_t bytes;

	loop_open(&loop, side);
	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		send_one(&loop, 0, message, message_write(side, message));
		if (!next_message(&loop, message, &bytes))
			return;
		started_ns = side_round_trip(side, started_ns);
	}
}

static void pingpong_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	struct loop loop;
	uint32_t bytes;

	loop_open(&loop, side);
	side_start(side);
	while (next_message(&loop, message, &bytes))
		send_one(&loop, 0, message, bytes);
}

/* ---- Servers ------------------------------------------------------------- */

static void fanin_rx(struct bench_side *side)
{
	struct mmsg_batch batch;
	struct loop loop;

	loop_open(&loop, side);
	mmsg_batch_open(&batch, side, true);
	side_start(side);
	while (side_running(side)) {
		if (loop_wait(&loop) <= 0)
			continue;
		int count = mmsg_batch_receive(&batch, side, MSG_DONTWAIT);

		if (count <= 0)
			continue;
		mmsg_batch_echo(&batch, (unsigned)count);
		send_batch(&loop, &batch, (unsigned)count);
		mmsg_batch_reset(&batch, side, (unsigned)count);
		side_count(side, (unsigned)count);
	}
}

static void sockets_rx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	struct loop loop;

	loop_open(&loop, side);
	side_start(side);
	while (side_running(side)) {
		int count = loop_wait(&loop);

		for (int i = 0; i < count; i++) {
			uint32_t index = loop.events[i].data.u32;
			ssize_t bytes = receive_one(&loop, index, message);

			if (bytes < 0)
				continue;
			send_one(&loop, index, message, (uint32_t)bytes);
			side_count(side, 1);
		}
	}
}

#define POLLS 256u

static void idle_rx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side);
	loop.timeout_ms = 0;
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < POLLS; i++)
			epoll_wait(loop.epoll, loop.events, EVENTS, loop.timeout_ms);
		side_count(side, POLLS);
	}
}

const struct bench_impl bench_impl_epoll = {
	.name = "epoll",
	.about = "an epoll loop that drains sockets, with mmsg calls if they help",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_PINGPONG] = {pingpong_tx, pingpong_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_SOCKETS] = {NULL, sockets_rx},
			[SHAPE_MANY] = {NULL, epoll_many_rx},
			[SHAPE_CORES] = {NULL, epoll_cores_rx},
			[SHAPE_IDLE] = {NULL, idle_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
			[SHAPE_TCP_STREAM] = {epoll_tcp_stream_tx, epoll_tcp_stream_rx},
			[SHAPE_TCP_PINGPONG] = {epoll_tcp_pingpong_tx, epoll_tcp_echo_rx},
			[SHAPE_TCP_ECHO] = {NULL, epoll_tcp_echo_rx},
		},
};

/* The last of a round, where epoll is among the first. */
const struct bench_impl bench_impl_epoll_again = {
	.name = "epoll-again",
	.about = "the same once more: how much chance makes rows differ",
	.control_of = "epoll",
	.sides =
		{
			[SHAPE_MANY] = {NULL, epoll_many_rx},
		},
};
