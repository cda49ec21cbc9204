/* SPDX-License-Identifier: MIT */
/*
 * When the engine watches an RQ's socket.
 */
#ifndef REGIO_QUEUE_WATCH_H
#define REGIO_QUEUE_WATCH_H

#include "queue/rq.h"

/* Starts watching. Returns 0 or the engine's error. */
int regioi_watch_start(struct regioi_rq *rq);
/*
 * Stops watching while the socket is replaced. Returns whether it was on, to be passed to resume. A
 * thread that makes progress meanwhile may start it again.
 */
bool regioi_watch_pause(struct regioi_rq *rq);
void regioi_watch_resume(struct regioi_rq *rq, bool was_on);
/* Stops watching permanently. */
void regioi_watch_fini(struct regioi_rq *rq);
/*
 * Ends level-triggered watching until the next start: there is nobody to take what would be
 * reported.
 */
void regioi_watch_stop(struct regioi_rq *rq);
/*
 * Counts a level-triggered event. After many in a row with nothing received the socket is watched
 * edge-triggered.
 */
void regioi_watch_count_event(struct regioi_rq *rq);
/*
 * As executor of the receives: whether they mostly end with the socket empty. Then the socket is
 * watched edge-triggered.
 */
void regioi_watch_drained(struct regioi_rq *rq, bool drained);

/* Whether a socket that is watched is reported as long as it is readable. */
static inline bool regioi_watch_is_level(const struct regioi_rq *rq)
{
	return !rq->stream && rq->nodes_count == 1 &&
	       !atomic_load_explicit(&rq->edge, memory_order_relaxed) &&
	       !atomic_load_explicit(&rq->drained, memory_order_relaxed);
}

/*
 * Whether events will come. If not, the receive half is never REGIOI_READY_NO for long, and posting
 * to it makes a thread look at it.
 */
static inline bool regioi_watch_is_on(const struct regioi_rq *rq)
{
	return atomic_load_explicit(&rq->watched, memory_order_relaxed);
}

/*
 * Makes the engine report, or no longer report, that the socket takes sends. Returns 0 or the
 * engine's error.
 */
int regioi_watch_writable(struct regioi_rq *rq, bool writable);

/* The new state after an attempt that found the socket empty. */
static inline enum regioi_ready regioi_watch_when_empty(const struct regioi_rq *rq)
{
	return regioi_watch_is_on(rq) ? REGIOI_READY_NO : REGIOI_READY_UNKNOWN;
}

/* The same for a full socket; starts watching it. */
static inline enum regioi_ready regioi_watch_when_full(struct regioi_rq *rq)
{
	return regioi_watch_writable(rq, true) == 0 ? REGIOI_READY_NO : REGIOI_READY_UNKNOWN;
}

/*
 * Stops the events of an RQ whose socket is tried on each pass, until regioi_watch_start(), unless
 * a thread sleeps that might need them. With the lock of the RQ's only driver.
 */
void regioi_watch_suspend(struct regioi_rq *rq);

#endif
