/* SPDX-License-Identifier: MIT */
/*
 * TCP in libuv: uv_tcp_t in its default loop. What is to be sent is tried at once
 * with uv_try_write, from the callback that had a reason to send it: no request and
 * no wait for the loop to come round. What the socket does not take is left to a
 * uv_write. Where a side may spin, the loop is run without sleeping.
 */
#include <uv.h>

#include "byte_stream.h"
#include "tcp_sides.h"

struct loop {
	struct bench_side *side;
	uv_loop_t loop;
	uv_run_mode mode;
	uv_tcp_t *handles;
	uv_buf_t receive_buffer;
	struct byte_stream stream;
	bool writing; /* there is a uv_write under way */
	uv_write_t write;
	uint8_t *messages;
	uint64_t started_ns; /* of the round trip in progress */
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

static void loop_open(struct loop *loop, struct bench_side *side, uv_read_cb received)
{
	memset(loop, 0, sizeof(*loop));
	loop->side = side;
	loop->mode = side->params.spin ? UV_RUN_NOWAIT : UV_RUN_ONCE;
	loop->receive_buffer = uv_buf_init(side_alloc(side, TCP_RECEIVE_BYTES), TCP_RECEIVE_BYTES);
	loop->handles = side_alloc(side, side->fd_count * sizeof(*loop->handles));
	loop->messages = side_alloc_messages(side, side->params.batch);
	byte_stream_open(&loop->stream, side);
	check(side, "uv_loop_init", uv_loop_init(&loop->loop));
	for (uint32_t i = 0; i < side->fd_count; i++) {
		uv_tcp_t *handle = &loop->handles[i];

		check(side, "uv_tcp_init", uv_tcp_init(&loop->loop, handle));
		check(side, "uv_tcp_open", uv_tcp_open(handle, side->fds[i]));
		handle->data = loop;
		if (received)
			check(side, "uv_read_start",
			      uv_read_start((uv_stream_t *)handle, give_buffer, received));
	}
}

static void loop_run(struct loop *loop)
{
	uv_run(&loop->loop, loop->mode);
	side_relax(loop->side);
}

static void written(uv_write_t *write, int status)
{
	struct loop *loop = write->handle->data;

	check(loop->side, "uv_write", status);
	loop->writing = false;
}

/* The data must stay as it is while loop->writing. */
static void send_all(uv_stream_t *stream, uint8_t *data, uint32_t bytes)
{
	struct loop *loop = stream->data;
	uv_buf_t buffer = uv_buf_init((char *)data, bytes);
	int sent = uv_try_write(stream, &buffer, 1);

	if (sent == (int)bytes)
		return;
	if (sent == UV_EAGAIN)
		sent = 0;
	check(loop->side, "uv_try_write", sent);
	buffer = uv_buf_init((char *)data + sent, bytes - (uint32_t)sent);
	loop->writing = true;
	check(loop->side, "uv_write", uv_write(&loop->write, stream, &buffer, 1, written));
}

/* What a receive brought; 0: nothing, this time. */
static uint32_t received_bytes(struct loop *loop, ssize_t bytes)
{
	if (bytes == UV_EOF)
		byte_stream_ended(loop->side);
	if (bytes < 0)
		check(loop->side, "uv_read", (int)bytes);
	return (uint32_t)bytes;
}

void libuv_tcp_stream_tx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, NULL);
	side_start(side);
	while (side_running(side)) {
		if (!loop.writing)
			send_all((uv_stream_t *)loop.handles, loop.messages,
				 byte_stream_write(side, loop.messages));
		else
			loop_run(&loop);
	}
}

static void stream_received(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer)
{
	struct loop *loop = stream->data;

	byte_stream_read(&loop->stream, (const uint8_t *)buffer->base, received_bytes(loop, bytes));
}

void libuv_tcp_stream_rx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, stream_received);
	side_start(side);
	while (side_running(side))
		loop_run(&loop);
}

static void reply_received(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer)
{
	struct loop *loop = stream->data;

	if (byte_stream_read(&loop->stream, (const uint8_t *)buffer->base,
			     received_bytes(loop, bytes)) == 0)
		return;
	loop->started_ns = side_round_trip(loop->side, loop->started_ns);
	send_all(stream, loop->messages, message_write(loop->side, loop->messages));
}

void libuv_tcp_pingpong_tx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, reply_received);
	side_start(side);
	loop.started_ns = clock_now_ns();
	send_all((uv_stream_t *)loop.handles, loop.messages, message_write(side, loop.messages));
	while (side_running(side))
		loop_run(&loop);
}

/* The buffer is for all connections: a socket that is full is waited for here. */
static void echo_received(uv_stream_t *stream, ssize_t bytes, const uv_buf_t *buffer)
{
	struct loop *loop = stream->data;
	uint32_t left = received_bytes(loop, bytes);
	uv_buf_t rest = uv_buf_init(buffer->base, left);

	side_count_bytes(loop->side, left);
	while (rest.len > 0 && side_running(loop->side)) {
		int sent = uv_try_write(stream, &rest, 1);

		if (sent == UV_EAGAIN)
			continue;
		check(loop->side, "uv_try_write", sent);
		rest = uv_buf_init(rest.base + sent, (unsigned)(rest.len - (size_t)sent));
	}
}

void libuv_tcp_echo_rx(struct bench_side *side)
{
	struct loop loop;

	loop_open(&loop, side, echo_received);
	side_start(side);
	while (side_running(side))
		loop_run(&loop);
}
