/* SPDX-License-Identifier: MIT */
/*
 * Threads that work while the main thread waits for signals, and once a second
 * for the time to say how they are doing. A worker asks crew_stopping() in its
 * loop and sleeps for CREW_NAP_NS at most.
 */
#ifndef REGIO_TOOL_CREW_H
#define REGIO_TOOL_CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

/* How long a request to stop may go unnoticed. */
#define CREW_NAP_NS (50u * MILLISECOND_NS)

/* Of a worker's loop: the longest time between two passes, beyond the longest sleep. */
static inline void crew_note_pause(uint64_t *longest_ns, uint64_t before_ns, uint64_t now_ns)
{
	uint64_t gap_ns = now_ns - before_ns;

	if (gap_ns > CREW_NAP_NS && gap_ns - CREW_NAP_NS > *longest_ns)
		*longest_ns = gap_ns - CREW_NAP_NS;
}

/* Pauses from here on are told of: shorter ones are usual on a busy machine. */
#define CREW_PAUSE_NS (100u * MILLISECOND_NS)

struct crew {
	/* Returns 0, or -1 after saying why. */
	int (*work)(struct crew *crew, void *worker);
	void (*tick)(void *context); /* about once a second, on the main thread; or NULL */
	void *context;

	pthread_t main_thread;
	atomic_bool stop;
	atomic_uint working;
	atomic_uint failed;
	int signal; /* that ended it, or 0 */
};

/*
 * Runs 'work' once for each of the 'count' workers, 'worker_bytes' apart, until
 * all have returned; on SIGINT or SIGTERM tells them to stop. Returns 0, or -1
 * when one failed or could not be started, which has been said.
 */
int crew_run(struct crew *crew, void *workers, size_t worker_bytes, unsigned count);

static inline bool crew_stopping(const struct crew *crew)
{
	return atomic_load_explicit(&crew->stop, memory_order_relaxed);
}

#endif
