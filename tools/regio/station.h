/* SPDX-License-Identifier: MIT */
/*
 * What every command works with: one completion queue, and one region cut into
 * slots of equal length. Failures have been said when a call returns -1.
 */
#ifndef REGIO_TOOL_STATION_H
#define REGIO_TOOL_STATION_H

#include <regio.h>
#include <stdbool.h>

/* The most completions taken off the queue at once. */
#define STATION_RESULTS 512u

struct station {
	struct regio_driver *driver;
	struct regio_cq *cq;
	uint64_t region;
	uint8_t *memory;
	uint32_t stride;
	bool spin;	 /* poll instead of sleeping */
	char engine[16]; /* that moves the messages */
	struct regio_result results[STATION_RESULTS];
};

/* 'slots' slots for messages of up to 'bytes', then 'extra_bytes'; none of either: no region. */
int station_open(struct station *station, uint32_t completions, uint32_t slots, uint32_t bytes,
		 uint32_t extra_bytes);

/* Closes the queue and frees the region; request queues come first. */
void station_close(struct station *station);

static inline uint8_t *station_slot(const struct station *station, uint32_t slot)
{
	return station->memory + (uint64_t)slot * station->stride;
}

static inline struct regio_buf station_slice(const struct station *station, uint32_t slot,
					     uint32_t bytes)
{
	return (struct regio_buf){station->region, slot * station->stride, bytes};
}

/* Up to STATION_RESULTS completions into station->results. Returns how many, or -1. */
int station_dequeue(struct station *station);

/*
 * Returns when there may be a completion, or after 'nap_ns'; at once when it is
 * to spin. Returns 0 or -1.
 */
int station_wait(struct station *station, uint64_t nap_ns);

/* Says which request was refused, and why. Returns -1. */
int station_refused(const char *request, int error);

#endif
