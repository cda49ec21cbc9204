/* SPDX-License-Identifier: MIT */
/*
 * TCP on io_uring by hand. One multishot receive to a connection, into a ring of
 * provided buffers; the messages of a commit leave as one SEND, and as one stream
 * has no two sends at a time, its completion is taken before the next. MSG_WAITALL
 * makes the kernel send all of it. A sleeping server submits its answers and waits
 * for one more completion than it has answers, all in one call; in ping-pong a
 * send succeeds silently.
 */
#include <errno.h>
#include <sys/socket.h>

#include "byte_stream.h"
#include "tcp_sides.h"
#include "uring_side.h"

/* As much as is read at a time, often enough that the receive never runs out. */
#define STREAM_BUFFERS 16u

static struct io_uring_sqe *send_all(struct uring_side *uring, uint32_t file, const void *data,
				     uint32_t bytes, uint32_t index)
{
	struct io_uring_sqe *sqe = uring_send(uring, file, data, bytes, index);

	sqe->msg_flags = MSG_WAITALL;
	return sqe;
}

/* Goes on when there is a completion, or it is time to return. */
static void wait_for_any(struct uring_side *uring)
{
	if (!uring->side->params.spin) {
		uring_submit_wait(uring, 1);
		return;
	}
	uring_submit(uring);
	while (!uring_ready(uring) && side_running(uring->side))
		side_relax(uring->side);
}

void uring_tcp_stream_tx(struct bench_side *side)
{
	uint8_t *messages = side_alloc_messages(side, side->params.batch);
	struct uring_side uring;
	struct io_uring_cqe *cqe;

	uring_open(&uring, side);
	side_start(side);
	while (side_running(side)) {
		send_all(&uring, 0, messages, byte_stream_write(side, messages), 0);
		do {
			wait_for_any(&uring);
			if (!side_running(side))
				return;
		} while (io_uring_peek_cqe(&uring.ring, &cqe));
		if (cqe->res < 0)
			side_fail_call(side, "send", -cqe->res);
		io_uring_cqe_seen(&uring.ring, cqe);
	}
}

/* Whether a receive brought bytes. */
static bool brought(struct uring_side *uring, const struct io_uring_cqe *cqe)
{
	if (cqe->res == 0)
		byte_stream_ended(uring->side);
	return uring_received(uring, cqe, false);
}

/* Reads all that has come; returns how many messages that completed. */
static uint32_t read_all(struct uring_side *uring, struct byte_stream *stream)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0, completed = 0;
	unsigned head;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		count++;
		if (uring_tag_of(cqe) == URING_SEND)
			side_fail_call(uring->side, "send", -cqe->res);
		if (!brought(uring, cqe))
			continue;
		completed += byte_stream_read(stream, uring_buffer(uring, uring_buffer_of(cqe)),
					      (uint32_t)cqe->res);
		uring_return(uring, uring_buffer_of(cqe));
	}
	io_uring_cq_advance(&uring->ring, count);
	uring_return_commit(uring);
	return completed;
}

void uring_tcp_stream_rx(struct bench_side *side)
{
	struct byte_stream stream;
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide_buffers(&uring, STREAM_BUFFERS, TCP_RECEIVE_BYTES);
	uring_arm(&uring, 0);
	uring_submit(&uring);
	byte_stream_open(&stream, side);
	side_start(side);
	while (side_running(side)) {
		wait_for_any(&uring);
		read_all(&uring, &stream);
	}
}

void uring_tcp_pingpong_tx(struct bench_side *side)
{
	uint8_t *message = side_alloc_messages(side, 1);
	struct byte_stream stream;
	struct uring_side uring;
	uint64_t started_ns;

	uring_open(&uring, side);
	uring_provide_buffers(&uring, STREAM_BUFFERS, TCP_RECEIVE_BYTES);
	uring_arm(&uring, 0);
	byte_stream_open(&stream, side);
	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		send_all(&uring, 0, message, message_write(side, message), 0)->flags |=
			IOSQE_CQE_SKIP_SUCCESS;
		do {
			wait_for_any(&uring);
			if (!side_running(side))
				return;
		} while (read_all(&uring, &stream) == 0);
		started_ns = side_round_trip(side, started_ns);
	}
}

/* Answers what has come; returns by how many the answers under way have grown. */
static int answer_all(struct uring_side *uring)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0;
	unsigned head;
	int growth = 0;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		uint32_t buffer = uring_buffer_of(cqe);

		count++;
		if (uring_tag_of(cqe) == URING_SEND) {
			if (cqe->res < 0)
				side_fail_call(uring->side, "send", -cqe->res);
			uring_return(uring, uring_index_of(cqe));
			growth--;
		} else if (brought(uring, cqe)) {
			send_all(uring, uring_index_of(cqe), uring_buffer(uring, buffer),
				 (uint32_t)cqe->res, buffer);
			side_count_bytes(uring->side, (uint32_t)cqe->res);
			growth++;
		}
	}
	io_uring_cq_advance(&uring->ring, count);
	uring_return_commit(uring);
	return growth;
}

void uring_tcp_echo_rx(struct bench_side *side)
{
	struct uring_side uring;
	int under_way = 0;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	for (uint32_t i = 0; i < side->fd_count; i++)
		uring_arm(&uring, i);
	side_start(side);
	while (side_running(side)) {
		if (side->params.spin)
			wait_for_any(&uring);
		else
			uring_submit_wait(&uring, (uint32_t)under_way + 1);
		under_way += answer_all(&uring);
	}
}
