/* SPDX-License-Identifier: MIT */
/*
 * What it costs to ask for messages when there are none.
 */
#include "case.h"

static int open_pair(const struct bench_params *params, const struct socket_opts *opts,
		     struct bench_sockets *ret_sockets)
{
	return sockets_open_pairs(1, opts, ret_sockets);
}

const struct bench_case bench_case_idle_poll = {
	.name = "idle-poll",
	.counted = "polls that found nothing",
	.about = "one empty poll of a quiet socket",
	.figure = "time for one poll that finds nothing; ratio: to socket, less is better",
	.shape = SHAPE_IDLE,
	.spin = true,
	.operations = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_NS_PER_MSG,
	.reference = "socket",
	.open = open_pair,
};
