/* SPDX-License-Identifier: MIT */
/*
 * UDP echo server inside a program's own epoll loop: the descriptor of the CQ
 * is one more descriptor beside the program's, here a signalfd.
 * Usage: epoll_loop [PORT [MESSAGES]], ends on SIGINT or SIGTERM
 */
#include "echo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

static int watch(int epoll_fd, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* Empties the CQ, then asks for a signal: the order that loses no completion. */
static int serve(struct echo *echo)
{
	int count;

	do
		count = echo_turn(echo);
	while (count > 0);
	if (count == 0)
		count = regio_cq_notify(echo->cq);
	return count == -EALREADY ? 0 : count;
}

int main(int argc, char **argv)
{
	struct epoll_event event;
	struct echo echo;
	sigset_t signals;
	int epoll_fd, signal_fd, error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (echo_open(&echo, argc, argv) < 0)
		return 1;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (watch(epoll_fd, signal_fd) < 0 || watch(epoll_fd, regio_cq_fd(echo.cq)) < 0) {
		perror("epoll");
		return 1;
	}
	error = serve(&echo);
	while (error == 0 && !echo_finished(&echo)) {
		if (epoll_wait(epoll_fd, &event, 1, -1) < 0)
			error = -errno;
		else if (event.data.fd == signal_fd)
			break;
		else
			error = serve(&echo);
	}
	close(signal_fd);
	close(epoll_fd);
	return echo_close(&echo, error);
}
