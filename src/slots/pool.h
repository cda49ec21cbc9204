/* SPDX-License-Identifier: MIT */
/*
 * A pool of slots, the RQs that are attached to it, and which state each slot is in.
 *
 * A slot that an attached RQ uses is assigned to it, in every state but FREE, and goes back there;
 * unless other RQs wait for slots (supply.c). A slot that the program has taken has no member.
 *
 * One thread at a time is inside: the caller serialises the calls.
 */
#ifndef REGIO_SLOTS_POOL_H
#define REGIO_SLOTS_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "api/known.h"
#include "base/address.h"
#include "base/cache.h"
#include "base/table.h"
#include "regio_slots.h"

enum regioi_slot_state {
	REGIOI_SLOT_FREE,
	REGIOI_SLOT_RECEIVING,
	REGIOI_SLOT_SENDING,
	REGIOI_SLOT_HELD,	/* by the program, as is the next one */
	REGIOI_SLOT_ANSWERABLE, /* it has come from somewhere */
};

/* An attached RQ. */
struct regioi_member {
	struct regio_rq *rq;
	uint32_t wanted;   /* receives */
	uint32_t assigned; /* slots */
	bool stream;
	bool named;	   /* 'sender' and 'local' are known: a stream may not be connected yet */
	bool ended;	   /* nothing is posted on it any more */
	bool addressed;	   /* each message has a sender of its own, whom a reply names */
	bool local_varies; /* each message has the address that it was sent to */
	bool waiting;	   /* in the queue of those that want slots */
	struct regioi_known_slices slices;
	union regioi_address names[2];
	/* Those of all messages that do not have their own: one of 'names', or NULL. */
	const struct sockaddr *sender;
	const struct sockaddr *local;
	struct regioi_member *next_waiting;
	struct regioi_member *next; /* in its bucket */
};

struct regioi_pool_slot {
	struct regioi_member *member;
	/* Where the slot is, and the context of all its requests, its id: REGIOI_ID_... */
	struct regioi_known_request request;
	union {
		uint32_t next;	/* FREE: index + 1 */
		uint32_t bytes; /* SENDING, if 'sourced' */
	};
	uint8_t state; /* enum regioi_slot_state */
	bool sourced;  /* SENDING: with the address it is to leave from; else false */
};

_Static_assert(sizeof(struct regioi_pool_slot) == 32, "two slots to a cache line");

/* Addresses that were seen to be one of a host, or the broadcast address of a network. */
#define REGIOI_SEEN_MAX 16u

struct regioi_seen {
	uint32_t address; /* 0: none */
	bool broadcast;
};

struct regioi_pool {
	uint64_t id;
	struct regio_cq *cq;
	uint64_t region;
	uint8_t *memory; /* the data of all slots, then their heads */
	uint32_t count;
	uint32_t bytes;		       /* of a slot's data */
	uint32_t stride;	       /* from the data of one slot to that of the next */
	uint32_t free;		       /* index + 1 of the first */
	struct regioi_member *waiting; /* oldest first */
	struct regioi_member *waiting_last;
	uint32_t waiting_count;
	struct regioi_pool_slot *slots;
	struct regioi_member **buckets; /* by RQ */
	uint32_t bucket_mask;
	int32_t last_send_error;
	uint64_t sends_failed;
	struct regioi_seen seen[REGIOI_SEEN_MAX];
};

/*
 * What a slot has beside its data: a control message to send, and two addresses. They are apart, so
 * that the data of slots that are posted in turn lies side by side if it has no gaps.
 */
struct regioi_slot_head {
	_Alignas(REGIOI_CACHE_LINE) uint8_t control[REGIOI_CACHE_LINE];
	_Alignas(32) union regioi_address local;
	_Alignas(32) union regioi_address remote;
};

_Static_assert(sizeof(struct regioi_slot_head) == 2 * REGIOI_CACHE_LINE, "two cache lines");

/* The id of a slot: 1010, a number of the use (16 bits), of the pool (24), of the slot (20). */
#define REGIOI_ID_MARK (UINT64_C(0xA) << 60)
#define REGIOI_ID_USE_ONE (UINT64_C(1) << 44)
#define REGIOI_ID_USE_CARRY (UINT64_C(1) << 60)
#define REGIOI_ID_POOL_SHIFT 20
#define REGIOI_ID_POOL_MASK UINT64_C(0xFFFFFF)
#define REGIOI_ID_INDEX_MASK UINT64_C(0xFFFFF)

_Static_assert(REGIO_SLOTS_COUNT_MAX == REGIOI_ID_INDEX_MASK + 1, "an id has room for each slot");
_Static_assert(REGIO_SLOTS_CONTEXT_MIN == REGIOI_ID_MARK, "all ids have the mark");

/* The pool, which the caller promises not to close meanwhile; NULL: closed. */
static inline struct regioi_pool *regioi_pool_of(const struct regio_slots *handle)
{
	return regioi_table_object(handle, REGIOI_KIND_SLOTS);
}

/* The slot that has the id now, or NULL. */
static inline struct regioi_pool_slot *regioi_pool_find(const struct regioi_pool *pool, uint64_t id)
{
	uint32_t index = (uint32_t)(id & REGIOI_ID_INDEX_MASK);

	if (index >= pool->count || pool->slots[index].request.context != id)
		return NULL;
	return &pool->slots[index];
}

/* Another use begins: ids of the one before are refused. */
static inline void regioi_slot_renew(struct regioi_pool_slot *slot)
{
	/* After the last number comes 0, without the carry: its bit is a 0 of the mark. */
	slot->request.context = (slot->request.context + REGIOI_ID_USE_ONE) & ~REGIOI_ID_USE_CARRY;
}

static inline struct regioi_slot_head *regioi_slot_head(const struct regioi_pool *pool,
							const struct regioi_pool_slot *slot)
{
	return (void *)(pool->memory + slot->request.names_at);
}

static inline void *regioi_slot_data(const struct regioi_pool *pool,
				     const struct regioi_pool_slot *slot)
{
	return pool->memory + slot->request.data_at;
}

#define REGIOI_HEAD_SLICE(pool, slot, part)                                                        \
	((struct regio_buf){(pool)->region,                                                        \
			    (slot)->request.names_at +                                             \
				    (uint32_t)offsetof(struct regioi_slot_head, part),             \
			    sizeof(((struct regioi_slot_head *)0)->part)})

#endif
