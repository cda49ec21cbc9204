/* SPDX-License-Identifier: MIT */
/*
 * Which RQ gets which slot for a receive.
 */
#ifndef REGIO_SLOTS_SUPPLY_H
#define REGIO_SLOTS_SUPPLY_H

#include "slots/pool.h"

/* Slots that come back one after the other, posted with one call for each RQ. */
#define REGIOI_RETURN_MAX 128u

struct regioi_return {
	struct regioi_pool *pool;
	/* The member of all of them, whose receives are posted again; or &regioi_no_member. */
	struct regioi_member *member;
	uint32_t count;
	const struct regioi_known_request *receives[REGIOI_RETURN_MAX];
};

/* The member of an empty batch, never written: NULL would equal that of a slot without a member. */
extern struct regioi_member regioi_no_member;

static inline void regioi_return_start(struct regioi_return *batch, struct regioi_pool *pool)
{
	/* The array is left as it is. */
	batch->pool = pool;
	batch->member = &regioi_no_member;
	batch->count = 0;
}

/* Whether the slot is posted where it was. */
static inline bool regioi_slot_goes_back(const struct regioi_pool *pool,
					 const struct regioi_pool_slot *slot)
{
	return slot->member && !slot->member->ended && !pool->waiting;
}

/* Another use of the slot begins: it is about to be received into. */
static inline const struct regioi_known_request *regioi_slot_receive(struct regioi_pool_slot *slot)
{
	slot->state = REGIOI_SLOT_RECEIVING;
	regioi_slot_renew(slot);
	return &slot->request;
}

/* The rest of regioi_return_add(). */
void regioi_return_add_other(struct regioi_return *batch, struct regioi_pool_slot *slot);

/*
 * A slot that is neither held nor under a request any more: it is posted where it was, unless other
 * RQs wait. regioi_return_finish() comes after the last one, and before anything else that may end
 * a member or let one wait. At most REGIOI_RETURN_MAX in between.
 */
static inline void regioi_return_add(struct regioi_return *batch, struct regioi_pool_slot *slot)
{
	if (__builtin_expect(batch->member != slot->member, 0)) {
		regioi_return_add_other(batch, slot);
		return;
	}
	REGIOI_ASSERT(regioi_slot_goes_back(batch->pool, slot) && batch->count < REGIOI_RETURN_MAX);
	batch->receives[batch->count++] = regioi_slot_receive(slot);
}

void regioi_return_finish(struct regioi_return *batch);

/* The same for a single slot. */
void regioi_supply_return(struct regioi_pool *pool, struct regioi_pool_slot *slot);

/* The slot's receive was cancelled, or found the end: it is free, and its RQ wants one less. */
void regioi_supply_withdraw(struct regioi_pool *pool, struct regioi_pool_slot *slot);

/* A free slot for the program, or NULL. */
struct regioi_pool_slot *regioi_supply_take(struct regioi_pool *pool);

/* Supplies those that wait, if there are free slots. */
void regioi_supply_waiting(struct regioi_pool *pool);

static inline void regioi_supply(struct regioi_pool *pool)
{
	if (__builtin_expect(pool->waiting && pool->free, 0))
		regioi_supply_waiting(pool);
}

/* The member for an RQ, or NULL. */
struct regioi_member *regioi_member_find(const struct regioi_pool *pool, const struct regio_rq *rq);
/* A new one, which wants nothing yet; NULL if there is no memory. */
struct regioi_member *regioi_member_add(struct regioi_pool *pool, struct regio_rq *rq);
/* It wants so many more receives. Returns false if nothing can be posted; then it may be gone. */
bool regioi_member_want(struct regioi_pool *pool, struct regioi_member *member, uint32_t receives);

#endif
