/* SPDX-License-Identifier: MIT */
/*
 * A fixed rate that every implementation can carry: how long a message takes,
 * and how much CPU time the receiver needs when it may sleep in between.
 */
#include "case.h"

static int open_pair(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(1, opts, ret_sockets);
}

const struct bench_case bench_case_udp_paced = {
	.name = "udp-paced",
	.counted = "messages received",
	.about = "single sends at a fixed rate (--rate) to a receiver that sleeps",
	.figure = "the receiver's CPU time for a message; ratio: to epoll, less is better",
	.shape = SHAPE_PACED,
	.size = 64,
	.rate = 100000,
	.paced = true,
	.has_latency = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "epoll",
	.open = open_pair,
};
