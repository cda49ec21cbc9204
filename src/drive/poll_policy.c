/* SPDX-License-Identifier: MIT */
/*
 * How RQs become hot and steady, and cool down. What depends on the costs of calls is computed from
 * them, within limits that hold whatever they are.
 */
#include "drive/poll_policy.h"
#include "base/lesser.h"
#include "queue/ready.h"
#include "queue/runq.h"
#include "queue/watch.h"

/*
 * An RQ becomes steady, and is watched no longer, after 1 << steady_shift passes with a message:
 * until then watching it has cost as much as a mistake. After each mistake the next time takes
 * twice as long. The least is more than a burst usually has, the most is still reached soon
 * by a queue that is busy.
 */
#define STEADY_SHIFT_MIN 4
#define STEADY_SHIFT_MAX 12
/* Passes between two messages that end a streak. */
#define STREAK_GAP 64
/*
 * A try of a steady RQ that finds nothing is paid for by at least so many that found something, by
 * promise: one try of ten fails. What would need more than the most is not done at all.
 */
#define MISS_PRICE_MIN 10
#define MISS_PRICE_MAX 64u
/* Of failed tries that are paid for in advance: more than a pass makes. */
#define CREDIT_MISSES 16u
/* After two that are not paid for an RQ is watched again. One may be bad luck. */
#define STEADY_UNPAID_MAX 2
/*
 * Asking for events takes a 64th of the time of a thread that tries hot RQs. The most is a bound on
 * how late the first message of another RQ is found.
 */
#define ASKING_SHARE 64u
#define PASSES_UNASKED_MIN 4
#define PASSES_UNASKED_MAX 32
/* A pass that executes something takes as long as so many tries that find nothing, or longer. */
#define PASS_TRIES 4
/*
 * A call costs the program more than its time in the loop that measures it, where the kernel's code
 * and the program's stay in the caches: batches are used if an operation costs at most an eighth
 * more in one.
 */
#define CALL_HIDDEN_COST(ns) ((ns) / 8)
/* Passes without hot RQs after more than REGIOI_HOT_MAX received in one. */
#define HOT_PAUSE_PASSES 64

/* 'a' / 'b', rounded up, within limits. */
static uint8_t ratio(uint64_t a, uint64_t b, uint8_t least, uint8_t most)
{
	const uint64_t result = b ? (a + b - 1) / b : most;

	return (uint8_t)(result < least ? least : result > most ? most : result);
}

static uint8_t steady_shift(const struct regioi_costs *costs)
{
	/* Ending to watch it and starting again, and the tries that show that it is silent. */
	const uint64_t mistake = 2ull * costs->watch + (uint64_t)STEADY_UNPAID_MAX * costs->miss;
	uint8_t shift = STEADY_SHIFT_MIN;

	while (shift < STEADY_SHIFT_MAX && (uint64_t)costs->event << shift < mistake)
		shift++;
	return shift;
}

struct regioi_policy regioi_policy_of(const struct regioi_costs *costs)
{
	const uint8_t unasked = ratio((uint64_t)ASKING_SHARE * costs->poll, costs->miss,
				      PASSES_UNASKED_MIN, PASSES_UNASKED_MAX);
	/* In a batch a try costs about as much as an event. */
	const bool batches = costs->batch < costs->call + CALL_HIDDEN_COST(costs->call);

	return (struct regioi_policy){
		.batches = batches,
		.steady = !batches && costs->miss <= (uint64_t)MISS_PRICE_MAX * costs->event,
		.steady_shift = steady_shift(costs),
		.miss_price = ratio(costs->miss, costs->event, MISS_PRICE_MIN, MISS_PRICE_MAX),
		.passes_unasked = unasked / PASS_TRIES,
		.passes_unasked_hot = unasked,
	};
}

static void credit_add(struct regioi_driver *driver, uint32_t received)
{
	const uint32_t most = CREDIT_MISSES * driver->policy.miss_price;

	driver->steady_credit = regioi_lesser(driver->steady_credit + received, most);
}

/* An RQ that goes on receiving has no need of events. */
static void make_steady(struct regioi_node *node)
{
	if (!node->driver->policy.steady && node->heat != REGIOI_HOT) {
		node->streak = 0;
		return;
	}
	regioi_watch_suspend(node->rq);
	if (regioi_watch_is_on(node->rq))
		node->streak = 0;
	else if (node->heat == REGIOI_COLD)
		node->heat = REGIOI_STEADY;
	node->misses = 0;
	credit_add(node->driver, node->driver->policy.miss_price);
}

void regioi_heat_received(struct regioi_node *node, bool alone)
{
	struct regioi_driver *driver = node->driver;
	const uint32_t pass = driver->passes;
	const uint32_t passes =
		1u << regioi_lesser(driver->policy.steady_shift + node->mistakes, STEADY_SHIFT_MAX);

	if (node->heat == REGIOI_STEADY)
		credit_add(driver, 1);
	/* Who is about to sleep relies on events. */
	if (!alone || (node->heat == REGIOI_COLD && pass - node->received_pass > STREAK_GAP))
		node->streak = 0;
	else if (node->streak < passes && ++node->streak == passes)
		make_steady(node);
	node->received_pass = pass;
	if (alone && node->heat == REGIOI_COLD && !driver->hot_pause &&
	    driver->hot_count < REGIOI_HOT_MAX) {
		node->heat = REGIOI_HOT;
		driver->hot_count++;
	}
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

	if (driver->steady_credit >= driver->policy.miss_price) {
		driver->steady_credit -= driver->policy.miss_price;
		return true;
	}
	if (++node->misses >= STEADY_UNPAID_MAX) {
		if (node->mistakes < STEADY_SHIFT_MAX)
			node->mistakes++;
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

void regioi_heat_pass(struct regioi_driver *driver, uint32_t received, uint32_t completed)
{
	if (received > REGIOI_HOT_MAX)
		driver->hot_pause = HOT_PAUSE_PASSES;
	else if (driver->hot_pause > 0)
		driver->hot_pause--;
	count_idle(driver, completed);
	if (driver->hot_count &&
	    (received > REGIOI_HOT_MAX || driver->passes_idle >= REGIOI_HOT_IDLE_PASSES))
		cool_hot(driver);
}
