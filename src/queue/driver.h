/* SPDX-License-Identifier: MIT */
/*
 * Drivers: an engine instance, the RQs that may have work, and the working areas; the driver's
 * lock, and the threads that listen for work.
 */
#ifndef REGIO_QUEUE_DRIVER_H
#define REGIO_QUEUE_DRIVER_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cache.h"
#include "base/check.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "mem/area.h"
#include "queue/node.h"

struct regioi_cq;

/* The state of the thread in regio_driver_run(). */
enum regioi_runner {
	REGIOI_RUNNER_AWAKE,
	REGIOI_RUNNER_SLEEPS,
	REGIOI_RUNNER_CALLED,
};

/* Whether, and for what, the thread of a driver stands by: drive/standby.c. */
enum regioi_standby {
	REGIOI_STANDBY_NOT,
	REGIOI_STANDBY_TICK, /* sleeps for a tick */
	REGIOI_STANDBY_LEAD, /* sleeps until nobody leads */
};

/* The thread of a driver that has one: drive/thread.c. */
struct regioi_thread {
	/* It makes progress, and the threads of the program leave that to it: drive/standby.c. */
	_Atomic bool drives;
	_Atomic int32_t cpu;	  /* where it last found that it shares its CPU */
	_Atomic int32_t user_cpu; /* where a thread ran that waits or looks for results, or -1 */
	_Atomic uint32_t standby; /* enum regioi_standby; also a futex */
	_Atomic uint32_t outside; /* CQs whose programs may sleep outside the library */
	_Atomic uint32_t stop;	  /* also a futex */
	_Atomic bool asleep;
	_Atomic uint64_t sleeps;
	pthread_t thread;
	uint64_t spin_ns; /* at most */
};

/* What depends on the costs of the engine's calls: drive/poll_policy.c. */
struct regioi_policy {
	bool batches;		    /* several operations are executed at once */
	bool steady;		    /* sockets that receive in pass after pass are not watched */
	uint8_t steady_shift;	    /* that is, in 1 << this many passes */
	uint8_t miss_price;	    /* tries that receive, to pay for one that does not */
	uint8_t passes_unasked;	    /* until the engine is asked for events */
	uint8_t passes_unasked_hot; /* where each pass is a few tries */
};

/* Set in 'listeners' while one of them, and no other thread, may sleep in the engine. */
#define REGIOI_LED 0x80000000u

struct regioi_driver {
	uint64_t id;
	const struct regioi_engine_ops *ops;
	struct regioi_engine *engine;
	struct regioi_policy policy;
	bool threaded; /* it has a thread of its own */
	/*
	 * A send that is not deferred is executed in the call. If there is a thread, only on the
	 * CPU that it would need for that.
	 */
	_Atomic bool posters_execute;
	uint32_t busy_poll_us;
	bool busy_poll_preferred;
	_Atomic uint32_t references;		   /* handle, CQs, RQs, calls */
	void (*end)(struct regioi_driver *driver); /* when the last is dropped */
	_Atomic uint32_t completion_queues;
	_Atomic uint32_t request_queues;

	/* RQs that may have work. Any thread pushes; a thread that makes progress takes all. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic(struct regioi_node *) arrivals;
	/* Threads in a sleep that must end when there is work, and REGIOI_LED: drive/sleep.c. */
	_Atomic uint32_t listeners;
	_Atomic bool kicked;	    /* they were woken since the last pass */
	_Atomic uint32_t unwatched; /* RQs that the engine does not watch: watch.c */
	_Atomic bool lists_empty;   /* no RQ is active, maybe ready or steady */
	_Atomic bool lost;	    /* its descriptors were closed by the program */
	/* Threads that wait for the lock. A thread that takes it repeatedly lets them go first. */
	_Atomic uint32_t lock_wanted;

	/* Held while making progress, and while removing an RQ. */
	_Alignas(REGIOI_CACHE_LINE) pthread_mutex_t lock;
	struct regioi_list active;	/* may have work */
	struct regioi_list maybe_ready; /* REGIOI_READY_UNKNOWN and nothing else; oldest first */
	struct regioi_list steady;	/* not watched, tried on each pass; oldest first */
	uint32_t passes;
	bool engine_idle;	 /* the engine had no event at the last check */
	_Atomic bool work_left;	 /* the last pass left work that needs no event */
	bool busy;		 /* the last pass left an RQ that is known to be ready */
	uint32_t passes_unasked; /* since the engine was asked for events */
	uint32_t done_unasked;	 /* requests completed since then */
	uint32_t passes_idle;	 /* in a row that completed nothing */
	uint32_t hot_count;
	uint32_t steady_credit; /* failed tries of steady RQs that are paid for: poll_policy.c */
	uint32_t hot_pause;	/* passes until a queue may become hot again */
	bool rqs_lost;		/* its RQs have been marked as well */

	struct regioi_area_pool areas;

	/* Sleeping, drive/sleep.c. */
	_Alignas(REGIOI_CACHE_LINE) pthread_mutex_t wait_lock;
	uint8_t runner;		   /* enum regioi_runner */
	_Atomic uint32_t sleeps;   /* of any thread in the engine */
	uint32_t sleeps_unchecked; /* the sleeper's: drive/sleep.c */
	_Atomic(struct regioi_cq *) followers;
	int descriptor;	       /* what regio_cq_fd() returned, or -1 */
	int signal_descriptor; /* an eventfd that makes it readable, or -1 */
	uint32_t fired;	       /* CQs that have fired */

	/*
	 * Reports that sends have found the buffer full, or have been sent. The lock is held across
	 * the call.
	 */
	pthread_mutex_t blocked_lock;
	void (*on_blocked)(void *context, int change);
	void *on_blocked_context;

	struct regioi_thread thread;

	_Atomic pthread_t lock_owner; /* checked builds: the thread that holds 'lock', or 0 */

	char reason[160]; /* why this engine */
};

/* Drops a reference. */
static inline void regioi_driver_release(struct regioi_driver *driver)
{
	if (atomic_fetch_sub(&driver->references, 1) == 1)
		driver->end(driver);
}

/* The current time of the clock that its sleeps use. */
static inline uint64_t regioi_driver_now_ns(const struct regioi_driver *driver)
{
	return driver->ops->now_ns ? driver->ops->now_ns(driver->engine) : regioi_now_ns();
}

/* Whether the calling thread holds the driver's lock. Always true unless the build is checked. */
static inline bool regioi_driver_is_locked(const struct regioi_driver *driver)
{
	return !REGIOI_CHECKED || driver->lock_owner == pthread_self();
}

static inline void regioi_driver_note_lock(struct regioi_driver *driver, bool locked)
{
	if (REGIOI_CHECKED)
		driver->lock_owner = locked ? pthread_self() : 0;
}

/* Takes the driver's lock ahead of the threads that take it repeatedly to make progress. */
static inline void regioi_driver_lock(struct regioi_driver *driver)
{
	if (pthread_mutex_trylock(&driver->lock) != 0) {
		atomic_fetch_add(&driver->lock_wanted, 1);
		pthread_mutex_lock(&driver->lock);
		atomic_fetch_sub(&driver->lock_wanted, 1);
	}
	regioi_driver_note_lock(driver, true);
}

/* For those threads: fails if another thread waits for the lock. */
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

/* Whether a pass would have nothing to do but to poll the engine. */
static inline bool regioi_driver_has_nothing_listed(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->lists_empty, memory_order_relaxed) &&
	       !atomic_load_explicit(&driver->arrivals, memory_order_relaxed);
}

/* Whether a thread that is about to sleep would leave work undone. */
static inline bool regioi_driver_has_work(struct regioi_driver *driver)
{
	return atomic_load(&driver->arrivals) || atomic_load(&driver->work_left) ||
	       atomic_load(&driver->unwatched);
}

/*
 * Whether threads of the program leave progress to the driver's own. It may change at any time; a
 * thread that makes progress too does no harm, and one that is to sleep in the engine takes the
 * lead first.
 */
static inline bool regioi_driver_drives(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->thread.drives, memory_order_relaxed);
}

/* Whether the caller executes the sends that it posts. */
static inline bool regioi_driver_posters_execute(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->posters_execute, memory_order_relaxed) &&
	       (!driver->threaded ||
		sched_getcpu() == atomic_load_explicit(&driver->thread.cpu, memory_order_relaxed));
}

/* For a driver with a thread: notes where the caller runs, which needs progress. Returns it. */
static inline int regioi_driver_note_user(struct regioi_driver *driver)
{
	const int cpu = sched_getcpu();

	if (atomic_load_explicit(&driver->thread.user_cpu, memory_order_relaxed) != cpu)
		atomic_store_explicit(&driver->thread.user_cpu, cpu, memory_order_relaxed);
	return cpu;
}

#endif
