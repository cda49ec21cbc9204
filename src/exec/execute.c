/* SPDX-License-Identifier: MIT */
/*
 * Executing one half of an RQ.
 *
 * One thread at a time is the executor of a half; it plans an operation from the oldest requests
 * (dgram/), has the engine execute it, and settles it. Operations never block, so a half is busy
 * for microseconds; a thread that finds it busy leaves a mark and goes on.
 */
#include <errno.h>

#include "dgram/control.h"
#include "exec/execute.h"
#include "exec/single.h"
#include "exec/stream.h"
#include "mem/guard.h"
#include "queue/lost.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/socket.h"
#include "queue/watch.h"
#include "stream/receive.h"
#include "stream/send.h"

/* Times the executor looks again for others before it leaves the rest to the driver. */
#define LOOKS_MAX 4

/* The socket's identity is looked at on the first executions, then on each 64th. */
#define VERIFY_ALWAYS 8u
#define VERIFY_EACH 64u

/*
 * Notices a descriptor that was closed, or closed and used again. Looking costs a system call, so
 * a queue that has been busy is looked at less often.
 */
static bool socket_verified(struct regioi_half *half)
{
	struct regioi_rq *rq = half->rq;

	if (atomic_load_explicit(&rq->lost, memory_order_relaxed))
		return false; /* the other half has noticed */
	if (half->verify_in > 0) {
		half->verify_in--;
		return true;
	}
	if (half->executions < VERIFY_ALWAYS)
		half->executions++;
	else
		half->verify_in = VERIFY_EACH - 1;
	if (!regioi_socket_is_ours(rq)) {
		atomic_store(&rq->lost, true);
		/* It may have gone with all others: before anybody is told through one of ours. */
		for (uint32_t i = 0; i < rq->nodes_count; i++)
			regioi_driver_intact(rq->nodes[i].driver);
	}
	return !atomic_load_explicit(&rq->lost, memory_order_relaxed);
}

/* The clock is read only where a path is remembered. */
static uint64_t send_clock(const struct regioi_half *half)
{
	return half->send.paths.used ? regioi_driver_now_ns(half->node->driver) : 0;
}

/* What the executor of a receive half must know of the socket to fill in addresses and control. */
static void prepare_extras(struct regioi_half *half)
{
	struct regioi_receive_state *state = &half->receive;

	state->hidden = atomic_load_explicit(&half->rq->destination_ours, memory_order_relaxed);
	if (state->trains)
		state->hidden |= REGIOI_HIDE_TRAIN;
	if (!half->names_known && atomic_load_explicit(&half->names_wanted, memory_order_relaxed))
		half->names_known =
			half->stream ? regioi_socket_names(half->rq, &state->local, &state->peer)
				     : regioi_socket_local(half->rq, &state->local);
}

/*
 * Before an attempt: a program may have connected a stream anew since, or have turned off what
 * tells where a datagram was sent to.
 */
static void doubt_names(struct regioi_half *half)
{
	if (!atomic_load_explicit(&half->receive.extras, memory_order_relaxed) ||
	    !atomic_load_explicit(&half->names_wanted, memory_order_relaxed) ||
	    !(half->stream || half->receive.untold))
		return;
	half->names_known = false;
	if (!half->stream)
		regioi_socket_want_local(half->rq);
}

/* The executor's window of a half, with what its requests may want known. */
static struct regioi_window work_window(struct regioi_half *half)
{
	struct regioi_window window = regioi_half_window(half);

	/* After the window is read: a request in it that has extra slices has set this. */
	if (half->direction == REGIOI_RECEIVE &&
	    atomic_load_explicit(&half->receive.extras, memory_order_acquire))
		prepare_extras(half);
	return window;
}

/* Gives messages that wait in stages to the receives posted since. True when none is left. */
static bool deliver_staged(struct regioi_half *half, struct regioi_sink *sink)
{
	struct regioi_window window = work_window(half);
	struct regioi_area *area = half->receive.staged.area;
	uint32_t done;

	done = regioi_receive_deliver(&half->receive, &window);
	if (done)
		regioi_half_complete(half, done, sink);
	if (half->receive.staged.message < half->receive.staged.messages)
		return false;
	half->receive.staged.area = NULL;
	regioi_area_give(&half->node->driver->areas, area);
	return true;
}

static bool plan_needs_area(const struct regioi_half *half, const struct regioi_window *window)
{
	if (half->stream)
		return half->direction == REGIOI_RECEIVE
			       ? regioi_stream_receive_needs_area(&half->receive, window)
			       : regioi_stream_send_needs_area(window);
	return half->direction == REGIOI_RECEIVE ? regioi_receive_needs_area(&half->receive, window)
						 : regioi_send_needs_area(window);
}

/* Returns how many requests completed without an operation. */
static uint32_t plan(struct regioi_half *half, const struct regioi_window *window,
		     struct regioi_work *work)
{
	if (half->stream)
		return regioi_stream_plan(half, window, work);
	if (half->direction == REGIOI_RECEIVE)
		return regioi_receive_plan(&half->receive, window, work->area, &work->op,
					   &work->planned);
	return regioi_send_plan(&half->send, window, work->area, &work->op, send_clock(half),
				&work->planned);
}

enum regioi_prepared regioi_half_prepare(struct regioi_half *half, struct regioi_work *work)
{
	struct regioi_window window;
	uint32_t refused;

	REGIOI_ASSERT(regioi_section_is_open() && regioi_half_is_executed(half));
	if (regioi_single_prepare(half, work))
		return REGIOI_PREPARED;
	if (half->direction == REGIOI_RECEIVE && half->receive.staged.area &&
	    !deliver_staged(half, work->sink))
		return REGIOI_PREPARED_NOTHING;
	if (half->direction == REGIOI_RECEIVE)
		doubt_names(half);
	window = work_window(half);
	if (window.count == 0)
		return REGIOI_PREPARED_NOTHING;
	if (!socket_verified(half)) {
		regioi_half_fail(half, -EBADF);
		return REGIOI_PREPARED_NOTHING;
	}
	work->half = half;
	work->area = NULL;
	work->op.fd = half->rq->fd;
	if (plan_needs_area(half, &window)) {
		/* The home driver's: a half may hold it for long, and gives it back there. */
		work->area = regioi_area_take(&half->node->driver->areas);
		if (!work->area)
			return REGIOI_PREPARED_NO_AREA;
	}
	refused = plan(half, &window, work);
	if (refused)
		regioi_half_complete(half, refused, work->sink);
	if (!work->planned) {
		if (work->area)
			regioi_area_give(&half->node->driver->areas, work->area);
		return REGIOI_PREPARED_NOTHING;
	}
	regioi_ready_attempt(half);
	return REGIOI_PREPARED;
}

enum regioi_prepared regioi_half_prepare_alone(struct regioi_half *half, struct regioi_work *work)
{
	enum regioi_prepared prepared;

	/* Another thread may take what was added; then that one executes. */
	do
		prepared = regioi_half_prepare(half, work);
	while (prepared == REGIOI_PREPARED_NO_AREA && regioi_area_add(&half->node->driver->areas));
	return prepared;
}

static enum regioi_ready ready_after(const struct regioi_receive_state *state,
				     const struct regioi_work *work,
				     enum regioi_receive_verdict verdict)
{
	if (state->staged.area)
		return REGIOI_READY_YES;
	if (verdict == REGIOI_RECEIVE_EMPTY)
		return regioi_watch_is_on(work->half->rq) ? REGIOI_READY_NO : REGIOI_READY_PERHAPS;
	return work->planned == 1 && work->op.result >= 0 ? REGIOI_READY_PERHAPS : REGIOI_READY_YES;
}

/* The first bursts turn receive trains on. */
static void consider_trains(struct regioi_half *half)
{
	struct regioi_receive_state *state = &half->receive;

	if (!half->rq->trains_auto || state->trains || !regioi_receive_bursts(state))
		return;
	half->rq->trains_auto = false;
	if (!regioi_area_reserve(&half->node->driver->areas))
		return;
	state->trains = regioi_socket_join_receives(half->rq);
	if (!state->trains)
		regioi_area_unreserve(&half->node->driver->areas);
}

static uint32_t finish_receive(struct regioi_half *half, struct regioi_work *work,
			       enum regioi_ready *ret_ready)
{
	struct regioi_window window = work_window(half);
	struct regioi_receive_state *state = &half->receive;
	enum regioi_receive_verdict verdict;
	uint32_t done = regioi_receive_settle(state, &window, work->area, &work->op, &verdict);

	if (work->area && state->staged.area == work->area)
		work->area = NULL; /* the half holds it */
	if (done)
		regioi_half_complete(half, done, work->sink);
	consider_trains(half);
	*ret_ready = ready_after(state, work, verdict);
	return done;
}

static uint32_t finish_stream_receive(struct regioi_half *half, struct regioi_work *work,
				      enum regioi_ready *ret_ready)
{
	struct regioi_window window = work_window(half);
	uint32_t done = regioi_stream_settle_receive(half, &window, work, ret_ready);

	if (done)
		regioi_half_complete(half, done, work->sink);
	return done;
}

static enum regioi_ready ready_when_full(struct regioi_half *half, enum regioi_send_verdict verdict)
{
	/* No event will come of it, so regioi_half_done() has the driver look. */
	if (verdict == REGIOI_SEND_UNDECIDED)
		return REGIOI_READY_PERHAPS;
	/* An unconnected socket counts as writable: asking again would tell so again. */
	if (verdict == REGIOI_SEND_UNCONNECTED && half->rq->watching_writable)
		return REGIOI_READY_NO;
	return regioi_watch_writable(half->rq, true) == 0 ? REGIOI_READY_NO : REGIOI_READY_PERHAPS;
}

static uint32_t finish_send(struct regioi_half *half, struct regioi_work *work,
			    enum regioi_ready *ret_ready)
{
	struct regioi_window window = regioi_half_window(half);
	enum regioi_send_verdict verdict;
	uint64_t now = work->op.result < 0 ? regioi_driver_now_ns(half->node->driver) : 0;
	uint32_t done = half->stream ? regioi_stream_settle_send(half, &window, work, &verdict)
				     : regioi_send_settle(&half->send, &window, work->area,
							  &work->op, now, &verdict);

	if (done)
		regioi_half_complete(half, done, work->sink);
	*ret_ready = REGIOI_READY_YES;
	if (verdict != REGIOI_SEND_PROGRESS)
		*ret_ready = ready_when_full(half, verdict);
	else if (half->rq->watching_writable && regioi_half_pending(half) == 0)
		regioi_watch_writable(half->rq, false);
	return done;
}

uint32_t regioi_half_finish(struct regioi_work *work)
{
	struct regioi_half *half = work->half;
	enum regioi_ready ready;
	uint32_t done;

	REGIOI_ASSERT(regioi_half_is_executed(half));
	if (half->direction == REGIOI_SEND)
		done = finish_send(half, work, &ready);
	else if (half->stream)
		done = finish_stream_receive(half, work, &ready);
	else
		done = finish_receive(half, work, &ready);

	regioi_half_shut_rest(half, work->planned, done);
	regioi_ready_found(half, ready);
	if (work->area)
		regioi_area_give(&half->node->driver->areas, work->area);
	return done;
}

/* One look: everything that is there, as far as the socket goes along. False without memory. */
static bool run_once(struct regioi_half *half)
{
	struct regioi_driver *driver = half->node->driver;
	struct regioi_work work;

	work.sink = NULL;

	while (regioi_half_runnable(half, REGIOI_READY_YES)) {
		switch (regioi_half_prepare_alone(half, &work)) {
		case REGIOI_PREPARED_NO_AREA:
			return false;
		case REGIOI_PREPARED_NOTHING:
			break;
		case REGIOI_PREPARED:
			driver->ops->execute(driver->engine, &work.op, 1);
			regioi_half_finish(&work);
		}
	}
	return true;
}

/* Returns false, the caller still being the executor, when it must look again. */
static bool leave(struct regioi_half *half)
{
	uint32_t state = REGIOI_EXECUTOR_BUSY;

	if (atomic_compare_exchange_strong(&half->executor, &state, REGIOI_EXECUTOR_IDLE))
		return true;
	atomic_store(&half->executor, REGIOI_EXECUTOR_BUSY);
	return false;
}

/*
 * The driver that is making progress may not be the half's own, whose thread may have seen the
 * event, found us here, and gone to sleep: what is left is left where that thread looks.
 */
static void list_at_home(struct regioi_half *half)
{
	enum regioi_ready ready = regioi_ready_now(half);

	if (regioi_half_pending(half) == 0 || ready == REGIOI_READY_NO)
		return;
	/* A send in doubt is one that no event will tell of. */
	if (half->rq->nodes_count > 1 ||
	    (half->direction == REGIOI_SEND && ready == REGIOI_READY_PERHAPS))
		regioi_node_list(half->node);
}

void regioi_half_done(struct regioi_half *half)
{
	REGIOI_ASSERT(regioi_section_is_open() && regioi_half_is_executed(half));
	/* Listed while busy, idle last: whoever closes the RQ waits for that. */
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		list_at_home(half);
		if (leave(half))
			return;
		if (!run_once(half))
			break;
	}
	/* Others keep posting, or there is no memory for an area: the driver takes over. */
	regioi_node_list(half->node);
	atomic_store(&half->executor, REGIOI_EXECUTOR_IDLE);
}

uint32_t regioi_half_run_one(struct regioi_half *half, struct regioi_sink *sink)
{
	struct regioi_driver *driver = half->node->driver;
	struct regioi_work work;
	uint32_t done = 0;

	work.sink = sink;

	if (!regioi_half_enter(half))
		return 0;
	if (regioi_half_prepare_alone(half, &work) == REGIOI_PREPARED) {
		driver->ops->execute(driver->engine, &work.op, 1);
		done = regioi_half_finish(&work);
	}
	regioi_half_done(half);
	return done;
}

static uint32_t settle_single(struct regioi_half *half, const struct regioi_work *work,
			      enum regioi_ready *ret_ready)
{
	struct regioi_window window = regioi_half_window(half);
	enum regioi_receive_verdict verdict;
	uint32_t done;

	if (half->stream)
		return regioi_stream_settle_receive(half, &window, work, ret_ready);
	done = regioi_receive_settle(&half->receive, &window, NULL, &work->op, &verdict);
	*ret_ready = verdict == REGIOI_RECEIVE_PROGRESS || !regioi_watch_is_on(half->rq)
			     ? REGIOI_READY_PERHAPS
			     : REGIOI_READY_NO;
	return done;
}

uint32_t regioi_half_receive_single(struct regioi_half *half, struct regioi_sink *sink,
				    bool *ret_tried)
{
	struct regioi_driver *driver = half->node->driver;
	struct regioi_work work;
	enum regioi_ready ready;
	uint32_t done = 0;

	*ret_tried = false;
	if (!regioi_half_enter(half))
		return 0;
	*ret_tried = regioi_single_prepare(half, &work);
	if (*ret_tried) {
		driver->ops->execute(driver->engine, &work.op, 1);
		done = settle_single(half, &work, &ready);
		if (done)
			regioi_half_complete(half, done, sink);
		regioi_half_shut_rest(half, 1, done);
		regioi_ready_found(half, ready);
	}
	regioi_half_done(half);
	return done;
}

void regioi_half_run(struct regioi_half *half)
{
	struct regioi_driver *driver = half->node->driver;
	uint32_t section;

	if (!regioi_half_enter(half))
		return;
	section = regioi_readers_enter(&driver->readers);
	if (!run_once(half))
		regioi_node_list(half->node);
	regioi_half_done(half);
	regioi_readers_leave(&driver->readers, section);
}

void regioi_half_run_last(struct regioi_half *half)
{
	struct regioi_driver *driver = half->node->driver;
	uint32_t section = regioi_readers_enter(&driver->readers);

	regioi_half_take(half);
	/* Where it met a full socket, nobody may have taken the event that tells of room. */
	regioi_ready_event(half);
	run_once(half);
	regioi_half_done(half);
	regioi_readers_leave(&driver->readers, section);
}
