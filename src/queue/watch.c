/* SPDX-License-Identifier: MIT */
/*
 * When the engine watches an RQ's socket.
 *
 * Watching a socket costs time: each send and each arrival on the socket calls into the epoll set,
 * which takes 150 to 250 ns (Linux 6.18, sock_wfree and sock_def_readable), and a spinning program
 * does not need the events. So a socket is watched from the first time that an event is needed:
 * when it was found empty with receives posted, or full. It is not watched while its RQ receives in
 * pass after pass. An RQ with two drivers is watched from the start.
 *
 * Datagram sockets are watched level-triggered: after a receive of one message nobody need try the
 * socket again, for the next poll or sleep reports what is left. But what is reported and never
 * received would end each sleep. So a socket without receives posted is not watched, and a socket
 * is watched edge-triggered if it reports something that a receive does not take, an error queue
 * perhaps. It is also watched edge-triggered while receives mostly find several messages and then
 * the end of the queue: nothing is left to report, and the next wait of epoll need not look at the
 * socket again, which takes 0.2 us (Linux 6.18, ep_send_events). If one of these receives ends at
 * memory that is not mapped, what is left waits for the next arrival. Streams are watched
 * edge-triggered: they report an end, or that they are not connected, for as long as that lasts.
 */
#include "queue/watch.h"
#include "base/locked.h"
#include "queue/driver.h"

/* Then what the engine reports is nothing that a receive takes: an error queue, perhaps. */
#define FALSE_EVENTS_MAX 16u

/* Called with the watch_lock, which is held across the engine's calls to keep them in order. */
static void engines_unwatch(struct regioi_rq *rq)
{
	atomic_store(&rq->watched, false);
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		rq->nodes[i].driver->ops->unwatch(rq->nodes[i].driver->engine, rq->fd);
}

static int engines_watch(struct regioi_rq *rq)
{
	const uint32_t flags = (rq->watching_writable ? REGIOI_WATCH_WRITABLE : 0) |
			       (regioi_watch_is_level(rq) ? REGIOI_WATCH_LEVEL : 0);
	int error = 0;

	for (uint32_t i = 0; i < rq->nodes_count && !error; i++) {
		struct regioi_driver *driver = rq->nodes[i].driver;

		error = driver->ops->watch(driver->engine, rq->fd, rq->id, flags);
	}
	if (error)
		engines_unwatch(rq);
	else
		atomic_store(&rq->watched, true);
	/* If this fails, the state of the socket stays UNKNOWN, and it is tried now and then. */
	if (rq->watch_suspended)
		atomic_fetch_sub(&rq->nodes[0].driver->unwatched, 1);
	rq->watch_suspended = false;
	return error;
}

/* Calls on_blocked when sends begin or cease to wait for the socket. Called with the watch_lock. */
static void report_blocked(struct regioi_rq *rq, bool before)
{
	struct regioi_driver *driver = rq->halves[REGIOI_SEND].node->driver;

	if (before == rq->watching_writable)
		return;
	REGIOI_LOCKED(&driver->blocked_lock);
	if (driver->on_blocked)
		driver->on_blocked(driver->on_blocked_context, before ? -1 : 1);
}

int regioi_watch_start(struct regioi_rq *rq)
{
	REGIOI_LOCKED(&rq->watch_lock);

	return engines_watch(rq);
}

void regioi_watch_resume(struct regioi_rq *rq, bool was_on)
{
	REGIOI_LOCKED(&rq->watch_lock);

	/* Another thread may have started watching since, on the old socket. */
	if (was_on || regioi_watch_is_on(rq))
		engines_watch(rq);
}

static void watch_edge(struct regioi_rq *rq)
{
	atomic_store_explicit(&rq->edge, true, memory_order_relaxed);
	if (regioi_watch_is_on(rq))
		engines_watch(rq);
}

void regioi_watch_stop(struct regioi_rq *rq)
{
	REGIOI_LOCKED(&rq->watch_lock);

	if (rq->watching_writable)
		watch_edge(rq);
	else if (regioi_watch_is_on(rq))
		engines_unwatch(rq);
}

void regioi_watch_count_event(struct regioi_rq *rq)
{
	uint8_t before = atomic_load_explicit(&rq->false_events, memory_order_relaxed);

	atomic_store_explicit(&rq->false_events, before + 1, memory_order_relaxed);
	if (before < FALSE_EVENTS_MAX)
		return;
	REGIOI_LOCKED(&rq->watch_lock);
	watch_edge(rq);
}

void regioi_watch_drained(struct regioi_rq *rq, bool drained)
{
	REGIOI_LOCKED(&rq->watch_lock);
	const bool before = regioi_watch_is_level(rq);

	atomic_store_explicit(&rq->drained, drained, memory_order_relaxed);
	if (regioi_watch_is_level(rq) != before && regioi_watch_is_on(rq))
		engines_watch(rq);
}

bool regioi_watch_pause(struct regioi_rq *rq)
{
	REGIOI_LOCKED(&rq->watch_lock);
	const bool on = regioi_watch_is_on(rq);

	if (on)
		engines_unwatch(rq);
	if (rq->watching_writable) {
		rq->watching_writable = false;
		report_blocked(rq, true);
	}
	return on;
}

int regioi_watch_writable(struct regioi_rq *rq, bool writable)
{
	REGIOI_LOCKED(&rq->watch_lock);
	const bool before = rq->watching_writable;
	int error = 0;

	rq->watching_writable = writable;
	/* TCP reports room only after there was none, so these events need not be stopped. */
	if (writable || !rq->stream || rq->family == AF_UNIX)
		error = engines_watch(rq);
	if (error)
		rq->watching_writable = false;
	report_blocked(rq, before);
	return error;
}

void regioi_watch_suspend(struct regioi_rq *rq)
{
	struct regioi_driver *driver = rq->nodes[0].driver;
	REGIOI_LOCKED(&rq->watch_lock);

	if (rq->nodes_count > 1 || !regioi_watch_is_on(rq) || rq->watching_writable)
		return;
	engines_unwatch(rq);
	rq->watch_suspended = true;
	/*
	 * Sequentially consistent: pairs with a sleeper, which announces itself among the listeners
	 * and then looks here, in regioi_driver_has_work().
	 */
	atomic_fetch_add(&driver->unwatched, 1);
	if (atomic_load(&driver->listeners))
		engines_watch(rq);
}

void regioi_watch_fini(struct regioi_rq *rq)
{
	regioi_watch_pause(rq);
	if (rq->watch_suspended)
		atomic_fetch_sub(&rq->nodes[0].driver->unwatched, 1);
}
