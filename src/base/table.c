/* SPDX-License-Identifier: MIT */
/*
 * Creating and releasing ids.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/locked.h"
#include "base/table.h"

_Atomic(struct regioi_slot *) regioi_table_chunks[REGIOI_TABLE_CHUNKS];
struct regioi_slot regioi_table_nothing = {.id = UINT64_MAX};

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static uint32_t free_head; /* index + 1 */
static uint32_t index_next;
static uint32_t index_inherited; /* ids below it belong to the parent process */

void regioi_table_lock(void)
{
	pthread_mutex_lock(&table_lock);
}

void regioi_table_unlock(void)
{
	pthread_mutex_unlock(&table_lock);
}

static struct regioi_slot *slot_at(uint32_t index)
{
	struct regioi_slot *slots = atomic_load_explicit(
		&regioi_table_chunks[index >> REGIOI_TABLE_CHUNK_BITS], memory_order_acquire);

	return slots + (index & (REGIOI_TABLE_CHUNK_SLOTS - 1));
}

void regioi_table_visit(enum regioi_kind kind, void (*visit)(struct regioi_slot *slot))
{
	const uint64_t kind_mask = (1u << REGIOI_TABLE_KIND_BITS) - 1;

	for (uint32_t i = index_inherited; i < index_next; i++) {
		struct regioi_slot *slot = slot_at(i);

		if ((slot->id & kind_mask) == kind)
			visit(slot);
	}
}

/*
 * The parent's objects stay in the child's memory, but cannot be reached: another thread of the
 * parent may have been changing any of them. New ids start in a new chunk.
 */
void regioi_table_forget(void)
{
	uint32_t chunks = (index_next + REGIOI_TABLE_CHUNK_SLOTS - 1) >> REGIOI_TABLE_CHUNK_BITS;

	for (uint32_t i = 0; i < chunks && i < REGIOI_TABLE_CHUNKS; i++)
		atomic_store_explicit(&regioi_table_chunks[i], NULL, memory_order_relaxed);
	index_next = chunks << REGIOI_TABLE_CHUNK_BITS;
	index_inherited = index_next;
	free_head = 0;
}

/* With the lock. Returns 0 or -ENOMEM. */
static int slot_take(uint32_t *ret_index)
{
	uint32_t chunk = index_next >> REGIOI_TABLE_CHUNK_BITS;
	struct regioi_slot *slots;

	if (free_head) {
		*ret_index = free_head - 1;
		free_head = slot_at(*ret_index)->next_free;
		return 0;
	}
	if (chunk >= REGIOI_TABLE_CHUNKS)
		return -ENOMEM;
	if (!atomic_load_explicit(&regioi_table_chunks[chunk], memory_order_relaxed)) {
		slots = calloc(REGIOI_TABLE_CHUNK_SLOTS, sizeof(*slots));
		if (!slots)
			return -ENOMEM;
		atomic_store_explicit(&regioi_table_chunks[chunk], slots, memory_order_release);
	}
	*ret_index = index_next++;
	slot_at(*ret_index)->generation = (uint32_t)regioi_counter_start(UINT32_MAX);
	return 0;
}

int regioi_table_add(enum regioi_kind kind, void *object, uint32_t length, uint32_t flags,
		     uint64_t *ret_id)
{
	REGIOI_LOCKED(&table_lock);
	struct regioi_slot *slot;
	uint32_t index;
	int error = slot_take(&index);
	uint64_t id;

	if (error)
		return error;
	slot = slot_at(index);
	/* Generation 0 is skipped, so that no id is 0 or 0xFFFFFFFF. */
	id = (uint64_t)++slot->generation << 32 | index << REGIOI_TABLE_KIND_BITS | kind;
	atomic_store_explicit(&slot->object, object, memory_order_relaxed);
	atomic_store_explicit(&slot->length, length, memory_order_relaxed);
	atomic_store_explicit(&slot->flags, flags, memory_order_relaxed);
	/* Release: pairs with the acquire in regioi_table_find(). */
	atomic_store_explicit(&slot->id, id, memory_order_release);
	*ret_id = id;
	return 0;
}

void *regioi_table_hold(const void *handle, enum regioi_kind kind, size_t count_at)
{
	REGIOI_LOCKED(&table_lock);
	uint8_t *object = regioi_table_object(handle, kind);

	if (object)
		atomic_fetch_add((_Atomic uint32_t *)(void *)(object + count_at), 1);
	return object;
}

struct regioi_slot *regioi_table_invalidate(uint64_t id, enum regioi_kind kind)
{
	/* If two threads end the same object, only one of them finds it. */
	REGIOI_LOCKED(&table_lock);
	struct regioi_slot *slot = regioi_table_find(id, kind);

	if (slot)
		atomic_store(&slot->id, 0);
	return slot;
}

void regioi_table_release(uint64_t id)
{
	const uint32_t index = (uint32_t)id >> REGIOI_TABLE_KIND_BITS;
	struct regioi_slot *slot = slot_at(index);
	REGIOI_LOCKED(&table_lock);

	/* Called once, by the thread that has ended the id. */
	REGIOI_ASSERT(atomic_load(&slot->id) == 0 && slot->generation == (uint32_t)(id >> 32));
	/*
	 * A slot that has no generation left is not reused: an old id with its first generation
	 * would be valid again.
	 */
	if (slot->generation < UINT32_MAX) {
		slot->next_free = free_head;
		free_head = index + 1;
	}
}

int regioi_table_reason(uint64_t id, int other)
{
	uint32_t index = (uint32_t)id >> REGIOI_TABLE_KIND_BITS;
	REGIOI_LOCKED(&table_lock);

	return id >> 32 && index < index_inherited ? -ECHILD : other;
}
