/* SPDX-License-Identifier: MIT */
/*
 * The sides of the cases on TCP, a file for each implementation.
 *
 * stream_tx    writes messages, params.batch to a commit, as fast as they are taken
 * stream_rx    reads them
 * pingpong_tx  one message to and fro
 * echo_rx      sends back whatever arrives on any of its sockets
 *
 * A connection that ends or fails before its time fails the run; side_fail() knows
 * when that is.
 */
#ifndef BENCH_TCP_SIDES_H
#define BENCH_TCP_SIDES_H

#include "side.h"

/* A receive of a stream may bring so much at once. */
#define TCP_RECEIVE_BYTES 65536u

bench_side_fn socket_tcp_stream_tx, socket_tcp_stream_rx, socket_tcp_pingpong_tx,
	socket_tcp_echo_rx;
bench_side_fn epoll_tcp_stream_tx, epoll_tcp_stream_rx, epoll_tcp_pingpong_tx, epoll_tcp_echo_rx;
bench_side_fn uring_tcp_stream_tx, uring_tcp_stream_rx, uring_tcp_pingpong_tx, uring_tcp_echo_rx;
bench_side_fn libuv_tcp_stream_tx, libuv_tcp_stream_rx, libuv_tcp_pingpong_tx, libuv_tcp_echo_rx;
bench_side_fn limit_tcp_stream_tx;
bench_side_fn regio_tcp_stream_rx, regio_tcp_pingpong_tx, regio_tcp_echo_rx, regio_slots_streams_rx,
	regio_slots_by_hand_streams_rx;

#endif
