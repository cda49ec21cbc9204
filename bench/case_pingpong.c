/* SPDX-License-Identifier: MIT */
/*
 * One message in flight, to and fro. Both sides are of the same implementation,
 * so a round trip holds two sends and two receives of it.
 */
#include "case.h"

static int open_pair(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(1, opts, ret_sockets);
}

const struct bench_case bench_case_udp_pingpong = {
	.name = "udp-pingpong",
	.counted = "round trips",
	.about = "one message to and fro, both sides polling",
	.figure = "p50 of the round trip; ratio: to the spinning socket, less is better",
	.shape = SHAPE_PINGPONG,
	.size = 64,
	.spin = true,
	.has_latency = true,
	.rate_of = BENCH_TX,
	.ratio_of = VALUE_P50_US,
	.reference = "socket",
	.open = open_pair,
};

const struct bench_case bench_case_udp_wait = {
	.name = "udp-wait",
	.counted = "round trips",
	.about = "one message to and fro, both sides sleeping until it comes",
	.figure = "p50 of the round trip; ratio: to epoll, less is better",
	.shape = SHAPE_PINGPONG,
	.size = 64,
	.has_latency = true,
	.rate_of = BENCH_TX,
	.ratio_of = VALUE_P50_US,
	.reference = "epoll",
	.open = open_pair,
};
