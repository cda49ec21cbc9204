/* SPDX-License-Identifier: MIT */
/*
 * Peer "uring" on many sockets: a multishot receive on each, all into one ring of buffers, and a
 * wait that submits what has to be armed again.
 */
#include "many.h"
#include "uring_side.h"

static void read_one(void *reader, uint32_t index, const void *data, uint32_t bytes)
{
	many_read(reader, index, data, bytes);
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
		uring_take(&uring, read_one, &many);
	}
	many_close_begin(&many);
	io_uring_queue_exit(&uring.ring);
	many_close_end(&many);
}
