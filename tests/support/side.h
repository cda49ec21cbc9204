/* SPDX-License-Identifier: MIT */
/*
 * side.h - a socket with everything regio needs around it
 *
 * A side owns a bound socket, its request queue, a completion queue for each half and one
 * region cut into slots of equal size: first those of the receives, then those of the sends.
 * Requests carry their slot number as context. At the other end there may be a plain socket.
 */
#ifndef REGIO_TESTS_SIDE_H
#define REGIO_TESTS_SIDE_H

#include <stdbool.h>
#include <stdint.h>

#include <regio.h>

enum side_peer {
	PEER_NONE,
	PEER_ONE_WAY,	/* a datagram socket that is connected to the side */
	PEER_BOTH_WAYS, /* the side is connected to it, too */
	PEER_STREAM,	/* the other end of a stream */
	PEER_ITSELF,	/* what the side sends comes back to it */
};

struct side_plan {
	int fd; /* a socket the side takes over; 0: one of 'family' */
	int family;
	enum side_peer peer;
	uint32_t receives;
	uint32_t sends;
	uint32_t slot_size; /* 0: without a region */
	void *memory;	    /* the caller's, to be registered; NULL: allocated */
	struct regio_driver *driver;
	struct regio_cq *cq; /* the caller's, for both halves; NULL: one for each */
	uint64_t rq_context; /* keeps apart what shares 'cq'; else it is SIDE_RQ_CONTEXT */
	const struct regio_rq_opts *rq_opts;
};

#define SIDE_RQ_CONTEXT UINT64_C(0x5EED)

struct side {
	int fd;
	int peer; /* -1: there is none */
	struct regio_cq *receive_cq;
	struct regio_cq *send_cq;
	struct regio_rq *rq;
	uint64_t region;
	uint8_t *memory;
	uint32_t receives;
	uint32_t sends;
	uint32_t slot_size;
	bool cq_is_the_callers;
};

/* Whether a driver for which none is named gets that engine. */
bool engine_is(const char *name);
/* Until the driver's thread, which has nothing to do, sleeps. */
void await_sleep(struct regio_driver *driver);

void side_open(struct side *side, const struct side_plan *plan);
/* With the members of its plan: SIDE_OPEN(&side, .family = AF_INET, .sends = 1). */
#define SIDE_OPEN(side, ...) side_open(side, &(struct side_plan){__VA_ARGS__})
void side_close(struct side *side);
/* The same when the request queue, and the socket with it, is closed already. */
void side_close_rest(struct side *side);
/* Only the other end, now; or a stream, by a reset. */
void peer_close(struct side *side);
void peer_reset(struct side *side);

uint8_t *slot_memory(const struct side *side, uint64_t slot);
struct regio_buf slot_slice(const struct side *side, uint64_t slot, uint32_t length);

struct regio_cq *cq_of(uint32_t capacity, struct regio_driver *driver);

/* Post on a whole slot, or on the first bytes of one. */
void post_receive(struct side *side, uint64_t slot);
void post_send(struct side *side, uint64_t slot, uint32_t length, uint32_t flags);
/* Fills the slot with message 'sequence' and posts it. */
void post_message(struct side *side, uint64_t slot, uint32_t length, uint64_t sequence,
		  uint32_t flags);

/* Dequeues until there are 'count' results; they must come. */
void collect(struct regio_cq *cq, struct regio_result *ret_results, uint32_t count);
struct regio_result collect_one(struct regio_cq *cq);
/* The same without a wait, which some completions do not end. */
struct regio_result poll_one(struct regio_cq *cq);
/* The same in any manner in which a program learns of a completion. */
enum manner { BY_POLLING, BY_WAITING, BY_DESCRIPTOR, MANNERS };
struct regio_result collect_in_manner(struct regio_cq *cq, enum manner manner);
/* Fails the case unless the CQ is empty, also after making progress. */
void expect_empty(struct regio_cq *cq);

/*
 * Sends bursts from the peer, takes what comes, until the RQ takes received trains apart.
 * Returns false when it does not begin to.
 */
bool turn_trains_on(struct side *side, int peer);

void expect_result(const struct regio_result *result, int32_t status, uint32_t bytes,
		   uint64_t context);

#endif
