/* SPDX-License-Identifier: MIT */
/*
 * A case: what is measured. It names a shape of traffic, opens the sockets for
 * it, and says what its rows are compared by. A new case is a file with a struct
 * bench_case and a line in cases.c (and, where its shape is new, the functions of
 * each implementation that has an answer to it).
 */
#ifndef BENCH_CASE_H
#define BENCH_CASE_H

#include <stddef.h>

#include "impl.h"
#include "result.h"
#include "sockets.h"

struct bench_case {
	const char *name;
	const char *about;
	const char *counted; /* what its rates and counts are of */
	const char *figure;  /* what to look at, and what the ratio is */
	enum bench_shape shape;
	uint32_t size;	   /* unless the user names sizes; 0: messages have none */
	uint32_t batch;	   /* 0: what the user says */
	uint32_t size_min; /* 0: that of all messages */
	uint32_t rate;	   /* of paced messages, unless the user names one */
	uint32_t flood;	   /* beside them; the same */
	uint32_t sockets;  /* unless the user names numbers; 0: always one pair */
	bool spin;
	bool sizes_vary;
	bool packed;		 /* messages lie one after the other in memory */
	bool streams;		 /* no limit to the size of a message but memory */
	bool bandwidth;		 /* bytes are of interest */
	bool copies;		 /* each socket gets every message; the rate is of one socket */
	bool hosts;		 /* sockets are those of each of several hosts */
	bool workers;		 /* each side has several threads */
	bool loads;		 /* the rate is a share of what the weakest row can carry */
	bool open_loop;		 /* the load waits for no answer, and says no progress */
	bool paced;		 /* the sending thread's CPU time is what pace_done() summed */
	bool has_latency;	 /* a side records times in its histogram */
	bool operations;	 /* no messages move: rate and losses mean nothing */
	bool unread;		 /* nobody reads what is sent: losses mean nothing */
	enum bench_role rate_of; /* whose count of messages the rate is made of */
	enum bench_value ratio_of;
	const char *reference; /* the implementation that has ratio 1, or NULL */
	/* Bars, see bars.h; 0: none. */
	double most_of_peers;
	double most_of_fewest_hosts;
	int (*prepare)(void); /* once, before all runs; NULL, or 0, or -1 with a complaint */
	int (*open)(const struct bench_params *params, const struct socket_opts *opts,
		    struct bench_sockets *ret_sockets);
	bench_side_fn *load; /* takes the place of every implementation's tx, or NULL */
};

extern const struct bench_case *const bench_cases[];
extern const unsigned bench_case_count;

/* NULL when there is none of that name. */
const struct bench_case *case_find(const char *name);

/* The function of one side, NULL where there is nothing to do. */
bench_side_fn *case_side(const struct bench_case *test, const struct bench_impl *impl,
			 enum bench_role role);

/* Whether messages get to somebody who counts them. */
bool case_delivers(const struct bench_case *test);

/* Whether messages are made by the commit, of as many as the user says. */
bool case_commits(const struct bench_case *test);

/* Whether the implementation has an answer to the case. */
bool case_runs(const struct bench_case *test, const struct bench_impl *impl);

#endif
