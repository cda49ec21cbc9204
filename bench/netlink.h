/* SPDX-License-Identifier: MIT */
/*
 * The few requests to rtnetlink that join hosts by a bridge. Each acts in the network namespace
 * that the calling thread is in, and returns 0 or a negative errno value.
 */
#ifndef BENCH_NETLINK_H
#define BENCH_NETLINK_H

#include <netinet/in.h>

int netlink_add_bridge(const char *name);

/* A pair of veth devices: 'name' here, a port of the bridge and up; 'peer' in another namespace. */
int netlink_add_veth(const char *name, const char *bridge, const char *peer, int peer_namespace);

int netlink_set_up(const char *name);
int netlink_add_address(const char *name, struct in_addr address, unsigned prefix_bits);

#endif
