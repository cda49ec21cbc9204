/* SPDX-License-Identifier: MIT */
/*
 * Which RQ gets which slot for a receive.
 *
 * A slot goes back to its RQ as long as no RQ waits. While some wait, each slot that comes back
 * goes to the one that has waited longest, and its own RQ waits in turn if it now has too few.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "slots/supply.h"

/* ---- Members ---- */

static struct regioi_member **bucket_of(const struct regioi_pool *pool, const struct regio_rq *rq)
{
	/* The low bits of a handle are its kind. */
	return &pool->buckets[(uintptr_t)rq >> REGIOI_TABLE_KIND_BITS & pool->bucket_mask];
}

struct regioi_member *regioi_member_find(const struct regioi_pool *pool, const struct regio_rq *rq)
{
	struct regioi_member *member = *bucket_of(pool, rq);

	while (member && member->rq != rq)
		member = member->next;
	return member;
}

struct regioi_member *regioi_member_add(struct regioi_pool *pool, struct regio_rq *rq)
{
	struct regioi_member *member = calloc(1, sizeof(*member));
	struct regioi_member **bucket = bucket_of(pool, rq);

	if (!member)
		return NULL;
	member->rq = rq;
	member->next = *bucket;
	*bucket = member;
	return member;
}

/* Frees a member that is done. */
static void member_release(struct regioi_pool *pool, struct regioi_member *member)
{
	struct regioi_member **at = bucket_of(pool, member->rq);

	if (member->assigned || member->waiting || (!member->ended && member->wanted))
		return;
	while (*at != member)
		at = &(*at)->next;
	*at = member->next;
	free(member);
}

static bool member_lacks(const struct regioi_member *member)
{
	return !member->ended && member->assigned < member->wanted;
}

static void member_wait(struct regioi_pool *pool, struct regioi_member *member)
{
	if (member->waiting || !member_lacks(member))
		return;
	member->waiting = true;
	member->next_waiting = NULL;
	if (pool->waiting)
		pool->waiting_last->next_waiting = member;
	else
		pool->waiting = member;
	pool->waiting_last = member;
	pool->waiting_count++;
}

static struct regioi_member *member_next(struct regioi_pool *pool)
{
	struct regioi_member *member = pool->waiting;

	pool->waiting = member->next_waiting;
	pool->waiting_count--;
	member->waiting = false;
	return member;
}

/* After any error but a lack of room or memory, nothing can be posted on it ever again. */
static void member_refused(struct regioi_member *member, int error)
{
	if (error != -ENOBUFS && error != -ENOMEM)
		member->ended = true;
}

/* ---- Free slots ---- */

struct regioi_pool_slot *regioi_supply_take(struct regioi_pool *pool)
{
	struct regioi_pool_slot *slot;

	if (!pool->free)
		return NULL;
	slot = &pool->slots[pool->free - 1];
	pool->free = slot->next;
	return slot;
}

static void slot_free(struct regioi_pool *pool, struct regioi_pool_slot *slot)
{
	struct regioi_member *member = slot->member;

	slot->state = REGIOI_SLOT_FREE;
	slot->member = NULL;
	slot->next = pool->free;
	pool->free = (uint32_t)(slot - pool->slots) + 1;
	if (!member)
		return;
	member->assigned--;
	member_wait(pool, member);
	member_release(pool, member);
}

/* ---- Posting ---- */

/* Returns 0, or why the slot is free again; then its member may be gone. */
static int post(struct regioi_pool *pool, struct regioi_pool_slot *slot)
{
	const struct regioi_known_request *receive = regioi_slot_receive(slot);
	int posted = regioi_receive_known(slot->member->rq, &slot->member->slices, &receive, 1);

	if (posted == 1)
		return 0;
	member_refused(slot->member, posted);
	slot_free(pool, slot);
	return posted;
}

/* ---- Those that wait ---- */

/* The one that has waited longest gets a slot. Returns false if it could not be posted. */
static bool supply_one(struct regioi_pool *pool)
{
	struct regioi_member *member = member_next(pool);
	struct regioi_pool_slot *slot;

	if (!member_lacks(member)) {
		member_release(pool, member);
		return true;
	}
	slot = regioi_supply_take(pool);
	slot->member = member;
	member->assigned++;
	if (post(pool, slot))
		return false;
	member_wait(pool, member);
	return true;
}

/* Ends when no slot is free, or all that wait have been refused one after the other. */
void regioi_supply_waiting(struct regioi_pool *pool)
{
	uint32_t refusals = 0;

	while (pool->waiting && pool->free && refusals < pool->waiting_count)
		refusals = supply_one(pool) ? 0 : refusals + 1;
}

bool regioi_member_want(struct regioi_pool *pool, struct regioi_member *member, uint32_t receives)
{
	const struct regio_rq *rq = member->rq;

	member->wanted += receives;
	member_wait(pool, member);
	regioi_supply(pool);
	member = regioi_member_find(pool, rq);
	return member && !member->ended;
}

/* ---- Slots that come back ---- */

static __attribute__((noinline)) void give_away(struct regioi_pool *pool,
						struct regioi_pool_slot *slot)
{
	slot_free(pool, slot);
	regioi_supply(pool);
}

void regioi_supply_return(struct regioi_pool *pool, struct regioi_pool_slot *slot)
{
	if (regioi_slot_goes_back(pool, slot))
		post(pool, slot);
	else
		give_away(pool, slot);
}

void regioi_supply_withdraw(struct regioi_pool *pool, struct regioi_pool_slot *slot)
{
	if (slot->member->wanted)
		slot->member->wanted--;
	give_away(pool, slot);
}

struct regioi_member regioi_no_member;

void regioi_return_add_other(struct regioi_return *batch, struct regioi_pool_slot *slot)
{
	regioi_return_finish(batch);
	if (!regioi_slot_goes_back(batch->pool, slot)) {
		give_away(batch->pool, slot);
		return;
	}
	batch->member = slot->member;
	batch->receives[batch->count++] = regioi_slot_receive(slot);
}

static __attribute__((cold, noinline)) void refuse_rest(struct regioi_return *batch, uint32_t done,
							int error)
{
	/* Before slots are free: with the last one its member may be gone. */
	member_refused(batch->member, error);
	for (uint32_t i = done; i < batch->count; i++) {
		struct regioi_pool_slot *slot =
			regioi_pool_find(batch->pool, batch->receives[i]->context);

		/* It was renewed for this request. */
		REGIOI_ASSUME(slot);
		slot_free(batch->pool, slot);
	}
}

static void post_all(struct regioi_return *batch)
{
	uint32_t done = 0;

	while (done < batch->count) {
		int posted = regioi_receive_known(batch->member->rq, &batch->member->slices,
						  &batch->receives[done], batch->count - done);

		if (posted <= 0) {
			refuse_rest(batch, done, posted);
			break;
		}
		done += (uint32_t)posted;
	}
}

void regioi_return_finish(struct regioi_return *batch)
{
	if (batch->count)
		post_all(batch);
	regioi_return_start(batch, batch->pool);
}
