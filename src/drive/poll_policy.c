/* SPDX-License-Identifier: MIT */
/*
 * How RQs become hot and steady, and cool down.
 */
#include "drive/poll_policy.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/watch.h"

/*
 * An RQ becomes steady, and is watched no longer, after 1 << REGIOI_STEADY_SHIFT_MIN passes with a
 * message: two system calls and some tries that find nothing, to earn back. Each time that it was a
 * mistake the next time takes twice as long, up to 1 << 12.
 */
#define STEADY_SHIFT_MAX 12
/* Passes between two messages that end a streak. */
#define STREAK_GAP 64
/*
 * A try of a steady RQ that finds nothing is paid for by this many that found something, of the
 * last STEADY_CREDIT_MAX. After two of an RQ that are not paid for it is watched again.
 */
#define STEADY_MISS_COST 8u
#define STEADY_CREDIT_MAX (16u * STEADY_MISS_COST)
#define STEADY_UNPAID_MAX 2
/* Passes without hot RQs after more than REGIOI_HOT_MAX received in one. */
#define HOT_PAUSE_PASSES 64

static void credit_add(struct regioi_driver *driver, uint32_t received)
{
	driver->steady_credit += received;
	if (driver->steady_credit > STEADY_CREDIT_MAX)
		driver->steady_credit = STEADY_CREDIT_MAX;
}

/*
 * An RQ that goes on receiving has no need of events. In a batch a try costs about as much as an
 * event: with batches only hot RQs, which are tried one by one, are better off without.
 */
static void make_steady(struct regioi_node *node)
{
	if (node->driver->batches && node->heat != REGIOI_HOT) {
		node->streak = 0;
		return;
	}
	regioi_watch_suspend(node->rq);
	if (regioi_watch_is_on(node->rq))
		node->streak = 0;
	else if (node->heat == REGIOI_COLD)
		node->heat = REGIOI_STEADY;
	node->misses = 0;
	credit_add(node->driver, STEADY_MISS_COST);
}

void regioi_heat_received(struct regioi_node *node, bool alone)
{
	struct regioi_driver *driver = node->driver;
	const uint32_t pass = driver->passes;

	if (node->heat == REGIOI_STEADY)
		credit_add(driver, 1);
	/* Who is about to sleep relies on events. */
	if (!alone || (node->heat == REGIOI_COLD && pass - node->received_pass > STREAK_GAP))
		node->streak = 0;
	else if (node->streak < 1u << node->steady_shift &&
		 ++node->streak == 1u << node->steady_shift)
		make_steady(node);
	node->received_pass = pass;
}

bool regioi_heat_watch_instead(struct regioi_node *node)
{
	struct regioi_half *receive = &node->rq->halves[REGIOI_RECEIVE];

	if (regioi_watch_is_on(node->rq))
		return false;
	/*
	 * Before: the event may come at once. A doubt goes, and no more: messages that wait in
	 * stages for receives are ready without an event, and none will report them.
	 */
	regioi_ready_watched(receive);
	if (regioi_watch_start(node->rq) == 0)
		return true;
	regioi_ready_unwatched(receive);
	return false;
}

void regioi_heat_cool(struct regioi_node *node)
{
	node->driver->hot_count -= node->heat == REGIOI_HOT;
	node->heat = REGIOI_COLD;
	node->streak = 0;
	regioi_heat_watch_instead(node);
}

static void cool_hot(struct regioi_driver *driver)
{
	for (struct regioi_node *node = driver->active.first; node; node = node->list_next) {
		if (node->heat == REGIOI_HOT)
			regioi_heat_cool(node);
	}
}

/* Back to events: what is there already shows as one, unless the engine cannot. */
static void steady_cool(struct regioi_driver *driver, struct regioi_node *node)
{
	enum regioi_ready ready;

	regioi_list_remove(&driver->steady, node);
	regioi_heat_cool(node);
	ready = regioi_node_ready(node);
	if (ready == REGIOI_READY_YES)
		regioi_node_wake(driver, node);
	else if (ready == REGIOI_READY_UNKNOWN)
		regioi_list_append(&driver->maybe_ready, node);
}

void regioi_heat_cool_steady(struct regioi_driver *driver)
{
	while (driver->steady.first)
		steady_cool(driver, driver->steady.first);
}

bool regioi_heat_missed(struct regioi_node *node)
{
	struct regioi_driver *driver = node->driver;

	if (driver->steady_credit >= STEADY_MISS_COST) {
		driver->steady_credit -= STEADY_MISS_COST;
		return true;
	}
	if (++node->misses >= STEADY_UNPAID_MAX) {
		if (node->steady_shift < STEADY_SHIFT_MAX)
			node->steady_shift++;
		steady_cool(driver, node);
	}
	return false;
}

static void count_idle(struct regioi_driver *driver, uint32_t completed)
{
	if (completed)
		driver->passes_idle = 0;
	else if (driver->passes_idle < INT32_MAX)
		driver->passes_idle++;
}

void regioi_heat_pass_hot(struct regioi_driver *driver, uint32_t completed)
{
	count_idle(driver, completed);
	if (driver->passes_idle >= REGIOI_HOT_IDLE_PASSES)
		cool_hot(driver);
}

void regioi_heat_pass(struct regioi_driver *driver, uint32_t received, uint32_t completed,
		      bool alone)
{
	struct regioi_node *node;

	if (received > REGIOI_HOT_MAX)
		driver->hot_pause = HOT_PAUSE_PASSES;
	else if (driver->hot_pause > 0)
		driver->hot_pause--;
	count_idle(driver, completed);
	if (driver->hot_count &&
	    (!alone || received > REGIOI_HOT_MAX || driver->passes_idle >= REGIOI_HOT_IDLE_PASSES))
		cool_hot(driver);
	if (!alone || driver->hot_pause || !received)
		return;
	for (node = driver->active.first; node && driver->hot_count < REGIOI_HOT_MAX;
	     node = node->list_next) {
		if (node->received_pass != driver->passes || node->heat != REGIOI_COLD)
			continue;
		node->heat = REGIOI_HOT;
		driver->hot_count++;
	}
}
