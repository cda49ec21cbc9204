/* SPDX-License-Identifier: MIT */
/*
 * Hazard pointers: the object that each thread's call is using, so that closing an object can wait
 * for the calls on it.
 *
 * A request may be complete, and its completion dequeued, before the call that posted it has
 * returned; the thread that dequeued it may then close everything. So a call that posts first
 * records which object it is about to look up, and clears the record as its last action. Closing
 * makes the id invalid, and waits until no thread has the object recorded: a call either fails to
 * find the object, or closing waits for it.
 *
 * Each thread has its own record, because a second thread may post on a half before the first has
 * returned from its call. Recording costs two stores: the barrier between the first store and the
 * look-up is on the closing side.
 */
#ifndef REGIO_BASE_HAZARD_H
#define REGIO_BASE_HAZARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cache.h"
#include "base/check.h"
#include "base/table.h"

struct regioi_hazard {
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint64_t inside; /* an id, or 0 */
	_Atomic uint32_t section; /* odd while the thread is in a read section (mem/section.h) */
	uint32_t sections;	  /* how many it is in, one inside the other */
	struct regioi_hazard *next;
	_Atomic bool owned;
	/* The thread's: the RQ and the region it posted with last. */
	struct regioi_table_seen rq;
	struct regioi_table_seen region;
};

_Static_assert(sizeof(struct regioi_hazard) == REGIOI_CACHE_LINE, "posting writes one cache line");

/* The calling thread's record if the closing side executes the barrier; otherwise NULL. */
extern _Thread_local struct regioi_hazard *regioi_hazard_quick
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Called before the look-up of 'handle'. Returns NULL if no record is available quickly. */
static inline struct regioi_hazard *regioi_hazard_enter_quickly(const void *handle)
{
	struct regioi_hazard *call = regioi_hazard_quick;

	if (__builtin_expect(!call, 0))
		return NULL;
	/* One at a time: a call that is made inside another one takes a reference (handle.h). */
	REGIOI_ASSERT(!atomic_load(&call->inside) ||
		      atomic_load(&call->inside) == (uintptr_t)handle);
	atomic_store_explicit(&call->inside, (uintptr_t)handle, memory_order_relaxed);
	/* Pairs with the barrier on every thread in regioi_hazards_wait(). */
	atomic_signal_fence(memory_order_seq_cst);
	return call;
}

static inline void regioi_hazard_leave_quickly(struct regioi_hazard *call)
{
	/* Release: pairs with the load in regioi_hazards_wait(). */
	atomic_store_explicit(&call->inside, 0, memory_order_release);
}

/*
 * The same for any thread and kernel. Returns NULL if there is no memory, which is possible only in
 * a thread's first call.
 */
struct regioi_hazard *regioi_hazard_enter(const void *handle);
void regioi_hazard_leave(void);
/* Whether the calling thread is inside a call on the handle. */
bool regioi_hazard_is_inside(const void *handle);

/* The calling thread's record, made if need be. NULL if there is no memory. */
struct regioi_hazard *regioi_hazard_own(void);
/* In a forked child, whose table is empty: no thread has seen anything. */
void regioi_hazards_forget(void);
/* The records of all threads, linked by 'next'. */
struct regioi_hazard *regioi_hazard_first(void);

/*
 * Called after the id was made invalid: waits until no thread is inside a call that may have found
 * the object.
 */
void regioi_hazards_wait(uint64_t id);

#endif
