/* SPDX-License-Identifier: MIT */
/*
 * Results: what has been received is handed out, and what has been sent is posted again.
 */
#include <errno.h>

#include "base/error.h"
#include "slots/name.h"
#include "slots/supply.h"

#define RESULTS_MAX REGIOI_RETURN_MAX

/* ---- Received ---- */

static inline void hand_out(const struct regioi_pool *pool, struct regioi_pool_slot *slot,
			    const struct regio_result *result, struct regio_slot *ret_slot)
{
	const struct regioi_member *member = slot->member;

	slot->state = REGIOI_SLOT_ANSWERABLE;
	slot->sourced = false;
	*ret_slot = (struct regio_slot){
		.data = regioi_slot_data(pool, slot),
		.length = result->bytes,
		.status = result->status,
		.rq = member->rq,
		.rq_context = result->rq_context,
		.context = slot->request.context,
		.sender = member->sender,
		.local = member->local,
	};
	if (member->addressed)
		ret_slot->sender = &regioi_slot_head(pool, slot)->remote.any;
	if (member->local_varies)
		ret_slot->local = &regioi_slot_head(pool, slot)->local.any;
}

/* Done with the first message: later the peer may be gone, and its address with it. */
static void name_stream(const struct regioi_pool *pool, struct regioi_member *member)
{
	struct regio_rq_info info;

	if (regio_rq_get_info(member->rq, &info, sizeof(info)) == 0)
		regioi_member_name(pool, member, info.fd);
}

/* Whether a stream has ended, or a receive was cancelled: nobody needs to know of more than one. */
static bool is_silent(struct regioi_member *member, const struct regio_result *result)
{
	if (result->bytes)
		return false;
	return result->status == -ECANCELED || (member->stream && member->ended);
}

/* Any result but a message with data. Returns whether there is something for the program. */
static __attribute__((noinline)) bool hand_out_other(struct regioi_return *batch,
						     struct regioi_pool_slot *slot,
						     const struct regio_result *result,
						     struct regio_slot *ret_slot)
{
	struct regioi_pool *pool = batch->pool;
	struct regioi_member *member = slot->member;

	regioi_return_finish(batch);
	if (is_silent(member, result)) {
		regioi_supply_withdraw(pool, slot);
		return false;
	}
	if (member->stream && result->status != -ECANCELED)
		member->ended = true;
	hand_out(pool, slot, result, ret_slot);
	if (result->status && result->status != -EMSGSIZE) {
		slot->state = REGIOI_SLOT_HELD;
		if (member->addressed)
			ret_slot->sender = NULL;
		if (member->local_varies)
			ret_slot->local = NULL;
	}
	return true;
}

static inline bool received(struct regioi_return *batch, struct regioi_pool_slot *slot,
			    const struct regio_result *result, struct regio_slot *ret_slot)
{
	const struct regioi_member *member = slot->member;

	if (__builtin_expect(result->status || !result->bytes, 0))
		return hand_out_other(batch, slot, result, ret_slot);
	if (__builtin_expect(!member->named, 0))
		name_stream(batch->pool, slot->member);
	hand_out(batch->pool, slot, result, ret_slot);
	return true;
}

/* ---- Sent ---- */

/*
 * The kernel refuses to send from an address that the host no longer has; it may choose another.
 * Returns whether the reply was posted once more.
 */
static bool send_without_source(struct regioi_pool *pool, struct regioi_pool_slot *slot)
{
	struct regio_buf data = {pool->region, slot->request.data_at, slot->bytes};
	struct regio_extra extra = {.remote_address = REGIOI_HEAD_SLICE(pool, slot, remote)};

	slot->sourced = false;
	return regio_send_ex(slot->member->rq, &data, &extra, REGIO_MSG_DEFER,
			     slot->request.context) == 0;
}

/* Returns whether the slot has come back. */
static __attribute__((noinline)) bool send_failed(struct regioi_pool *pool,
						  struct regioi_pool_slot *slot, int status)
{
	if (status == -EINVAL && slot->sourced && send_without_source(pool, slot))
		return false;
	pool->last_send_error = status;
	pool->sends_failed++;
	return true;
}

/* ---- Either ---- */

static void pass_through(const struct regio_result *result, struct regio_slot *ret_slot)
{
	*ret_slot = (struct regio_slot){
		.length = result->bytes,
		.status = result->status,
		.rq_context = result->rq_context,
		.context = result->request_context,
	};
}

/* Returns whether there is something for the program. */
static inline bool process(struct regioi_return *batch, const struct regio_result *result,
			   struct regio_slot *ret_slot)
{
	struct regioi_pool *pool = batch->pool;
	struct regioi_pool_slot *slot = regioi_pool_find(pool, result->request_context);

	if (slot && slot->state == REGIOI_SLOT_RECEIVING)
		return received(batch, slot, result, ret_slot);
	if (!slot || slot->state != REGIOI_SLOT_SENDING) {
		pass_through(result, ret_slot);
		return true;
	}
	if (__builtin_expect(result->status == 0, 1) || send_failed(pool, slot, result->status))
		regioi_return_add(batch, slot);
	return false;
}

int regio_slots_process(struct regio_slots *handle, const struct regio_result *result,
			struct regio_slot *ret_slot)
{
	static const char step[] = "handing a result to a pool of slots";
	struct regioi_pool *pool = regioi_pool_of(handle);
	struct regioi_return batch;
	bool written;

	if (!pool)
		return regioi_refuse_handle(handle, step, "pool");
	if (!result || !ret_slot)
		return regioi_fail(-EINVAL, "%s: an argument is NULL", step);
	regioi_return_start(&batch, pool);
	written = process(&batch, result, ret_slot);
	regioi_return_finish(&batch);
	regioi_supply(pool);
	return written;
}

/*
 * Hands out what is in the CQ, from *slots on up to 'end', and moves *slots on. Returns whether
 * there may be more, or an error.
 */
static inline int dequeue(struct regioi_return *batch, struct regio_slot **slots,
			  const struct regio_slot *end)
{
	struct regio_slot *next = *slots;
	int wanted = end - next < RESULTS_MAX ? (int)(end - next) : (int)RESULTS_MAX;
	struct regio_result results[RESULTS_MAX];
	int count = regio_cq_dequeue(batch->pool->cq, results, (uint32_t)wanted);

	for (int i = 0; i < count; i++)
		next += process(batch, &results[i], next);
	regioi_return_finish(batch);
	*slots = next;
	return count < 0 ? count : count == wanted && next < end;
}

int regio_slots_dequeue(struct regio_slots *handle, struct regio_slot *ret_slots,
			uint32_t slots_max)
{
	static const char step[] = "dequeuing from a pool of slots";
	struct regioi_pool *pool = regioi_pool_of(handle);
	struct regio_slot *next = ret_slots;
	struct regioi_return batch;
	int more;

	if (!pool)
		return regioi_refuse_handle(handle, step, "pool");
	if (!ret_slots && slots_max)
		return regioi_fail(-EINVAL, "%s: ret_slots is NULL", step);
	regioi_return_start(&batch, pool);
	do {
		regioi_supply(pool);
		more = ret_slots ? dequeue(&batch, &next, ret_slots + slots_max)
				 : regio_cq_dequeue(pool->cq, NULL, 0);
	} while (more > 0);
	if (more < 0 && next == ret_slots)
		return regioi_fail(more, "%s: the CQ is closed", step);
	return (int)(next - ret_slots);
}
