/* SPDX-License-Identifier: MIT */
/*
 * The thread of a driver stands by where it shares its CPU with the threads that use the driver. It
 * would run only while they do not, so they make progress in their calls and sleep in the engine in
 * their waits, as with a driver that has no thread. It looks once a tick whether they still do, and
 * drives again when nobody has for a tick, when a program may sleep outside the library, and when
 * they run on another CPU.
 *
 * Either it drives, or another thread may lead (sleep.c). It stores 'drives' and then looks for a
 * leader, which it calls and waits for; a thread that is to lead takes the lead and then looks at
 * 'drives': with sequentially consistent accesses not both sleep in the engine. The same holds for
 * the word that it sleeps on, and what ends that sleep: it stores the word and then looks, others
 * store and then look at the word.
 */
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "drive/progress.h"
#include "drive/sleep.h"
#include "drive/standby.h"
#include "queue/lost.h"

/*
 * About as long as the kernel lets one of two threads on a CPU run. What nobody executes waits for
 * up to two ticks.
 */
#define TICK_NS 2000000

/* With the word stored. */
static bool is_called(struct regioi_driver *driver, enum regioi_standby standby)
{
	const struct regioi_thread *thread = &driver->thread;

	if (atomic_load(&thread->stop) ||
	    (!atomic_load(&thread->drives) && atomic_load(&thread->outside)))
		return true;
	return standby == REGIOI_STANDBY_LEAD ? !(atomic_load(&driver->listeners) & REGIOI_LED)
					      : regioi_driver_is_lost(driver);
}

static void sleep_standing_by(struct regioi_driver *driver, enum regioi_standby standby)
{
	static const struct timespec tick = {.tv_nsec = TICK_NS};
	_Atomic uint32_t *word = &driver->thread.standby;

	atomic_store(word, standby);
	atomic_fetch_add_explicit(&driver->thread.sleeps, 1, memory_order_relaxed);
	/* As in thread.c; in a tick it is about to look for work. */
	atomic_store_explicit(&driver->thread.asleep, standby == REGIOI_STANDBY_LEAD,
			      memory_order_release);
	if (!is_called(driver, standby))
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, standby,
			standby == REGIOI_STANDBY_TICK ? &tick : NULL, NULL, 0);
	atomic_store_explicit(&driver->thread.asleep, false, memory_order_relaxed);
	atomic_store(word, REGIOI_STANDBY_NOT);
}

/* Sleeps for a tick or longer. Returns whether to go on; *ret_beside: whether users run here. */
static bool stand_by_once(struct regioi_driver *driver, bool *ret_beside)
{
	int cpu;

	sleep_standing_by(driver, REGIOI_STANDBY_TICK);
	cpu = atomic_exchange(&driver->thread.user_cpu, -1);
	*ret_beside = cpu < 0 || cpu == sched_getcpu();
	if (!*ret_beside || is_called(driver, REGIOI_STANDBY_TICK))
		return false;
	if (cpu >= 0)
		return true;
	/* Nobody has called, so either one has been waiting since, or nobody makes progress. */
	if (!(atomic_load(&driver->listeners) & REGIOI_LED))
		return false;
	sleep_standing_by(driver, REGIOI_STANDBY_LEAD);
	return !is_called(driver, REGIOI_STANDBY_TICK);
}

bool regioi_stand_by(struct regioi_driver *driver)
{
	bool beside = true;

	regioi_driving_leave(driver);
	/*
	 * What was posted when the others still left it to this thread. As a listener: what it
	 * leaves is for the one that leads, if there is one.
	 */
	atomic_fetch_add(&driver->listeners, 1);
	regioi_progress_without_poll(driver, NULL);
	atomic_fetch_sub(&driver->listeners, 1);
	while (stand_by_once(driver, &beside))
		continue;
	regioi_driving_take(driver);
	while (atomic_load(&driver->listeners) & REGIOI_LED && !atomic_load(&driver->thread.stop))
		sleep_standing_by(driver, REGIOI_STANDBY_LEAD);
	return beside;
}
