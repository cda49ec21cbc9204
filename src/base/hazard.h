/* SPDX-License-Identifier: MIT */
/*
 * Hazard pointers: what each thread is inside of, so that closing an object can wait for the calls
 * on it.
 *
 * A request may be complete, and its completion dequeued, before the call that posted it has
 * returned; whoever dequeued it may close everything there is. So a call that posts says first
 * which object it is about to look up, and takes that back as the last thing it does. Closing
 * makes the id invalid, and waits until no thread says that it is inside: a call either fails to
 * find the object or is waited for.
 *
 * Each thread has a record of its own, for threads may follow each other on one half before the
 * first of them has returned. Saying so costs two stores: the barrier between the first and the
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

struct regioi_hazard {
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint64_t inside; /* an id, or 0 */
	struct regioi_hazard *next;
	_Atomic bool owned;
};

/* The calling thread's, where the other side has the barrier; else NULL. */
extern _Thread_local struct regioi_hazard *regioi_hazard_quick
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

/* Before the look-up of 'handle'. NULL where there is no record to be had quickly. */
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

/* The same for any thread and kernel. Returns false without memory, which only the first may. */
bool regioi_hazard_enter(const void *handle);
void regioi_hazard_leave(void);
/* Whether the calling thread is inside a call on the handle. */
bool regioi_hazard_is_inside(const void *handle);

/* With the id invalid: waits until no thread is inside a call that may have found the object. */
void regioi_hazards_wait(uint64_t id);

#endif
