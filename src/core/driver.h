/* SPDX-License-Identifier: MIT */
/*
 * Drivers: an engine instance, the RQs that may have work, and the working areas.
 */
#ifndef REGIO_CORE_DRIVER_H
#define REGIO_CORE_DRIVER_H

#include "base/check.h"
#include "base/clock.h"
#include "core/objects.h"
#include "mem/section.h"

/*
 * Makes a driver with one reference, the caller's, and no handle. 'opts' is complete. Returns 0 or
 * an explained error.
 */
int regioi_driver_create(const struct regio_driver_opts *opts, struct regioi_driver **ret_driver);
void regioi_driver_hold(struct regioi_driver *driver);
/* Ends the driver with the last reference. */
void regioi_driver_release(struct regioi_driver *driver);

/* The time that its sleeps are measured in. */
static inline uint64_t regioi_driver_now_ns(const struct regioi_driver *driver)
{
	return driver->ops->now_ns ? driver->ops->now_ns(driver->engine) : regioi_now_ns();
}

/* Whether the calling thread has the driver's lock: in checked builds, else always. */
static inline bool regioi_driver_is_locked(const struct regioi_driver *driver)
{
	return !REGIOI_CHECKED || driver->lock_owner == pthread_self();
}

static inline void regioi_driver_note_lock(struct regioi_driver *driver, bool locked)
{
	if (!REGIOI_CHECKED)
		return;
	driver->lock_owner = locked ? pthread_self() : 0;
	if (locked)
		regioi_section_begin();
	else
		regioi_section_end();
}

/* Takes its lock, which those who make progress take again and again. */
static inline void regioi_driver_lock(struct regioi_driver *driver)
{
	atomic_fetch_add(&driver->lock_wanted, 1);
	pthread_mutex_lock(&driver->lock);
	regioi_driver_note_lock(driver, true);
	atomic_fetch_sub(&driver->lock_wanted, 1);
}

/* For those: they let others go first. */
static inline bool regioi_driver_trylock(struct regioi_driver *driver)
{
	if (atomic_load(&driver->lock_wanted) || pthread_mutex_trylock(&driver->lock) != 0)
		return false;
	regioi_driver_note_lock(driver, true);
	return true;
}

static inline void regioi_driver_unlock(struct regioi_driver *driver)
{
	regioi_driver_note_lock(driver, false);
	pthread_mutex_unlock(&driver->lock);
}

/*
 * Makes progress once, for a consumer that found its CQ empty and does not sleep: executes what is
 * ready on the RQs of the driver, deferred requests included. Leaves it to another thread that is
 * at it, and to the driver's own where it has one. Returns how many completions of 'cq' it has
 * written to 'results', dequeued already; there may be more on the CQ.
 */
uint32_t regioi_driver_poll(struct regioi_cq *cq, struct regio_result *results,
			    uint32_t results_max);

/*
 * The same for a thread that is about to sleep: waits for another that is at it, and leaves events
 * to the sleep. Returns whether work is left that needs no event.
 */
bool regioi_driver_progress(struct regioi_driver *driver);

/* The same for the driver's own thread. Returns whether there was something to do. */
bool regioi_driver_turn(struct regioi_driver *driver);

/* Takes in what the engine's sleep returned, which is called without the driver's lock. */
void regioi_driver_take_events(struct regioi_driver *driver, const struct regioi_event *events,
			       int count);

/* Whether somebody about to sleep would leave work lying. */
static inline bool regioi_driver_has_work(struct regioi_driver *driver)
{
	return atomic_load(&driver->arrivals) || atomic_load(&driver->left) ||
	       atomic_load(&driver->unwatched);
}

/* Wakes whoever sleeps on the driver. */
void regioi_driver_call(struct regioi_driver *driver);

/* Puts an RQ among those that may have work, and makes sure that somebody will look. */
void regioi_node_push(struct regioi_node *node);

static inline void regioi_node_list(struct regioi_node *node)
{
	uint32_t resting = REGIOI_NODE_RESTING;

	/* The load keeps the line shared while a busy queue posts. */
	if (atomic_load(&node->listed) == REGIOI_NODE_RESTING &&
	    atomic_compare_exchange_strong(&node->listed, &resting, REGIOI_NODE_LISTED))
		regioi_node_push(node);
	else if (atomic_load(&node->driver->listeners))
		regioi_driver_call(node->driver);
}

/* Takes an RQ off its driver. Under the driver's lock. */
void regioi_node_remove(struct regioi_node *node);

/* Waits for every read section of every driver that has begun. */
void regioi_drivers_synchronize(void);

#endif
