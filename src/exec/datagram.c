/* SPDX-License-Identifier: MIT */
/*
 * Executing datagram halves. Joining and splitting trains is in dgram/.
 */
#include "exec/half_ops.h"
#include "exec/names.h"
#include "queue/completion.h"
#include "queue/rq.h"
#include "queue/socket.h"
#include "queue/watch.h"

/* ---- Receiving ---- */

bool regioi_datagram_deliver_staged(struct regioi_half *half, struct regioi_direct_results *direct)
{
	struct regioi_window window = regioi_half_window_with_names(half);
	struct regioi_area *area = half->receive.staged.area;
	uint32_t done;

	done = regioi_receive_deliver(&half->receive, &window);
	if (done)
		regioi_half_publish(half, done, direct);
	if (half->receive.staged.message < half->receive.staged.messages)
		return false;
	half->receive.staged.area = NULL;
	regioi_area_give(&half->node->driver->areas, area);
	return true;
}

static bool receive_needs_area(const struct regioi_half *half, const struct regioi_window *window)
{
	return regioi_receive_needs_area(&half->receive, window);
}

static struct regioi_outcome receive_plan(struct regioi_half *half,
					  const struct regioi_window *window,
					  struct regioi_work *work)
{
	return (struct regioi_outcome){
		.completed = regioi_receive_plan(&half->receive, window, work->area, &work->op,
						 &work->planned),
	};
}

/*
 * What is known of the socket after a receive. One message does not show whether there are more: a
 * level-triggered watch reports them, otherwise it is not known.
 */
static enum regioi_ready ready_after(const struct regioi_half *half, const struct regioi_work *work,
				     enum regioi_receive_verdict verdict)
{
	if (half->receive.staged.area)
		return REGIOI_READY_YES;
	if (verdict == REGIOI_RECEIVE_EMPTY)
		return regioi_watch_when_empty(half->rq);
	if (work->planned > 1 || work->op.result < 0)
		return REGIOI_READY_YES;
	return regioi_watch_is_level(half->rq) ? regioi_watch_when_empty(half->rq)
					       : REGIOI_READY_UNKNOWN;
}

/* The first bursts turn receive trains on. */
static __attribute__((noinline)) void consider_trains(struct regioi_half *half, uint32_t received)
{
	struct regioi_receive_state *state = &half->receive;
	const uint32_t sleeps =
		atomic_load_explicit(&half->node->driver->sleeps, memory_order_relaxed);

	state->awake = sleeps == state->sleeps ? state->awake + received : 0;
	state->sleeps = sleeps;
	if (!regioi_receive_bursts(state))
		return;
	half->rq->trains_auto = false;
	if (!regioi_area_reserve(&half->node->driver->areas))
		return;
	state->trains = regioi_socket_join_receives(half->rq);
	if (!state->trains)
		regioi_area_unreserve(&half->node->driver->areas);
}

static struct regioi_outcome receive_settle(struct regioi_half *half, struct regioi_work *work)
{
	const struct regioi_window window = regioi_half_window_with_names(half);
	const bool drained = half->receive.drains_often;
	enum regioi_receive_verdict verdict;
	struct regioi_outcome outcome = {
		.completed = regioi_receive_settle(&half->receive, &window, work->area, &work->op,
						   &verdict),
	};

	/* The half keeps the area. */
	if (work->area && half->receive.staged.area == work->area)
		work->area = NULL;
	if (outcome.completed) {
		atomic_store_explicit(&half->rq->false_events, 0, memory_order_relaxed);
		/* A lone message is no burst. */
		if (work->planned > 1 && half->rq->trains_auto && !half->receive.trains)
			consider_trains(half, outcome.completed);
	}
	if (half->receive.drains_often != drained)
		regioi_watch_drained(half->rq, !drained);
	outcome.ready = ready_after(half, work, verdict);
	return outcome;
}

const struct regioi_half_ops regioi_datagram_receive_ops = {
	.needs_area = receive_needs_area,
	.plan = receive_plan,
	.settle = receive_settle,
};

/* ---- Sending ---- */

static bool send_needs_area(const struct regioi_half *half, const struct regioi_window *window)
{
	return regioi_send_needs_area(window);
}

static struct regioi_outcome send_plan(struct regioi_half *half, const struct regioi_window *window,
				       struct regioi_work *work)
{
	/* The clock is read only if a path is remembered. */
	uint64_t now_ns = half->send.paths.used ? regioi_driver_now_ns(half->node->driver) : 0;

	return (struct regioi_outcome){
		.completed = regioi_send_plan(&half->send, window, work->area, &work->op, now_ns,
					      &work->planned),
	};
}

static __attribute__((noinline)) struct regioi_outcome settle_failed_send(struct regioi_half *half,
									  struct regioi_work *work)
{
	const struct regioi_window window = regioi_half_window(half);
	uint64_t now_ns = regioi_driver_now_ns(half->node->driver);
	enum regioi_send_verdict verdict;
	struct regioi_outcome outcome = {
		.completed = regioi_send_settle(&half->send, &window, work->area, &work->op, now_ns,
						&verdict),
	};

	outcome.ready = verdict == REGIOI_SEND_PROGRESS ? REGIOI_READY_YES
							: regioi_watch_when_full(half->rq);
	return outcome;
}

static struct regioi_outcome send_settle(struct regioi_half *half, struct regioi_work *work)
{
	if (__builtin_expect(work->op.result < 0, 0))
		return settle_failed_send(half, work);
	return (struct regioi_outcome){
		.completed = regioi_send_settle_sent(&half->send, work->area, &work->op),
		.ready = REGIOI_READY_YES,
	};
}

const struct regioi_half_ops regioi_datagram_send_ops = {
	.needs_area = send_needs_area,
	.plan = send_plan,
	.settle = send_settle,
};
