/* SPDX-License-Identifier: MIT */
/*
 * Making the sockets of a run.
 */
#include "sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "endpoint.h"
#include "message.h"
#include "socket_buffers.h"

static int fail(const char *what, const char *detail)
{
	fprintf(stderr, "regio bench: %s%s%s: %s\n", what, *detail ? " " : "", detail,
		strerror(errno));
	return -1;
}

/*
 * The kernel sizes the buffers of a stream by what it carries. Reno is everywhere and
 * allowed to everybody; what paces its packets, as bbr does, would have its timers
 * measured.
 */
static void set_options(int fd, int type, uint32_t buffer_bytes)
{
	static const char reno[] = "reno";
	int on = 1;

	if (type == SOCK_STREAM) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno) - 1);
		return;
	}
	socket_ask_receive_buffer(fd, (int)buffer_bytes);
	socket_ask_send_buffer(fd, (int)buffer_bytes);
}

static int open_with_options(const struct socket_opts *opts, enum bench_role role, int type)
{
	int fd = endpoint_open(opts, role, type);

	if (fd >= 0)
		set_options(fd, type, opts->buffer_bytes);
	return fd;
}

static int open_bound(const struct socket_opts *opts, enum bench_role role, int type)
{
	int fd = open_with_options(opts, role, type);

	if (fd >= 0 && endpoint_bind(fd, opts, role)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int connect_to(int fd, int peer)
{
	struct sockaddr_in address;
	socklen_t bytes = sizeof(address);

	if (getsockname(peer, (struct sockaddr *)&address, &bytes) ||
	    connect(fd, (struct sockaddr *)&address, bytes))
		return fail("connect", "");
	return 0;
}

static int make_room(struct bench_sockets *sockets, enum bench_role role, uint32_t count)
{
	sockets->fds[role] = calloc(count, sizeof(int));
	return sockets->fds[role] ? 0 : fail("sockets", "");
}

static int open_side(struct bench_sockets *sockets, enum bench_role role, uint32_t count,
		     const struct socket_opts *opts)
{
	if (make_room(sockets, role, count))
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		int fd = open_bound(opts, role, SOCK_DGRAM);

		if (fd < 0)
			return -1;
		sockets->fds[role][sockets->count[role]++] = fd;
	}
	return 0;
}

int sockets_open_pairs(uint32_t count, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets)
{
	struct bench_sockets sockets = {0};

	if (open_side(&sockets, BENCH_RX, count, opts) ||
	    open_side(&sockets, BENCH_TX, count, opts))
		goto fail;
	for (uint32_t i = 0; i < count; i++) {
		int tx = sockets.fds[BENCH_TX][i], rx = sockets.fds[BENCH_RX][i];

		if (connect_to(tx, rx) || connect_to(rx, tx))
			goto fail;
	}
	*ret_sockets = sockets;
	return 0;
fail:
	sockets_close(&sockets);
	return -1;
}

int sockets_open_fanin(uint32_t peers, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets)
{
	struct bench_sockets sockets = {0};

	if (open_side(&sockets, BENCH_RX, 1, opts) || open_side(&sockets, BENCH_TX, peers, opts))
		goto fail;
	for (uint32_t i = 0; i < peers; i++) {
		if (connect_to(sockets.fds[BENCH_TX][i], sockets.fds[BENCH_RX][0]))
			goto fail;
	}
	*ret_sockets = sockets;
	return 0;
fail:
	sockets_close(&sockets);
	return -1;
}

/* Of the range for use within one site; nothing leaves the interface. */
#define GROUP_ADDRESS 0xeffff101u /* 239.255.241.1 */

/* Binds a socket to the group, whose port the first one chooses, and joins it. */
static int join_group(int fd, const struct socket_opts *opts, struct sockaddr_in *group)
{
	struct ip_mreqn join = {.imr_multiaddr = group->sin_addr};
	socklen_t bytes = sizeof(*group);
	int on = 1, off = 0;

	if (endpoint_find_way(fd, opts, BENCH_RX, &join))
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) ||
	    bind(fd, (struct sockaddr *)group, sizeof(*group)) ||
	    getsockname(fd, (struct sockaddr *)group, &bytes) ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)))
		return fail("cannot join a multicast group", "");
	return 0;
}

static int open_members(uint32_t members, const struct socket_opts *opts, struct sockaddr_in *group,
			struct bench_sockets *sockets)
{
	if (make_room(sockets, BENCH_RX, members))
		return -1;
	for (uint32_t i = 0; i < members; i++) {
		int fd = open_with_options(opts, BENCH_RX, SOCK_DGRAM);

		if (fd < 0)
			return -1;
		sockets->fds[BENCH_RX][sockets->count[BENCH_RX]++] = fd;
		if (join_group(fd, opts, group))
			return -1;
	}
	return 0;
}

static int connect_to_group(int fd, const struct socket_opts *opts, const struct sockaddr_in *group)
{
	struct ip_mreqn through = {0};

	if (endpoint_find_way(fd, opts, BENCH_TX, &through))
		return -1;
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &through, sizeof(through)) ||
	    connect(fd, (const struct sockaddr *)group, sizeof(*group)))
		return fail("cannot send to a multicast group", "");
	return 0;
}

int sockets_open_group(uint32_t members, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets)
{
	struct sockaddr_in group = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(GROUP_ADDRESS),
	};
	struct bench_sockets sockets = {0};

	if (open_members(members, opts, &group, &sockets) ||
	    open_side(&sockets, BENCH_TX, 1, opts) ||
	    connect_to_group(sockets.fds[BENCH_TX][0], opts, &group)) {
		sockets_close(&sockets);
		return -1;
	}
	*ret_sockets = sockets;
	return 0;
}

/* One after the other, so that the n-th of one side is the peer of the n-th of the other. */
static int connect_streams(int listener, uint32_t count, const struct socket_opts *opts,
			   struct bench_sockets *sockets)
{
	if (listen(listener, 1))
		return fail("listen", "");
	for (uint32_t i = 0; i < count; i++) {
		int tx = open_bound(opts, BENCH_TX, SOCK_STREAM);
		int rx;

		if (tx < 0)
			return -1;
		sockets->fds[BENCH_TX][sockets->count[BENCH_TX]++] = tx;
		if (connect_to(tx, listener))
			return -1;
		rx = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (rx < 0)
			return fail("accept", "");
		sockets->fds[BENCH_RX][sockets->count[BENCH_RX]++] = rx;
	}
	return 0;
}

int sockets_open_streams(uint32_t count, const struct socket_opts *opts,
			 struct bench_sockets *ret_sockets)
{
	struct bench_sockets sockets = {.streams = true};
	int listener = open_bound(opts, BENCH_RX, SOCK_STREAM);
	int result = -1;

	if (listener < 0)
		return -1;
	if (!make_room(&sockets, BENCH_TX, count) && !make_room(&sockets, BENCH_RX, count))
		result = connect_streams(listener, count, opts, &sockets);
	close(listener);
	if (result)
		sockets_close(&sockets);
	else
		*ret_sockets = sockets;
	return result;
}

void sockets_close(struct bench_sockets *sockets)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		for (uint32_t i = 0; i < sockets->count[role]; i++)
			close(sockets->fds[role][i]);
		free(sockets->fds[role]);
	}
	memset(sockets, 0, sizeof(*sockets));
}

static void shut_down(const struct bench_sockets *sockets, enum bench_role role)
{
	for (uint32_t i = 0; i < sockets->count[role]; i++)
		shutdown(sockets->fds[role][i], SHUT_RDWR);
}

void sockets_wake(const struct bench_sockets *sockets)
{
	char wake[MESSAGE_BYTES_WAKE] = {0};

	if (sockets->streams) {
		shut_down(sockets, BENCH_RX);
		shut_down(sockets, BENCH_TX);
		return;
	}
	/* One to each side is enough: a side sleeps on all its sockets at once. */
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (sockets->count[role] > 0)
			send(sockets->fds[role][0], wake, sizeof(wake), MSG_DONTWAIT);
	}
}

int sockets_measure_grant(const struct socket_opts *opts, struct socket_grant *ret_grant)
{
	socklen_t bytes = sizeof(int);

	for (int role = 0; role < BENCH_ROLES; role++) {
		int fd = open_bound(opts, (enum bench_role)role, SOCK_DGRAM);

		if (fd < 0)
			return -1;
		getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &ret_grant->receive_bytes, &bytes);
		getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &ret_grant->send_bytes, &bytes);
		close(fd);
	}
	return 0;
}
