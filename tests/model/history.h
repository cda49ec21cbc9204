/* SPDX-License-Identifier: MIT */
/*
 * history.h - what happened when a program was executed
 *
 * Each call is an event, each repetition one of its own, with two stamps of one count: the call
 * began after everything stamped lower than 'begin', and had returned before everything stamped
 * higher than 'end'. Of requests that were posted in one call each is an event, too.
 */
#ifndef REGIO_TESTS_MODEL_HISTORY_H
#define REGIO_TESTS_MODEL_HISTORY_H

#include <regio.h>

#include "program.h"

#define EVENTS_MAX 4096
#define COMPLETIONS_MAX 2048
#define DATA_MAX (512u << 10)

struct completion {
	struct regio_result result;
	uint32_t data;	     /* where its bytes are in history.data */
	uint32_t bytes_seen; /* so many, as far as the slice goes */
	bool damaged;	     /* bytes beside the slice have changed */
	uint8_t sender;	     /* whose address the slice for it has, or NOTHING */
	uint32_t message_flags;
};

struct event {
	struct call call;
	uint32_t begin, end;
	int32_t result;
	/*
	 * A request or a plain send: its own number, which is its context and what its bytes are
	 * made from. An RQ that was created: its context.
	 */
	uint32_t number;
	uint32_t length; /* bytes of the slice; bytes of a plain receive */
	/* Of a request, a registration or its end: which registration, counted from 1, or 0. */
	uint32_t region;
	/* A dequeue: its completions. A plain receive: its bytes. */
	uint32_t first;
	/* A request: so many of its call were accepted behind it. */
	uint32_t behind;
	/* A wait or await: it had so long that what is certain must have come. */
	bool patient;
};

struct history {
	bool sim;      /* sockets that had an RQ are not read by others any more */
	bool lossy;    /* datagrams may be lost */
	bool errors;   /* and refused with ENOBUFS */
	bool threaded; /* drivers have threads */
	uint32_t events_count;
	uint32_t completions_count;
	uint32_t data_count;
	struct event events[EVENTS_MAX];
	struct completion completions[COMPLETIONS_MAX];
	uint8_t data[DATA_MAX];
};

/* Byte number 'index' of message 'number'; the first two are the number. */
static inline uint8_t message_byte(uint32_t number, uint32_t index)
{
	uint32_t word;

	if (index < 2)
		return (uint8_t)(number >> (8 * index));
	word = (number + 1) * 2654435761u + index * 40503u;
	return (uint8_t)(word >> 13 ^ word);
}

static inline bool message_matches(const uint8_t *data, uint32_t length, uint32_t number,
				   uint32_t from)
{
	for (uint32_t i = 0; i < length; i++) {
		if (data[i] != message_byte(number, from + i))
			return false;
	}
	return true;
}

#endif
