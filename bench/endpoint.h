/* SPDX-License-Identifier: MIT */
/*
 * Where a socket of a side is: the network namespace, interface and address that were asked for.
 */
#ifndef BENCH_ENDPOINT_H
#define BENCH_ENDPOINT_H

#include <netinet/in.h>

#include "sockets.h"

/* Each of these returns 0, or -1 with a message on stderr. */

/* The address of a side: as given, else that of its interface, else loopback. */
int endpoint_find_address(int fd, const struct socket_opts *opts, enum bench_role role,
			  struct in_addr *ret_address);

/* Address and number of the interface that a group is joined and sent to through. */
int endpoint_find_way(int fd, const struct socket_opts *opts, enum bench_role role,
		      struct ip_mreqn *ret_way);

/* A socket in the namespace of that side, confined to its interface: the descriptor, or -1. */
int endpoint_open(const struct socket_opts *opts, enum bench_role role, int type);

/* Binds it to the address of that side, with a port that the kernel chooses. */
int endpoint_bind(int fd, const struct socket_opts *opts, enum bench_role role);

/* Whether a datagram reaches each side from the other. Nothing is tried on loopback. */
int endpoints_check(const struct socket_opts *opts);

#endif
