/* SPDX-License-Identifier: MIT */
/*
 * What a pool of slots costs: an echo server, with the calls by hand and with regio_slots.h, on an
 * engine that does nothing. The servers are those of udp-fanin and tcp-echo.
 */
#include "case.h"

static int open_fanin(const struct bench_params *params, const struct socket_opts *opts,
		      struct bench_sockets *ret_sockets)
{
	return sockets_open_fanin(1, opts, ret_sockets);
}

static int open_streams(const struct bench_params *params, const struct socket_opts *opts,
			struct bench_sockets *ret_sockets)
{
	return sockets_open_streams(1, opts, ret_sockets);
}

const struct bench_case bench_case_slots_udp = {
	.name = "slots-udp",
	.counted = "messages received and sent back",
	.about = "UDP echo by hand and with slots, on an engine that does nothing",
	.figure = "CPU time for a message (cpu rx); ratio: to the calls by hand, less is better",
	.shape = SHAPE_SLOTS_UDP,
	.size = 64,
	.packed = true,
	.operations = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "regio-sim",
	.open = open_fanin,
};

const struct bench_case bench_case_slots_tcp = {
	.name = "slots-tcp",
	.counted = "messages received and sent back",
	.about = "TCP echo by hand and with slots, on an engine that does nothing",
	.figure = "CPU time for a message (cpu rx); ratio: to the calls by hand, less is better",
	.shape = SHAPE_SLOTS_TCP,
	.size = 64,
	.packed = true,
	.streams = true,
	.operations = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_RX_CPU_NS_PER_MSG,
	.reference = "regio-sim",
	.open = open_streams,
};
