/* SPDX-License-Identifier: MIT */
/*
 * Slots that the program holds: replying, sending, taking and freeing.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "slots/name.h"
#include "slots/supply.h"

/* ---- Which slot ---- */

static __attribute__((cold, noinline)) int refuse_slot(const struct regio_slots *handle,
						       const char *step)
{
	if (!regioi_pool_of(handle))
		return regioi_refuse_handle(handle, step, "pool");
	return regioi_fail(
		-EINVAL,
		"%s: the program does not hold the slot; it was given back before, or is "
		"not of this pool",
		step);
}

/* The slot, if the program holds it, and its pool; else NULL. */
static inline struct regioi_pool_slot *held(const struct regio_slots *handle,
					    const struct regio_slot *slot,
					    struct regioi_pool **ret_pool)
{
	struct regioi_pool_slot *found;

	*ret_pool = regioi_pool_of(handle);
	if (__builtin_expect(!*ret_pool || !slot, 0))
		return NULL;
	found = regioi_pool_find(*ret_pool, slot->context);
	return found && found->state >= REGIOI_SLOT_HELD ? found : NULL;
}

static __attribute__((cold, noinline)) int refuse_length(const struct regioi_pool *pool,
							 const char *step, uint32_t length)
{
	return regioi_fail(-EINVAL, "%s: %u bytes; a slot has %u", step, length, pool->bytes);
}

/* ---- Replying ---- */

/* From the address that the message was sent to, where that is one to send from. */
static __attribute__((noinline)) int reply_from_local(struct regioi_pool *pool,
						      struct regioi_pool_slot *slot,
						      uint32_t length)
{
	const struct regioi_member *member = slot->member;

	slot->sourced = regioi_name_source(pool, regioi_slot_head(pool, slot));
	slot->bytes = length;
	return slot->sourced
		       ? regioi_send_known_with(member->rq, &member->slices, &slot->request, length)
		       : regioi_send_known_to(member->rq, &member->slices, &slot->request, length);
}

static inline int reply(struct regioi_pool *pool, struct regioi_pool_slot *slot, uint32_t length)
{
	const struct regioi_member *member = slot->member;

	if (!member->addressed)
		return regioi_send_known(member->rq, pool->region, &slot->request, length);
	if (!member->local_varies)
		return regioi_send_known_to(member->rq, &member->slices, &slot->request, length);
	return reply_from_local(pool, slot, length);
}

/* After an error the slot is the pool's again. */
static __attribute__((cold, noinline)) int reply_refused(struct regioi_pool *pool,
							 struct regioi_pool_slot *slot, int error)
{
	regioi_supply_return(pool, slot);
	return error;
}

int regio_slots_reply(struct regio_slots *handle, const struct regio_slot *slot, uint32_t length)
{
	static const char step[] = "replying from a slot";
	struct regioi_pool *pool;
	struct regioi_pool_slot *found = held(handle, slot, &pool);
	int error;

	if (!found)
		return refuse_slot(handle, step);
	if (__builtin_expect(found->state != REGIOI_SLOT_ANSWERABLE, 0))
		error = regioi_fail(-EINVAL,
				    "%s: it has no sender; it was taken, or its receive "
				    "failed",
				    step);
	else if (__builtin_expect(length > pool->bytes, 0))
		error = refuse_length(pool, step, length);
	else
		error = reply(pool, found, length);
	if (__builtin_expect(error, 0))
		return reply_refused(pool, found, error);
	found->state = REGIOI_SLOT_SENDING;
	return 0;
}

/* ---- Sending ---- */

int regio_slots_take(struct regio_slots *handle, struct regio_slot *ret_slot)
{
	static const char step[] = "taking a slot";
	struct regioi_pool *pool = regioi_pool_of(handle);
	struct regioi_pool_slot *slot;

	if (!pool)
		return regioi_refuse_handle(handle, step, "pool");
	if (!ret_slot)
		return regioi_fail(-EINVAL, "%s: ret_slot is NULL", step);
	slot = regioi_supply_take(pool);
	if (!slot) {
		regioi_explain_plainly("taking a slot: none is free; dequeue, so that slots that "
				       "were sent come back, or make a larger pool");
		return -ENOBUFS;
	}
	slot->state = REGIOI_SLOT_HELD;
	slot->sourced = false;
	regioi_slot_renew(slot);
	*ret_slot = (struct regio_slot){
		.data = regioi_slot_data(pool, slot),
		.context = slot->request.context,
	};
	return 0;
}

int regio_slots_send(struct regio_slots *handle, const struct regio_slot *slot, uint32_t length,
		     struct regio_rq *rq, const struct sockaddr *to)
{
	static const char step[] = "sending from a slot";
	struct regioi_pool *pool;
	struct regioi_pool_slot *found = held(handle, slot, &pool);
	struct regio_extra extra = {0};
	struct regio_buf data;
	int error;

	if (!found)
		return refuse_slot(handle, step);
	if (length > pool->bytes)
		return refuse_length(pool, step, length);
	if (to && regioi_address_length(to) == 0)
		return regioi_fail(-EINVAL, "%s: the address is neither IPv4 nor IPv6", step);
	if (to) {
		/* 'to' may be the sender of this slot, which is there already. */
		memmove(&regioi_slot_head(pool, found)->remote, to, regioi_address_length(to));
		extra.remote_address = REGIOI_HEAD_SLICE(pool, found, remote);
	}
	data = (struct regio_buf){pool->region, found->request.data_at, length};
	error = regio_send_ex(rq, &data, to ? &extra : NULL, REGIO_MSG_DEFER,
			      found->request.context);
	if (error)
		return error;
	found->state = REGIOI_SLOT_SENDING;
	return 0;
}

/* ---- Freeing ---- */

int regio_slots_free(struct regio_slots *handle, const struct regio_slot *slot)
{
	static const char step[] = "freeing a slot";
	struct regioi_pool *pool;
	struct regioi_pool_slot *found = held(handle, slot, &pool);

	if (!found)
		return refuse_slot(handle, step);
	regioi_supply_return(pool, found);
	return 0;
}
