/* SPDX-License-Identifier: MIT */
/*
 * Peer "uring" on many sockets: a multishot receive on each, all into one ring of buffers, and a
 * wait that submits what has to be armed again.
 */
#include "many.h"
#include "uring_side.h"

static void take(struct many *many, struct uring_side *uring)
{
	struct io_uring_cqe *cqe;
	uint32_t count = 0;
	unsigned head;

	io_uring_for_each_cqe(&uring->ring, head, cqe)
	{
		count++;
		if (!uring_received(uring, cqe, false))
			continue;
		many_read(many, uring_index_of(cqe), uring_buffer(uring, uring_buffer_of(cqe)),
			  (uint32_t)cqe->res);
		uring_return(uring, uring_buffer_of(cqe));
	}
	io_uring_cq_advance(&uring->ring, count);
	uring_return_commit(uring);
}

void uring_many_rx(struct bench_side *side)
{
	struct uring_side uring;
	struct many many;

	many_init(&many, side);
	uring_open_ring(&uring, side);
	uring_provide(&uring, 0);
	many_open_begin(&many);
	uring_register_files(&uring);
	for (uint32_t i = 0; i < side->fd_count; i++)
		uring_arm(&uring, i);
	uring_submit(&uring);
	many_open_end(&many);
	side_start(side);
	while (side_running(side)) {
		uring_submit_wait(&uring, 1);
		take(&many, &uring);
	}
	many_close_begin(&many);
	io_uring_queue_exit(&uring.ring);
	many_close_end(&many);
}
