/* SPDX-License-Identifier: MIT */
/*
 * One publisher, and the members of its group, all in one receiving process. Each
 * gets every message, and losses and order are those of each member; the rate is
 * that of one of them.
 */
#include "case.h"

static int open_group(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return sockets_open_group(params->sockets, opts, ret_sockets);
}

const struct bench_case bench_case_udp_multicast = {
	.name = "udp-multicast",
	.counted = "messages received by each subscriber",
	.about = "one publisher; the subscribers are sockets of one process",
	.figure = "messages a second that each gets; ratio: times mmsg, more is better",
	.shape = SHAPE_MULTICAST,
	.size = 64,
	.sockets = 4,
	.spin = true,
	.copies = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_MSGS_PER_S,
	.reference = "mmsg",
	.open = open_group,
};
