/* SPDX-License-Identifier: MIT */
/*
 * Creating, describing and closing pools.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/fork.h"
#include "base/check.h"
#include "base/error.h"
#include "base/options.h"
#include "slots/pool.h"

/* Of the table of attached RQs. */
#define BUCKETS_MAX 4096u

/* The number of pools made so far, by which the ids of their slots differ. */
static _Atomic uint64_t pools_made;

/* ---- Creating ---- */

static int check_arguments(const char *step, const struct regio_cq *cq, uint32_t count,
			   uint32_t bytes)
{
	if (!regioi_table_find((uintptr_t)cq, REGIOI_KIND_CQ))
		return regioi_refuse_handle(cq, step, "CQ");
	if (count == 0 || count > REGIO_SLOTS_COUNT_MAX)
		return regioi_fail(-EINVAL, "%s: %u slots; a pool has 1 to %u", step, count,
				   REGIO_SLOTS_COUNT_MAX);
	if (bytes == 0)
		return regioi_fail(-EINVAL, "%s: slots of 0 bytes", step);
	return 0;
}

/* An odd number of cache lines, so that slots do not compete for the same sets of a cache. */
static uint64_t stride_of(uint32_t bytes)
{
	uint64_t lines = ((uint64_t)bytes + REGIOI_CACHE_LINE - 1) / REGIOI_CACHE_LINE;

	return (lines | 1) * REGIOI_CACHE_LINE;
}

static int allocate_memory(struct regioi_pool *pool, const char *step,
			   const struct regio_slots_opts *opts)
{
	const struct regio_region_opts region_opts = {
		.size = sizeof(region_opts), .flags = opts->flags, .numa_node = opts->numa_node};
	uint64_t stride = stride_of(pool->bytes);
	uint64_t bytes = (stride + sizeof(struct regioi_slot_head)) * pool->count;
	void *memory;
	int error;

	if (bytes > UINT32_MAX)
		return regioi_fail(-EMSGSIZE,
				   "%s: %u slots of %u bytes need 4 GiB or more; make fewer, "
				   "smaller ones, or several pools",
				   step, pool->count, pool->bytes);
	error = regio_region_allocate(bytes, &region_opts, &pool->region, &memory);
	if (error)
		return error;
	pool->stride = (uint32_t)stride;
	pool->memory = memory;
	return 0;
}

static bool allocate_tables(struct regioi_pool *pool)
{
	uint32_t buckets = 1;

	while (buckets < pool->count && buckets < BUCKETS_MAX)
		buckets *= 2;
	pool->bucket_mask = buckets - 1;
	pool->buckets = calloc(buckets, sizeof(struct regioi_member *));
	pool->slots = calloc(pool->count, sizeof(*pool->slots));
	return pool->buckets && pool->slots;
}

static void number_slots(struct regioi_pool *pool)
{
	uint64_t number = atomic_fetch_add(&pools_made, 1) & REGIOI_ID_POOL_MASK;
	uint64_t use = regioi_counter_start(REGIOI_ID_USE_CARRY / REGIOI_ID_USE_ONE - 1);

	for (uint32_t i = 0; i < pool->count; i++) {
		pool->slots[i].request = (struct regioi_known_request){
			.context = REGIOI_ID_MARK | use * REGIOI_ID_USE_ONE |
				   number << REGIOI_ID_POOL_SHIFT | i,
			.data_at = i * pool->stride,
			.names_at = pool->count * pool->stride +
				    i * (uint32_t)sizeof(struct regioi_slot_head),
		};
		pool->slots[i].next = i + 1 < pool->count ? i + 2 : 0;
	}
	pool->free = 1;
}

static void pool_free(struct regioi_pool *pool)
{
	if (pool->region)
		regio_region_deregister(pool->region);
	for (uint32_t i = 0; pool->buckets && i <= pool->bucket_mask; i++) {
		while (pool->buckets[i]) {
			struct regioi_member *member = pool->buckets[i];

			pool->buckets[i] = member->next;
			free(member);
		}
	}
	free(pool->buckets);
	free(pool->slots);
	free(pool);
}

int regio_slots_create(struct regio_cq *cq, uint32_t count, uint32_t bytes,
		       const struct regio_slots_opts *opts, struct regio_slots **ret_slots)
{
	static const char step[] = "creating a pool of slots";
	struct regio_slots_opts known = {0};
	struct regioi_pool *pool;
	int error;

	if (!ret_slots)
		return regioi_fail(-EINVAL, "%s: ret_slots is NULL", step);
	error = regioi_options_read(&known, sizeof(known), opts, step);
	if (!error && known.reserved)
		error = regioi_fail(-EINVAL, "%s: reserved field set", step);
	if (!error)
		error = check_arguments(step, cq, count, bytes);
	if (error)
		return error;
	pool = calloc(1, sizeof(*pool));
	if (!pool)
		return regioi_fail(-ENOMEM, "%s: out of memory", step);
	pool->cq = cq;
	pool->count = count;
	pool->bytes = bytes;
	error = allocate_memory(pool, step, &known);
	if (!error && !allocate_tables(pool))
		error = regioi_fail(-ENOMEM, "%s: out of memory for %u slots", step, count);
	if (!error) {
		number_slots(pool);
		error = regioi_id_add(step, REGIOI_KIND_SLOTS, pool, 0, 0, &pool->id);
	}
	if (error) {
		pool_free(pool);
		return error;
	}
	*ret_slots = (struct regio_slots *)(uintptr_t)pool->id;
	return 0;
}

/* ---- Closing ---- */

int regio_slots_close(struct regio_slots *handle)
{
	uint64_t id = (uintptr_t)handle;
	struct regioi_slot *entry = regioi_table_invalidate(id, REGIOI_KIND_SLOTS);
	struct regioi_pool *pool;

	if (!entry)
		return regioi_refuse_handle(handle, "closing a pool of slots", "pool");
	pool = atomic_load_explicit(&entry->object, memory_order_relaxed);
	regioi_table_release(id);
	pool_free(pool);
	return 0;
}

/* ---- Describing ---- */

int regio_slots_get_info(struct regio_slots *handle, struct regio_slots_info *ret_info,
			 uint32_t size)
{
	static const char step[] = "describing a pool of slots";
	struct regio_slots_info info = {0};
	const struct regioi_pool *pool;
	uint32_t counts[5] = {0};
	int error = regioi_info_check(ret_info, size, step);

	if (error)
		return error;
	pool = regioi_pool_of(handle);
	if (!pool)
		return regioi_refuse_handle(handle, step, "pool");
	for (uint32_t i = 0; i < pool->count; i++)
		counts[pool->slots[i].state]++;
	info.free = counts[REGIOI_SLOT_FREE];
	info.receiving = counts[REGIOI_SLOT_RECEIVING];
	info.held = counts[REGIOI_SLOT_HELD] + counts[REGIOI_SLOT_ANSWERABLE];
	info.sending = counts[REGIOI_SLOT_SENDING];
	for (const struct regioi_member *member = pool->waiting; member;
	     member = member->next_waiting) {
		if (member->wanted > member->assigned)
			info.receives_missing += member->wanted - member->assigned;
	}
	info.last_send_error = pool->last_send_error;
	info.sends_failed = pool->sends_failed;
	regioi_info_write(ret_info, size, &info, sizeof(info));
	return 0;
}
