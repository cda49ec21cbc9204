/* SPDX-License-Identifier: MIT */
/*
 * program.h - random programs over the public API
 *
 * A program is a list of calls on a few objects that are named by number: regions, completion
 * queues, request queues, sockets. Whatever subset of its calls is left out, the rest can be
 * executed: a call on an object that is not there is a wrong call, and has its answer as well. So a
 * program that fails is shrunk by leaving calls out.
 *
 * Sockets 0 and 1 are UDP and connected to each other, 2 and 3 UDP and not connected; 4 and 5 are
 * the ends of a TCP connection, so are 6 and 7.
 *
 * A program with threads has three parts: one thread prepares, three work at once, one puts away.
 * Which thread may do what in the middle is a matter of the object's number, as the contract wants
 * it: one thread for the calls on a completion queue, one for each half of a request queue.
 */
#ifndef REGIO_TESTS_MODEL_PROGRAM_H
#define REGIO_TESTS_MODEL_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define REGIONS 4
#define CQS 3
#define RQS 3
#define UDP_SOCKETS 4
#define SOCKETS 8
#define THREADS 3
#define DRIVERS 2

#define CALLS_MAX 64
/* Of one call. */
#define REPEAT_MAX 16
#define MESSAGE_BYTES_MAX 1400

/* No such thing: a wrong call, or a message to the connected peer. */
#define NOTHING 0xFF

enum call_kind {
	CALL_REGISTER,
	CALL_DEREGISTER,
	CALL_CQ_CREATE,
	CALL_CQ_RESIZE,
	CALL_CQ_CLOSE,
	CALL_RQ_CREATE,
	CALL_RQ_RESIZE,
	CALL_RQ_CANCEL,
	CALL_RQ_CLOSE,
	CALL_RECEIVE,
	CALL_SEND,
	CALL_DEQUEUE,
	CALL_NOTIFY,
	CALL_WAIT,
	CALL_AWAIT, /* the signal that a notify asked for; waits only where it must come */
	CALL_PLAIN_SEND,
	CALL_PLAIN_RECEIVE,
	CALL_SHUTDOWN, /* of what a TCP socket sends */
	CALL_RESET,    /* of a TCP connection, by an end without a request queue */
	/* Not in programs: a completion queue has called the program. */
	CALL_SIGNAL,
	CALL_KINDS
};

/* What is wrong with a call; the meaning depends on its kind. */
enum wrong {
	WRONG_NOTHING,
	WRONG_POINTER, /* NULL */
	WRONG_SIZE,    /* a capacity, limit or length out of range */
	WRONG_FLAG,
	WRONG_WAITALL, /* where it is not allowed */
	WRONG_COMMIT,  /* COMMIT_ONLY and more */
	WRONGS
};

struct call {
	uint8_t kind;
	uint8_t part;	/* 0: before the threads, 1: beside each other, 2: after them */
	uint8_t thread; /* in part 1 */
	uint8_t object; /* the region, CQ, RQ or socket that the call is about */
	uint8_t wrong;
	uint8_t repeat; /* posts and plain sends: so many, 1 at least */
	uint8_t cqs[2]; /* of an RQ: for receives, for sends */
	uint8_t region;
	uint8_t to;	/* socket that a UDP message goes to, or NOTHING */
	uint8_t extra;	/* receives: ask for address and flags */
	bool together;	/* requests: all in one call */
	uint32_t flags; /* of a request; of an RQ: its trains; of a cancel: halves */
	/* Capacity, limits, slice length, most results. */
	uint32_t a, b;
};

struct program {
	uint64_t seed;
	bool ipv6;
	bool threads;
	uint8_t rq_socket[RQS]; /* that each RQ is made on */
	bool plain_lane[2];	/* to sockets 0 and 1 only plain sends go, or only requests */
	uint32_t calls_count;
	struct call calls[CALLS_MAX];
};

static inline bool is_udp(uint8_t socket)
{
	return socket < UDP_SOCKETS;
}

/* The other end. */
static inline uint8_t peer_of_socket(uint8_t socket)
{
	return socket ^ 1;
}

static inline bool socket_has_rqs(const struct program *program, uint8_t socket)
{
	for (int i = 0; i < RQS; i++) {
		if (program->rq_socket[i] == socket)
			return true;
	}
	return false;
}

/* A message without bytes that are seen does not show its sender: only where there is but one. */
static inline bool has_one_sender(uint8_t socket)
{
	return socket < 2 || !is_udp(socket);
}

/* Whether the request is posted with NULL for its slice. */
static inline bool posts_null(const struct program *program, const struct call *call)
{
	return call->wrong == WRONG_POINTER && call->to == NOTHING &&
	       has_one_sender(program->rq_socket[call->object]);
}

/* Same seed, same program. */
void program_generate(struct program *ret_program, uint64_t seed, bool threads);

/* As calls that a person can read. */
void program_print(const struct program *program, FILE *out);
void call_print(const struct program *program, const struct call *call, FILE *out);

#endif
