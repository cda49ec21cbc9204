/* SPDX-License-Identifier: MIT */
/*
 * The library alone, on an engine that does nothing: it takes every send at once
 * and always has trains of 128 messages of 64 bytes to receive.
 */
#include "case.h"

static int open_pair(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(1, opts, ret_sockets);
}

const struct bench_case bench_case_core_cost = {
	.name = "core-cost",
	.counted = "messages posted, completed and dequeued",
	.about = "post, complete and dequeue on an engine that does nothing",
	.figure = "time for one message, the mean of sends (tx) and receives (rx)",
	.shape = SHAPE_CORE,
	.size = 64,
	.spin = true,
	.operations = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_NS_PER_MSG,
	.open = open_pair,
};
