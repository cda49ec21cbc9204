/* SPDX-License-Identifier: MIT */
/*
 * A server of several threads that share nothing: what a message costs while the load of each
 * thread stays the same.
 */
#include "case.h"
#include "cores.h"

static int open_group(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return sockets_open_steered(params->workers, params->core_cpus, opts, ret_sockets);
}

const struct bench_case bench_case_cores = {
	.name = "cores",
	.counted = "messages received",
	.about = "worker threads on CPUs of their own, with SO_REUSEPORT",
	.figure = "the server's CPU time for a message (cpu rx); ratio: to epoll, less is better",
	.shape = SHAPE_CORES,
	.size = 64,
	.size_min = 32,
	.workers = true,
	.rate = 20000,
	.open_loop = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.open = open_group,
	.load = cores_load,
};
