/* SPDX-License-Identifier: MIT */
/*
 * One sender, one receiver, as fast as each can. Nothing throttles the sender:
 * what counts is what arrives, and what is lost is shown.
 */
#include "case.h"

static int open_pair(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(1, opts, ret_sockets);
}

const struct bench_case bench_case_udp_stream = {
	.name = "udp-stream",
	.counted = "messages received",
	.about = "one sender, one receiver, messages of one size",
	.figure = "messages received a second; ratio: times mmsg, more is better",
	.shape = SHAPE_STREAM,
	.size = 64,
	.spin = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_MSGS_PER_S,
	.reference = "mmsg",
	.open = open_pair,
};

const struct bench_case bench_case_udp_mixed = {
	.name = "udp-mixed",
	.counted = "messages received",
	.about = "the same with random sizes, from 32 bytes to --size",
	.figure = "messages received a second; ratio: times mmsg, more is better",
	.shape = SHAPE_STREAM,
	.size = 256,
	.spin = true,
	.sizes_vary = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_MSGS_PER_S,
	.reference = "mmsg",
	.open = open_pair,
};
