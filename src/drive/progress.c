/* SPDX-License-Identifier: MIT */
/*
 * Progress.
 *
 * RQs that may have work arrive on a list that anybody may push to, and become active when a
 * thread makes progress. A pass visits each active RQ once, for at most one operation on each
 * half, collected in a batch where the engine gains by that. An RQ stays active while it can do
 * more without an event, and a little longer. RQs of which it is not known whether they can wait on
 * a list of their own, "maybe ready". Some are tried without asking the engine first:
 * poll_policy.h.
 */
#include <errno.h>

#include "base/back_off.h"
#include "base/barrier.h"
#include "drive/poll_policy.h"
#include "drive/progress.h"
#include "exec/execute.h"
#include "queue/handle.h"
#include "queue/lost.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/signal.h"
#include "queue/watch.h"

/* Operations executed together. */
#define BATCH_MAX 64
/*
 * Requests completed until the engine is polled again, as many as a turn has of plain messages.
 * That many take longer than a poll, and the program may be busy for a while with each of them.
 */
#define DONE_UNASKED 128
/* Steady RQs that receive in one pass: few, so that each is in the caches when it is answered. */
#define STEADY_PASS 16
/*
 * Steady RQs found empty in one pass before the others wait for the next. There are more in a pass
 * whose tries are not paid for: many have fallen silent, and delay those that have not.
 */
#define STEADY_MISSES_PASS 2
#define STEADY_MISSES_SILENT 64
/* Passes without work before a pinned RQ is taken off. */
#define PINNED_IDLE_PASSES 64
/* The same for others. */
#define LISTED_IDLE_PASSES 2
/* Passes, while there is other work, before an RQ of the list "maybe ready" is tried. */
#define UNKNOWN_PASSES 8
/* Up to so many are tried before a sleep without asking the engine first: a call each, as that. */
#define UNKNOWN_FEW 2

/* ---- Events ---- */

/* Sequentially consistent: pairs with regioi_driver_has_work(), the look before a sleep. */
static void work_left_set(struct regioi_driver *driver, bool left)
{
	/* It hardly ever changes, and a load is cheaper. */
	if (atomic_load_explicit(&driver->work_left, memory_order_relaxed) != left)
		atomic_store(&driver->work_left, left);
}

/*
 * A socket that nobody is to read would be reported by each poll and end each sleep. It is watched
 * again when a receive has found it empty. Returns whether there is something to execute.
 */
static bool readable(struct regioi_rq *rq)
{
	struct regioi_half *receive = &rq->halves[REGIOI_RECEIVE];
	bool wanted;

	regioi_ready_event(receive);
	wanted = regioi_half_runnable(receive, REGIOI_READY_YES);
	if (!regioi_watch_is_level(rq))
		return wanted;
	if (wanted)
		regioi_watch_count_event(rq);
	else
		regioi_watch_stop(rq);
	return wanted;
}

static bool writable(struct regioi_rq *rq)
{
	struct regioi_half *send = &rq->halves[REGIOI_SEND];

	regioi_ready_event(send);
	return regioi_half_runnable(send, REGIOI_READY_YES);
}

/*
 * Under the driver's lock, so an RQ found here is not gone before it has had its turn. Returns its
 * node, or NULL if there is nothing to execute.
 */
static struct regioi_node *event_take(struct regioi_driver *driver,
				      const struct regioi_event *event)
{
	struct regioi_rq *rq = regioi_rq_locked(event->id, driver);
	bool wanted = false;

	if (!rq)
		return NULL;
	/* First: a thread that finds the half not ready any more must find this. */
	if (event->events & REGIOI_EVENT_HANGUP)
		atomic_store(&rq->hangup_seen, true);
	if (event->events & REGIOI_EVENT_READABLE)
		wanted = readable(rq);
	if (event->events & REGIOI_EVENT_WRITABLE)
		wanted |= writable(rq);
	return wanted ? regioi_node_of(rq, driver) : NULL;
}

/* The RQs that the events make ready become active. */
static void events_take(struct regioi_driver *driver, const struct regioi_event *events, int count)
{
	driver->engine_idle = count <= 0;
	for (int i = 0; i < count; i++) {
		struct regioi_node *node = event_take(driver, &events[i]);

		if (node)
			regioi_node_wake(driver, node);
	}
}

static void events_poll(struct regioi_driver *driver)
{
	struct regioi_event events[BATCH_MAX];
	int count = driver->ops->poll(driver->engine, events, BATCH_MAX);

	driver->passes_unasked = 0;
	driver->done_unasked = 0;
	if (count == -EBADF)
		atomic_store(&driver->lost, true);
	events_take(driver, events, count);
}

/* Passes that may go by before the engine is asked for events. */
static uint32_t passes_unasked_max(const struct regioi_driver *driver)
{
	if ((!driver->busy && driver->hot_count == 0) || driver->steady.count ||
	    driver->active.count > REGIOI_HOT_MAX)
		return 0;
	return regioi_heat_all_hot(driver) ? driver->policy.passes_unasked_hot
					   : driver->policy.passes_unasked;
}

/* Lets RQs be tried that may be ready: all when there is no other work, else the oldest. */
static void maybe_ready_take(struct regioi_driver *driver, bool poll)
{
	bool all = driver->engine_idle || (!poll && driver->maybe_ready.count <= UNKNOWN_FEW);
	struct regioi_node *node, *next;

	for (node = driver->maybe_ready.first; node; node = next) {
		next = node->list_next;
		if (!all && driver->passes - node->received_pass < UNKNOWN_PASSES)
			break;
		for (int i = 0; i < 2; i++)
			regioi_ready_allow_unknown(&node->rq->halves[i]);
		regioi_node_wake(driver, node);
	}
}

/* ---- Executing ---- */

struct batch {
	struct regioi_driver *driver;
	uint32_t count;
	uint32_t completed; /* requests, in this pass */
	uint32_t received;  /* RQs that received something */
	bool alone;	    /* nobody sleeps on the driver, nor is about to */
	struct regioi_hazard *section;
	struct regioi_direct_results *direct;
	struct regioi_list resting; /* RQs that leave the active ones */
	struct regioi_work works[BATCH_MAX];
};

static void batch_count(struct batch *batch, struct regioi_half *half, uint32_t done)
{
	struct regioi_node *node;

	batch->completed += done;
	if (done == 0 || half->direction != REGIOI_RECEIVE)
		return;
	node = regioi_node_of(half->rq, batch->driver);
	regioi_heat_received(node, batch->alone);
	batch->received++;
}

static void batch_begin(struct batch *batch, struct regioi_driver *driver, bool alone,
			struct regioi_direct_results *direct)
{
	batch->driver = driver;
	batch->count = 0;
	batch->completed = 0;
	batch->received = 0;
	batch->alone = alone;
	batch->direct = direct;
	batch->resting = (struct regioi_list){0};
	/* From the first that is prepared to the last that is settled. */
	batch->section = driver->policy.batches ? regioi_section_enter() : NULL;
}

static void batch_execute(struct batch *batch)
{
	struct regioi_driver *driver = batch->driver;
	struct regioi_op ops[BATCH_MAX];

	for (uint32_t i = 0; i < batch->count; i++)
		ops[i] = batch->works[i].op;
	driver->ops->execute(driver->engine, ops, batch->count);
	for (uint32_t i = 0; i < batch->count; i++) {
		struct regioi_work *work = &batch->works[i];
		struct regioi_half *half = work->half;

		work->op.result = ops[i].result;
		batch_count(batch, half, regioi_half_settle(work));
		regioi_half_release(half);
	}
	batch->count = 0;
}

static void batch_end(struct batch *batch)
{
	if (batch->count)
		batch_execute(batch);
	if (batch->driver->policy.batches)
		regioi_section_leave(batch->section);
}

static void batch_add(struct batch *batch, struct regioi_half *half)
{
	enum regioi_prepared prepared;

	if (!regioi_half_try_acquire(half))
		return;
	batch->works[batch->count].direct = batch->direct;
	prepared = regioi_half_prepare(half, &batch->works[batch->count]);
	if (prepared == REGIOI_PREPARED_NO_AREA) {
		if (batch->count > 0)
			batch_execute(batch);
		batch->works[0].direct = batch->direct;
		prepared = regioi_half_prepare_or_allocate(half, &batch->works[0]);
	}
	if (prepared != REGIOI_PREPARED) {
		regioi_half_release(half);
		return;
	}
	if (++batch->count == BATCH_MAX)
		batch_execute(batch);
}

/* One operation for one half, if it has something to do. */
static void visit_half(struct batch *batch, struct regioi_half *half, bool try_anyway)
{
	if (!regioi_half_runnable(half, REGIOI_READY_YES) &&
	    !(try_anyway && regioi_half_pending(half) > 0))
		return;
	/* Without batches each half is finished while what it needs is in the caches. */
	if (batch->driver->policy.batches)
		batch_add(batch, half);
	else
		batch_count(batch, half, regioi_half_execute_one(half, batch->direct));
}

/* While one RQ is in a system call, the next one is fetched. */
static void rq_prefetch(const struct regioi_rq *rq)
{
	__builtin_prefetch(rq);
	regioi_half_prefetch(&rq->halves[REGIOI_RECEIVE]);
	regioi_half_prefetch(&rq->halves[REGIOI_SEND]);
}

/* ---- The end of a pass ---- */

/* Changes with each request that is posted. */
static uint16_t posted_ever(const struct regioi_rq *rq)
{
	return (uint16_t)(atomic_load_explicit(&rq->halves[0].tail, memory_order_relaxed) +
			  atomic_load_explicit(&rq->halves[1].tail, memory_order_relaxed));
}

/*
 * An RQ stays through some idle passes: it often has work again soon, and being listed again costs
 * more than a look. Taking a pinned one off costs a barrier on every thread. One whose requests are
 * executed where they are posted has nothing to do in any pass, and is not idle.
 */
static bool stays_idle(struct regioi_node *node)
{
	bool pinned =
		atomic_load_explicit(&node->queued, memory_order_relaxed) == REGIOI_NODE_PINNED;
	uint16_t posted = posted_ever(node->rq);

	if (posted != node->posted_seen)
		node->idle_passes = 0;
	node->posted_seen = posted;
	return ++node->idle_passes < (pinned ? PINNED_IDLE_PASSES : LISTED_IDLE_PASSES);
}

/*
 * Decides whether the RQ stays active. Before a sleep it does not without work: the program answers
 * from memory after it, and a pinned RQ would be posted to without a kick.
 */
static void turn_end(struct batch *batch, struct regioi_node *node)
{
	struct regioi_driver *driver = batch->driver;
	enum regioi_ready ready;

	if (!batch->alone && node->heat != REGIOI_COLD)
		regioi_heat_cool(node);
	ready = regioi_node_ready(node);
	if (ready == REGIOI_READY_UNKNOWN && node->heat == REGIOI_COLD &&
	    regioi_heat_watch_instead(node))
		ready = regioi_node_ready(node);
	if (ready == REGIOI_READY_YES) {
		node->idle_passes = 0;
		driver->busy = true;
	} else if (node->heat == REGIOI_HOT) {
		return;
	} else if (!batch->alone || node->heat == REGIOI_STEADY || ready == REGIOI_READY_UNKNOWN ||
		   !stays_idle(node)) {
		regioi_list_move(&driver->active, &batch->resting, node);
	}
}

/* Each RQ's turn ends before the next begins, unless its operations wait for their batch. */
static void visit_active(struct batch *batch)
{
	struct regioi_driver *driver = batch->driver;
	struct regioi_node *node, *next;

	driver->busy = false;
	for (node = driver->active.first; node; node = next) {
		next = node->list_next;
		if (next)
			rq_prefetch(next->rq);
		visit_half(batch, &node->rq->halves[REGIOI_SEND], false);
		visit_half(batch, &node->rq->halves[REGIOI_RECEIVE],
			   batch->alone && node->heat == REGIOI_HOT);
		if (!driver->policy.batches)
			turn_end(batch, node);
	}
	batch_end(batch);
	if (!driver->policy.batches)
		return;
	for (node = driver->active.first; node; node = next) {
		next = node->list_next;
		turn_end(batch, node);
	}
}

/*
 * Takes RQs off that are done until an event or a post. A poster stores its request and then
 * looks whether the RQ is listed; this stores that it is not and then looks for requests. One of
 * the two sees the other: by sequential consistency, or where the poster saw the RQ pinned, by the
 * barrier on every thread. Returns whether one of them has work after all.
 */
static bool nodes_rest(struct regioi_driver *driver, struct regioi_list *resting)
{
	struct regioi_node *node;
	bool pinned = false, back = false;

	for (node = resting->first; node; node = node->list_next)
		pinned |= atomic_exchange(&node->queued, REGIOI_NODE_RESTING) == REGIOI_NODE_PINNED;
	if (pinned)
		regioi_barrier_everywhere();
	while ((node = resting->first)) {
		enum regioi_ready ready = regioi_node_ready(node);

		regioi_list_remove(resting, node);
		if (ready == REGIOI_READY_YES && regioi_node_wake(driver, node))
			back = true;
		else if (node->heat == REGIOI_STEADY)
			regioi_list_append(&driver->steady, node);
		else if (ready == REGIOI_READY_UNKNOWN)
			regioi_list_append(&driver->maybe_ready, node);
	}
	return back;
}

/*
 * While one RQ is in a system call, what those after it need is fetched, their answers included:
 * of the third its node, of the second its halves, of the next its requests.
 */
static void prefetch_following(const struct regioi_node *node)
{
	const struct regioi_node *next = node->list_next;

	if (!next || !next->list_next)
		return;
	regioi_half_prefetch_requests(&next->rq->halves[REGIOI_RECEIVE]);
	regioi_half_prefetch_requests(&next->rq->halves[REGIOI_SEND]);
	rq_prefetch(next->list_next->rq);
	__builtin_prefetch(next->list_next->list_next);
}

/*
 * Tries steady RQs, the one that was tried longest ago first: no silent one keeps the others from
 * their turn. Clients are often answered in the order they asked, and ask again in the order they
 * were answered.
 */
static void visit_steady(struct batch *batch)
{
	struct regioi_driver *driver = batch->driver;
	struct regioi_node *node = driver->steady.first, *next;
	uint32_t left = driver->steady.count, received = 0;
	uint32_t misses = 0, misses_max = STEADY_MISSES_PASS;

	for (; left && received < STEADY_PASS && misses < misses_max; left--, node = next) {
		struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];
		uint32_t done = 0;

		next = node->list_next;
		prefetch_following(node);
		if (regioi_half_pending(receive) > 0)
			done = regioi_half_execute_one(receive, batch->direct);
		batch_count(batch, receive, done);
		regioi_list_move(&driver->steady, &driver->steady, node);
		if (done)
			received++;
		else if (++misses && !regioi_heat_missed(node))
			misses_max = STEADY_MISSES_SILENT;
	}
}

/* After all turns. Returns whether work is left that needs no event. */
static bool pass_end(struct batch *batch)
{
	struct regioi_driver *driver = batch->driver;

	if (batch->resting.first && nodes_rest(driver, &batch->resting))
		driver->busy = true;
	regioi_lists_empty_set(driver);
	return driver->busy || driver->maybe_ready.count > 0;
}

/* Whether the results of a pass have filled the caller's array. */
static bool has_filled(const struct regioi_direct_results *direct)
{
	return direct && direct->count > 0 && direct->count == direct->results_max;
}

/*
 * A pass over nothing but hot RQs, as while a program spins on a few sockets. Nobody leaves and
 * nobody joins, and there are too few operations for a batch. Once receives have filled the
 * caller's array, the RQs that are left come first in the next pass: what they received now would
 * wait on the CQ's list, and leave the caches. Returns whether work is left.
 */
static bool pass_hot(struct regioi_driver *driver, struct regioi_direct_results *direct)
{
	struct regioi_node *node, *first_next = NULL;
	uint32_t completed = 0;
	bool left = false, full = false;

	for (node = driver->active.first; node; node = node->list_next) {
		struct regioi_half *send = &node->rq->halves[REGIOI_SEND];
		struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];

		if (regioi_half_runnable(send, REGIOI_READY_YES))
			completed += regioi_half_execute_one(send, direct);
		if (full && !first_next)
			first_next = node;
		if (!full && regioi_half_pending(receive) > 0) {
			uint32_t received = regioi_half_execute_one(receive, direct);

			if (received)
				regioi_heat_received(node, true);
			completed += received;
			full = received && has_filled(direct);
		}
		left |= regioi_node_ready(node) == REGIOI_READY_YES;
	}
	while (first_next && driver->active.first != first_next)
		regioi_list_move(&driver->active, &driver->active, driver->active.first);
	driver->done_unasked += completed;
	regioi_heat_pass_hot(driver, completed);
	return left;
}

/*
 * Before anything is looked at: pairs with the poster, which stores its request and then looks
 * whether it must ring (regioi_driver_kick()).
 */
static void kicks_clear(struct regioi_driver *driver)
{
	if (atomic_load_explicit(&driver->kicked, memory_order_relaxed))
		atomic_store(&driver->kicked, false);
}

/*
 * 'poll': the caller does not sleep, so this is where events are asked for and hot RQs tried.
 * 'direct' may be NULL. Returns whether work is left that needs no event.
 */
static bool pass(struct regioi_driver *driver, bool poll, struct regioi_direct_results *direct)
{
	/* Nobody sleeps on the driver, nor is about to. */
	const bool alone = poll && !atomic_load(&driver->listeners);
	struct batch batch;

	driver->passes++;
	if (__builtin_expect(regioi_driver_is_lost(driver), 0))
		regioi_driver_lose(driver);
	/*
	 * First, because a poll may take the doorbell from a thread that sleeps: what it was rung
	 * for is looked at below.
	 */
	if (poll && (++driver->passes_unasked > passes_unasked_max(driver) ||
		     driver->done_unasked >= DONE_UNASKED))
		events_poll(driver);
	kicks_clear(driver);
	regioi_arrivals_take(driver);
	if (alone && regioi_heat_all_hot(driver))
		return pass_hot(driver, direct);
	if (driver->maybe_ready.first)
		maybe_ready_take(driver, poll);
	batch_begin(&batch, driver, alone, direct);
	visit_active(&batch);
	if (alone)
		visit_steady(&batch);
	else
		regioi_heat_cool_steady(driver);
	driver->done_unasked += batch.completed;
	regioi_heat_pass(driver, batch.received, batch.completed);
	return pass_end(&batch);
}

/*
 * After a pass before a sleep that has 'left' work, another one at most. Returns whether work is
 * left that needs no event.
 */
static bool try_few_unknown(struct regioi_driver *driver, bool left,
			    struct regioi_direct_results *direct)
{
	/* Trying these few costs less than asking the engine, and then trying them. */
	if (driver->maybe_ready.first && driver->maybe_ready.count <= UNKNOWN_FEW)
		left = pass(driver, false, direct);
	work_left_set(driver, left);
	return left;
}

/* An RQ that rests has had its turn: lists it if there is more to do. Returns whether there is. */
static bool list_if_more_to_do(struct regioi_driver *driver, struct regioi_node *node)
{
	enum regioi_ready ready = regioi_node_ready(node);

	if (ready == REGIOI_READY_UNKNOWN && regioi_heat_watch_instead(node))
		ready = regioi_node_ready(node);
	if (ready == REGIOI_READY_YES)
		return regioi_node_wake(driver, node);
	if (ready == REGIOI_READY_UNKNOWN && !node->list)
		regioi_list_append(&driver->maybe_ready, node);
	return false;
}

/*
 * The pass after a sleep, where no RQ is listed: those that the events name have their turns, and
 * only what has more to do is listed. Returns whether work is left that needs no event.
 */
static bool pass_events(struct regioi_driver *driver, const struct regioi_event *events, int count,
			struct regioi_direct_results *direct)
{
	struct regioi_node *nodes[REGIOI_SLEEP_EVENTS];
	struct batch batch;
	int named = 0;
	bool left = false;

	driver->passes++;
	driver->engine_idle = count <= 0;
	batch_begin(&batch, driver, false, direct);
	for (int i = 0; i < count; i++) {
		const struct regioi_rq *next =
			i + 1 < count ? regioi_rq_locked(events[i + 1].id, driver) : NULL;
		struct regioi_node *node = event_take(driver, &events[i]);

		if (next)
			rq_prefetch(next);
		if (!node)
			continue;
		visit_half(&batch, &node->rq->halves[REGIOI_SEND], false);
		visit_half(&batch, &node->rq->halves[REGIOI_RECEIVE], false);
		nodes[named++] = node;
	}
	batch_end(&batch);
	for (int i = 0; i < named; i++)
		left |= list_if_more_to_do(driver, nodes[i]);
	driver->busy = left;
	driver->done_unasked += batch.completed;
	regioi_heat_pass(driver, batch.received, batch.completed);
	regioi_lists_empty_set(driver);
	return left || driver->maybe_ready.count > 0;
}

/* Work that is left is for another listener, if there is one: the caller is one itself. */
static void leave_to_others(struct regioi_driver *driver, bool left)
{
	if (left && (atomic_load(&driver->listeners) & ~REGIOI_LED) > 1)
		regioi_driver_kick(driver);
}

/*
 * Whether a pass would find nothing. Sequentially consistent: pairs with threads that list work and
 * then look for listeners. Work that another thread has taken off the list meanwhile is not missed:
 * what that thread leaves it rings the doorbell for, and a doorbell that no poll has taken ends the
 * sleep that follows.
 */
static bool no_work_listed(const struct regioi_driver *driver)
{
	return !atomic_load(&driver->arrivals) && regioi_driver_has_nothing_listed(driver) &&
	       !regioi_driver_is_lost(driver);
}

bool regioi_progress_without_poll(struct regioi_driver *driver, struct regioi_cq *consumer)
{
	struct regioi_direct_results direct = {.cq = consumer};
	bool left;

	if (no_work_listed(driver))
		return false;
	regioi_driver_lock(driver);
	left = try_few_unknown(driver, pass(driver, false, &direct), &direct);
	regioi_driver_unlock(driver);
	leave_to_others(driver, left);
	return left;
}

void regioi_progress_after_sleep(struct regioi_driver *driver, struct regioi_cq *consumer,
				 const struct regioi_event *events, int count)
{
	struct regioi_direct_results direct = {.cq = consumer};
	bool left;

	regioi_driver_lock(driver);
	kicks_clear(driver);
	if (no_work_listed(driver)) {
		left = pass_events(driver, events, count, &direct);
	} else {
		events_take(driver, events, count);
		left = pass(driver, false, &direct);
	}
	left = try_few_unknown(driver, left, &direct);
	regioi_driver_unlock(driver);
	leave_to_others(driver, left);
}

/*
 * Where a program spins on one hot RQ and nothing else is to be done, its socket is all there is
 * to try. Returns false where a pass is needed. *ret_left: whether work is left that needs no
 * event.
 */
static bool poll_single(struct regioi_driver *driver, struct regioi_direct_results *direct,
			bool *ret_left)
{
	struct regioi_node *node = driver->active.first;
	struct regioi_half *half;
	uint32_t received;

	if (!regioi_heat_all_hot(driver) || driver->hot_count > 1 ||
	    driver->passes_unasked >= driver->policy.passes_unasked_hot ||
	    driver->done_unasked >= DONE_UNASKED || driver->passes_idle >= REGIOI_HOT_IDLE_PASSES ||
	    atomic_load_explicit(&driver->arrivals, memory_order_relaxed) ||
	    atomic_load(&driver->listeners))
		return false;
	half = &node->rq->halves[REGIOI_RECEIVE];
	if (half->cq != direct->cq || regioi_half_pending(&node->rq->halves[REGIOI_SEND]) > 0)
		return false;
	received = regioi_half_execute_one(half, direct);
	driver->passes_unasked++;
	driver->done_unasked += received;
	driver->passes_idle = received ? 0 : driver->passes_idle + 1;
	if (received)
		regioi_heat_received(node, true);
	*ret_left = regioi_node_ready(node) == REGIOI_READY_YES;
	return true;
}

/* Determined from memory alone: a program that polls an idle queue makes no system call. */
static bool nothing_to_do(const struct regioi_driver *driver)
{
	return regioi_driver_has_nothing_listed(driver) && driver->ops->idle &&
	       driver->ops->idle(driver->engine);
}

uint32_t regioi_progress_try(struct regioi_cq *cq, bool poll, struct regio_result *results,
			     uint32_t results_max)
{
	struct regioi_driver *driver = cq->driver;
	struct regioi_direct_results direct = {
		.cq = cq, .results = results, .results_max = results_max};
	bool left;

	if (driver->threaded) {
		const int cpu = regioi_driver_note_user(driver);

		if (regioi_driver_drives(driver))
			return 0;
		regioi_standby_call(driver, cpu);
	}
	if (nothing_to_do(driver) || !regioi_driver_trylock(driver))
		return 0;
	if (!poll || !poll_single(driver, &direct, &left))
		left = pass(driver, poll, &direct);
	work_left_set(driver, left);
	regioi_driver_unlock(driver);
	/* The program may not dequeue again soon; a thread that sleeps on the driver goes on. */
	if (left && atomic_load(&driver->listeners))
		regioi_driver_kick(driver);
	return direct.count;
}

bool regioi_progress_thread(struct regioi_driver *driver)
{
	struct regioi_back_off back_off = {0};
	uint32_t wanted;
	bool found;

	if (nothing_to_do(driver))
		return false;
	while ((wanted = atomic_load(&driver->lock_wanted)))
		regioi_back_off(&back_off, &driver->lock_wanted, wanted);
	pthread_mutex_lock(&driver->lock);
	regioi_driver_note_lock(driver, true);
	work_left_set(driver, pass(driver, true, NULL));
	found = driver->passes_idle == 0;
	regioi_driver_unlock(driver);
	return found;
}
