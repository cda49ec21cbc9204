/* SPDX-License-Identifier: MIT */
/*
 * Sleeping and waking.
 *
 * Leader and followers: of the threads that wait on the CQs of one driver, one leads, from the
 * beginning of its wait to the end. It sleeps in the engine, and makes progress for all. The others
 * follow, each asleep on a futex in its CQ. A leader that returns wakes a follower to lead. A
 * thread that completes something on a CQ wakes that CQ's thread. Where the driver's own thread
 * drives, nobody leads; standby.c.
 *
 * Before a thread sleeps it announces itself: among the driver's listeners before it makes
 * progress, as its CQ's sleeper before it looks for completions a last time. Those who post or
 * complete do so first and then look for listeners and sleepers. This is Dekker's protocol, store
 * and then look: with sequentially consistent accesses one of the two sees the other. The word that
 * a follower sleeps on is an event count of two states.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "drive/progress.h"
#include "drive/sleep.h"
#include "queue/lost.h"
#include "queue/signal.h"

/* Between two looks at the driver's descriptors, and the longest sleep without one. */
#define UNCHECKED_SLEEPS 64u
#define UNCHECKED_SLEEP_NS 20000000
/* Then a sleeper looks, and sleeps again. */
#define NO_END_S (365 * 86400)

/*
 * Each 64th sleep, and each one after a sleep without an event, first looks whether the driver's
 * descriptors are still its own. The others are short: if the program has closed the descriptors,
 * and their numbers are in use again, nothing would end them. Only a sleep without a time-out stays
 * so where the engine 'sees_close' by itself, because a timer costs a quarter of a microsecond to
 * set and to cancel. Returns false if the descriptors are lost.
 */
static bool sleep_begin(struct regioi_driver *driver, uint32_t unchecked, bool sees_close,
			int64_t *timeout_ns)
{
	if (unchecked == 0 || !driver->ops->intact)
		return regioi_driver_intact(driver);
	if (*timeout_ns < 0 ? !sees_close : *timeout_ns > UNCHECKED_SLEEP_NS)
		*timeout_ns = UNCHECKED_SLEEP_NS;
	return true;
}

static uint32_t sleep_end(uint32_t unchecked, bool had_event)
{
	return had_event ? (unchecked + 1) % UNCHECKED_SLEEPS : 0;
}

int regioi_driver_sleep(struct regioi_driver *driver, int64_t timeout_ns,
			struct regioi_event *ret_events)
{
	const struct regioi_engine_ops *ops = driver->ops;
	bool sees_close = ops->apart && ops->apart(driver->engine);
	uint32_t sleeps;
	int count;

	if (!sleep_begin(driver, driver->sleeps_unchecked, sees_close, &timeout_ns))
		return -EBADF;
	if (regioi_driver_has_work(driver))
		timeout_ns = 0;
	count = ops->sleep(driver->engine, ret_events, REGIOI_SLEEP_EVENTS, timeout_ns);
	driver->sleeps_unchecked = sleep_end(driver->sleeps_unchecked, count > 0);
	/* One thread at a time sleeps here. */
	sleeps = atomic_load_explicit(&driver->sleeps, memory_order_relaxed);
	atomic_store_explicit(&driver->sleeps, sleeps + 1, memory_order_relaxed);
	return count;
}

static bool has_leader(struct regioi_driver *driver)
{
	return atomic_load(&driver->thread.drives) || atomic_load(&driver->listeners) & REGIOI_LED;
}

/* Under the wait_lock: somebody has to lead, if anybody sleeps. */
static void pass_lead_on(struct regioi_driver *driver)
{
	struct regioi_cq *follower = atomic_load(&driver->followers);

	if (follower && !has_leader(driver))
		regioi_cq_wake_sleeper(follower);
}

bool regioi_lead_take(struct regioi_driver *driver)
{
	uint32_t before = atomic_load_explicit(&driver->listeners, memory_order_relaxed);

	do {
		if (before & REGIOI_LED || atomic_load(&driver->thread.drives))
			return false;
		/*
		 * Sequentially consistent: a thread that posts from now on and finds the RQ listed
		 * calls the driver. What was posted before is seen by the progress made before the
		 * sleep.
		 */
	} while (!atomic_compare_exchange_weak(&driver->listeners, &before,
					       (before + 1) | REGIOI_LED));
	return true;
}

/*
 * Sequentially consistent: pairs with follow(), which joins the followers and then looks for a
 * leader.
 */
void regioi_lead_leave(struct regioi_driver *driver)
{
	atomic_fetch_sub(&driver->listeners, REGIOI_LED + 1);
	if (atomic_load(&driver->thread.standby) == REGIOI_STANDBY_LEAD)
		regioi_standby_end(driver);
	if (!atomic_load(&driver->followers))
		return;
	pthread_mutex_lock(&driver->wait_lock);
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
}

void regioi_driving_leave(struct regioi_driver *driver)
{
	pthread_mutex_lock(&driver->wait_lock);
	atomic_store(&driver->thread.drives, false);
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
}

void regioi_driving_take(struct regioi_driver *driver)
{
	struct regioi_cq *follower;

	pthread_mutex_lock(&driver->wait_lock);
	atomic_store(&driver->thread.drives, true);
	for (follower = atomic_load(&driver->followers); follower;
	     follower = follower->follower_next)
		regioi_cq_wake_sleeper(follower);
	pthread_mutex_unlock(&driver->wait_lock);
	/* Sequentially consistent: pairs with wait_announced(), as leader, which looks at 'drives'.
	 */
	if (atomic_load(&driver->listeners) & REGIOI_LED)
		driver->ops->doorbell(driver->engine);
}

void regioi_wait_begin(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;

	if (driver->threaded)
		regioi_standby_call(driver, regioi_driver_note_user(driver));
	cq->leads = regioi_lead_take(driver);
	cq->listens = cq->leads;
}

void regioi_wait_listen(struct regioi_cq *cq)
{
	const bool listens = cq->listens;

	if (listens)
		regioi_wait_end(cq);
	else
		atomic_fetch_add(&cq->driver->listeners, 1);
	cq->leads = false;
	cq->listens = !listens;
}

void regioi_wait_end(struct regioi_cq *cq)
{
	if (cq->leads)
		regioi_lead_leave(cq->driver);
	else if (cq->listens)
		atomic_fetch_sub(&cq->driver->listeners, 1);
}

/* Under the wait_lock. */
static void follower_remove(struct regioi_driver *driver, struct regioi_cq *cq)
{
	struct regioi_cq *follower = atomic_load(&driver->followers);

	if (follower == cq) {
		atomic_store(&driver->followers, cq->follower_next);
		return;
	}
	while (follower->follower_next != cq)
		follower = follower->follower_next;
	follower->follower_next = cq->follower_next;
}

/*
 * Joins the followers. False if the leader has left: then the caller leads, if it is among the
 * listeners.
 */
static bool follow(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;
	bool follows;

	pthread_mutex_lock(&driver->wait_lock);
	cq->follower_next = atomic_load(&driver->followers);
	atomic_store(&driver->followers, cq);
	cq->leads = cq->listens && !has_leader(driver) &&
		    !(atomic_fetch_or(&driver->listeners, REGIOI_LED) & REGIOI_LED);
	follows = !cq->leads && has_leader(driver);
	if (follows)
		atomic_store(&cq->sleeper, REGIOI_SLEEPS_ON_FUTEX);
	else
		follower_remove(driver, cq);
	pthread_mutex_unlock(&driver->wait_lock);
	return follows;
}

/* A thread that calls a sleeper holds the lock until the engine's wake is done. */
static void wake_acknowledge(struct regioi_driver *driver)
{
	pthread_mutex_lock(&driver->wait_lock);
	driver->ops->wake_ack(driver->engine);
	pthread_mutex_unlock(&driver->wait_lock);
}

static int sleep_leading(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	struct regioi_driver *driver = cq->driver;
	struct regioi_event events[REGIOI_SLEEP_EVENTS];
	int count;

	atomic_store(&cq->sleeper, REGIOI_SLEEPS_IN_ENGINE);
	if (regioi_cq_available(cq) > seen)
		timeout_ns = 0;
	count = regioi_driver_sleep(driver, timeout_ns, events);
	/* Somebody has called this sleeper by name, whether or not that is what ended the sleep. */
	if (atomic_exchange(&cq->sleeper, REGIOI_AWAKE) == REGIOI_AWAKE)
		wake_acknowledge(driver);
	regioi_progress_after_sleep(driver, cq, events, count);
	return count < 0 ? count : 0;
}

static int sleep_on_futex(struct regioi_cq *cq, int64_t timeout_ns)
{
	struct timespec timeout;

	if (!sleep_begin(cq->driver, cq->sleeps_unchecked, false, &timeout_ns))
		return -EBADF;
	/* With a time-out a signal is never passed over, whatever SA_RESTART says. */
	timeout = (struct timespec){
		.tv_sec = timeout_ns < 0 ? NO_END_S : timeout_ns / 1000000000,
		.tv_nsec = timeout_ns < 0 ? 0 : timeout_ns % 1000000000,
	};
	if (syscall(SYS_futex, &cq->sleeper, FUTEX_WAIT_PRIVATE, REGIOI_SLEEPS_ON_FUTEX, &timeout,
		    NULL, 0) == 0)
		errno = 0;
	cq->sleeps_unchecked = sleep_end(cq->sleeps_unchecked, errno != ETIMEDOUT);
	return errno == EINTR ? -EINTR : 0;
}

static int sleep_following(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	struct regioi_driver *driver = cq->driver;
	int error = 0;

	if (regioi_cq_available(cq) <= seen)
		error = sleep_on_futex(cq, timeout_ns);
	pthread_mutex_lock(&driver->wait_lock);
	follower_remove(driver, cq);
	atomic_store(&cq->sleeper, REGIOI_AWAKE);
	/* It may have been this thread that was chosen to lead. */
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
	return error;
}

int regioi_cq_sleep(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	if (!cq->leads && follow(cq))
		return sleep_following(cq, seen, timeout_ns);
	return cq->leads ? sleep_leading(cq, seen, timeout_ns) : 0;
}
