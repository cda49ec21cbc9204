/* SPDX-License-Identifier: MIT */
/*
 * running.c - time during which this process was running
 *
 * A thread adds the time between its ticks, but not more than TICK_COUNTS_NS for one of them: a
 * tick that is late shows that the process was not running. So a limit of n times TICK_COUNTS_NS
 * ends at the earliest after n ticks, however long the process was stopped.
 */
#include "running.h"

#include "suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#define TICK_NS (20 * MILLISECOND_NS)
/* A loaded machine may delay a tick for as long as this without a pause. */
#define TICK_COUNTS_NS SECOND_NS

static atomic_bool started;
static _Atomic int64_t ran_ns;

static void *tick(void *unused)
{
	const struct timespec pause = {.tv_nsec = TICK_NS};
	int64_t before_ns = now_ns();

	for (;;) {
		int64_t at_ns, passed_ns;

		nanosleep(&pause, NULL);
		at_ns = now_ns();
		passed_ns = at_ns - before_ns;
		before_ns = at_ns;
		atomic_fetch_add(&ran_ns, passed_ns < TICK_COUNTS_NS ? passed_ns : TICK_COUNTS_NS);
	}
	return NULL;
}

void running_start(void)
{
	sigset_t all, before;
	pthread_t thread;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	EXPECT(pthread_create(&thread, NULL, tick, NULL) == 0, "no thread");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_detach(thread);
	atomic_store(&started, true);
}

int64_t running_ns(void)
{
	return atomic_load(&started) ? atomic_load(&ran_ns) : now_ns();
}
