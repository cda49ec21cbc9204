/* SPDX-License-Identifier: MIT */
/*
 * Threads, signals and the second's tick. Signals are blocked in all threads and
 * taken by sigtimedwait(), so none is missed between a look and a sleep; a worker
 * that returns sends one, too.
 */
#include "crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "console.h"

#define SIGNAL_WORKER_DONE SIGUSR1

struct start {
	struct crew *crew;
	void *worker;
};

static void *run_worker(void *argument)
{
	struct start start = *(struct start *)argument;
	struct crew *crew = start.crew;

	free(argument);
	/* Sleep as long as asked; the default may add 50 us to each. */
	prctl(PR_SET_TIMERSLACK, 1ul, 0, 0, 0);
	if (crew->work(crew, start.worker)) {
		atomic_fetch_add(&crew->failed, 1);
		atomic_store(&crew->stop, true);
	}
	atomic_fetch_sub(&crew->working, 1);
	pthread_kill(crew->main_thread, SIGNAL_WORKER_DONE);
	return NULL;
}

static int start_worker(struct crew *crew, void *worker, pthread_t *ret_thread)
{
	struct start *start = malloc(sizeof(*start));
	int error;

	if (!start)
		return console_fail("start a thread: %s", strerror(ENOMEM));
	*start = (struct start){crew, worker};
	atomic_fetch_add(&crew->working, 1);
	error = pthread_create(ret_thread, NULL, run_worker, start);
	if (error == 0)
		return 0;
	atomic_fetch_sub(&crew->working, 1);
	free(start);
	return console_fail("start a thread: %s; see ulimit -u", strerror(error));
}

static void watch(struct crew *crew, const sigset_t *signals)
{
	uint64_t tick_ns = clock_now_ns() + SECOND_NS;

	while (atomic_load(&crew->working) > 0) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = tick_ns > now_ns ? tick_ns - now_ns : 0;
		struct timespec left = {.tv_sec = (time_t)(left_ns / SECOND_NS),
					.tv_nsec = (long)(left_ns % SECOND_NS)};
		int signal = sigtimedwait(signals, NULL, &left);

		if (signal == SIGINT || signal == SIGTERM) {
			crew->signal = signal;
			atomic_store(&crew->stop, true);
		}
		if (clock_now_ns() < tick_ns)
			continue;
		tick_ns += SECOND_NS;
		if (crew->tick)
			crew->tick(crew->context);
	}
}

int crew_run(struct crew *crew, void *workers, size_t worker_bytes, unsigned count)
{
	pthread_t *threads = calloc(count, sizeof(*threads));
	unsigned started = 0;
	sigset_t signals, before;
	int status = 0;

	if (!threads)
		return console_fail("start %u threads: %s", count, strerror(ENOMEM));
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGNAL_WORKER_DONE);
	pthread_sigmask(SIG_BLOCK, &signals, &before);
	crew->main_thread = pthread_self();
	while (started < count && status == 0) {
		void *worker = (char *)workers + started * worker_bytes;

		status = start_worker(crew, worker, &threads[started]);
		started += status == 0;
	}
	if (status)
		atomic_store(&crew->stop, true);
	watch(crew, &signals);
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	console_live_end();
	/* Taken so that it does not hit once it is let through. */
	while (sigtimedwait(&signals, NULL, &(struct timespec){0}) > 0)
		;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(threads);
	return status || atomic_load(&crew->failed) ? -1 : 0;
}
