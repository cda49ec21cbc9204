/* SPDX-License-Identifier: MIT */
/*
 * The table of cases, in the order they are listed and run.
 */
#include <string.h>

#include "case.h"

/* A line for each: X(the part of its variable's name after bench_case_). */
#define CASES(X)                                                                                   \
	X(udp_stream)                                                                              \
	X(udp_mixed)                                                                               \
	X(udp_nodefer)                                                                             \
	X(udp_pingpong)                                                                            \
	X(udp_wait)                                                                                \
	X(udp_paced)                                                                               \
	X(udp_fanin)                                                                               \
	X(udp_sockets)                                                                             \
	X(udp_multicast)                                                                           \
	X(tcp_stream)                                                                              \
	X(tcp_bulk)                                                                                \
	X(tcp_pingpong)                                                                            \
	X(tcp_echo)                                                                                \
	X(density)                                                                                 \
	X(cores)                                                                                   \
	X(jitter)                                                                                  \
	X(idle_poll)                                                                               \
	X(core_cost)                                                                               \
	X(slots_udp)                                                                               \
	X(slots_tcp)

#define DECLARE(name) extern const struct bench_case bench_case_##name;
#define ENTRY(name) &bench_case_##name,

CASES(DECLARE)

const struct bench_case *const bench_cases[] = {CASES(ENTRY)};

const unsigned bench_case_count = sizeof(bench_cases) / sizeof(bench_cases[0]);

const struct bench_case *case_find(const char *name)
{
	for (unsigned i = 0; i < bench_case_count; i++) {
		if (!strcmp(bench_cases[i]->name, name))
			return bench_cases[i];
	}
	return NULL;
}

bench_side_fn *case_side(const struct bench_case *test, const struct bench_impl *impl,
			 enum bench_role role)
{
	if (role == BENCH_RX)
		return impl->sides[test->shape].rx;
	return test->load ? test->load : impl->sides[test->shape].tx;
}

bool case_runs(const struct bench_case *test, const struct bench_impl *impl)
{
	return impl->sides[test->shape].tx || impl->sides[test->shape].rx;
}

bool case_delivers(const struct bench_case *test)
{
	return !test->operations && !test->unread;
}

bool case_commits(const struct bench_case *test)
{
	switch (test->shape) {
	case SHAPE_STREAM:
	case SHAPE_MULTICAST:
	case SHAPE_TCP_STREAM:
	case SHAPE_CORE:
		return !test->batch;
	default:
		return false;
	}
}
