/* SPDX-License-Identifier: MIT */
/*
 * One server and many hosts, each with many queues of the server: what a message costs and how long
 * it takes while the load stays the same.
 */
#include "case.h"
#include "hosts.h"
#include "many.h"

static int open_hosts(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return hosts_open(params->hosts, params->sockets / params->hosts, opts, ret_sockets);
}

const struct bench_case bench_case_density = {
	.name = "density",
	.counted = "messages received",
	.about = "1 to 64 hosts in namespaces, up to 10,000 queues of one server",
	.figure = "the server's CPU time for a message (cpu rx); ratio: to epoll, less is better",
	.shape = SHAPE_MANY,
	.size = 64,
	.size_min = MANY_BYTES_MIN,
	.hosts = true,
	.rate = 10000,
	.flood = 100000,
	.packed = true,
	.paced = true,
	.open_loop = true,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.most_of_peers = 1.1,
	.most_of_fewest_hosts = 1.2,
	.prepare = hosts_prepare,
	.open = open_hosts,
	.load = many_load,
};
