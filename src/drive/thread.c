/* SPDX-License-Identifier: MIT */
/*
 * The thread of a driver that has one: it makes the progress that others would make inside their
 * calls. While it finds work, or has found some not long ago, it spins; then it sleeps in the
 * engine, as a listener, so that a thread that gives it work calls it. Where it shares its CPU it
 * does not spin, because the threads that give it work could not run meanwhile; if those are what
 * it shares its CPU with, it stands by (standby.c).
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/back_off.h"
#include "base/clock.h"
#include "base/error.h"
#include "drive/progress.h"
#include "drive/sleep.h"
#include "drive/spin.h"
#include "drive/standby.h"
#include "drive/thread.h"
#include "queue/lost.h"
#include "queue/signal.h"

#define SPIN_DEFAULT_NS 50000u
/*
 * The longest sleep: one whose descriptors the program has closed gets no event, not even the call
 * to end.
 */
#define SLEEP_NS 500000000
/* Between two looks of a thread that has lost its descriptors. */
#define LOST_NS 10000000
/* Turns without work between two looks at the clock. */
#define IDLE_TURNS 32u
/* More time between these two, and another thread may have run. */
#define JUMP_NS 100000
/* After a sign that the CPU is shared the thread sleeps so often without a spin, then tries one. */
#define CROWDED_SLEEPS 64u

struct spin {
	uint64_t limit_ns;
	uint64_t now_ns;   /* the present limit */
	uint64_t since_ns; /* without work since, at the first look at the clock */
	uint64_t looked_ns;
	uint32_t turns;	  /* without work */
	uint32_t crowded; /* sleeps until the next spin */
	bool beside_user; /* a user has the same CPU: stand by */
	long preempted;	  /* how often, at the last look */
};

/* How often the kernel has taken the CPU from the calling thread. */
static long preemptions(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

/* At the begin of a spin: whether a thread that waits for this one was on this CPU last. */
static bool is_on_cpu_of_user(struct regioi_driver *driver)
{
	int cpu = atomic_load_explicit(&driver->thread.user_cpu, memory_order_relaxed);

	if (cpu < 0 || cpu != sched_getcpu())
		return false;
	/* Each sign counts once: the other may never wait again. */
	atomic_store_explicit(&driver->thread.user_cpu, -1, memory_order_relaxed);
	return true;
}

static bool was_preempted(struct spin *spin)
{
	const long before = spin->preempted;

	spin->preempted = preemptions();
	return spin->preempted != before;
}

/* After a turn without work: whether to make another, and not to sleep. */
static bool spin_on(struct regioi_driver *driver, struct spin *spin)
{
	uint64_t now, jump;
	bool ended;

	if (spin->limit_ns == REGIO_SPIN_ALWAYS)
		return true;
	if (spin->turns++ == 0 && is_on_cpu_of_user(driver)) {
		spin->crowded = CROWDED_SLEEPS;
		spin->beside_user = true;
		atomic_store_explicit(&driver->thread.cpu, sched_getcpu(), memory_order_relaxed);
		atomic_store_explicit(&driver->posters_execute, true, memory_order_relaxed);
	}
	if (spin->crowded)
		return false;
	if (spin->turns % IDLE_TURNS)
		return true;
	now = regioi_now_ns();
	if (spin->turns == IDLE_TURNS)
		spin->since_ns = spin->looked_ns = now;
	jump = now - spin->looked_ns;
	spin->looked_ns = now;
	ended = now - spin->since_ns >= spin->now_ns;
	if ((ended || jump > JUMP_NS) && was_preempted(spin))
		spin->crowded = CROWDED_SLEEPS;
	return !ended && !spin->crowded;
}

static void spin_found(struct spin *spin)
{
	if (spin->turns >= IDLE_TURNS)
		spin->now_ns = regioi_spin_next(spin->now_ns, spin->limit_ns,
						spin->looked_ns - spin->since_ns);
	spin->turns = 0;
}

static void not_crowded(struct regioi_driver *driver, struct spin *spin)
{
	spin->crowded = 0;
	atomic_store_explicit(&driver->posters_execute, false, memory_order_relaxed);
}

static void spin_slept(struct regioi_driver *driver, struct spin *spin)
{
	if (spin->crowded == 0)
		spin->now_ns = regioi_spin_next(spin->now_ns, spin->limit_ns,
						regioi_now_ns() - spin->since_ns);
	else if (--spin->crowded == 0)
		not_crowded(driver, spin);
	spin->turns = 0;
}

/* Whether a sleep in which nothing happened has ended for a reason. */
static bool is_called(struct regioi_driver *driver)
{
	return atomic_load(&driver->kicked) || atomic_load(&driver->thread.stop) ||
	       regioi_driver_has_work(driver) || !regioi_driver_intact(driver);
}

/* After its descriptors are lost only the thread that ends it can call it. Posted requests still
 * fail. */
static void look_now_and_then(struct regioi_driver *driver)
{
	const struct timespec timeout = {.tv_nsec = LOST_NS};

	regioi_progress_without_poll(driver, NULL);
	syscall(SYS_futex, &driver->thread.stop, FUTEX_WAIT_PRIVATE, 0, &timeout, NULL, 0);
}

static void sleep_once(struct regioi_driver *driver)
{
	struct regioi_event events[REGIOI_SLEEP_EVENTS];
	int64_t timeout_ns = SLEEP_NS;
	int count;

	/* Sequentially consistent, as in regio_cq_wait(). */
	atomic_fetch_add(&driver->listeners, 1);
	regioi_progress_without_poll(driver, NULL);
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
	regioi_progress_after_sleep(driver, NULL, events, count);
	atomic_fetch_sub(&driver->listeners, 1);
}

bool regioi_thread_rest(struct regioi_driver *driver, bool beside_user)
{
	if (beside_user && !atomic_load(&driver->thread.outside))
		return regioi_stand_by(driver);
	sleep_once(driver);
	return true;
}

static void rest(struct regioi_driver *driver, struct spin *spin)
{
	bool beside_user = spin->beside_user;

	spin->beside_user = false;
	if (!regioi_thread_rest(driver, beside_user))
		not_crowded(driver, spin);
	spin_slept(driver, spin);
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
	struct spin spin = {
		.limit_ns = driver->thread.spin_ns,
		.now_ns = driver->thread.spin_ns,
		.preempted = preemptions(),
	};
	int error = choose_cpu(start->opts);

	if (error) {
		start->error = error;
		sem_post(&start->begun);
		return NULL;
	}
	/*
	 * What the engine keeps for the thread, its ring perhaps, is made now. A program that has
	 * its driver has all descriptors of it: none takes a number later that the program has just
	 * closed, or escapes a count.
	 */
	if (driver->ops->own_thread)
		driver->ops->own_thread(driver->engine);
	regioi_progress_thread(driver);
	sem_post(&start->begun);
	while (!atomic_load(&driver->thread.stop)) {
		if (regioi_driver_is_lost(driver)) {
			look_now_and_then(driver);
			continue;
		}
		if (regioi_progress_thread(driver)) {
			spin_found(&spin);
		} else if (spin_on(driver, &spin)) {
			regioi_relax();
		} else {
			rest(driver, &spin);
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
	atomic_init(&driver->thread.user_cpu, -1);
	atomic_init(&driver->thread.drives, true);
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
	regioi_standby_end(driver);
	pthread_join(driver->thread.thread, NULL);
}
