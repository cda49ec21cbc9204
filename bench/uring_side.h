/* SPDX-License-Identifier: MIT */
/*
 * A ring and its provided buffers, as the functions of the peer "uring" share
 * them.
 */
#ifndef BENCH_URING_SIDE_H
#define BENCH_URING_SIDE_H

#include <liburing.h>

#include "message.h"

#define URING_BUFFER_GROUP 1

/* What a completion is of, in the high half of its user data; an index in the low. */
enum uring_tag { URING_RECEIVE, URING_SEND };

struct uring_side {
	struct bench_side *side;
	struct io_uring ring;
	struct io_uring_buf_ring *buffer_ring;
	uint8_t *buffers;
	uint32_t buffer_count; /* a power of two */
	uint32_t buffer_bytes;
	uint32_t returned;   /* buffers given back and not yet shown to the kernel */
	struct msghdr names; /* shape of a multishot recvmsg: an address, no control data */
};

static inline uint64_t uring_data(enum uring_tag tag, uint32_t index)
{
	return (uint64_t)tag << 32 | index;
}

static inline enum uring_tag uring_tag_of(const struct io_uring_cqe *cqe)
{
	return (enum uring_tag)(cqe->user_data >> 32);
}

static inline uint32_t uring_index_of(const struct io_uring_cqe *cqe)
{
	return (uint32_t)cqe->user_data;
}

static inline uint32_t uring_buffer_of(const struct io_uring_cqe *cqe)
{
	return cqe->flags >> IORING_CQE_BUFFER_SHIFT;
}

static inline uint8_t *uring_buffer(const struct uring_side *uring, uint32_t id)
{
	return uring->buffers + (uint64_t)id * uring->buffer_bytes;
}

/* Hands a buffer back; uring_return_commit() makes it visible. */
static inline void uring_return(struct uring_side *uring, uint32_t id)
{
	io_uring_buf_ring_add(uring->buffer_ring, uring_buffer(uring, id), uring->buffer_bytes,
			      (uint16_t)id, (int)(uring->buffer_count - 1), (int)uring->returned++);
}

static inline void uring_return_commit(struct uring_side *uring)
{
	if (uring->returned == 0)
		return;
	io_uring_buf_ring_advance(uring->buffer_ring, (int)uring->returned);
	uring->returned = 0;
}

/* 0 when the kernel gives us a ring with all that is used here, else -1 and why not. */
int uring_probe(char *ret_reason, size_t reason_bytes);

/* Makes the ring alone, and makes the side's sockets its fixed files. */
void uring_open_ring(struct uring_side *uring, struct bench_side *side);
void uring_register_files(struct uring_side *uring);

/* Makes the ring; the side's sockets become its fixed files 0, 1, ... */
void uring_open(struct uring_side *uring, struct bench_side *side);

/* Gives the kernel 'count' buffers, a power of two. */
void uring_provide_buffers(struct uring_side *uring, uint32_t count, uint32_t bytes);

/* Gives the kernel buffers enough for all peers, with 'headroom' before the message. */
void uring_provide(struct uring_side *uring, uint32_t headroom);

/* A submission entry; submits what is queued when there is no room. */
struct io_uring_sqe *uring_sqe(struct uring_side *uring);

/* Multishot receives: the message alone, and with the sender's address before it. */
void uring_arm(struct uring_side *uring, uint32_t file);
void uring_arm_named(struct uring_side *uring, uint32_t file);

/* Queues the send of a message on a connected socket. */
struct io_uring_sqe *uring_send(struct uring_side *uring, uint32_t file, const void *data,
				uint32_t bytes, uint32_t index);

void uring_submit(struct uring_side *uring);

/* Submits, and sleeps until 'completions' are there. */
void uring_submit_wait(struct uring_side *uring, uint32_t completions);

/*
 * The number of completions there are, without sleeping. The kernel is entered
 * only when it says, in memory, that it has work to finish.
 */
static inline uint32_t uring_ready(struct uring_side *uring)
{
	uint32_t ready = io_uring_cq_ready(&uring->ring);

	if (ready > 0 || !(IO_URING_READ_ONCE(*uring->ring.sq.kflags) &
			   (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)))
		return ready;
	io_uring_get_events(&uring->ring);
	return io_uring_cq_ready(&uring->ring);
}

/*
 * Whether a receive brought a message. Queues the receive anew where it has
 * ended, as it does when the buffers run out.
 */
bool uring_received(struct uring_side *uring, const struct io_uring_cqe *cqe, bool named);

typedef void uring_read_fn(void *reader, uint32_t index, const void *data, uint32_t bytes);

/*
 * Passes all messages that are there to 'read', with the index of their socket, and gives their
 * buffers back. Inlined, so that 'read' is.
 */
static inline __attribute__((always_inline)) void uring_take(struct uring_side *uring,
							     uring_read_fn *read, void *reader)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0;
	unsigned head;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		count++;
		if (!uring_received(uring, cqe, false))
			continue;
		read(reader, uring_index_of(cqe), uring_buffer(uring, uring_buffer_of(cqe)),
		     (uint32_t)cqe->res);
		uring_return(uring, uring_buffer_of(cqe));
	}
	io_uring_cq_advance(&uring->ring, count);
	uring_return_commit(uring);
}

#endif
