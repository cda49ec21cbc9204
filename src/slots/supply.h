/* SPDX-License-Identifier: MIT */
/*
 * Which RQ gets which slot for a receive.
 */
#ifndef REGIO_SLOTS_SUPPLY_H
#define REGIO_SLOTS_SUPPLY_H

#include "slots/pool.h"

/* Slots that come back one after the other, and are posted with one call where that helps. */
#define REGIOI_RETURN_MAX 32u

struct regioi_return {
	struct regioi_pool *pool;
	struct regioi_member *member; /* that all of them belong to */
	uint32_t count;
	struct regio_request requests[REGIOI_RETURN_MAX];
	struct regio_extra extras[REGIOI_RETURN_MAX];
};

static inline void regioi_return_start(struct regioi_return *batch, struct regioi_pool *pool)
{
	/* The arrays are left as they are. */
	batch->pool = pool;
	batch->count = 0;
}

/* Whether the slot is posted where it was. */
static inline bool regioi_slot_goes_back(const struct regioi_pool *pool,
					 const struct regioi_pool_slot *slot)
{
	return slot->member && !slot->member->ended && !pool->waiting;
}

/* A receive without addresses. Returns 0, or why it is refused. */
static inline int regioi_slot_post_plain(const struct regioi_pool *pool,
					 struct regioi_pool_slot *slot)
{
	struct regio_buf data = regioi_slot_data(pool, slot, pool->bytes);

	slot->state = REGIOI_SLOT_RECEIVING;
	regioi_slot_renew(slot);
	return regio_receive(slot->member->rq, &data, REGIO_MSG_DEFER, slot->id);
}

/* The slot is free again, for that reason; its member may be gone. */
void regioi_slot_refused(struct regioi_pool *pool, struct regioi_pool_slot *slot, int error);

/* The rest of regioi_return_add(). */
void regioi_return_add_other(struct regioi_return *batch, struct regioi_pool_slot *slot);

/*
 * A slot that is neither held nor under a request any more: it is posted where it was, unless other
 * RQs wait. regioi_return_finish() comes after the last one.
 */
static inline void regioi_return_add(struct regioi_return *batch, struct regioi_pool_slot *slot)
{
	struct regioi_pool *pool = batch->pool;
	int error;

	if (!regioi_slot_goes_back(pool, slot) || slot->member->addressed) {
		regioi_return_add_other(batch, slot);
		return;
	}
	/* One plain receive is posted as fast alone as in an array. */
	error = regioi_slot_post_plain(pool, slot);
	if (__builtin_expect(error, 0))
		regioi_slot_refused(pool, slot, error);
}

void regioi_return_finish(struct regioi_return *batch);

/* The same for a single slot. */
void regioi_supply_return(struct regioi_pool *pool, struct regioi_pool_slot *slot);

/* The slot's receive was cancelled, or found the end: it is free, and its RQ wants one less. */
void regioi_supply_withdraw(struct regioi_pool *pool, struct regioi_pool_slot *slot);

/* A free slot for the program, or NULL. */
struct regioi_pool_slot *regioi_supply_take(struct regioi_pool *pool);

/* Supplies those that wait, if there are free slots. */
void regioi_supply(struct regioi_pool *pool);

/* The member for an RQ, or NULL. */
struct regioi_member *regioi_member_find(const struct regioi_pool *pool, const struct regio_rq *rq);
/* A new one, which wants nothing yet; NULL if there is no memory. */
struct regioi_member *regioi_member_add(struct regioi_pool *pool, struct regio_rq *rq);
/* It wants so many more receives. Returns false if nothing can be posted; then it may be gone. */
bool regioi_member_want(struct regioi_pool *pool, struct regioi_member *member, uint32_t receives);

#endif
