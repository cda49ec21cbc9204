/* SPDX-License-Identifier: MIT */
/*
 * Peer "libuv": uv_udp_t in its default loop, one loop to a side.
 *
 * Receiving uses UV_UDP_RECVMMSG where one socket carries many messages, and a
 * plain receive where each carries one. The stream sender keeps as many
 * uv_udp_send requests queued as libuv joins in a sendmmsg, several times over,
 * and posts each again from its callback. Answers are sent with
 * uv_udp_try_send, straight from the receive callback: no request, no copy, and
 * no wait for the loop to come round. Where a side may spin, the loop is run
 * without sleeping.
 */
#include <uv.h>

#include "impl.h"
#include "message.h"
#include "pace.h"
#include "tcp_sides.h"

/* libuv cuts a receive buffer into pieces this large, and takes 20 at a time. */
#define PIECE_BYTES 65536u
#define PIECES 20u
#define STREAM_REQUESTS 256u

struct loop {
	struct bench_side *side;
	uv_loop_t loop;
	uv_run_mode mode;
	uv_udp_t *handles;
	uv_buf_t receive_buffer;
	struct message_track *tracks; /* of each handle, where all get the same messages */
	uint64_t started_ns;	      /* of the round trip in progress */
	uint8_t *message;
};

static void check(struct bench_side *side, const char *call, int result)
{
	if (result < 0)
		side_fail(side, "%s: %s", call, uv_strerror(result));
}

static void give_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buffer)
{
	const struct loop *loop = handle->data;

	*ret_buffer = loop->receive_buffer;
}

static void loop_open(struct loop *loop, struct bench_side *side, uv_udp_recv_cb received,
		      unsigned flags)
{
	memset(loop, 0, sizeof(*loop));
	loop->side = side;
	loop->mode = side->params.spin ? UV_RUN_NOWAIT : UV_RUN_ONCE;
	loop->receive_buffer =
		uv_buf_init(side_alloc(side, PIECES * PIECE_BYTES),
			    flags & UV_UDP_RECVMMSG ? PIECES * PIECE_BYTES : PIECE_BYTES);
	loop->handles = side_alloc(side, side->fd_count * sizeof(*loop->handles));
	loop->message = side_alloc_messages(side, 1);
	check(side, "uv_loop_init", uv_loop_init(&loop->loop));
	for (uint32_t i = 0; i < side->fd_count; i++) {
		uv_udp_t *handle = &loop->handles[i];

		check(side, "uv_udp_init_ex", uv_udp_init_ex(&loop->loop, handle, flags));
		check(side, "uv_udp_open", uv_udp_open(handle, side->fds[i]));
		handle->data = loop;
		if (received)
			check(side, "uv_udp_recv_start",
			      uv_udp_recv_start(handle, give_buffer, received));
	}
}

static void loop_run(struct loop *loop)
{
	uint64_t before = loop->side->received + loop->side->next_sequence;

	uv_run(&loop->loop, loop->mode);
	if (loop->side->received + loop->side->next_sequence == before)
		side_relax(loop->side);
}

/* To the connected peer where 'to' is NULL. */
static void send_now(uv_udp_t *handle, void *data, uint32_t bytes, const struct sockaddr *to)
{
	struct loop *loop = handle->data;
	uv_buf_t buffer = uv_buf_init(data, bytes);
	int result;

	do {
		result = uv_udp_try_send(handle, &buffer, 1, to);
	} while (result == UV_EAGAIN && side_running(loop->side));
	if (result != UV_EAGAIN)
		check(loop->side, "uv_udp_try_send", result);
}

/* ---- Streams ------------------------------------------------------------- */

struct stream_request {
	uv_udp_send_t send;
	uint8_t *message;
};

static void post(struct loop *loop, struct stream_request *request);

static void sent(uv_udp_send_t *send, int status)
{
	struct loop *loop = send->handle->data;

	check(loop->side, "uv_udp_send", status);
	post(loop, send->data);
}

static void post(struct loop *loop, struct stream_request *request)
{
	uint32_t bytes = message_write(loop->side, request->message);
	uv_buf_t buffer = uv_buf_init((char *)request->message, bytes);

	check(loop->side, "uv_udp_send",
	      uv_udp_send(&request->send, loop->handles, &buffer, 1, NULL, sent));
}

static void stream_tx(struct bench_side *side)
{
	struct stream_request requests[STREAM_REQUESTS];
	uint8_t *messages = side_alloc_messages(side, STREAM_REQUESTS);
	struct loop loop;

	loop_open(&loop, side, NULL, 0);
	side_start(side);
	for (uint32_t i = 0; i < STREAM_REQUESTS; i++) {
		requests[i].message = messages + (uint64_t)i * side->params.stride;
		requests[i].send.data = &requests[i];
		post(&loop, &requests[i]);
	}
	while (side_running(side))
		loop_run(&loop);
}

static void stream_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			    const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (from)
		message_read(loop->side, buffer->base, (uint32_t)bytes);
}

static void copy_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			  const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (from)
		message_read_on(loop->side, &loop->tracks[handle - loop->handles], buffer->base,
				(uint32_t)bytes);
}

static void receive_with(struct bench_side *side, uv_udp_recv_cb received, unsigned flags)
{
	struct loop loop;

	loop_open(&loop, side, received, flags);
	side_start(side);
	while (side_running(side))
		loop_run(&loop);
}

static void stream_rx(struct bench_side *side)
{
	receive_with(side, stream_received, UV_UDP_RECVMMSG);
}

static void multicast_rx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, copy_received, UV_UDP_RECVMMSG);
	loop.tracks = message_tracks(side);
	side_start(side);
	while (side_running(side))
		loop_run(&loop);
}

static void paced_tx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, NULL, 0);
	side_start(side);
	while (pace_next(side)) {
		send_now(loop.handles, loop.message, message_write(side, loop.message), NULL);
		pace_done(side);
	}
}

static void paced_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			   const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (from)
		pace_read(loop->side, buffer->base, (uint32_t)bytes);
}

static void paced_rx(struct bench_side *side)
{
	receive_with(side, paced_received, UV_UDP_RECVMMSG);
}

/* ---- Ping-pong ----------------------------------------------------------- */

static void reply_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			   const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (!from || bytes == MESSAGE_BYTES_WAKE)
		return;
	message_read(loop->side, buffer->base, (uint32_t)bytes);
	loop->started_ns = side_round_trip(loop->side, loop->started_ns);
	send_now(handle, loop->message, message_write(loop->side, loop->message), NULL);
}

static void pingpong_tx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, reply_received, 0);
	side_start(side);
	loop.started_ns = clock_now_ns();
	send_now(loop.handles, loop.message, message_write(side, loop.message), NULL);
	while (side_running(side))
		loop_run(&loop);
}

static void ping_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			  const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (!from)
		return;
	message_read(loop->side, buffer->base, (uint32_t)bytes);
	send_now(handle, buffer->base, (uint32_t)bytes, NULL);
}

static void pingpong_rx(struct bench_side *side)
{
	receive_with(side, ping_received, 0);
}

/* ---- Servers ------------------------------------------------------------- */

static void fanin_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			   const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (!from)
		return;
	send_now(handle, buffer->base, (uint32_t)bytes, from);
	side_count(loop->side, 1);
}

static void fanin_rx(struct bench_side *side)
{
	receive_with(side, fanin_received, UV_UDP_RECVMMSG);
}

static void socket_received(uv_udp_t *handle, ssize_t bytes, const uv_buf_t *buffer,
			    const struct sockaddr *from, unsigned flags)
{
	struct loop *loop = handle->data;

	if (!from)
		return;
	send_now(handle, buffer->base, (uint32_t)bytes, NULL);
	side_count(loop->side, 1);
}

static void sockets_rx(struct bench_side *side)
{
	receive_with(side, socket_received, 0);
}

#define POLLS 256u

static void idle_rx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, stream_received, UV_UDP_RECVMMSG);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < POLLS; i++)
			uv_run(&loop.loop, UV_RUN_NOWAIT);
		side_count(side, POLLS);
	}
}

const struct bench_impl bench_impl_libuv = {
	.name = "libuv",
	.about = "uv_udp_t, UV_UDP_RECVMMSG where it helps",
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_PINGPONG] = {pingpong_tx, pingpong_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_SOCKETS] = {NULL, sockets_rx},
			[SHAPE_IDLE] = {NULL, idle_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
			[SHAPE_TCP_STREAM] = {libuv_tcp_stream_tx, libuv_tcp_stream_rx},
			[SHAPE_TCP_PINGPONG] = {libuv_tcp_pingpong_tx, libuv_tcp_echo_rx},
			[SHAPE_TCP_ECHO] = {NULL, libuv_tcp_echo_rx},
		},
};
