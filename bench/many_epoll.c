/* SPDX-License-Identifier: MIT */
/*
 * Peers "epoll" and "mmsg" on many sockets. Both take what a socket has with one recvmmsg of 64,
 * level-triggered; they differ in how they learn which sockets have something: epoll_wait, or, as
 * before there was epoll, poll on all of them.
 */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "many.h"
#include "mmsg_batch.h"

#define EVENTS 256

static void take(struct many *many, struct mmsg_batch *batch, uint32_t queue)
{
	int count = mmsg_batch_receive_on(batch, many->side, queue, MSG_DONTWAIT);

	for (int i = 0; i < count; i++)
		many_read(many, queue, batch->vectors[i].iov_base, batch->headers[i].msg_len);
}

static void change(struct bench_side *side, int epoll, int operation)
{
	for (uint32_t i = 0; i < side->fd_count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};

		if (epoll_ctl(epoll, operation, side->fds[i], &event))
			side_fail_call(side, "epoll_ctl", errno);
	}
}

void epoll_many_rx(struct bench_side *side)
{
	struct epoll_event events[EVENTS];
	struct mmsg_batch batch;
	struct many many;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (epoll < 0)
		side_fail_call(side, "epoll_create1", errno);
	mmsg_batch_open(&batch, side, false);
	many_init(&many, side);
	many_open_begin(&many);
	change(side, epoll, EPOLL_CTL_ADD);
	many_open_end(&many);
	side_start(side);
	while (side_running(side)) {
		int count = epoll_wait(epoll, events, EVENTS, -1);

		if (count < 0 && errno != EINTR)
			side_fail_call(side, "epoll_wait", errno);
		for (int i = 0; i < count; i++)
			take(&many, &batch, events[i].data.u32);
	}
	many_close_begin(&many);
	change(side, epoll, EPOLL_CTL_DEL);
	many_close_end(&many);
}

void mmsg_many_rx(struct bench_side *side)
{
	struct pollfd *polled = side_alloc(side, side->fd_count * sizeof(*polled));
	struct mmsg_batch batch;
	struct many many;

	mmsg_batch_open(&batch, side, false);
	many_init(&many, side);
	many_open_begin(&many);
	for (uint32_t i = 0; i < side->fd_count; i++)
		polled[i] = (struct pollfd){.fd = side->fds[i], .events = POLLIN};
	many_open_end(&many);
	side_start(side);
	while (side_running(side)) {
		int count = poll(polled, side->fd_count, -1);

		if (count < 0 && errno != EINTR)
			side_fail_call(side, "poll", errno);
		for (uint32_t i = 0; count > 0 && i < side->fd_count; i++) {
			if (!polled[i].revents)
				continue;
			take(&many, &batch, i);
			count--;
		}
	}
	many_close_begin(&many);
	many_close_end(&many);
}
