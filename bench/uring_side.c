/* SPDX-License-Identifier: MIT */
/*
 * Setting up a ring the way its authors advise for one thread: SINGLE_ISSUER and
 * DEFER_TASKRUN, so that completions cost no interruption; TASKRUN_FLAG, so that
 * a spinning side sees in memory when there is something to fetch; the ring and
 * the sockets registered, so that no call looks up a descriptor.
 */
#include "uring_side.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#define SQES 512u
#define CQES_MIN 4096u
/* Few buffers stay in the cache; but each peer may have a request in one. */
#define BUFFERS_MIN 1024u
#define SETUP_FLAGS                                                                                \
	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG |     \
	 IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE)

/* 'least', doubled until there are two for each socket. */
static uint32_t enough_for(uint32_t sockets, uint32_t least)
{
	uint32_t count = least;

	while (count < 2 * sockets)
		count *= 2;
	return count;
}

static int init_ring(struct io_uring *ring, uint32_t sockets)
{
	struct io_uring_params params = {
		.flags = SETUP_FLAGS,
		.cq_entries = enough_for(sockets, CQES_MIN),
	};

	return io_uring_queue_init_params(SQES, ring, &params);
}

static const char *why_refused(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "not allowed here: by seccomp, as in most containers, or by "
		       "sysctl kernel.io_uring_disabled";
	case ENOSYS:
		return "this kernel has none";
	case EINVAL:
		return "this kernel is older than 6.1";
	default:
		return strerror(error);
	}
}

int uring_probe(char *ret_reason, size_t reason_bytes)
{
	struct io_uring ring;
	int result = init_ring(&ring, 1);

	if (result == 0) {
		io_uring_queue_exit(&ring);
		return 0;
	}
	snprintf(ret_reason, reason_bytes, "io_uring: %s", why_refused(-result));
	return -1;
}

static void check(struct bench_side *side, const char *call, int result)
{
	if (result < 0)
		side_fail_call(side, call, -result);
}

void uring_open_ring(struct uring_side *uring, struct bench_side *side)
{
	memset(uring, 0, sizeof(*uring));
	uring->side = side;
	uring->names.msg_namelen = sizeof(struct sockaddr_in);
	check(side, "io_uring_queue_init", init_ring(&uring->ring, side->params.sockets));
	check(side, "io_uring_register_ring_fd", io_uring_register_ring_fd(&uring->ring));
}

void uring_register_files(struct uring_side *uring)
{
	struct bench_side *side = uring->side;

	check(side, "io_uring_register_files",
	      io_uring_register_files(&uring->ring, side->fds, side->fd_count));
}

void uring_open(struct uring_side *uring, struct bench_side *side)
{
	uring_open_ring(uring, side);
	uring_register_files(uring);
}

void uring_provide_buffers(struct uring_side *uring, uint32_t count, uint32_t bytes)
{
	struct bench_side *side = uring->side;
	struct io_uring_buf_reg registration = {
		.ring_entries = count,
		.bgid = URING_BUFFER_GROUP,
	};

	uring->buffer_count = count;
	uring->buffer_ring = side_alloc(side, count * sizeof(struct io_uring_buf));
	uring->buffer_bytes = bytes;
	uring->buffers = side_alloc(side, (uint64_t)count * uring->buffer_bytes);
	registration.ring_addr = (uintptr_t)uring->buffer_ring;
	check(side, "io_uring_register_buf_ring",
	      io_uring_register_buf_ring(&uring->ring, &registration, 0));
	io_uring_buf_ring_init(uring->buffer_ring);
	for (uint32_t id = 0; id < count; id++)
		uring_return(uring, id);
	uring_return_commit(uring);
}

void uring_provide(struct uring_side *uring, uint32_t headroom)
{
	const struct bench_params *params = &uring->side->params;

	uring_provide_buffers(uring, enough_for(params->sockets, BUFFERS_MIN),
			      params->stride + headroom);
}

struct io_uring_sqe *uring_sqe(struct uring_side *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	if (sqe)
		return sqe;
	uring_submit(uring);
	sqe = io_uring_get_sqe(&uring->ring);
	if (!sqe)
		side_fail(uring->side, "io_uring_get_sqe: no entry after a submit");
	return sqe;
}

static void arm(struct uring_side *uring, struct io_uring_sqe *sqe, uint32_t file)
{
	sqe->flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
	sqe->buf_group = URING_BUFFER_GROUP;
	io_uring_sqe_set_data64(sqe, uring_data(URING_RECEIVE, file));
}

void uring_arm(struct uring_side *uring, uint32_t file)
{
	struct io_uring_sqe *sqe = uring_sqe(uring);

	io_uring_prep_recv_multishot(sqe, (int)file, NULL, 0, 0);
	arm(uring, sqe, file);
}

void uring_arm_named(struct uring_side *uring, uint32_t file)
{
	struct io_uring_sqe *sqe = uring_sqe(uring);

	io_uring_prep_recvmsg_multishot(sqe, (int)file, &uring->names, 0);
	arm(uring, sqe, file);
}

struct io_uring_sqe *uring_send(struct uring_side *uring, uint32_t file, const void *data,
				uint32_t bytes, uint32_t index)
{
	struct io_uring_sqe *sqe = uring_sqe(uring);

	io_uring_prep_send(sqe, (int)file, data, bytes, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data64(sqe, uring_data(URING_SEND, index));
	return sqe;
}

void uring_submit(struct uring_side *uring)
{
	int result = io_uring_submit(&uring->ring);

	if (result != -EBUSY && result != -EINTR)
		check(uring->side, "io_uring_submit", result);
}

void uring_submit_wait(struct uring_side *uring, uint32_t completions)
{
	int result = io_uring_submit_and_wait(&uring->ring, completions);

	if (result != -EBUSY && result != -EINTR)
		check(uring->side, "io_uring_submit_and_wait", result);
}

bool uring_received(struct uring_side *uring, const struct io_uring_cqe *cqe, bool named)
{
	if (!(cqe->flags & IORING_CQE_F_MORE)) {
		uring_return_commit(uring);
		if (named)
			uring_arm_named(uring, uring_index_of(cqe));
		else
			uring_arm(uring, uring_index_of(cqe));
	}
	if (cqe->res < 0 && cqe->res != -ENOBUFS)
		side_fail_call(uring->side, "multishot receive", -cqe->res);
	return cqe->res >= 0;
}
