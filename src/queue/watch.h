/* SPDX-License-Identifier: MIT */
/*
 * When an RQ's socket is among those the engine watches.
 */
#ifndef REGIO_QUEUE_WATCH_H
#define REGIO_QUEUE_WATCH_H

#include "queue/rq.h"

void regioi_watch_init(struct regioi_rq *rq);
/* Watches from now on. Returns 0 or the engine's error. */
int regioi_watch_start(struct regioi_rq *rq);
/*
 * While the socket is replaced: stops it, and returns whether it was on, which is for resume to
 * know. Whoever makes progress meanwhile may start it again.
 */
bool regioi_watch_pause(struct regioi_rq *rq);
void regioi_watch_resume(struct regioi_rq *rq, bool was_on);
/* Ends it for good. */
void regioi_watch_fini(struct regioi_rq *rq);
/*
 * Ends level-triggered watching until the next start: there is nobody to take what would be
 * reported.
 */
void regioi_watch_stop(struct regioi_rq *rq);
/* A level-triggered event has come. Many of them, and nothing received, and it is so no longer. */
void regioi_watch_doubt_level(struct regioi_rq *rq);

/* Whether a socket that is watched is reported as long as it is readable. */
static inline bool regioi_watch_is_level(const struct regioi_rq *rq)
{
	return !rq->stream && !rq->edge && rq->nodes_count == 1;
}

/*
 * Whether events will come: where not, the receive half is never REGIOI_READY_NO for long, and
 * posting to it makes somebody look.
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

/* What an attempt that met an empty socket has found. */
static inline enum regioi_ready regioi_watch_when_empty(const struct regioi_rq *rq)
{
	return regioi_watch_is_on(rq) ? REGIOI_READY_NO : REGIOI_READY_UNKNOWN;
}

/* The same of a full one, which is watched from now on. */
static inline enum regioi_ready regioi_watch_when_full(struct regioi_rq *rq)
{
	return regioi_watch_writable(rq, true) == 0 ? REGIOI_READY_NO : REGIOI_READY_UNKNOWN;
}

/*
 * Stops events of an RQ whose socket is tried on each pass, unless somebody sleeps who might need
 * them, until regioi_watch_start(). With the lock of the RQ's one driver held.
 */
void regioi_watch_suspend(struct regioi_rq *rq);

#endif
