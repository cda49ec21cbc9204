/* SPDX-License-Identifier: MIT */
/*
 * An implementation: one way to move messages. It fills in a pair of functions
 * for each shape of traffic it has an answer to, and is left out of the cases of
 * the others. A new one is a file with a struct bench_impl and a line in
 * impls.c.
 */
#ifndef BENCH_IMPL_H
#define BENCH_IMPL_H

#include "side.h"

/* What the two sides do. Several cases may share a shape. */
enum bench_shape {
	SHAPE_STREAM,	    /* tx sends as fast as it can, rx receives; both may spin */
	SHAPE_PACED,	    /* tx sends when pace_next() says so, rx sleeps between messages */
	SHAPE_PINGPONG,	    /* one message to and fro; spinning or sleeping by params.spin */
	SHAPE_FANIN,	    /* rx answers many peers on one unconnected socket; sleeps */
	SHAPE_SOCKETS,	    /* rx answers many peers, each on a connected socket; sleeps */
	SHAPE_IDLE,	    /* rx polls a socket on which nothing arrives */
	SHAPE_NODEFER,	    /* tx sends one at a time as fast as it can; nobody receives */
	SHAPE_TCP_STREAM,   /* tx writes messages to a stream, a commit at a time; rx reads */
	SHAPE_TCP_PINGPONG, /* one message to and fro; spinning */
	SHAPE_TCP_ECHO,	    /* rx sends back what comes on many connections; sleeps */
	SHAPE_MULTICAST,    /* tx sends to a group, rx has all its members; both may spin */
	SHAPE_MANY,	    /* rx receives on many sockets, paced messages and a flood; sleeps */
	SHAPE_CORES,	    /* rx receives with several threads that share nothing; sleeps */
	SHAPE_CORE,	    /* tx posts sends, rx posts receives, on an engine that does nothing */
	SHAPE_SLOTS_UDP,    /* rx is a server of SHAPE_FANIN, on an engine that does nothing */
	SHAPE_SLOTS_TCP,    /* rx is a server of SHAPE_TCP_ECHO, on an engine that does nothing */
	SHAPES
};

struct bench_impl {
	const char *name;
	const char *about;
	/* Of the implementations that are regio itself: the options of its driver. */
	const char *engine;
	uint32_t driver_flags;
	/* NULL, or the name of the implementation that this one is once more. */
	const char *control_of;
	bool no_messages; /* it only reads the clock, and is no peer */
	/* NULL, or: returns 0 when it works here, else -1 and why not. */
	int (*probe)(const struct bench_impl *impl, char *ret_reason, size_t reason_bytes);
	struct {
		bench_side_fn *tx;
		bench_side_fn *rx;
	} sides[SHAPES];
};

extern const struct bench_impl *const bench_impls[];
extern const unsigned bench_impl_count;

/* NULL when there is none of that name. */
const struct bench_impl *impl_find(const char *name, size_t name_bytes);

#endif
