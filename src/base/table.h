/* SPDX-License-Identifier: MIT */
/*
 * The table of all handles and region ids.
 *
 * An id is generation << 32 | index << 3 | kind. The table finds its slot without a lock; if the
 * slot has a different id, the object has ended. No id is used twice: a slot that has used up its
 * generations is not reused. Slots are never freed, so a stale id is always safe to look up. Their
 * words are atomic, so a look-up may race with the end of the object: what it has read is valid
 * only if the slot still has the id.
 */
#ifndef REGIO_BASE_TABLE_H
#define REGIO_BASE_TABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum regioi_kind {
	REGIOI_KIND_REGION = 1,
	REGIOI_KIND_DRIVER,
	REGIOI_KIND_CQ,
	REGIOI_KIND_HANDLE, /* of the Windows interface, which has a table of its own */
	REGIOI_KIND_RQ,
	REGIOI_KIND_SLOTS,
};

struct regioi_slot {
	_Atomic uint64_t id;	 /* 0: free */
	_Atomic(void *) object;	 /* a region's base address, or the object */
	_Atomic uint32_t length; /* regions: bytes */
	_Atomic uint32_t flags;	 /* regions: REGIOI_REGION_... */
	uint32_t generation;	 /* of the last id, under the table's lock */
	uint32_t next_free;	 /* index + 1, under the table's lock */
};

#define REGIOI_TABLE_KIND_BITS 3u
#define REGIOI_TABLE_CHUNK_BITS 10u
#define REGIOI_TABLE_CHUNK_SLOTS (1u << REGIOI_TABLE_CHUNK_BITS)
#define REGIOI_TABLE_CHUNKS (1u << 14)

extern _Atomic(struct regioi_slot *) regioi_table_chunks[REGIOI_TABLE_CHUNKS];

/* The slot that holds 'id' now, or NULL; 'id' must be of 'kind'. */
static inline struct regioi_slot *regioi_table_find(uint64_t id, enum regioi_kind kind)
{
	uint32_t index = (uint32_t)id >> REGIOI_TABLE_KIND_BITS;
	struct regioi_slot *slots;

	/* No id is 0, and after the check of the kind none is mistaken for the 0 of a free slot. */
	if (__builtin_expect((id & ((1u << REGIOI_TABLE_KIND_BITS) - 1)) != kind, 0))
		return NULL;
	/* An index out of range finds some slot, with a different id. */
	slots = atomic_load_explicit(
		&regioi_table_chunks[index >> REGIOI_TABLE_CHUNK_BITS & (REGIOI_TABLE_CHUNKS - 1)],
		memory_order_acquire);
	if (__builtin_expect(!slots, 0))
		return NULL;
	slots += index & (REGIOI_TABLE_CHUNK_SLOTS - 1);
	REGIOI_ASSUME(slots);
	/*
	 * Pairs with the release in regioi_table_add(). Sequentially consistent, because callers
	 * that cannot rely on the barrier of the closing side have just stored what they look up
	 * (hazard.h, section.h): an acquire alone may be executed before that store.
	 */
	if (__builtin_expect(atomic_load(&slots->id) != id, 0))
		return NULL;
	return slots;
}

/* What a thread found last: consecutive calls mostly name the same object. */
struct regioi_table_seen {
	uint64_t id; /* of the kind that the thread looks for with this */
	struct regioi_slot *slot;
};

/* A thread that has found nothing has seen the id 0 in this slot, which has another. */
extern struct regioi_slot regioi_table_nothing;

/*
 * The same as regioi_table_find(); without 'look_up' only the slot that was seen is considered. It
 * may be read, because none is freed.
 */
static inline struct regioi_slot *regioi_table_find_again(uint64_t id, enum regioi_kind kind,
							  struct regioi_table_seen *seen,
							  bool look_up)
{
	struct regioi_slot *slot = seen->slot;

	REGIOI_ASSUME(slot);
	/* Sequentially consistent: as in regioi_table_find(). */
	if (__builtin_expect(seen->id == id && atomic_load(&slot->id) == id, 1))
		return slot;
	if (!look_up)
		return NULL;
	slot = regioi_table_find(id, kind);
	if (slot)
		*seen = (struct regioi_table_seen){id, slot};
	return slot;
}

static inline void *regioi_slot_object(struct regioi_slot *slot)
{
	void *object;

	if (!slot)
		return NULL;
	object = atomic_load_explicit(&slot->object, memory_order_relaxed);
	REGIOI_ASSUME(object);
	return object;
}

/* The object that has the id now, or NULL. For handle.h, which explains what keeps it alive. */
static inline void *regioi_table_object(const void *handle, enum regioi_kind kind)
{
	return regioi_slot_object(regioi_table_find((uintptr_t)handle, kind));
}

static inline void *regioi_table_object_again(const void *handle, enum regioi_kind kind,
					      struct regioi_table_seen *seen, bool look_up)
{
	return regioi_slot_object(regioi_table_find_again((uintptr_t)handle, kind, seen, look_up));
}

/* Gives 'object' an id. Returns 0 or -ENOMEM. */
int regioi_table_add(enum regioi_kind kind, void *object, uint32_t length, uint32_t flags,
		     uint64_t *ret_id);

/*
 * The object that has the id now, with a reference for the caller; or NULL. An id is made invalid
 * with the same lock, so the object still exists when the reference is taken. Its count, an _Atomic
 * uint32_t, is at 'count_at' in the object.
 */
void *regioi_table_hold(const void *handle, enum regioi_kind kind, size_t count_at);

/*
 * Makes 'id' invalid for every later look-up, and returns its slot; NULL if it was invalid already.
 * The slot is not reused before regioi_table_release(), so that the caller can wait for a region's
 * readers in between.
 */
struct regioi_slot *regioi_table_invalidate(uint64_t id, enum regioi_kind kind);
void regioi_table_release(uint64_t id);

/*
 * For fork(): the lock; with it, a visit to each object of a kind that has an id; and the end of
 * all ids, in the child.
 */
void regioi_table_lock(void);
void regioi_table_unlock(void);
void regioi_table_visit(enum regioi_kind kind, void (*visit)(struct regioi_slot *slot));
void regioi_table_forget(void);

/*
 * For an id that regioi_table_find() refused: -ECHILD if it belongs to the parent process, else
 * 'other'.
 */
int regioi_table_reason(uint64_t id, int other) __attribute__((cold));

#endif
