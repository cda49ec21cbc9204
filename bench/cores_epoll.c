/* SPDX-License-Identifier: MIT */
/*
 * Peer "epoll" with several workers: each waits on an epoll set of its own and drains its socket
 * with recvmmsg. The time-out is there for the end alone.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "cores.h"
#include "mmsg_batch.h"

#define END_MS 100

static void work(struct core *core)
{
	struct bench_side *side = core->side;
	struct epoll_event event = {.events = EPOLLIN};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct mmsg_batch batch;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, side->fds[core->index], &event))
		side_fail_call(side, "epoll", errno);
	mmsg_batch_open(&batch, side, false);
	core_start(core);
	while (core_running(core)) {
		int count = 0;

		if (epoll_wait(epoll, &event, 1, END_MS) > 0)
			count = mmsg_batch_receive_on(&batch, side, core->index, MSG_DONTWAIT);
		for (int i = 0; i < count; i++)
			core_read(core, batch.vectors[i].iov_base, batch.headers[i].msg_len);
	}
}

void epoll_cores_rx(struct bench_side *side)
{
	cores_run(side, work);
}
