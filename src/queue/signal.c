/* SPDX-License-Identifier: MIT */
/*
 * Each arming causes one signal, and at that time there is a completion to dequeue. The signal is
 * given on the driver's descriptor, or by calling the program.
 *
 * A thread that completes something may look at 'armed' long after the consumer has dequeued the
 * completion and armed the CQ again. So before it signals, it checks, with a lock that arming takes
 * as well, whether the completion is still queued.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/locked.h"
#include "base/syscalls.h"
#include "queue/lost.h"
#include "queue/signal.h"

void regioi_standby_end(struct regioi_driver *driver)
{
	struct regioi_thread *thread = &driver->thread;

	if (atomic_load(&thread->standby) != REGIOI_STANDBY_NOT &&
	    atomic_exchange(&thread->standby, REGIOI_STANDBY_NOT) != REGIOI_STANDBY_NOT)
		syscall(SYS_futex, &thread->standby, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void regioi_outside_join(struct regioi_driver *driver)
{
	if (!driver->threaded) {
		atomic_fetch_add(&driver->listeners, 1);
		return;
	}
	regioi_driver_note_user(driver);
	/* Sequentially consistent: pairs with the looks of the thread that is to stand by. */
	atomic_fetch_add(&driver->thread.outside, 1);
	regioi_standby_end(driver);
}

void regioi_outside_leave(struct regioi_driver *driver)
{
	atomic_fetch_sub(driver->threaded ? &driver->thread.outside : &driver->listeners, 1);
}

/* Called with the lock, so that a leader that has woken up finds every wake done. */
void regioi_cq_wake_sleeper(struct regioi_cq *cq)
{
	switch (atomic_exchange(&cq->sleeper, REGIOI_AWAKE)) {
	case REGIOI_SLEEPS_IN_ENGINE:
		cq->driver->ops->wake(cq->driver->engine);
		break;
	case REGIOI_SLEEPS_ON_FUTEX:
		syscall(SYS_futex, &cq->sleeper, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
		break;
	}
}

/* Once the driver is lost, the descriptor's number may be used for another file. */
static bool has_signal_descriptor(const struct regioi_driver *driver)
{
	return driver->signal_descriptor >= 0 && !regioi_driver_is_lost(driver);
}

void regioi_cq_unfire(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;
	REGIOI_LOCKED(&driver->wait_lock);

	if (!atomic_load(&cq->fired))
		return;
	atomic_store(&cq->fired, false);
	driver->fired--;
	if (has_signal_descriptor(driver) && !regioi_sys_event_take(driver->signal_descriptor))
		driver->fired = 0; /* cannot happen: it counts this CQ */
}

/* True only for the caller that ends the arming. */
static bool disarm(struct regioi_cq *cq)
{
	if (!atomic_exchange(&cq->armed, false))
		return false;
	regioi_outside_leave(cq->driver);
	return true;
}

void regioi_cq_disarm(struct regioi_cq *cq)
{
	if (!cq->on_notify) {
		disarm(cq);
		return;
	}
	REGIOI_LOCKED(&cq->lock);
	atomic_store(&cq->armed, false);
}

/*
 * Whether all requests up to number 'end' have been dequeued. The consumer may have armed since,
 * and a signal would then find nothing to dequeue.
 */
static bool all_dequeued(const struct regioi_half *half, uint32_t end)
{
	return half && (int32_t)(atomic_load(&half->dequeued) - end) >= 0;
}

/*
 * The lock is held across the write, and in regioi_cq_unfire() across the read, so that the
 * eventfd always counts exactly the CQs that have fired. Both are non-blocking.
 */
static void fire(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end)
{
	struct regioi_driver *driver = cq->driver;
	REGIOI_LOCKED(&driver->wait_lock);

	/* On a closed CQ the signal would never be cleared. */
	if (all_dequeued(half, end) || !disarm(cq) || atomic_load(&cq->fired) ||
	    atomic_load(&cq->closed))
		return;
	atomic_store(&cq->fired, true);
	driver->fired++;
	if (has_signal_descriptor(driver) && !regioi_sys_event_add(driver->signal_descriptor))
		driver->fired--; /* cannot happen: the counter is far from its limit */
}

static void call_program(struct regioi_cq *cq)
{
	if (!atomic_load(&cq->armed))
		return;
	/* Held across the call, so that closing can wait for it. */
	REGIOI_LOCKED(&cq->lock);
	if (!atomic_load(&cq->closed) && regioi_cq_available(cq) > 0 &&
	    atomic_exchange(&cq->armed, false))
		cq->on_notify(cq->on_notify_context);
}

void regioi_cq_wake(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end)
{
	if (cq->on_notify)
		call_program(cq);
	else if (atomic_load(&cq->armed))
		fire(cq, half, end);
	if (atomic_load(&cq->sleeper) == REGIOI_AWAKE)
		return;
	REGIOI_LOCKED(&cq->driver->wait_lock);
	regioi_cq_wake_sleeper(cq);
}

/*
 * The lock keeps this out of the time between the two checks in call_program(): what the first
 * check saw is dequeued by now.
 */
static int arm_call(struct regioi_cq *cq)
{
	REGIOI_LOCKED(&cq->lock);

	/* Sequentially consistent: pairs with regioi_cq_posted() and the look at 'armed' after it.
	 */
	return atomic_exchange(&cq->armed, true) ? -EALREADY : 0;
}

int regioi_cq_arm(struct regioi_cq *cq)
{
	if (cq->on_notify)
		return arm_call(cq);
	if (atomic_load(&cq->armed))
		return -EALREADY;
	regioi_outside_join(cq->driver);
	/*
	 * The lock keeps this out of the time between the two checks in fire(): what the first
	 * check saw is dequeued by now.
	 */
	REGIOI_LOCKED(&cq->driver->wait_lock);
	/* Sequentially consistent: pairs with the look at 'armed' in regioi_half_publish(). */
	atomic_store(&cq->armed, true);
	return 0;
}
