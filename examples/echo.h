/* SPDX-License-Identifier: MIT */
/*
 * The UDP echo server that the examples share. They differ in one thing only:
 * how they wait for completions.
 *
 * An echo server answers everybody, and a datagram with a false sender makes two of
 * them send to each other without end. A server that others can reach should answer
 * only those who have returned a cookie, as `regio serve` does.
 */
#ifndef ECHO_H
#define ECHO_H

#include <regio.h>

struct echo {
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
	void *memory;	   /* the region */
	uint64_t answered; /* messages sent back so far */
	uint64_t limit;	   /* end after that many; 0: never */
};

/*
 * Opens the server on the UDP port named by argv[1] (0 or absent: any free one)
 * and prints the port. argv[2], if present, is the limit. Returns 0, or -1
 * after a message.
 */
int echo_open(struct echo *echo, int argc, char **argv);

/*
 * Dequeues once and posts what follows: a reply for each message, a receive for
 * each reply. Returns how many completions there were, or a negative errno.
 */
int echo_turn(struct echo *echo);

/* 1 when the limit is reached. */
int echo_finished(const struct echo *echo);

/* Ends the server; 'error', if not 0, is printed. Returns the exit status. */
int echo_close(struct echo *echo, int error);

#endif
