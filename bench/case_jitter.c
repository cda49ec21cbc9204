/* SPDX-License-Identifier: MIT */
/*
 * How long messages take that are due at fixed times, at shares of what the weakest implementation
 * can carry, alone and beside a flood on another queue of the same server.
 */
#include "case.h"
#include "many.h"

/* The paced queue, and that of the flood. */
static int open_two(const struct bench_params *params, const struct socket_opts *opts,
		    struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(2, opts, ret_sockets);
}

const struct bench_case bench_case_jitter = {
	.name = "jitter",
	.counted = "messages received",
	.about = "time from when a message was due, at shares of the capacity",
	.figure = "p99.9 from the due time (us p99.9); ratio: to epoll, less is better",
	.shape = SHAPE_MANY,
	.size = 64,
	.size_min = MANY_BYTES_MIN,
	.loads = true,
	.packed = true,
	.paced = true,
	.open_loop = true,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_P999_US,
	.reference = "epoll",
	.most_of_peers = 1.1,
	.open = open_two,
	.load = many_load,
};
