/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a run, made before the two sides part. Every implementation
 * gets the same kind, with the same buffers, connected the same way.
 */
#ifndef BENCH_SOCKETS_H
#define BENCH_SOCKETS_H

#include "side.h"

struct bench_sockets {
	int *fds[BENCH_ROLES];
	uint32_t count[BENCH_ROLES];
	bool streams;
};

struct socket_opts {
	uint32_t buffer_bytes; /* asked for, both directions */
	/*
	 * Addresses, interfaces and network namespaces of the two sides; NULL: that of the
	 * interface or else loopback, any, this one.
	 */
	const char *addresses[BENCH_ROLES];
	const char *interfaces[BENCH_ROLES];
	const char *namespaces[BENCH_ROLES];
};

/* What a socket got; the kernel doubles what it is asked for. */
struct socket_grant {
	int receive_bytes;
	int send_bytes;
};

/* Each of these returns 0, or -1 with a message on stderr and nothing left open. */

/* 'count' sockets on each side, connected in pairs. */
int sockets_open_pairs(uint32_t count, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets);

/* One socket to receive that is not connected, and 'peers' that are connected to it. */
int sockets_open_fanin(uint32_t peers, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets);

/* One socket to send to a multicast group, and 'members' that have joined it. */
int sockets_open_group(uint32_t members, const struct socket_opts *opts,
		       struct bench_sockets *ret_sockets);

/* 'count' TCP connections, with TCP_NODELAY, reno, and the kernel's own buffers. */
int sockets_open_streams(uint32_t count, const struct socket_opts *opts,
			 struct bench_sockets *ret_sockets);

/*
 * 'count' sockets to receive that share a port, and 'count' that are connected to it. What is sent
 * on the CPU number cpus[i] arrives at number i.
 */
int sockets_open_steered(uint32_t count, const int *cpus, const struct socket_opts *opts,
			 struct bench_sockets *ret_sockets);

void sockets_close(struct bench_sockets *sockets);

/* Wakes sleepers at the end: a datagram to each side, or the end of every stream; see side.h. */
void sockets_wake(const struct bench_sockets *sockets);

/* Opens a socket on each side, to see that it can be done and what it gets. */
int sockets_measure_grant(const struct socket_opts *opts, struct socket_grant *ret_grant);

#endif
