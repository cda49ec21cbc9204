/* SPDX-License-Identifier: MIT */
/*
 * pool.c - a completion queue with a pool of slots
 */
#include "pool.h"

#include "suite.h"

#include <string.h>

void pool_open(struct pool *pool, uint32_t count, uint32_t bytes)
{
	pool->count = count;
	pool->bytes = bytes;
	EXPECT_RETURN(0, regio_cq_create(4096, NULL, &pool->cq));
	EXPECT_RETURN(0, regio_slots_create(pool->cq, count, bytes, NULL, &pool->slots));
	pool_expect(pool, count, 0, 0, 0);
}

void pool_close(struct pool *pool)
{
	EXPECT_RETURN(0, regio_slots_close(pool->slots));
	EXPECT_RETURN(0, regio_cq_close(pool->cq));
}

struct regio_rq *pool_rq(struct pool *pool, int fd, uint32_t receives, uint32_t sends)
{
	struct regio_rq *rq;

	EXPECT_RETURN(0, regio_rq_create(fd, receives, sends, pool->cq, pool->cq, (uint64_t)fd,
					 NULL, &rq));
	return rq;
}

struct regio_rq *pool_add(struct pool *pool, int fd, uint32_t receives)
{
	struct regio_rq *rq = pool_rq(pool, fd, receives, receives);

	EXPECT_RETURN(0, regio_slots_attach(pool->slots, rq, receives));
	return rq;
}

/* Returns what a dequeue does; waits for a while when there is nothing. */
static int dequeue(struct pool *pool, struct regio_slot *ret_slot)
{
	int count = regio_slots_dequeue(pool->slots, ret_slot, 1);

	if (count == 0)
		regio_cq_wait(pool->cq, 1, 0, MILLISECOND_NS);
	EXPECT(count >= 0, "%d", count);
	return count;
}

struct regio_slot pool_next(struct pool *pool)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_slot slot;

	while (dequeue(pool, &slot) == 0)
		EXPECT(now_ns() < deadline_ns, "nothing is handed out");
	return slot;
}

void pool_settle(struct pool *pool)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_slot slot;

	while (pool_info(pool).sending) {
		EXPECT(dequeue(pool, &slot) == 0, "handed out: status %d, %u bytes", slot.status,
		       slot.length);
		EXPECT(now_ns() < deadline_ns, "still being sent");
	}
}

struct regio_slots_info pool_info(const struct pool *pool)
{
	struct regio_slots_info info;

	EXPECT_RETURN(0, regio_slots_get_info(pool->slots, &info, sizeof(info)));
	EXPECT(info.free + info.receiving + info.held + info.sending == pool->count,
	       "%u + %u + %u + %u of %u", info.free, info.receiving, info.held, info.sending,
	       pool->count);
	return info;
}

void pool_expect(const struct pool *pool, uint32_t free, uint32_t receiving, uint32_t held,
		 uint32_t missing)
{
	struct regio_slots_info info = pool_info(pool);

	EXPECT(info.free == free && info.receiving == receiving && info.held == held &&
		       info.receives_missing == missing,
	       "%u free, %u receiving, %u held, %u missing; wanted %u, %u, %u, %u", info.free,
	       info.receiving, info.held, info.receives_missing, free, receiving, held, missing);
}

void expect_name(const struct sockaddr *found, const union address *wanted, const char *which)
{
	union address name;

	EXPECT(found, "no %s address", which);
	EXPECT(found->sa_family == wanted->any.sa_family, "%s: family %d, wanted %d", which,
	       found->sa_family, wanted->any.sa_family);
	memcpy(&name, found, address_length(wanted));
	EXPECT(address_port(&name) == address_port(wanted), "%s: port %u, wanted %u", which,
	       address_port(&name), address_port(wanted));
	if (found->sa_family == AF_INET)
		ck_assert_uint_eq(name.v4.sin_addr.s_addr, wanted->v4.sin_addr.s_addr);
	else
		ck_assert_mem_eq(&name.v6.sin6_addr, &wanted->v6.sin6_addr, 16);
}

union address mapped_address(const union address *v4)
{
	union address v6 = {.v6 = {.sin6_family = AF_INET6, .sin6_port = v4->v4.sin_port}};

	memset(v6.v6.sin6_addr.s6_addr + 10, 0xFF, 2);
	memcpy(v6.v6.sin6_addr.s6_addr + 12, &v4->v4.sin_addr, 4);
	return v6;
}
