/* SPDX-License-Identifier: MIT */
/*
 * Progress.
 *
 * RQs that may have work arrive on a list that anybody may push to, and become active when a
 * thread makes progress. A pass visits each active RQ once, for at most one operation on each
 * half, collected in a batch where the engine gains by that. An RQ stays active while it can do
 * more without an event, and a little longer; one that is only in doubt waits on a list of its own.
 *
 * Two kinds of RQs are tried without asking the engine first. A few that have just received are
 * hot, which is how spinning reaches the latency of the plain socket; they cool down after about a
 * millisecond of nothing. Any number that receive in pass after pass are steady: on a busy server
 * asking costs more than the few tries in vain, and a socket that the engine does not watch is
 * cheaper in itself.
 */
#include <sched.h>

#include "core/barrier.h"
#include "core/driver.h"
#include "core/half.h"
#include "core/lone.h"
#include "core/table.h"
#include "core/watch.h"

/* Operations executed together. */
#define BATCH_MAX 64
/* Passes over active RQs between two questions to the engine, some microseconds either way. */
#define PASSES_UNASKED 8
#define PASSES_UNASKED_HOT 32
/* Passes without a message, some 250 ns each, before hot RQs cool down. */
#define HOT_IDLE_PASSES 4096
/*
 * An RQ becomes steady, and is watched no longer, after 1 << REGIOI_STEADY_SHIFT_MIN passes with a
 * message: two system calls and some tries in vain to earn back. Each time that it was a mistake
 * the next time takes twice as long, up to 1 << 12.
 */
#define STEADY_SHIFT_MAX 12
/* Passes between two messages that end a streak. */
#define STREAK_GAP 64
/* Tries in a row that found nothing before a steady RQ is watched again. */
#define STEADY_MISSES 8
/* Most of them in one pass: what one needs is still in the caches when it is answered. */
#define STEADY_PASS 16
/* RQs found empty in one pass before the rest of the steady ones, younger all, are left. */
#define STEADY_MISSES_PASS 2
/* Passes without hot RQs after more than REGIOI_HOT_MAX received in one. */
#define HOT_PAUSE_PASSES 64
/* Passes without work before a pinned RQ is taken off. */
#define PINNED_IDLE_PASSES 64
/* The same for others. */
#define LISTED_IDLE_PASSES 2
/* Passes, while there is other work, before a doubtful RQ is tried. */
#define DOUBTFUL_PASSES 8
/* Up to so many are tried before a sleep without asking the engine first: that costs as much. */
#define DOUBTFUL_FEW 2

/* ---- The lists of RQs ---- */

void regioi_driver_call(struct regioi_driver *driver)
{
	/* Once for each pass: a burst of posts is one call. */
	if (!atomic_exchange(&driver->called, true))
		driver->ops->doorbell(driver->engine);
}

void regioi_node_push(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;
	struct regioi_node *head = atomic_load_explicit(&driver->arrivals, memory_order_relaxed);

	do {
		node->next = head;
		/* Sequentially consistent: pairs with the sleeper's look in wait.c. */
	} while (!atomic_compare_exchange_weak(&driver->arrivals, &head, node));
	if (atomic_load(&driver->listeners))
		regioi_driver_call(driver);
}

static void list_append(struct regioi_list *list, struct regioi_node *node)
{
	node->list = list;
	node->list_next = NULL;
	node->list_previous = list->last;
	if (list->last)
		list->last->list_next = node;
	else
		list->first = node;
	list->last = node;
	list->count++;
}

static void list_remove(struct regioi_list *list, struct regioi_node *node)
{
	if (node->list_previous)
		node->list_previous->list_next = node->list_next;
	else
		list->first = node->list_next;
	if (node->list_next)
		node->list_next->list_previous = node->list_previous;
	else
		list->last = node->list_previous;
	list->count--;
	node->list = NULL;
}

static void list_move(struct regioi_list *from, struct regioi_list *to, struct regioi_node *node)
{
	list_remove(from, node);
	list_append(to, node);
}

static void arrivals_take(struct regioi_driver *driver)
{
	struct regioi_node *node = NULL;

	if (atomic_load_explicit(&driver->arrivals, memory_order_relaxed))
		node = atomic_exchange_explicit(&driver->arrivals, NULL, memory_order_acquire);
	while (node) {
		struct regioi_node *next = node->next;

		if (node->list)
			list_remove(node->list, node);
		list_append(&driver->active, node);
		node = next;
	}
}

/* Of a node that rests, in doubt or not. False when somebody else has just listed it. */
static bool node_wake(struct regioi_driver *driver, struct regioi_node *node)
{
	uint32_t resting = REGIOI_NODE_RESTING;

	if (!atomic_compare_exchange_strong(&node->listed, &resting, REGIOI_NODE_LISTED))
		return false;
	if (node->list)
		list_remove(node->list, node);
	list_append(&driver->active, node);
	return true;
}

void regioi_node_remove(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;

	arrivals_take(driver);
	if (!node->list)
		return;
	driver->hot_count -= node->heat == REGIOI_HOT;
	list_remove(node->list, node);
}

static struct regioi_node *node_of(struct regioi_rq *rq, const struct regioi_driver *driver)
{
	return rq->nodes[0].driver == driver ? &rq->nodes[0] : &rq->nodes[1];
}

/* The readiest of its halves that have requests. */
static enum regioi_ready node_ready(const struct regioi_node *node)
{
	enum regioi_ready ready = REGIOI_READY_NO;

	for (int i = 0; i < 2; i++) {
		const struct regioi_half *half = &node->rq->halves[i];
		enum regioi_ready half_ready;

		if (regioi_half_pending(half) == 0 ||
		    atomic_load_explicit(&half->cq->closed, memory_order_relaxed))
			continue;
		half_ready = atomic_load(&half->ready);
		if (half_ready == REGIOI_READY_YES)
			return REGIOI_READY_YES;
		if (half_ready == REGIOI_READY_PERHAPS)
			ready = REGIOI_READY_PERHAPS;
	}
	return ready;
}

/* ---- Events ---- */

/* Sequentially consistent: pairs with regioi_driver_has_work(), the look before a sleep. */
static void left_set(struct regioi_driver *driver, bool left)
{
	/* It hardly ever changes, and a load is cheaper. */
	if (atomic_load_explicit(&driver->left, memory_order_relaxed) != left)
		atomic_store(&driver->left, left);
}

/* Read without the lock, by those who would make a pass for nothing. */
static void rests_set(struct regioi_driver *driver)
{
	bool resting = driver->active.count == 0 && driver->doubtful.count == 0 &&
		       driver->steady.count == 0;

	if (atomic_load_explicit(&driver->resting, memory_order_relaxed) != resting)
		atomic_store_explicit(&driver->resting, resting, memory_order_relaxed);
}

/* Under the driver's lock, so an RQ found here is not gone before it is active. */
static void event_take(struct regioi_driver *driver, const struct regioi_event *event)
{
	struct regioi_rq *rq =
		regioi_table_object((const void *)(uintptr_t)event->id, REGIOI_KIND_RQ);
	struct regioi_node *node;

	if (!rq)
		return;
	node = node_of(rq, driver);
	/* First: whoever finds the half not ready any more must find this. */
	if (event->events & REGIOI_EVENT_BREAK)
		atomic_store(&rq->broken, true);
	if (event->events & REGIOI_EVENT_READABLE)
		atomic_store(&rq->halves[REGIOI_RECEIVE].ready, REGIOI_READY_YES);
	if (event->events & REGIOI_EVENT_WRITABLE)
		atomic_store(&rq->halves[REGIOI_SEND].ready, REGIOI_READY_YES);
	if (node_ready(node) == REGIOI_READY_YES)
		node_wake(driver, node);
}

static void events_take(struct regioi_driver *driver, const struct regioi_event *events, int count)
{
	driver->quiet = count <= 0;
	for (int i = 0; i < count; i++)
		event_take(driver, &events[i]);
}

void regioi_driver_take_events(struct regioi_driver *driver, const struct regioi_event *events,
			       int count)
{
	regioi_driver_lock(driver);
	events_take(driver, events, count);
	rests_set(driver);
	/* Until a pass has looked. */
	if (count > 0)
		left_set(driver, true);
	pthread_mutex_unlock(&driver->lock);
}

static void events_ask(struct regioi_driver *driver)
{
	struct regioi_event events[BATCH_MAX];

	driver->passes_unasked = 0;
	events_take(driver, events, driver->ops->ask(driver->engine, events, BATCH_MAX));
}

static bool all_hot(const struct regioi_driver *driver)
{
	return driver->hot_count > 0 && driver->active.count == driver->hot_count &&
	       driver->doubtful.count == 0 && driver->steady.count == 0;
}

/* Passes that may go by before the engine is asked for events. */
static uint32_t passes_unasked_max(const struct regioi_driver *driver)
{
	if ((!driver->busy && driver->hot_count == 0) || driver->steady.count ||
	    driver->active.count > REGIOI_HOT_MAX)
		return 0;
	return all_hot(driver) ? PASSES_UNASKED_HOT : PASSES_UNASKED;
}

/* Lets doubtful RQs be tried: all when there is nothing better to do, else those long in doubt. */
static void doubtful_take(struct regioi_driver *driver, bool poll)
{
	bool all = driver->quiet || (!poll && driver->doubtful.count <= DOUBTFUL_FEW);
	struct regioi_node *node, *next;

	for (node = driver->doubtful.first; node; node = next) {
		next = node->list_next;
		if (!all && driver->passes - node->received_pass < DOUBTFUL_PASSES)
			break;
		for (int i = 0; i < 2; i++) {
			uint32_t perhaps = REGIOI_READY_PERHAPS;

			atomic_compare_exchange_strong(&node->rq->halves[i].ready, &perhaps,
						       REGIOI_READY_YES);
		}
		node_wake(driver, node);
	}
}

/* ---- Executing ---- */

/* An RQ that goes on receiving has no need of events. */
static void make_steady(struct regioi_node *node)
{
	regioi_watch_suspend(node->rq);
	if (regioi_watch_is_on(node->rq))
		node->streak = 0;
	else if (node->heat == REGIOI_COLD)
		node->heat = REGIOI_STEADY;
}

static void count_received(struct regioi_node *node)
{
	const uint32_t pass = node->driver->passes;

	if (node->heat == REGIOI_COLD && pass - node->received_pass > STREAK_GAP)
		node->streak = 0;
	else if (node->streak < 1u << node->steady_shift &&
		 ++node->streak == 1u << node->steady_shift)
		make_steady(node);
	node->received_pass = pass;
	node->misses = 0;
}

struct batch {
	struct regioi_driver *driver;
	uint32_t count;
	uint32_t completed; /* requests, in this pass */
	uint32_t received;  /* RQs that received something */
	struct regioi_sink *sink;
	struct regioi_work works[BATCH_MAX];
};

static void batch_count(struct batch *batch, struct regioi_half *half, uint32_t done)
{
	struct regioi_node *node;

	batch->completed += done;
	if (done == 0 || half->direction != REGIOI_RECEIVE)
		return;
	node = node_of(half->rq, batch->driver);
	count_received(node);
	batch->received++;
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
		batch_count(batch, half, regioi_half_finish(work));
		regioi_half_done(half);
	}
	batch->count = 0;
}

static void batch_add(struct batch *batch, struct regioi_half *half)
{
	enum regioi_prepared prepared;

	if (!regioi_half_enter(half))
		return;
	batch->works[batch->count].sink = batch->sink;
	prepared = regioi_half_prepare(half, &batch->works[batch->count]);
	if (prepared == REGIOI_PREPARED_NO_AREA && batch->count > 0) {
		batch_execute(batch);
		batch->works[0].sink = batch->sink;
		prepared = regioi_half_prepare(half, &batch->works[0]);
	}
	if (prepared != REGIOI_PREPARED) {
		regioi_half_done(half);
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
	/* One at a time it goes from beginning to end while what it needs is in the caches. */
	if (batch->driver->batches)
		batch_add(batch, half);
	else
		batch_count(batch, half, regioi_half_run_one(half, batch->sink));
}

/* While one RQ is in a system call, the next one is fetched. */
static void node_prefetch(const struct regioi_node *node)
{
	const struct regioi_rq *rq = node->rq;

	__builtin_prefetch(rq);
	regioi_half_prefetch(&rq->halves[REGIOI_RECEIVE]);
	regioi_half_prefetch(&rq->halves[REGIOI_SEND]);
}

static void visit_active(struct batch *batch, bool try_hot)
{
	struct regioi_node *node;

	for (node = batch->driver->active.first; node; node = node->list_next) {
		if (node->list_next)
			node_prefetch(node->list_next);
		visit_half(batch, &node->rq->halves[REGIOI_SEND], false);
		visit_half(batch, &node->rq->halves[REGIOI_RECEIVE],
			   try_hot && node->heat == REGIOI_HOT);
	}
	if (batch->count)
		batch_execute(batch);
}

/* ---- The end of a pass ---- */

/*
 * An RQ stays through some idle passes: it often has work again soon, and being listed again costs
 * more than a look. Taking a pinned one off costs a barrier on every thread.
 */
static bool stays_idle(struct regioi_node *node)
{
	bool pinned =
		atomic_load_explicit(&node->listed, memory_order_relaxed) == REGIOI_NODE_PINNED;

	return ++node->idle_passes < (pinned ? PINNED_IDLE_PASSES : LISTED_IDLE_PASSES);
}

/* While somebody sleeps nobody may be pinned: posting on such an RQ calls nobody. */
static bool must_be_unpinned(const struct regioi_node *node, bool alone)
{
	return !alone &&
	       atomic_load_explicit(&node->listed, memory_order_relaxed) == REGIOI_NODE_PINNED;
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
		pinned |= atomic_exchange(&node->listed, REGIOI_NODE_RESTING) == REGIOI_NODE_PINNED;
	if (pinned)
		regioi_barrier_everywhere();
	while ((node = resting->first)) {
		enum regioi_ready ready = node_ready(node);

		list_remove(resting, node);
		if (ready == REGIOI_READY_YES && node_wake(driver, node))
			back = true;
		else if (node->heat == REGIOI_STEADY)
			list_append(&driver->steady, node);
		else if (ready == REGIOI_READY_PERHAPS)
			list_append(&driver->doubtful, node);
	}
	return back;
}

/*
 * A doubtful socket that is not watched yet: starting to watch it reports what is there, so there
 * is no doubt left. False where it is watched, or cannot be.
 */
static bool watch_instead(struct regioi_node *node)
{
	struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];

	if (regioi_watch_is_on(node->rq))
		return false;
	/* Before: the event may come at once. */
	atomic_store(&receive->ready, REGIOI_READY_NO);
	if (regioi_watch_start(node->rq) == 0)
		return true;
	atomic_store(&receive->ready, REGIOI_READY_PERHAPS);
	return false;
}

static void cool(struct regioi_node *node)
{
	node->driver->hot_count -= node->heat == REGIOI_HOT;
	node->heat = REGIOI_COLD;
	node->streak = 0;
	watch_instead(node);
}

static void cool_hot(struct regioi_driver *driver)
{
	for (struct regioi_node *node = driver->active.first; node; node = node->list_next) {
		if (node->heat == REGIOI_HOT)
			cool(node);
	}
}

/* Back to events: what is there already shows as one, unless the engine cannot. */
static void steady_cool(struct regioi_driver *driver, struct regioi_node *node)
{
	list_remove(&driver->steady, node);
	cool(node);
	if (node_ready(node) == REGIOI_READY_PERHAPS)
		list_append(&driver->doubtful, node);
}

/*
 * While one RQ is in a system call, what those behind it need is fetched, their answers included:
 * of the third its node, of the second its halves, of the next its requests.
 */
static void prefetch_behind(const struct regioi_node *node)
{
	const struct regioi_node *next = node->list_next;

	if (!next || !next->list_next)
		return;
	regioi_half_prefetch_requests(&next->rq->halves[REGIOI_RECEIVE]);
	regioi_half_prefetch_requests(&next->rq->halves[REGIOI_SEND]);
	node_prefetch(next->list_next);
	__builtin_prefetch(next->list_next->list_next);
}

/*
 * Tries steady RQs, the one that received longest ago first. Clients are often answered in the
 * order they asked, and ask again in the order they were answered.
 */
static void visit_steady(struct batch *batch)
{
	struct regioi_driver *driver = batch->driver;
	struct regioi_node *node = driver->steady.first, *next;
	uint32_t misses = 0;

	for (uint32_t left = STEADY_PASS; node && left && misses < STEADY_MISSES_PASS; left--) {
		struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];
		uint32_t done = 0;

		next = node->list_next;
		prefetch_behind(node);
		if (regioi_half_pending(receive) > 0)
			done = regioi_half_run_one(receive, batch->sink);
		batch_count(batch, receive, done);
		if (done) {
			list_move(&driver->steady, &driver->steady, node);
		} else {
			misses++;
			if (++node->misses > STEADY_MISSES) {
				if (node->steady_shift < STEADY_SHIFT_MAX)
					node->steady_shift++;
				steady_cool(driver, node);
			}
		}
		node = next;
	}
}

static void steady_cool_all(struct regioi_driver *driver)
{
	while (driver->steady.first)
		steady_cool(driver, driver->steady.first);
}

static void count_idle(struct regioi_driver *driver, uint32_t completed)
{
	if (completed)
		driver->passes_idle = 0;
	else if (driver->passes_idle < UINT32_MAX)
		driver->passes_idle++;
}

/* Decides which RQs are hot or steady: none while somebody sleeps, who relies on events. */
static void heat(struct regioi_driver *driver, const struct batch *batch, bool alone)
{
	struct regioi_node *node;

	if (batch->received > REGIOI_HOT_MAX)
		driver->hot_pause = HOT_PAUSE_PASSES;
	else if (driver->hot_pause > 0)
		driver->hot_pause--;
	count_idle(driver, batch->completed);
	if (driver->hot_count &&
	    (!alone || batch->received > REGIOI_HOT_MAX || driver->passes_idle >= HOT_IDLE_PASSES))
		cool_hot(driver);
	if (!alone || driver->hot_pause || !batch->received)
		return;
	for (node = driver->active.first; node && driver->hot_count < REGIOI_HOT_MAX;
	     node = node->list_next) {
		if (node->received_pass != driver->passes || node->heat != REGIOI_COLD)
			continue;
		node->heat = REGIOI_HOT;
		driver->hot_count++;
	}
}

/* Decides who stays active. Returns whether work is left that needs no event. */
static bool pass_end(struct regioi_driver *driver, bool alone)
{
	struct regioi_node *node, *next;
	struct regioi_list resting = {0};

	driver->busy = false;
	for (node = driver->active.first; node; node = next) {
		enum regioi_ready ready;

		if (!alone && node->heat == REGIOI_STEADY)
			cool(node);
		ready = node_ready(node);
		next = node->list_next;
		if (ready == REGIOI_READY_YES) {
			node->idle_passes = 0;
			driver->busy = true;
		} else if (node->heat == REGIOI_HOT) {
			continue;
		} else if (node->heat == REGIOI_STEADY ||
			   (ready == REGIOI_READY_PERHAPS && !watch_instead(node)) ||
			   must_be_unpinned(node, alone) || !stays_idle(node)) {
			list_move(&driver->active, &resting, node);
		}
	}
	if (resting.first && nodes_rest(driver, &resting))
		driver->busy = true;
	rests_set(driver);
	return driver->busy || driver->doubtful.count > 0;
}

/*
 * A pass over nothing but hot RQs, as while a program spins on a few sockets. Nobody leaves and
 * nobody joins, and there are too few operations for a batch. Returns whether work is left.
 */
static bool pass_hot(struct regioi_driver *driver, struct regioi_sink *sink)
{
	struct regioi_node *node;
	uint32_t completed = 0;
	bool left = false;

	for (node = driver->active.first; node; node = node->list_next) {
		struct regioi_half *send = &node->rq->halves[REGIOI_SEND];
		struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];

		if (regioi_half_runnable(send, REGIOI_READY_YES))
			completed += regioi_half_run_one(send, sink);
		if (regioi_half_pending(receive) > 0) {
			uint32_t received = regioi_half_run_one(receive, sink);

			if (received)
				count_received(node);
			completed += received;
		}
		left |= node_ready(node) == REGIOI_READY_YES;
	}
	count_idle(driver, completed);
	if (driver->passes_idle >= HOT_IDLE_PASSES)
		cool_hot(driver);
	return left;
}

/*
 * 'poll': the caller does not sleep, so this is where events are asked for and hot RQs tried.
 * 'sink' may be NULL. Returns whether work is left that needs no event.
 */
static bool pass(struct regioi_driver *driver, bool poll, struct regioi_sink *sink)
{
	/* Nobody sleeps on the driver, nor is about to. */
	const bool alone = poll && !atomic_load(&driver->listeners);
	struct batch batch;

	driver->passes++;
	/* Before the look at anything: pairs with the poster, which stores and then calls. */
	if (atomic_load_explicit(&driver->called, memory_order_relaxed))
		atomic_store(&driver->called, false);
	arrivals_take(driver);
	if (poll && ++driver->passes_unasked > passes_unasked_max(driver))
		events_ask(driver);
	if (alone && all_hot(driver))
		return pass_hot(driver, sink);
	batch.driver = driver;
	batch.sink = sink;
	batch.count = 0;
	batch.completed = 0;
	batch.received = 0;
	if (driver->doubtful.first)
		doubtful_take(driver, poll);
	visit_active(&batch, alone);
	if (alone)
		visit_steady(&batch);
	else
		steady_cool_all(driver);
	heat(driver, &batch, alone);
	return pass_end(driver, alone);
}

bool regioi_driver_progress(struct regioi_driver *driver)
{
	bool left;

	regioi_driver_lock(driver);
	left = pass(driver, false, NULL);
	/* Trying these few costs less than asking the engine, and then trying them. */
	if (driver->doubtful.first && driver->doubtful.count <= DOUBTFUL_FEW)
		left = pass(driver, false, NULL);
	left_set(driver, left);
	pthread_mutex_unlock(&driver->lock);
	/* The caller is a listener itself, and will come by again. */
	if (left && atomic_load(&driver->listeners) > 1)
		regioi_driver_call(driver);
	return left;
}

/*
 * Where a program spins on one hot RQ and nothing else is to be done, its socket is all there is
 * to try. Returns false where a pass is needed.
 */
static bool poll_lone(struct regioi_driver *driver, struct regioi_sink *sink)
{
	struct regioi_node *node = driver->active.first;
	struct regioi_half *half;
	uint32_t received;
	bool tried;

	if (!all_hot(driver) || driver->hot_count > 1 ||
	    driver->passes_unasked >= PASSES_UNASKED_HOT ||
	    driver->passes_idle >= HOT_IDLE_PASSES ||
	    atomic_load_explicit(&driver->arrivals, memory_order_relaxed) ||
	    atomic_load(&driver->listeners))
		return false;
	half = &node->rq->halves[REGIOI_RECEIVE];
	if (half->cq != sink->cq || regioi_half_pending(&node->rq->halves[REGIOI_SEND]) > 0)
		return false;
	received = regioi_lone_receive(half, sink, &tried);
	if (tried) {
		driver->passes_unasked++;
		driver->passes_idle = received ? 0 : driver->passes_idle + 1;
		if (received)
			count_received(node);
	}
	return tried;
}

/* Told from memory alone: a program that polls an idle queue makes no system call. */
static bool nothing_to_do(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->resting, memory_order_relaxed) &&
	       !atomic_load_explicit(&driver->arrivals, memory_order_relaxed) &&
	       driver->ops->idle && driver->ops->idle(driver->engine);
}

uint32_t regioi_driver_poll(struct regioi_cq *cq, struct regio_result *results,
			    uint32_t results_max)
{
	struct regioi_driver *driver = cq->driver;
	struct regioi_sink sink = {.cq = cq, .results = results, .results_max = results_max};
	bool left = false;

	if (driver->threaded || nothing_to_do(driver) || atomic_load(&driver->lock_wanted) ||
	    pthread_mutex_trylock(&driver->lock) != 0)
		return 0;
	if (!poll_lone(driver, &sink)) {
		left = pass(driver, true, &sink);
		left_set(driver, left);
	}
	pthread_mutex_unlock(&driver->lock);
	/* Whoever sleeps on the driver could be the only one to come by again. */
	if (left && atomic_load(&driver->listeners))
		regioi_driver_call(driver);
	return sink.count;
}

bool regioi_driver_turn(struct regioi_driver *driver)
{
	bool found;

	if (nothing_to_do(driver))
		return false;
	while (atomic_load(&driver->lock_wanted))
		sched_yield();
	pthread_mutex_lock(&driver->lock);
	left_set(driver, pass(driver, true, NULL));
	found = driver->passes_idle == 0;
	pthread_mutex_unlock(&driver->lock);
	return found;
}
