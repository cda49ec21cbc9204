/* SPDX-License-Identifier: MIT */
/*
 * Sleeping and waking.
 *
 * Of the threads that wait on the CQs of one driver, one leads: it sleeps in the engine, and makes
 * progress for all. The others follow, each asleep on a futex in its CQ. A leader that returns
 * wakes a follower to lead. Whoever completes something on a CQ wakes that CQ's thread.
 *
 * Before a thread sleeps it announces itself: among the driver's listeners before it makes
 * progress, as its CQ's sleeper before it looks for completions a last time. Those who post or
 * complete do so first and then look for listeners and sleepers. With sequentially consistent
 * accesses one of the two sees the other.
 *
 * The descriptor of a driver is an epoll set around the engine's own descriptor and an eventfd in
 * semaphore mode that counts the CQs that have been notified and not dequeued since. It is made
 * when first asked for: a nested set makes each event a little dearer.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "base/syscalls.h"
#include "base/uncancelled.h"
#include "core/cq.h"
#include "core/driver.h"
#include "core/handle.h"
#include "core/lost.h"
#include "core/notified.h"
#include "core/wait.h"
#include "regio.h"

#define EVENTS_MAX 64
/* Of the eventfd in the descriptor of a driver. */
#define SIGNAL_EVENTS EPOLLIN
/* Then a sleeper looks, and sleeps again. */
#define NO_END_S (365 * 86400)

/* ---- Waking ---- */

/* Under the driver's wait_lock, so that a leader that is up finds every wake done. */
static void wake_sleeper(struct regioi_cq *cq)
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

/* Its number may be another file's once the driver is lost. */
static bool has_signal_descriptor(const struct regioi_driver *driver)
{
	return driver->signal_descriptor >= 0 && !regioi_driver_is_lost(driver);
}

void regioi_cq_unfire(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;

	pthread_mutex_lock(&driver->wait_lock);
	if (atomic_load(&cq->fired)) {
		atomic_store(&cq->fired, false);
		driver->fired--;
		if (has_signal_descriptor(driver) &&
		    !regioi_sys_event_take(driver->signal_descriptor))
			driver->fired = 0; /* cannot be: it counts this CQ */
	}
	pthread_mutex_unlock(&driver->wait_lock);
}

/*
 * Where a driver has a thread of its own, that thread listens and makes progress; others sleep
 * until it has completed something.
 */
static void listeners_join(struct regioi_driver *driver)
{
	if (!driver->threaded)
		atomic_fetch_add(&driver->listeners, 1);
}

/* Returns whether others still listen. */
static bool listeners_leave(struct regioi_driver *driver)
{
	return !driver->threaded && atomic_fetch_sub(&driver->listeners, 1) > 1;
}

static bool progress(struct regioi_driver *driver)
{
	return !driver->threaded && regioi_driver_progress(driver);
}

/* True for the one caller that ends the arming. */
static bool disarm(struct regioi_cq *cq)
{
	if (!atomic_exchange(&cq->armed, false))
		return false;
	listeners_leave(cq->driver);
	return true;
}

void regioi_cq_disarm(struct regioi_cq *cq)
{
	if (cq->on_notify)
		regioi_cq_silence(cq);
	else
		disarm(cq);
}

/*
 * Whether all up to number 'end' have been dequeued, by a consumer that may have armed since:
 * a signal would call it for nothing.
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

	pthread_mutex_lock(&driver->wait_lock);
	/* A closed CQ would never take it back. */
	if (!all_dequeued(half, end) && disarm(cq) && !atomic_load(&cq->fired) &&
	    !atomic_load(&cq->closed)) {
		atomic_store(&cq->fired, true);
		driver->fired++;
		if (has_signal_descriptor(driver) &&
		    !regioi_sys_event_add(driver->signal_descriptor))
			driver->fired--; /* cannot be: the counter is far from its limit */
	}
	pthread_mutex_unlock(&driver->wait_lock);
}

void regioi_cq_wake(struct regioi_cq *cq, const struct regioi_half *half, uint32_t end)
{
	if (cq->on_notify)
		regioi_cq_call(cq);
	else if (atomic_load(&cq->armed))
		fire(cq, half, end);
	if (atomic_load(&cq->sleeper) == REGIOI_AWAKE)
		return;
	pthread_mutex_lock(&cq->driver->wait_lock);
	wake_sleeper(cq);
	pthread_mutex_unlock(&cq->driver->wait_lock);
}

/* ---- Notification ---- */

static int notify(struct regioi_cq *cq)
{
	if (cq->on_notify)
		return regioi_cq_arm(cq);
	if (atomic_load(&cq->armed))
		return -EALREADY;
	listeners_join(cq->driver);
	/* Not between the two looks of fire(): what the first saw is dequeued by now. */
	pthread_mutex_lock(&cq->driver->wait_lock);
	/* Sequentially consistent: pairs with the look at 'armed' in regioi_half_complete(). */
	atomic_store(&cq->armed, true);
	pthread_mutex_unlock(&cq->driver->wait_lock);
	if (regioi_cq_available(cq) == 0)
		progress(cq->driver);
	if (regioi_cq_available(cq) > 0)
		regioi_cq_wake(cq, NULL, 0);
	else if (!cq->driver->threaded && regioi_driver_has_work(cq->driver))
		cq->driver->ops->doorbell(cq->driver->engine);
	return 0;
}

/* Another thread may get the signal, and close the CQ, before this one is out. */
int regio_cq_notify(struct regio_cq *handle)
{
	struct regioi_cq *cq;
	int error;

	if (!regioi_call_enter(handle))
		return -ENOMEM;
	cq = regioi_cq_inside(handle);
	error = cq ? notify(cq) : regioi_table_reason((uintptr_t)handle, -EBADF);
	regioi_call_leave();
	return error;
}

static int descriptor_add(int set, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events};

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

/* The engine's descriptor, which tells what it is to tell, also proves that the set is ours. */
static uint32_t engine_events(const struct regioi_driver *driver)
{
	return driver->threaded ? 0 : EPOLLIN;
}

/* Under the driver's wait_lock. */
static int descriptor_make(struct regioi_driver *driver)
{
	REGIOI_UNCANCELLED;
	int set = epoll_create1(EPOLL_CLOEXEC);
	int signal = -1;
	int error;

	if (set < 0)
		return -errno;
	signal = eventfd(driver->fired, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (signal < 0 || descriptor_add(set, signal, SIGNAL_EVENTS) < 0 ||
	    descriptor_add(set, driver->ops->descriptor(driver->engine), engine_events(driver)) <
		    0) {
		error = -errno;
		if (signal >= 0)
			close(signal);
		close(set);
		return error;
	}
	driver->descriptor = set;
	driver->signal_descriptor = signal;
	return 0;
}

static int descriptor(struct regioi_driver *driver)
{
	int result = 0;

	pthread_mutex_lock(&driver->wait_lock);
	if (!regioi_driver_intact(driver))
		result = -EBADF;
	else if (driver->descriptor < 0)
		result = descriptor_make(driver);
	if (!result)
		result = driver->descriptor;
	pthread_mutex_unlock(&driver->wait_lock);
	return result;
}

int regio_cq_fd(struct regio_cq *handle)
{
	struct regioi_cq *cq = regioi_cq_held(handle);
	int result;

	if (!cq)
		return regioi_fail(regioi_table_reason((uintptr_t)handle, -EBADF),
				   "asking for a CQ's descriptor: it is closed");
	result = descriptor(cq->driver);
	regioi_cq_release(cq);
	if (result < 0)
		return regioi_fail(result, "asking for a CQ's descriptor: %s; raise %s",
				   regio_error_text(result),
				   result == -ENOSPC ? "fs.epoll.max_user_watches" : "ulimit -n");
	return result;
}

void regioi_wait_fini(struct regioi_driver *driver)
{
	if (driver->descriptor < 0 || !regioi_driver_intact(driver) ||
	    !regioi_sys_epoll_holds(driver->descriptor, driver->ops->descriptor(driver->engine),
				    engine_events(driver), 0))
		return;
	if (regioi_sys_epoll_holds(driver->descriptor, driver->signal_descriptor, SIGNAL_EVENTS, 0))
		close(driver->signal_descriptor);
	close(driver->descriptor);
}

/* ---- Sleeping ---- */

/* Under the wait_lock: somebody has to lead, if anybody sleeps. */
static void pass_lead_on(struct regioi_driver *driver)
{
	if (!driver->led && driver->followers)
		wake_sleeper(driver->followers);
}

bool regioi_lead_take(struct regioi_driver *driver)
{
	bool free;

	pthread_mutex_lock(&driver->wait_lock);
	free = !driver->led;
	driver->led = true;
	pthread_mutex_unlock(&driver->wait_lock);
	return free;
}

void regioi_lead_leave(struct regioi_driver *driver)
{
	pthread_mutex_lock(&driver->wait_lock);
	driver->led = false;
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
}

static void follower_remove(struct regioi_driver *driver, struct regioi_cq *cq)
{
	struct regioi_cq **link = &driver->followers;

	while (*link != cq)
		link = &(*link)->follower_next;
	*link = cq->follower_next;
}

static int sleep_leading(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	struct regioi_driver *driver = cq->driver;
	struct regioi_event events[EVENTS_MAX];
	int count;

	atomic_store(&cq->sleeper, REGIOI_SLEEPS_IN_ENGINE);
	if (regioi_cq_available(cq) > seen || regioi_driver_has_work(driver))
		timeout_ns = 0;
	count = driver->ops->sleep(driver->engine, events, EVENTS_MAX, timeout_ns);
	regioi_driver_take_events(driver, events, count);
	pthread_mutex_lock(&driver->wait_lock);
	/* Somebody has called this sleeper by name, whether or not that is what ended the sleep. */
	if (atomic_exchange(&cq->sleeper, REGIOI_AWAKE) == REGIOI_AWAKE)
		driver->ops->unwake(driver->engine);
	driver->led = false;
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
	return count < 0 ? count : 0;
}

static int sleep_following(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	struct regioi_driver *driver = cq->driver;
	/* With a time-out a signal is never passed over, whatever SA_RESTART says. */
	struct timespec timeout = {
		.tv_sec = timeout_ns < 0 ? NO_END_S : timeout_ns / 1000000000,
		.tv_nsec = timeout_ns < 0 ? 0 : timeout_ns % 1000000000,
	};
	int error = 0;

	if (regioi_cq_available(cq) <= seen &&
	    syscall(SYS_futex, &cq->sleeper, FUTEX_WAIT_PRIVATE, REGIOI_SLEEPS_ON_FUTEX, &timeout,
		    NULL, 0) < 0 &&
	    errno == EINTR)
		error = -EINTR;
	pthread_mutex_lock(&driver->wait_lock);
	follower_remove(driver, cq);
	atomic_store(&cq->sleeper, REGIOI_AWAKE);
	/* It may have been this thread that was chosen to lead. */
	pass_lead_on(driver);
	pthread_mutex_unlock(&driver->wait_lock);
	return error;
}

/*
 * Sleeps until there may be more than 'seen', for at most 'timeout_ns'. Returns 0, -EINTR, or
 * -EBADF where nothing would end the sleep.
 */
static int sleep_once(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns)
{
	struct regioi_driver *driver = cq->driver;
	bool lead;

	if (!regioi_driver_intact(driver))
		return -EBADF;
	pthread_mutex_lock(&driver->wait_lock);
	lead = !driver->led;
	driver->led = true;
	if (!lead) {
		cq->follower_next = driver->followers;
		driver->followers = cq;
		atomic_store(&cq->sleeper, REGIOI_SLEEPS_ON_FUTEX);
	}
	pthread_mutex_unlock(&driver->wait_lock);
	return lead ? sleep_leading(cq, seen, timeout_ns) : sleep_following(cq, seen, timeout_ns);
}

/* Remaining time until the earlier of two moments; UINT64_MAX is never. */
static int64_t remaining_ns(uint64_t a_ns, uint64_t b_ns, uint64_t now)
{
	uint64_t until = a_ns < b_ns ? a_ns : b_ns;

	if (until == UINT64_MAX)
		return -1;
	if (until <= now)
		return 0;
	return until - now > INT64_MAX ? INT64_MAX : (int64_t)(until - now);
}

static uint64_t later(uint64_t now, uint64_t by_ns)
{
	return by_ns > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + by_ns;
}

/* Completions that may notify; makes progress while there are fewer than 'enough'. */
static int64_t available(struct regioi_cq *cq, int64_t enough)
{
	int64_t count = regioi_cq_available(cq);

	while (count < enough) {
		bool left = progress(cq->driver);
		int64_t before = count;

		count = regioi_cq_available(cq);
		/* Work that is left for others must not keep this one from its time-out. */
		if (!left || count == before)
			break;
	}
	return count;
}

/* With the thread announced among the listeners. */
static int wait_announced(struct regioi_cq *cq, int64_t enough, uint64_t max_delay_ns,
			  int64_t timeout_ns)
{
	uint64_t until = UINT64_MAX, window_until = UINT64_MAX, now;
	bool looked = false; /* with no time left the engine is still asked once */
	int64_t count, rest_ns;
	int error = -ETIMEDOUT;

	if (timeout_ns >= 0)
		until = later(regioi_driver_now_ns(cq->driver), (uint64_t)timeout_ns);
	for (;;) {
		count = available(cq, enough);
		if (count >= enough)
			break;
		now = until == UINT64_MAX && count == 0 ? 0 : regioi_driver_now_ns(cq->driver);
		if (count > 0 && window_until == UINT64_MAX)
			window_until = later(now, max_delay_ns);
		rest_ns = remaining_ns(until, window_until, now);
		if (rest_ns == 0 && looked)
			break;
		looked = rest_ns == 0;
		error = sleep_once(cq, count, rest_ns);
		if (error == -EBADF) {
			/* What is posted fails now; that it does is not what was waited for. */
			regioi_driver_progress(cq->driver);
			break;
		}
		if (error) {
			count = regioi_cq_available(cq);
			break;
		}
		error = -ETIMEDOUT;
	}
	if (count == 0)
		return error;
	return count > INT32_MAX ? INT32_MAX : (int)count;
}

static int wait_for(struct regioi_cq *cq, int64_t enough, uint64_t max_delay_ns, int64_t timeout_ns)
{
	int64_t count = regioi_cq_available(cq);
	int result;

	if (count >= enough)
		return count > INT32_MAX ? INT32_MAX : (int)count;
	/*
	 * Sequentially consistent: whoever posts from now on and finds the RQ listed calls. What
	 * was posted before is seen by the progress made before the sleep.
	 */
	listeners_join(cq->driver);
	result = wait_announced(cq, enough, max_delay_ns, timeout_ns);
	/* What this thread has taken from the engine may be another's, which sleeps on. */
	if (listeners_leave(cq->driver) &&
	    (regioi_driver_has_work(cq->driver) || atomic_load(&cq->driver->called)))
		cq->driver->ops->doorbell(cq->driver->engine);
	return result;
}

int regio_cq_wait(struct regio_cq *handle, uint32_t min_count, uint64_t max_delay_ns,
		  int64_t timeout_ns)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int result;

	if (!cq)
		return regioi_table_reason((uintptr_t)handle, -EBADF);
	result = wait_for(cq, min_count ? min_count : 1, max_delay_ns, timeout_ns);
	regioi_cq_consumed(cq);
	return result;
}
