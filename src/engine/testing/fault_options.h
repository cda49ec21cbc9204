/* SPDX-License-Identifier: MIT */
/*
 * Which faults the fault engine makes, and how often: what REGIO_FAULTS says.
 */
#ifndef REGIO_ENGINE_TESTING_FAULT_OPTIONS_H
#define REGIO_ENGINE_TESTING_FAULT_OPTIONS_H

#include <stdint.h>

#include "engine/engine.h"

enum regioi_fault {
	/* Those that no program may notice but by time. */
	REGIOI_FAULT_DELAY, /* an operation finds nothing to do, and is told of by an event later */
	REGIOI_FAULT_SHORT, /* an operation does a part of what it could */
	REGIOI_FAULT_LATE,  /* an event is told some asks later */
	REGIOI_FAULT_REPEAT, /* and again when it is no news */
	REGIOI_FAULT_EARLY,  /* a sleep ends for no reason */
	/* Those that show in results. */
	REGIOI_FAULT_SIGNAL, /* a sleep ends with -EINTR */
	REGIOI_FAULT_WATCH,  /* no room to watch a socket */
	REGIOI_FAULT_FAIL,   /* an operation fails */
	REGIOI_FAULT_CUT,    /* a datagram that fills its slice counts as longer */
	REGIOI_FAULT_KINDS,
};

/* The first that shows in results. */
#define REGIOI_FAULT_SHOWS REGIOI_FAULT_SIGNAL

struct regioi_fault_options {
	uint64_t seed;
	uint32_t percent[REGIOI_FAULT_KINDS];
};

/*
 * Reads "seed=7,share=20,fail=5": 'share' is that of all faults that do not show in results, a
 * kind's name is its own; percentages up to 90. NULL or "" is "seed=1,share=10". Returns 0, or
 * -EINVAL and why.
 */
int regioi_fault_options_read(const char *text, struct regioi_fault_options *ret_options,
			      struct regioi_refusal *ret_refusal);

#endif
