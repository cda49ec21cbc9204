/* SPDX-License-Identifier: MIT */
/*
 * The thread of a driver that has one: it makes the progress that others would make inside their
 * calls. While it finds work, or has found some not long ago, it spins; then it sleeps in the
 * engine, as a listener, so that a thread that gives it work calls it.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/back_off.h"
#include "base/clock.h"
#include "base/error.h"
#include "drive/progress.h"
#include "drive/sleep.h"
#include "drive/thread.h"
#include "queue/lost.h"

#define SPIN_DEFAULT_NS 50000u
/*
 * The longest sleep: one whose descriptors are closed beneath it hears nothing, not even that it is
 * to end.
 */
#define SLEEP_NS 500000000
/* Between two looks of a thread that has lost its descriptors. */
#define LOST_NS 10000000
/* Turns without work between two looks at the clock. */
#define IDLE_TURNS 32u

/* Whether a sleep in which nothing happened has ended for a reason. */
static bool is_called(struct regioi_driver *driver)
{
	return atomic_load(&driver->kicked) || atomic_load(&driver->thread.stop) ||
	       regioi_driver_has_work(driver) || !regioi_driver_intact(driver);
}

/* Nobody can call it any more but who ends it. What is posted still fails. */
static void look_now_and_then(struct regioi_driver *driver)
{
	const struct timespec timeout = {.tv_nsec = LOST_NS};

	regioi_progress_without_poll(driver);
	syscall(SYS_futex, &driver->thread.stop, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0);
}

static void sleep_once(struct regioi_driver *driver)
{
	struct regioi_event events[REGIOI_SLEEP_EVENTS];
	int64_t timeout_ns = SLEEP_NS;
	int count;

	/* Sequentially consistent, as in regio_cq_wait(). */
	atomic_fetch_add(&driver->listeners, 1);
	regioi_progress_without_poll(driver);
	if (regioi_driver_has_work(driver) || atomic_load(&driver->thread.stop)) {
		timeout_ns = 0;
	} else {
		atomic_fetch_add_explicit(&driver->thread.sleeps, 1, memory_order_relaxed);
		/*
		 * Pairs with the loads in regio_driver_get_info(): a caller that sees it asleep
		 * also sees this sleep counted.
		 */
		atomic_store_explicit(&driver->thread.asleep, true, memory_order_release);
	}
	do
		count = regioi_driver_sleep(driver, timeout_ns, events);
	while (count == 0 && timeout_ns != 0 && !is_called(driver));
	atomic_store_explicit(&driver->thread.asleep, false, memory_order_relaxed);
	regioi_progress_after_sleep(driver, events, count);
	atomic_fetch_sub(&driver->listeners, 1);
}

/* What the creator gives to the thread, and keeps until it has begun. */
struct start {
	struct regioi_driver *driver;
	const struct regio_driver_opts *opts;
	int error;
	sem_t begun;
};

/* Puts the calling thread where the options have it. Not by an attribute: musl has none for it. */
static int choose_cpu(const struct regio_driver_opts *opts)
{
	cpu_set_t cpus;

	if (!(opts->flags & REGIO_DRIVER_THREAD_CPU))
		return 0;
	if (opts->thread_cpu >= CPU_SETSIZE)
		return EINVAL;
	CPU_ZERO(&cpus);
	CPU_SET(opts->thread_cpu, &cpus);
	return sched_setaffinity(0, sizeof(cpus), &cpus) < 0 ? errno : 0;
}

static void *run(void *argument)
{
	struct start *start = argument;
	struct regioi_driver *driver = start->driver;
	uint64_t idle_since_ns = 0;
	uint32_t idle = 0;
	int error = choose_cpu(start->opts);

	if (error) {
		start->error = error;
		sem_post(&start->begun);
		return NULL;
	}
	/*
	 * What the engine keeps for the thread, its ring perhaps, is made in the first turn. A
	 * program that has its driver has all descriptors of it: none takes a number later that
	 * the program has just closed, or escapes a count.
	 */
	regioi_progress_thread(driver);
	sem_post(&start->begun);
	while (!atomic_load(&driver->thread.stop)) {
		if (regioi_driver_is_lost(driver)) {
			look_now_and_then(driver);
			continue;
		}
		if (regioi_progress_thread(driver)) {
			idle = 0;
			continue;
		}
		regioi_relax();
		if (++idle % IDLE_TURNS)
			continue;
		if (idle == IDLE_TURNS) {
			idle_since_ns = regioi_now_ns();
		} else if (regioi_now_ns() - idle_since_ns >= driver->thread.spin_ns) {
			sleep_once(driver);
			idle = 0;
		}
	}
	return NULL;
}

int regioi_thread_start(struct regioi_driver *driver, const struct regio_driver_opts *opts)
{
	struct start start = {.driver = driver, .opts = opts};
	sigset_t all, before;
	int error;

	sem_init(&start.begun, 0, 0);
	driver->thread.spin_ns = opts->thread_spin_ns ? opts->thread_spin_ns : SPIN_DEFAULT_NS;
	/* It inherits the mask: signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&driver->thread.thread, NULL, run, &start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	while (!error && sem_wait(&start.begun) < 0)
		continue; /* a signal */
	sem_destroy(&start.begun);
	if (start.error) {
		pthread_join(driver->thread.thread, NULL);
		error = start.error;
	}
	if (!error) {
		pthread_setname_np(driver->thread.thread, "regio");
		return 0;
	}
	if (error == EINVAL)
		return regioi_fail(
			-EINVAL,
			"creating a driver: its thread cannot run on CPU %u; see taskset -p",
			opts->thread_cpu);
	return regioi_fail(-error, "creating a driver: its thread: %s; see ulimit -u",
			   strerror(error));
}

void regioi_thread_stop(struct regioi_driver *driver)
{
	atomic_store(&driver->thread.stop, 1);
	syscall(SYS_futex, &driver->thread.stop, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	/* Stays until somebody asks or sleeps, so it is not missed by one about to sleep. */
	driver->ops->doorbell(driver->engine);
	pthread_join(driver->thread.thread, NULL);
}
