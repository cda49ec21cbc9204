/* SPDX-License-Identifier: MIT */
/*
 * Executing one half of an RQ.
 *
 * One thread at a time is the executor of a half. It plans an operation from the oldest requests,
 * lets the engine execute it, and settles it; the half's kind has functions for the first and the
 * last (half_ops.h). Operations never block, so a half is busy for microseconds only; a thread that
 * finds it busy sets a flag and continues.
 */
#include <errno.h>

#include "exec/execute.h"
#include "exec/half_ops.h"
#include "exec/names.h"
#include "exec/plain.h"
#include "mem/guard.h"
#include "queue/lost.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"

/* How often the executor looks again for other threads before it leaves the rest to the driver. */
#define LOOKS_MAX 4

/* The socket's identity is checked on each of the first executions, then on each 64th. */
#define VERIFY_ALWAYS 8u
#define VERIFY_EACH 64u

/*
 * Detects a descriptor that was closed, or closed and reused. The check costs a system call, so it
 * is made less often once a queue has been busy.
 */
static bool socket_verified(struct regioi_half *half)
{
	struct regioi_rq *rq = half->rq;

	if (atomic_load_explicit(&rq->fd_stale, memory_order_relaxed))
		return false; /* the other half has detected it */
	if (half->verify_in > 0) {
		half->verify_in--;
		return true;
	}
	if (half->executions < VERIFY_ALWAYS)
		half->executions++;
	else
		half->verify_in = VERIFY_EACH - 1;
	if (!regioi_socket_is_ours(rq)) {
		atomic_store(&rq->fd_stale, true);
		/*
		 * The program may have closed all descriptors. Check the drivers' own before any of
		 * them is used for a signal.
		 */
		for (uint32_t i = 0; i < rq->nodes_count; i++)
			regioi_driver_intact(rq->nodes[i].driver);
	}
	return !atomic_load_explicit(&rq->fd_stale, memory_order_relaxed);
}

static const struct regioi_half_ops *ops_of(const struct regioi_half *half)
{
	/* By whether it is a stream, and enum regioi_direction. */
	static const struct regioi_half_ops *const ops[2][2] = {
		{&regioi_datagram_receive_ops, &regioi_datagram_send_ops},
		{&regioi_stream_receive_ops, &regioi_stream_send_ops},
	};

	return ops[half->stream][half->direction];
}

/* Passes the settled requests to the consumer. */
static void publish(struct regioi_half *half, const struct regioi_outcome *outcome,
		    struct regioi_direct_results *direct)
{
	if (outcome->completed)
		regioi_half_publish(half, outcome->completed, direct);
	if (outcome->fail_status)
		regioi_half_fail(half, outcome->fail_status);
}

/*
 * Messages that are staged are delivered before anything else. True when none is left, and the next
 * attempt may begin.
 */
static bool receive_begin(struct regioi_half *half, struct regioi_direct_results *direct)
{
	if (half->receive.staged.area && !regioi_datagram_deliver_staged(half, direct))
		return false;
	regioi_names_forget(half);
	return true;
}

/* For all but plain messages. Its own function, so that these need not save registers. */
static __attribute__((noinline)) enum regioi_prepared prepare_any(struct regioi_half *half,
								  struct regioi_work *work)
{
	const struct regioi_half_ops *ops = ops_of(half);
	struct regioi_outcome outcome;
	struct regioi_window window;

	if (half->direction == REGIOI_RECEIVE && !receive_begin(half, work->direct))
		return REGIOI_PREPARED_NOTHING;
	window = regioi_half_window_with_names(half);
	if (window.count == 0)
		return REGIOI_PREPARED_NOTHING;
	if (!socket_verified(half)) {
		regioi_half_fail(half, -EBADF);
		return REGIOI_PREPARED_NOTHING;
	}
	work->half = half;
	work->area = NULL;
	work->op.fd = half->rq->fd;
	if (ops->needs_area(half, &window)) {
		/*
		 * Taken from the half's own driver: a half may keep it for long, and returns it
		 * there.
		 */
		work->area = regioi_area_take(&half->node->driver->areas);
		if (!work->area)
			return REGIOI_PREPARED_NO_AREA;
	}
	outcome = ops->plan(half, &window, work);
	publish(half, &outcome, work->direct);
	if (!work->planned) {
		if (work->area)
			regioi_area_give(&half->node->driver->areas, work->area);
		return REGIOI_PREPARED_NOTHING;
	}
	regioi_ready_attempt_begins(half);
	return REGIOI_PREPARED;
}

enum regioi_prepared regioi_half_prepare(struct regioi_half *half, struct regioi_work *work)
{
	REGIOI_ASSERT(regioi_section_is_open() && regioi_half_is_executed(half));
	return regioi_plain_prepare(half, work) ? REGIOI_PREPARED : prepare_any(half, work);
}

enum regioi_prepared regioi_half_prepare_or_allocate(struct regioi_half *half,
						     struct regioi_work *work)
{
	enum regioi_prepared prepared;

	/* Another thread may take the area that was added; then that thread executes. */
	do
		prepared = regioi_half_prepare(half, work);
	while (prepared == REGIOI_PREPARED_NO_AREA && regioi_area_add(&half->node->driver->areas));
	return prepared;
}

/* Stops watching for room, where a socket that was full has taken all pending sends. */
static inline void room_no_longer_wanted(struct regioi_half *half, enum regioi_ready ready)
{
	if (half->direction == REGIOI_SEND && half->rq->watching_writable &&
	    ready == REGIOI_READY_YES && regioi_half_pending(half) == 0)
		regioi_watch_writable(half->rq, false);
}

uint32_t regioi_half_settle(struct regioi_work *work)
{
	struct regioi_half *half = work->half;
	struct regioi_outcome outcome;

	REGIOI_ASSERT(regioi_half_is_executed(half));
	outcome = ops_of(half)->settle(half, work);
	publish(half, &outcome, work->direct);
	room_no_longer_wanted(half, outcome.ready);
	regioi_half_poison_rest(half, work->planned, outcome.completed);
	regioi_ready_attempt_ended(half, outcome.ready);
	if (work->area)
		regioi_area_give(&half->node->driver->areas, work->area);
	return outcome.completed;
}

/*
 * Executes pending requests until there are none or the socket is not ready. False if there is no
 * memory.
 */
static bool execute_all(struct regioi_half *half)
{
	struct regioi_driver *driver = half->node->driver;
	struct regioi_work work;

	work.direct = NULL;
	while (regioi_half_runnable(half, REGIOI_READY_YES)) {
		switch (regioi_half_prepare_or_allocate(half, &work)) {
		case REGIOI_PREPARED_NO_AREA:
			return false;
		case REGIOI_PREPARED_NOTHING:
			continue;
		case REGIOI_PREPARED:
			driver->ops->execute(driver->engine, &work.op, 1);
			regioi_half_settle(&work);
		}
	}
	return true;
}

/* Returns false if the caller must look again; it is then still the executor. */
static bool leave(struct regioi_half *half)
{
	uint32_t state = REGIOI_EXECUTOR_BUSY;

	if (atomic_compare_exchange_strong(&half->executor, &state, REGIOI_EXECUTOR_IDLE))
		return true;
	atomic_store(&half->executor, REGIOI_EXECUTOR_BUSY);
	return false;
}

/*
 * With two drivers, the executor may make progress on the other one. A thread of the half's own
 * driver may have seen the event, found the half busy, and gone to sleep; so remaining work is
 * listed on the half's own driver.
 */
static void list_on_own_driver(struct regioi_half *half)
{
	enum regioi_ready ready = regioi_ready_now(half);

	if (regioi_half_pending(half) == 0 || ready == REGIOI_READY_NO)
		return;
	/* No event will report a send half whose state is UNKNOWN. */
	if (half->rq->nodes_count > 1 ||
	    (half->direction == REGIOI_SEND && ready == REGIOI_READY_UNKNOWN))
		regioi_node_queue(half->node);
}

void regioi_half_release(struct regioi_half *half)
{
	REGIOI_ASSERT(regioi_section_is_open() && regioi_half_is_executed(half));
	/*
	 * The half is listed while still busy, because a thread that closes the RQ waits until it
	 * is idle.
	 */
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		list_on_own_driver(half);
		if (leave(half))
			return;
		if (!execute_all(half))
			break;
	}
	/* Other threads keep posting, or there is no memory for an area: the driver takes over. */
	regioi_node_queue(half->node);
	atomic_store(&half->executor, REGIOI_EXECUTOR_IDLE);
}

uint32_t regioi_half_execute_one(struct regioi_half *half, struct regioi_direct_results *direct)
{
	struct regioi_driver *driver = half->node->driver;
	struct regioi_work work;
	struct regioi_hazard *section;
	uint32_t done = 0;

	work.direct = direct;
	if (!regioi_half_try_acquire(half))
		return 0;
	section = regioi_section_enter();
	if (regioi_half_prepare_or_allocate(half, &work) == REGIOI_PREPARED) {
		driver->ops->execute(driver->engine, &work.op, 1);
		done = regioi_half_settle(&work);
	}
	regioi_half_release(half);
	regioi_section_leave(section);
	return done;
}

void regioi_half_execute_all(struct regioi_half *half)
{
	struct regioi_hazard *section;

	if (!regioi_half_try_acquire(half))
		return;
	section = regioi_section_enter();
	if (!execute_all(half))
		regioi_node_queue(half->node);
	regioi_half_release(half);
	regioi_section_leave(section);
}

void regioi_half_execute_before_close(struct regioi_half *half)
{
	struct regioi_hazard *section = regioi_section_enter();

	regioi_half_acquire(half);
	/* If the socket was full, the event that reports room may not have been taken yet. */
	regioi_ready_event(half);
	execute_all(half);
	regioi_half_release(half);
	regioi_section_leave(section);
}
