/* SPDX-License-Identifier: MIT */
/*
 * pool.h - a completion queue with a pool of slots
 */
#ifndef REGIO_TESTS_POOL_H
#define REGIO_TESTS_POOL_H

#include <regio_slots.h>
#include <stdint.h>

#include "net.h"

struct pool {
	struct regio_cq *cq;
	struct regio_slots *slots;
	uint32_t count;
	uint32_t bytes;
};

void pool_open(struct pool *pool, uint32_t count, uint32_t bytes);
/* The pool and the queue; with nothing held back by the pool. */
void pool_close(struct pool *pool);

/* A request queue for 'fd', with as many receives of the pool posted, and room for as many sends.
 */
struct regio_rq *pool_add(struct pool *pool, int fd, uint32_t receives);
/* The same, with nothing attached. */
struct regio_rq *pool_rq(struct pool *pool, int fd, uint32_t receives, uint32_t sends);

/* The next thing that is handed out; it must come. */
struct regio_slot pool_next(struct pool *pool);
/* Until nothing is being sent; nothing may be handed out meanwhile. */
void pool_settle(struct pool *pool);
struct regio_slots_info pool_info(const struct pool *pool);
/* How many slots are in each state, and how many receives are missing. */
void pool_expect(const struct pool *pool, uint32_t free, uint32_t receiving, uint32_t held,
		 uint32_t missing);

void expect_name(const struct sockaddr *found, const union address *wanted, const char *which);
/* An IPv4 address as an IPv6 socket has it. */
union address mapped_address(const union address *v4);

#endif
