/* SPDX-License-Identifier: MIT */
/*
 * Peer "uring": a good io_uring loop by hand. One multishot receive to a socket,
 * into a ring of provided buffers, which orders and refills without a system
 * call; sends as plain SEND (the MSG forms cost more), 64 to a submission.
 *
 * A spinning side looks at the completion ring and at IORING_SQ_TASKRUN in
 * memory and enters the kernel only for a reason. A sleeping server submits its
 * answers and waits for one more completion than it has answers in the same
 * call, so a round costs one system call. In ping-pong a send succeeds silently:
 * the answer says that it went out.
 */
#include <errno.h>
#include <netinet/in.h>

#include "impl.h"
#include "many.h"
#include "pace.h"
#include "tcp_sides.h"
#include "uring_side.h"

#define SENDS 64u

static int probe(const struct bench_impl *impl, char *ret_reason, size_t reason_bytes)
{
	return uring_probe(ret_reason, reason_bytes);
}

/* ---- Streams ------------------------------------------------------------- */

/* Takes the results of sends off the ring; returns how many there were. */
static uint32_t reap_sends(struct uring_side *uring)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0;
	unsigned head;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		if (cqe->res < 0 && cqe->res != -ENOBUFS)
			side_fail_call(uring->side, "send", -cqe->res);
		count++;
	}
	io_uring_cq_advance(&uring->ring, count);
	return count;
}

/* A buffer may be written again once its send has completed, nearly always within the submit. */
static void submit_sends(struct uring_side *uring, uint32_t count)
{
	uint32_t done;

	uring_submit(uring);
	done = reap_sends(uring);
	while (done < count && side_running(uring->side)) {
		uring_submit_wait(uring, 1);
		done += reap_sends(uring);
	}
}

static void stream_tx(struct bench_side *side)
{
	uint8_t *messages = side_alloc_messages(side, SENDS);
	struct uring_side uring;

	uring_open(&uring, side);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < SENDS; i++) {
			uint8_t *message = messages + (uint64_t)i * side->params.stride;

			uring_send(&uring, 0, message, message_write(side, message), i);
		}
		submit_sends(&uring, SENDS);
	}
}

/* Accounts for all messages that are there, on whatever socket, and arms again what has ended. */
static inline __attribute__((always_inline)) void take(struct uring_side *uring,
						       uring_read_fn *read, void *reader)
{
	uring_take(uring, read, reader);
	if (io_uring_sq_ready(&uring->ring) > 0)
		uring_submit(uring);
}

static void read_message(void *side, uint32_t index, const void *data, uint32_t bytes)
{
	(void)index;
	message_read(side, data, bytes);
}

static void read_paced(void *side, uint32_t index, const void *data, uint32_t bytes)
{
	(void)index;
	pace_read(side, data, bytes);
}

static void stream_rx(struct bench_side *side)
{
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	uring_arm(&uring, 0);
	uring_submit(&uring);
	side_start(side);
	while (side_running(side)) {
		if (uring_ready(&uring))
			take(&uring, read_message, side);
		else
			side_relax(side);
	}
}

struct copies {
	struct bench_side *side;
	struct message_track *tracks;
};

static void read_copy(void *reader, uint32_t index, const void *data, uint32_t bytes)
{
	struct copies *copies = reader;

	message_read_on(copies->side, &copies->tracks[index], data, bytes);
}

static void multicast_rx(struct bench_side *side)
{
	struct copies copies = {side, message_tracks(side)};
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	for (uint32_t i = 0; i < side->fd_count; i++)
		uring_arm(&uring, i);
	uring_submit(&uring);
	side_start(side);
	while (side_running(side)) {
		if (uring_ready(&uring))
			take(&uring, read_copy, &copies);
		else
			side_relax(side);
	}
}

static void paced_tx(struct bench_side *side)
{
	void *message = side_alloc_messages(side, 1);
	struct uring_side uring;

	uring_open(&uring, side);
	side_start(side);
	while (pace_next(side)) {
		uring_send(&uring, 0, message, message_write(side, message), 0);
		submit_sends(&uring, 1);
		pace_done(side);
	}
}

static void paced_rx(struct bench_side *side)
{
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	uring_arm(&uring, 0);
	side_start(side);
	while (side_running(side)) {
		uring_submit_wait(&uring, 1);
		take(&uring, read_paced, side);
	}
}

/* ---- Ping-pong ----------------------------------------------------------- */

/*
 * A receive for each message costs less here than a multishot one, which looks
 * for a second message before it reports the first: POLL_FIRST, as the answer
 * cannot be there yet, and in the same submission as the send it answers.
 */
struct pair {
	struct uring_side uring;
	uint8_t *message;
};

static void pair_open(struct pair *pair, struct bench_side *side)
{
	pair->message = side_alloc_messages(side, 1);
	uring_open(&pair->uring, side);
}

static void queue_receive(struct pair *pair)
{
	struct io_uring_sqe *sqe = uring_sqe(&pair->uring);

	io_uring_prep_recv(sqe, 0, pair->message, pair->uring.side->params.stride, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
	io_uring_sqe_set_data64(sqe, uring_data(URING_RECEIVE, 0));
}

/* Its completion would only end the wait for the answer; only a failure has one. */
static void queue_send(struct pair *pair, uint32_t bytes)
{
	uring_send(&pair->uring, 0, pair->message, bytes, 0)->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* Submits what is queued and waits for a message; false when it is time to return. */
static bool exchange(struct pair *pair, uint32_t *ret_bytes)
{
	struct uring_side *uring = &pair->uring;
	struct bench_side *side = uring->side;
	struct io_uring_cqe *cqe;

	if (side->params.spin)
		uring_submit(uring);
	else
		uring_submit_wait(uring, 1);
	while (!uring_ready(uring)) {
		if (!side_running(side))
			return false;
		if (side->params.spin)
			side_relax(side);
		else
			uring_submit_wait(uring, 1);
	}
	io_uring_peek_cqe(&uring->ring, &cqe);
	if (cqe->res < 0)
		side_fail_call(side, uring_tag_of(cqe) == URING_SEND ? "send" : "receive",
			       -cqe->res);
	*ret_bytes = (uint32_t)cqe->res;
	io_uring_cqe_seen(&uring->ring, cqe);
	message_read(side, pair->message, *ret_bytes);
	return true;
}

static void pingpong_tx(struct bench_side *side)
{
	uint64_t started_ns;
	struct pair pair;
	uint32_t bytes;

	pair_open(&pair, side);
	side_start(side);
	started_ns = clock_now_ns();
	while (side_running(side)) {
		queue_send(&pair, message_write(side, pair.message));
		queue_receive(&pair);
		if (!exchange(&pair, &bytes))
			return;
		started_ns = side_round_trip(side, started_ns);
	}
}

static void pingpong_rx(struct bench_side *side)
{
	struct pair pair;
	uint32_t bytes;

	pair_open(&pair, side);
	queue_receive(&pair);
	uring_submit(&pair.uring);
	side_start(side);
	while (side_running(side) && exchange(&pair, &bytes)) {
		queue_send(&pair, bytes);
		queue_receive(&pair);
	}
}

/* ---- Servers ------------------------------------------------------------- */

/* Queues the answer to one request; false when there was none. */
typedef bool answer_fn(struct uring_side *uring, const struct io_uring_cqe *cqe);

static bool answer_connected(struct uring_side *uring, const struct io_uring_cqe *cqe)
{
	uint32_t buffer = uring_buffer_of(cqe);

	if (!uring_received(uring, cqe, false))
		return false;
	uring_send(uring, uring_index_of(cqe), uring_buffer(uring, buffer), (uint32_t)cqe->res,
		   buffer);
	return true;
}

static bool answer_named(struct uring_side *uring, const struct io_uring_cqe *cqe)
{
	uint32_t buffer = uring_buffer_of(cqe);
	struct io_uring_recvmsg_out *out;
	struct io_uring_sqe *sqe;

	if (!uring_received(uring, cqe, true))
		return false;
	out = io_uring_recvmsg_validate(uring_buffer(uring, buffer), cqe->res, &uring->names);
	if (!out) {
		uring_return(uring, buffer);
		return false;
	}
	sqe = uring_send(uring, uring_index_of(cqe), io_uring_recvmsg_payload(out, &uring->names),
			 io_uring_recvmsg_payload_length(out, cqe->res, &uring->names), buffer);
	io_uring_prep_send_set_addr(sqe, io_uring_recvmsg_name(out), (uint16_t)out->namelen);
	return true;
}

/*
 * Handles all completions; returns by how many the answers under way have grown.
 * Answers may complete while this goes on: a full submission queue is submitted.
 */
static int serve(struct uring_side *uring, answer_fn *answer)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0, answers = 0, left = 0;
	unsigned head;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		count++;
		if (uring_tag_of(cqe) == URING_RECEIVE) {
			answers += answer(uring, cqe);
		} else {
			uring_return(uring, uring_index_of(cqe));
			left++;
		}
	}
	io_uring_cq_advance(&uring->ring, count);
	uring_return_commit(uring);
	side_count(uring->side, answers);
	return (int)answers - (int)left;
}

static void serve_all(struct bench_side *side, struct uring_side *uring, answer_fn *answer)
{
	int under_way = 0;

	side_start(side);
	while (side_running(side)) {
		uring_submit_wait(uring, (uint32_t)under_way + 1);
		under_way += serve(uring, answer);
	}
}

static void fanin_rx(struct bench_side *side)
{
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, sizeof(struct io_uring_recvmsg_out) + sizeof(struct sockaddr_in));
	uring_arm_named(&uring, 0);
	serve_all(side, &uring, answer_named);
}

static void sockets_rx(struct bench_side *side)
{
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	for (uint32_t i = 0; i < side->fd_count; i++)
		uring_arm(&uring, i);
	serve_all(side, &uring, answer_connected);
}

#define POLLS 4096u

static void idle_rx(struct bench_side *side)
{
	struct uring_side uring;

	uring_open(&uring, side);
	uring_provide(&uring, 0);
	uring_arm(&uring, 0);
	uring_submit(&uring);
	side_start(side);
	while (side_running(side)) {
		for (uint32_t i = 0; i < POLLS; i++) {
			if (uring_ready(&uring))
				take(&uring, read_message, side);
		}
		side_count(side, POLLS);
	}
}

const struct bench_impl bench_impl_uring = {
	.name = "uring",
	.about = "io_uring by hand: multishot receives into a ring, batched sends",
	.probe = probe,
	.sides =
		{
			[SHAPE_STREAM] = {stream_tx, stream_rx},
			[SHAPE_PACED] = {paced_tx, paced_rx},
			[SHAPE_PINGPONG] = {pingpong_tx, pingpong_rx},
			[SHAPE_FANIN] = {NULL, fanin_rx},
			[SHAPE_SOCKETS] = {NULL, sockets_rx},
			[SHAPE_MANY] = {NULL, uring_many_rx},
			[SHAPE_IDLE] = {NULL, idle_rx},
			[SHAPE_MULTICAST] = {stream_tx, multicast_rx},
			[SHAPE_TCP_STREAM] = {uring_tcp_stream_tx, uring_tcp_stream_rx},
			[SHAPE_TCP_PINGPONG] = {uring_tcp_pingpong_tx, uring_tcp_echo_rx},
			[SHAPE_TCP_ECHO] = {NULL, uring_tcp_echo_rx},
		},
};
