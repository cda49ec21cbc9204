/* SPDX-License-Identifier: MIT */
/*
 * A UDP echo server without its loop, which each of the examples adds.
 *
 * An echo server answers everybody, and a datagram with a false sender makes two of them send to
 * each other without end. A server that others can reach should answer only those who have returned
 * a cookie, as `regio serve` does.
 */
#ifndef REGIO_EXAMPLES_ECHO_H
#define REGIO_EXAMPLES_ECHO_H

#include <regio_slots.h>

struct echo {
	struct regio_cq *cq;
	struct regio_rq *rq;
	struct regio_slots *slots;
	uint64_t limit; /* ends after so many messages; 0: never */
	uint64_t answered;
};

/* Takes PORT and MESSAGES from the command line. Returns 0, or -1 with what is wrong printed. */
int echo_open(struct echo *echo, int argc, char **argv);
/* Answers what has arrived, without waiting. Returns how many messages, or a negative error. */
int echo_turn(struct echo *echo);
int echo_finished(const struct echo *echo);
/* Returns the exit status: 0, or 1 and says why if 'error' is negative. */
int echo_close(struct echo *echo, int error);

#endif
