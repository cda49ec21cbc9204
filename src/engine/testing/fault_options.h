/* SPDX-License-Identifier: MIT */
/*
 * Which faults the fault engine causes, and how often, as chosen by REGIO_FAULTS.
 */
#ifndef REGIO_ENGINE_TESTING_FAULT_OPTIONS_H
#define REGIO_ENGINE_TESTING_FAULT_OPTIONS_H

#include <stdint.h>

#include "engine/engine.h"

enum regioi_fault {
	/* Faults that a program can notice only by the time. */
	REGIOI_FAULT_DELAY,  /* an operation finds nothing to do, and an event reports it later */
	REGIOI_FAULT_SHORT,  /* an operation does a part of what it could */
	REGIOI_FAULT_LATE,   /* an event is reported some polls later */
	REGIOI_FAULT_REPEAT, /* an event is reported a second time */
	REGIOI_FAULT_EARLY,  /* a sleep ends for no reason */
	/* Faults that are visible in results. */
	REGIOI_FAULT_SIGNAL, /* a sleep ends with -EINTR */
	REGIOI_FAULT_WATCH,  /* no room to watch a socket */
	REGIOI_FAULT_FAIL,   /* an operation fails */
	REGIOI_FAULT_CUT,    /* a datagram that fills its slice is reported as longer */
	REGIOI_FAULT_KINDS,
};

/* The first that is visible in results. */
#define REGIOI_FAULT_SHOWS REGIOI_FAULT_SIGNAL

struct regioi_fault_options {
	uint64_t seed;
	uint32_t percent[REGIOI_FAULT_KINDS];
};

/*
 * Reads "seed=7,share=20,fail=5": 'share' is the percentage of each fault that is not visible in
 * results; the name of a fault sets its own percentage; both are at most 90. NULL or "" is
 * "seed=1,share=10". Returns 0, or -EINVAL and the reason.
 */
int regioi_fault_options_read(const char *text, struct regioi_fault_options *ret_options,
			      struct regioi_refusal *ret_refusal);

#endif
