/* SPDX-License-Identifier: MIT */
/*
 * The implementations that are regio itself: the same program on different
 * drivers. In the cases of two sides a row is regio on both.
 */
#include "cores.h"
#include "many.h"
#include "regio_side.h"
#include "tcp_sides.h"

#define REGIO_SIDES(cores)                                                                         \
	{                                                                                          \
		[SHAPE_STREAM] = {regio_stream_tx, regio_stream_rx},                               \
		[SHAPE_PACED] = {regio_paced_tx, regio_paced_rx},                                  \
		[SHAPE_PINGPONG] = {regio_pingpong_tx, regio_pingpong_rx},                         \
		[SHAPE_FANIN] = {NULL, regio_fanin_rx},                                            \
		[SHAPE_SOCKETS] = {NULL, regio_sockets_rx}, [SHAPE_IDLE] = {NULL, regio_idle_rx},  \
		[SHAPE_MANY] = {NULL, regio_many_rx}, [SHAPE_CORES] = {NULL, cores},               \
		[SHAPE_NODEFER] = {regio_nodefer_tx, NULL},                                        \
		[SHAPE_MULTICAST] = {regio_stream_tx, regio_multicast_rx},                         \
		[SHAPE_TCP_STREAM] = {regio_stream_tx, regio_tcp_stream_rx},                       \
		[SHAPE_TCP_PINGPONG] = {regio_tcp_pingpong_tx, regio_tcp_echo_rx},                 \
		[SHAPE_TCP_ECHO] = {NULL, regio_tcp_echo_rx},                                      \
	}

const struct bench_impl bench_impl_regio_epoll = {
	.name = "regio-epoll",
	.about = "regio on its epoll engine",
	.engine = "epoll",
	.probe = regio_side_probe,
	.sides = REGIO_SIDES(regio_cores_rx),
};

const struct bench_impl bench_impl_regio_uring = {
	.name = "regio-uring",
	.about = "regio on its io_uring engine",
	.engine = "uring",
	.probe = regio_side_probe,
	.sides = REGIO_SIDES(regio_cores_rx),
};

const struct bench_impl bench_impl_regio_thread = {
	.name = "regio-thread",
	.about = "regio with a driver that has a thread of its own",
	.engine = "auto",
	.driver_flags = REGIO_DRIVER_THREAD,
	.probe = regio_side_probe,
	/* Its thread would be one more on each CPU. */
	.sides = REGIO_SIDES(NULL),
};

const struct bench_impl bench_impl_regio_post = {
	.name = "regio-post",
	.about = "regio, a batch of requests in each call, on its epoll engine",
	.engine = "epoll",
	.probe = regio_side_probe,
	.sides =
		{
			[SHAPE_STREAM] = {regio_post_stream_tx, regio_post_stream_rx},
			[SHAPE_MULTICAST] = {regio_post_stream_tx, regio_post_multicast_rx},
			[SHAPE_TCP_STREAM] = {regio_post_stream_tx, regio_tcp_stream_rx},
		},
};

const struct bench_impl bench_impl_regio_slots = {
	.name = "regio-slots",
	.about = "regio with a pool of slots, on its epoll engine",
	.engine = "epoll",
	.probe = regio_side_probe,
	.sides =
		{
			[SHAPE_FANIN] = {NULL, regio_slots_datagrams_rx},
			[SHAPE_SOCKETS] = {NULL, regio_slots_datagrams_rx},
			[SHAPE_TCP_ECHO] = {NULL, regio_slots_streams_rx},
		},
};

const struct bench_impl bench_impl_regio_sim = {
	.name = "regio-sim",
	.about = "regio on an engine that does nothing",
	.engine = "null",
	.probe = regio_side_probe,
	.sides =
		{
			[SHAPE_CORE] = {regio_core_tx, regio_core_rx},
			[SHAPE_SLOTS_UDP] = {NULL, regio_slots_by_hand_rx},
			[SHAPE_SLOTS_TCP] = {NULL, regio_slots_by_hand_streams_rx},
		},
};

const struct bench_impl bench_impl_post_sim = {
	.name = "post-sim",
	.about = "regio, batches in each call, on an engine that does nothing",
	.engine = "null",
	.probe = regio_side_probe,
	.sides =
		{
			[SHAPE_CORE] = {regio_post_core_tx, regio_post_core_rx},
		},
};

const struct bench_impl bench_impl_slots_sim = {
	.name = "slots-sim",
	.about = "a pool of slots on an engine that does nothing",
	.engine = "null",
	.probe = regio_side_probe,
	.sides =
		{
			[SHAPE_SLOTS_UDP] = {NULL, regio_slots_datagrams_rx},
			[SHAPE_SLOTS_TCP] = {NULL, regio_slots_streams_rx},
		},
};
