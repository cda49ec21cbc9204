/* SPDX-License-Identifier: MIT */
/*
 * From a handle to its object.
 *
 * A look-up alone returns a pointer that may dangle at once, because another thread may close the
 * object. So an object is reached in one of these ways, each of which keeps the object alive:
 *
 *	inside      the thread's record names the handle, and closing waits (hazard.h). For posting
 *		    and all other calls on an RQ, and for arming a CQ.
 *	held        with a reference, taken with the lock that ending a handle takes as well. For
 *		    calls outside the data path, which may be made inside other calls.
 *	consumer    of a CQ: the program makes one such call at a time, and closing is one of them.
 *		    So a dequeue has no extra cost.
 *	locked      of an RQ, for events: with the lock of one of its drivers, which closing takes
 *		    after it has ended the handle.
 *	ended       the caller that has ended the handle owns the handle's reference.
 *
 * No other file calls regioi_table_object(); tests/tidy checks this. Checked builds assert that the
 * object is kept alive in the way that the call requires.
 */
#ifndef REGIO_QUEUE_HANDLE_H
#define REGIO_QUEUE_HANDLE_H

#include "base/check.h"
#include "base/hazard.h"
#include "base/table.h"
#include "queue/cq.h"
#include "queue/driver.h"
#include "queue/rq.h"

/*
 * Valid between regioi_hazard_enter() of the same handle and regioi_hazard_leave(). NULL: closed.
 */
static inline struct regioi_rq *regioi_rq_inside(const struct regio_rq *handle)
{
	REGIOI_ASSERT(regioi_hazard_is_inside(handle));
	return regioi_table_object(handle, REGIOI_KIND_RQ);
}

/* The same for posting, which mostly names the RQ that it named last. */
static inline struct regioi_rq *regioi_rq_inside_again(struct regioi_hazard *call,
						       const struct regio_rq *handle, bool look_up)
{
	REGIOI_ASSERT(regioi_hazard_is_inside(handle));
	return regioi_table_object_again(handle, REGIOI_KIND_RQ, &call->rq, look_up);
}

static inline struct regioi_cq *regioi_cq_inside(const struct regio_cq *handle)
{
	REGIOI_ASSERT(regioi_hazard_is_inside(handle));
	return regioi_table_object(handle, REGIOI_KIND_CQ);
}

/* Returned with a reference, which the caller drops with regioi_..._release(). NULL: closed. */
static inline struct regioi_cq *regioi_cq_held(const struct regio_cq *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_CQ, offsetof(struct regioi_cq, references));
}

static inline struct regioi_driver *regioi_driver_held(const struct regio_driver *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_DRIVER,
				 offsetof(struct regioi_driver, references));
}

/* Valid until regioi_cq_consumed(). NULL: closed. */
static inline struct regioi_cq *regioi_cq_consumer(const struct regio_cq *handle)
{
	struct regioi_cq *cq = regioi_table_object(handle, REGIOI_KIND_CQ);

	if (cq)
		REGIOI_ASSERT(!atomic_exchange(&cq->consumed, true));
	return cq;
}

static inline void regioi_cq_consumed(struct regioi_cq *cq)
{
	if (REGIOI_CHECKED)
		atomic_store(&cq->consumed, false);
}

/*
 * Ends the handle. Only the caller that ended it gets the object, and releases the id; others get
 * NULL.
 */
static inline void *regioi_handle_end(uint64_t id, enum regioi_kind kind)
{
	return regioi_slot_object(regioi_table_invalidate(id, kind));
}

/* To be called with the driver's lock. NULL: closed. */
static inline struct regioi_rq *regioi_rq_locked(uint64_t id, const struct regioi_driver *driver)
{
	REGIOI_ASSERT(regioi_driver_is_locked(driver));
	return regioi_table_object((const void *)(uintptr_t)id, REGIOI_KIND_RQ);
}

#endif
