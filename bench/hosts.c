/* SPDX-License-Identifier: MIT */
/*
 * The bench's end: it starts the process that keeps the hosts, and has it open sockets.
 */
#include "hosts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hosts_keeper.h"
#include "socket_buffers.h"

static int keeper_fd = -1;

/* Receives an answer; with room for its descriptors. -1 when the keeper has ended. */
static int receive_answer(struct keeper_answer *ret_answer, int ret_fds[KEEPER_FDS])
{
	union {
		char bytes[CMSG_SPACE(KEEPER_FDS * sizeof(int))];
		struct cmsghdr aligned;
	} control;
	struct iovec vector = {ret_answer, sizeof(*ret_answer)};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *header;
	uint32_t count = 0;

	if (recvmsg(keeper_fd, &message, MSG_CMSG_CLOEXEC) != (ssize_t)sizeof(*ret_answer))
		return -1;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_type == SCM_RIGHTS) {
		count = (uint32_t)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(ret_fds, CMSG_DATA(header), count * sizeof(int));
	}
	/* Fewer than were sent: this process may not have more. */
	if (count < ret_answer->count && !ret_answer->error[0])
		snprintf(ret_answer->error, sizeof(ret_answer->error),
			 "too many descriptors (ulimit -n)");
	ret_answer->count = count;
	return 0;
}

static void complain(const char *reason)
{
	fprintf(stderr,
		"regio bench: density: cannot make network namespaces: %s; run it as root, or "
		"allow user namespaces (sysctl user.max_user_namespaces, "
		"kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)\n",
		reason);
}

static _Noreturn void keeper_main(int fd, pid_t parent)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	/* They may come to the whole group; the bench ends this process when it is done. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	keeper_run(fd);
}

int hosts_prepare(void)
{
	struct keeper_answer answer = {.error = "the process that keeps the hosts has ended"};
	pid_t parent = getpid(), child;
	int ends[2], fds[KEEPER_FDS];

	if (keeper_fd >= 0)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) {
		complain(strerror(errno));
		return -1;
	}
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		keeper_main(ends[1], parent);
	}
	close(ends[1]);
	keeper_fd = ends[0];
	if (child > 0 && !receive_answer(&answer, fds) && !answer.error[0])
		return 0;
	complain(answer.error);
	close(keeper_fd);
	keeper_fd = -1;
	return -1;
}

/* Descriptors come in the order of their making: the server's first. */
static void take(struct bench_sockets *sockets, uint32_t queues, uint32_t hosts, int fd)
{
	if (sockets->count[BENCH_RX] < queues)
		sockets->fds[BENCH_RX][sockets->count[BENCH_RX]++] = fd;
	else if (sockets->count[BENCH_TX] < hosts)
		sockets->fds[BENCH_TX][sockets->count[BENCH_TX]++] = fd;
	else
		close(fd);
}

static int receive_sockets(struct bench_sockets *sockets, uint32_t queues, uint32_t hosts)
{
	while (sockets->count[BENCH_RX] + sockets->count[BENCH_TX] < queues + hosts) {
		struct keeper_answer answer = {0};
		int fds[KEEPER_FDS];

		if (receive_answer(&answer, fds)) {
			fprintf(stderr,
				"regio bench: the process that keeps the hosts has ended\n");
			return -1;
		}
		for (uint32_t i = 0; i < answer.count; i++)
			take(sockets, queues, hosts, fds[i]);
		if (answer.error[0]) {
			fprintf(stderr, "regio bench: density: %s\n", answer.error);
			return -1;
		}
	}
	return 0;
}

/* Here, because in a user namespace nobody may ask for more than the usual. */
static void ask_for_buffers(const struct bench_sockets *sockets, uint32_t bytes)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		for (uint32_t i = 0; i < sockets->count[role]; i++) {
			socket_ask_receive_buffer(sockets->fds[role][i], (int)bytes);
			socket_ask_send_buffer(sockets->fds[role][i], (int)bytes);
		}
	}
}

int hosts_open(uint32_t hosts, uint32_t queues, const struct socket_opts *opts,
	       struct bench_sockets *ret_sockets)
{
	const struct keeper_request request = {.hosts = hosts, .queues = queues};
	struct bench_sockets sockets = {0};

	if (hosts_prepare())
		return -1;
	sockets.fds[BENCH_RX] = calloc((size_t)hosts * queues, sizeof(int));
	sockets.fds[BENCH_TX] = calloc(hosts, sizeof(int));
	if (!sockets.fds[BENCH_RX] || !sockets.fds[BENCH_TX] ||
	    send(keeper_fd, &request, sizeof(request), MSG_NOSIGNAL) < 0 ||
	    receive_sockets(&sockets, hosts * queues, hosts)) {
		sockets_close(&sockets);
		return -1;
	}
	ask_for_buffers(&sockets, opts->buffer_bytes);
	*ret_sockets = sockets;
	return 0;
}
