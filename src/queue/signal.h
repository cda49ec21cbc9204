/* SPDX-License-Identifier: MIT */
/*
 * Signals of a CQ: how many of its completions may notify, whether it is armed, whether a thread
 * sleeps.
 */
#ifndef REGIO_QUEUE_SIGNAL_H
#define REGIO_QUEUE_SIGNAL_H

#include "base/count.h"
#include "queue/cq.h"

/*
 * Counts completions that may notify, which are on the CQ. Called by any thread, which then looks
 * at 'armed' and 'sleeper'.
 */
static inline void regioi_cq_posted(struct regioi_cq *cq, uint32_t count)
{
	atomic_fetch_add(&cq->posted, count);
}

/* As consumer: 'count' of them have been dequeued. */
static inline void regioi_cq_taken(struct regioi_cq *cq, uint32_t count)
{
	regioi_count_add(&cq->taken, count);
}

/*
 * The count is raised after the completion is stored, so for a moment it may be too low; the thread
 * that raises it looks for sleepers after that.
 */
static inline int64_t regioi_cq_available(const struct regioi_cq *cq)
{
	int64_t count = (int64_t)(atomic_load(&cq->posted) - atomic_load(&cq->taken));

	return count > 0 ? count : 0;
}

/* Asks for one signal. Returns 0, or -EALREADY if the CQ is armed already. */
int regioi_cq_arm(struct regioi_cq *cq);
/*
 * Called when the CQ is armed or has a sleeper, and completions that may notify have arrived: those
 * of 'half' below number 'end', or, if 'half' is NULL, some that are known to be queued.
 */
void regioi_cq_wake(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end);
/* Disarms the CQ if it was armed. After the return, a closed CQ no longer calls the program. */
void regioi_cq_disarm(struct regioi_cq *cq);
/* Clears a signal on the descriptor, at dequeue. */
void regioi_cq_unfire(struct regioi_cq *cq);
/* Ends a sleep of the driver's thread that stands by; drive/standby.c. */
void regioi_standby_end(struct regioi_driver *driver);
/*
 * The same for a user of the driver on 'cpu', if the thread sleeps until nobody leads, and stands
 * by on another CPU: it is to look where its users are.
 */
static inline void regioi_standby_call(struct regioi_driver *driver, int cpu)
{
	if (atomic_load_explicit(&driver->thread.standby, memory_order_relaxed) ==
		    REGIOI_STANDBY_LEAD &&
	    cpu != atomic_load_explicit(&driver->thread.cpu, memory_order_relaxed))
		regioi_standby_end(driver);
}
/*
 * Announces that a program may sleep outside the library until it gets a signal: among the
 * listeners, or to the driver's own thread, which listens for it.
 */
void regioi_outside_join(struct regioi_driver *driver);
void regioi_outside_leave(struct regioi_driver *driver);

/* With the driver's wait_lock: ends the sleep of the CQ's thread. */
void regioi_cq_wake_sleeper(struct regioi_cq *cq);

#endif
