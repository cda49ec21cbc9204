/* SPDX-License-Identifier: MIT */
/*
 * Making system calls costly, as they are in many virtual machines: each runs
 * through seccomp filters that allow it after some hundred instructions. Only the
 * way into the kernel becomes longer; what a call does there, a wake-up above all,
 * costs what it did.
 */
#ifndef BENCH_CALL_COST_H
#define BENCH_CALL_COST_H

#include <stdint.h>

#include "placement.h"

struct call_cost {
	uint32_t wanted_ns; /* more for each call; 0: calls stay as they are */
	uint32_t work;	    /* instructions that take so long here */
	double plain_ns;    /* an empty call without them, and with them */
	double costly_ns;
};

/*
 * Measures an empty call, and finds how much work makes it 'wanted_ns' longer.
 * Returns 0, or -1 after a complaint on stderr.
 */
int call_cost_calibrate(uint32_t wanted_ns, const struct placement *placement,
			struct call_cost *ret_cost);

/* For the calling thread and those it starts, for ever. Returns 0 or an errno value. */
int call_cost_install(uint32_t work);

#endif
