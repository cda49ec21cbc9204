/* SPDX-License-Identifier: MIT */
/*
 * One TCP connection: small messages by the commit, large ones, and one to and
 * fro. Nothing is lost on the way; a sender that is faster waits for the receiver.
 */
#include "case.h"

static int open_one(const struct bench_params *params, const struct socket_opts *opts,
		    struct bench_sockets *ret_sockets)
{
	return sockets_open_streams(1, opts, ret_sockets);
}

const struct bench_case bench_case_tcp_stream = {
	.name = "tcp-stream",
	.counted = "messages received",
	.about = "small messages one after the other on a TCP connection",
	.figure = "messages received a second; ratio: times socket, one send for each message",
	.shape = SHAPE_TCP_STREAM,
	.size = 64,
	.spin = true,
	.packed = true,
	.streams = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_MSGS_PER_S,
	.reference = "socket",
	.open = open_one,
};

const struct bench_case bench_case_tcp_bulk = {
	.name = "tcp-bulk",
	.counted = "messages received",
	.about = "large sends on a TCP connection, both sides sleep if they must",
	.figure = "Gbit/s, and CPU time for each send; ratio: times the Gbit/s of socket",
	.shape = SHAPE_TCP_STREAM,
	.size = 65536,
	.batch = 1,
	.packed = true,
	.streams = true,
	.bandwidth = true,
	.rate_of = BENCH_RX,
	.ratio_of = VALUE_GBIT_PER_S,
	.reference = "socket",
	.open = open_one,
};

const struct bench_case bench_case_tcp_pingpong = {
	.name = "tcp-pingpong",
	.counted = "round trips",
	.about = "one message to and fro on a TCP connection, both sides polling",
	.figure = "p50 of the round trip; ratio: to the spinning socket, less is better",
	.shape = SHAPE_TCP_PINGPONG,
	.size = 64,
	.spin = true,
	.streams = true,
	.has_latency = true,
	.rate_of = BENCH_TX,
	.ratio_of = VALUE_P50_US,
	.reference = "socket",
	.open = open_one,
};
