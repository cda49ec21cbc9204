/* SPDX-License-Identifier: MIT */
/*
 * Hosts on one machine: network namespaces without names, each joined to the server's by a veth
 * pair and a bridge. A process keeps them and opens sockets in them; they end with it, and it ends
 * with the bench, however that ends.
 */
#ifndef BENCH_HOSTS_H
#define BENCH_HOSTS_H

#include "sockets.h"

/* The most hosts of a run. */
#define HOSTS_MAX BENCH_HOSTS_MAX

/* Starts the process that keeps them, once. Returns 0, or -1 with the reason on stderr. */
int hosts_prepare(void);

/*
 * 'queues' sockets of the server for each host, and one socket on each host, connected to the first
 * of its queues. Returns 0, or -1 with a message on stderr and nothing left open.
 */
int hosts_open(uint32_t hosts, uint32_t queues, const struct socket_opts *opts,
	       struct bench_sockets *ret_sockets);

#endif
