/* SPDX-License-Identifier: MIT */
/*
 * Progress.
 *
 * RQs that may have work arrive on a list that anybody may push to, and become active when a
 * thread makes progress. A pass visits each active RQ once, for at most one operation on each
 * half, collects the operations in a batch, and has the engine execute them together. An RQ stays
 * active while it can do more without an event.
 *
 * A few RQs that have just received are hot: their sockets are tried without asking the engine
 * first, which is how spinning reaches the latency of the plain socket. They cool down after
 * about a millisecond of nothing.
 */
#include "core/barrier.h"
#include "core/driver.h"
#include "core/half.h"
#include "core/table.h"

/* Operations executed together. */
#define BATCH_MAX 64
/* Passes over active RQs between two questions to the engine. */
#define PASSES_UNASKED_MAX 8
/* Passes without a message, some 250 ns each, before hot RQs cool down. */
#define HOT_IDLE_PASSES 4096
/* Passes without hot RQs after more than REGIOI_HOT_MAX received in one. */
#define HOT_PAUSE_PASSES 64
/* Passes without work before a pinned RQ is taken off. */
#define PINNED_IDLE_PASSES 64
/* ---- The lists of RQs ---- */

void regioi_node_push(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;
	struct regioi_node *head = atomic_load_explicit(&driver->arrivals, memory_order_relaxed);

	do {
		node->next = head;
		/* Sequentially consistent: pairs with the sleeper's look in wait.c. */
	} while (!atomic_compare_exchange_weak(&driver->arrivals, &head, node));
	if (atomic_load(&driver->listeners))
		driver->ops->doorbell(driver->engine);
}

static void active_add(struct regioi_driver *driver, struct regioi_node *node)
{
	node->active_previous = NULL;
	node->active_next = driver->active;
	if (driver->active)
		driver->active->active_previous = node;
	driver->active = node;
}

static void active_remove(struct regioi_driver *driver, struct regioi_node *node)
{
	if (node->active_previous)
		node->active_previous->active_next = node->active_next;
	else
		driver->active = node->active_next;
	if (node->active_next)
		node->active_next->active_previous = node->active_previous;
}

static void arrivals_take(struct regioi_driver *driver)
{
	struct regioi_node *node = NULL;

	if (atomic_load_explicit(&driver->arrivals, memory_order_relaxed))
		node = atomic_exchange_explicit(&driver->arrivals, NULL, memory_order_acquire);
	while (node) {
		struct regioi_node *next = node->next;

		active_add(driver, node);
		node = next;
	}
}

static void node_cool(struct regioi_driver *driver, struct regioi_node *node)
{
	if (!node->hot)
		return;
	node->hot = false;
	driver->hot_count--;
}

void regioi_node_remove(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;

	arrivals_take(driver);
	if (!atomic_load(&node->listed))
		return;
	node_cool(driver, node);
	active_remove(driver, node);
}

static struct regioi_node *node_of(struct regioi_rq *rq, const struct regioi_driver *driver)
{
	return rq->nodes[0].driver == driver ? &rq->nodes[0] : &rq->nodes[1];
}

/* Under the driver's lock, so an RQ found here is not gone before it is active. */
static void event_take(struct regioi_driver *driver, const struct regioi_event *event)
{
	struct regioi_rq *rq =
		regioi_table_object((const void *)(uintptr_t)event->id, REGIOI_KIND_RQ);
	uint32_t resting = REGIOI_NODE_RESTING;
	struct regioi_node *node;

	if (!rq)
		return;
	node = node_of(rq, driver);
	if (event->events & REGIOI_EVENT_READABLE)
		atomic_store(&rq->halves[REGIOI_RECEIVE].ready, true);
	if (event->events & REGIOI_EVENT_WRITABLE)
		atomic_store(&rq->halves[REGIOI_SEND].ready, true);
	if (!regioi_half_runnable(&rq->halves[REGIOI_RECEIVE]) &&
	    !regioi_half_runnable(&rq->halves[REGIOI_SEND]))
		return;
	if (atomic_compare_exchange_strong(&node->listed, &resting, REGIOI_NODE_LISTED))
		active_add(driver, node);
}

void regioi_driver_take_events(struct regioi_driver *driver, const struct regioi_event *events,
			       uint32_t count)
{
	pthread_mutex_lock(&driver->lock);
	for (uint32_t i = 0; i < count; i++)
		event_take(driver, &events[i]);
	pthread_mutex_unlock(&driver->lock);
}

static void events_ask(struct regioi_driver *driver)
{
	struct regioi_event events[BATCH_MAX];
	int count;

	driver->passes_unasked = 0;
	count = driver->ops->poll(driver->engine, events, BATCH_MAX, 0);
	for (int i = 0; i < count; i++)
		event_take(driver, &events[i]);
}

/* ---- Progress ---- */

struct batch {
	struct regioi_driver *driver;
	uint32_t count;
	uint32_t completed; /* requests, in this pass */
	struct regioi_work works[BATCH_MAX];
};

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
		uint32_t done;

		work->op.result = ops[i].result;
		done = regioi_half_finish(work);
		batch->completed += done;
		if (done && half->direction == REGIOI_RECEIVE)
			node_of(half->rq, driver)->received = true;
		regioi_half_done(half);
	}
	batch->count = 0;
}

/* One operation for one half, if it has something to do. */
static void visit_half(struct batch *batch, struct regioi_half *half, bool try_anyway)
{
	enum regioi_prepared prepared;

	if (!regioi_half_runnable(half) && !(try_anyway && regioi_half_pending(half) > 0))
		return;
	if (!regioi_half_enter(half))
		return;
	prepared = regioi_half_prepare(half, &batch->works[batch->count]);
	if (prepared == REGIOI_PREPARED_NO_AREA && batch->count > 0) {
		batch_execute(batch);
		prepared = regioi_half_prepare(half, &batch->works[0]);
	}
	if (prepared != REGIOI_PREPARED) {
		regioi_half_done(half);
		return;
	}
	if (++batch->count == BATCH_MAX)
		batch_execute(batch);
}

static bool node_runnable(struct regioi_node *node)
{
	return regioi_half_runnable(&node->rq->halves[REGIOI_RECEIVE]) ||
	       regioi_half_runnable(&node->rq->halves[REGIOI_SEND]);
}

/* A pinned RQ stays through some idle passes: taking it off costs a barrier on every thread. */
static bool stays_pinned(struct regioi_node *node)
{
	return atomic_load_explicit(&node->listed, memory_order_relaxed) == REGIOI_NODE_PINNED &&
	       ++node->idle_passes < PINNED_IDLE_PASSES;
}

/*
 * Takes RQs off that are done until an event or a post. A poster stores its request and then
 * looks whether the RQ is listed; this stores that it is not and then looks for requests. One of
 * the two sees the other: by sequential consistency, or where the poster saw the RQ pinned, by the
 * barrier on every thread. Returns whether one of them has work after all.
 */
static bool nodes_rest(struct regioi_driver *driver, struct regioi_node *resting)
{
	struct regioi_node *node;
	bool pinned = false, back = false;

	/* Linked through 'active_next': from its exchange on, 'next' is whoever lists the node. */
	for (node = resting; node; node = node->active_next)
		pinned |= atomic_exchange(&node->listed, REGIOI_NODE_RESTING) == REGIOI_NODE_PINNED;
	if (pinned)
		regioi_barrier_everywhere();
	for (node = resting; node; node = resting) {
		uint32_t expected = REGIOI_NODE_RESTING;

		resting = node->active_next;
		if (node_runnable(node) &&
		    atomic_compare_exchange_strong(&node->listed, &expected, REGIOI_NODE_LISTED)) {
			active_add(driver, node);
			back = true;
		}
	}
	return back;
}

static void cool_all(struct regioi_driver *driver)
{
	for (struct regioi_node *node = driver->active; node; node = node->active_next)
		node->hot = false;
	driver->hot_count = 0;
	driver->hot_idle = 0;
}

static void heat(struct regioi_driver *driver, uint32_t received, uint32_t completed)
{
	if (received > REGIOI_HOT_MAX) {
		cool_all(driver);
		driver->hot_pause = HOT_PAUSE_PASSES;
	} else if (driver->hot_pause > 0) {
		driver->hot_pause--;
	}
	if (completed)
		driver->hot_idle = 0;
	else if (driver->hot_count && ++driver->hot_idle >= HOT_IDLE_PASSES)
		cool_all(driver);
}

/* Decides who stays active and who is hot. Returns whether work is left. */
static bool pass_end(struct regioi_driver *driver, uint32_t completed, bool poll)
{
	struct regioi_node *node, *next, *resting = NULL;
	uint32_t received = 0;
	bool left = false;

	for (node = driver->active; node; node = node->active_next)
		received += node->received;
	heat(driver, received, completed);
	/* A listed RQ wakes nobody when something is posted on it: sleepers leave none idle there.
	 */
	if (!poll)
		cool_all(driver);
	for (node = driver->active; node; node = next) {
		next = node->active_next;
		if (poll && node->received && !node->hot && !driver->hot_pause &&
		    driver->hot_count < REGIOI_HOT_MAX) {
			node->hot = true;
			driver->hot_count++;
		}
		node->received = false;
		if (node_runnable(node)) {
			left = true;
			node->idle_passes = 0;
		} else if (!node->hot && !(poll && stays_pinned(node))) {
			active_remove(driver, node);
			node->active_next = resting;
			resting = node;
		}
	}
	return nodes_rest(driver, resting) || left;
}

/* 'poll': the caller does not sleep, so this is where events are asked for and hot RQs tried. */
static bool pass(struct regioi_driver *driver, bool poll)
{
	struct batch batch;
	uint32_t section = regioi_readers_enter(driver);
	bool left;

	batch.driver = driver;
	batch.count = 0;
	batch.completed = 0;
	arrivals_take(driver);
	if (poll && (!driver->active || ++driver->passes_unasked >= PASSES_UNASKED_MAX))
		events_ask(driver);
	for (struct regioi_node *node = driver->active; node; node = node->active_next) {
		visit_half(&batch, &node->rq->halves[REGIOI_SEND], false);
		visit_half(&batch, &node->rq->halves[REGIOI_RECEIVE], poll && node->hot);
	}
	if (batch.count)
		batch_execute(&batch);
	left = pass_end(driver, batch.completed, poll);
	regioi_readers_leave(driver, section);
	return left;
}

bool regioi_driver_progress(struct regioi_driver *driver, enum regioi_progress how)
{
	bool left;

	if (how == REGIOI_PROGRESS_BEFORE_SLEEP)
		pthread_mutex_lock(&driver->lock);
	else if (pthread_mutex_trylock(&driver->lock) != 0)
		return true;
	left = pass(driver, how == REGIOI_PROGRESS_POLL);
	atomic_store(&driver->left, left);
	pthread_mutex_unlock(&driver->lock);
	/* Whoever sleeps on this driver could be the only one to come by again. */
	if (left && atomic_load(&driver->listeners))
		driver->ops->doorbell(driver->engine);
	return left;
}
