/* SPDX-License-Identifier: MIT */
/*
 * The sim engine: the epoll engine, with a simulated network that has its own clock, delays and
 * faults (sim_net.h). With one thread, the same seed gives the same results.
 *
 * While something is in transit no thread sleeps: the clock jumps to the time when it is due, or to
 * the end of the sleep. Otherwise a sleep is a real one, because what ends it comes from outside.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/locked.h"
#include "base/print.h"
#include "engine/epoll.h"
#include "engine/settings.h"
#include "engine/testing/sim_net.h"

#define START_NS UINT64_C(1000000000)
#define NEVER_NS UINT64_MAX

struct sim {
	struct regioi_engine epoll;
	bool woken; /* its wake is set, as long as there are events, or some in transit */
	struct regioi_costs costs;
};

static struct sim *sim_of(struct regioi_engine *engine)
{
	_Static_assert(offsetof(struct sim, epoll) == 0, "the one is the other");
	return (struct sim *)engine;
}

/* ---- Creating and ending ---- */

/* "seed=7,loss=10,errors=5"; each part is optional. */
static bool item_set(const struct regioi_setting *setting, void *to)
{
	struct regioi_sim_net *net = to;

	if (regioi_setting_is(setting, "seed"))
		net->chance = setting->number;
	else if (regioi_setting_is(setting, "loss"))
		net->loss = (uint32_t)setting->number;
	else if (regioi_setting_is(setting, "errors"))
		net->errors = (uint32_t)setting->number;
	else
		return false;
	return true;
}

/* Returns 0, or -EINVAL and the reason. */
static int net_start(struct regioi_refusal *ret_refusal)
{
	int error;

	regioi_sim_net.clock_ns = START_NS;
	regioi_sim_net.loss = regioi_sim_net.errors = 0;
	regioi_sim_net.chance = 1;
	error = regioi_settings_read("REGIO_SIM", secure_getenv("REGIO_SIM"), item_set,
				     &regioi_sim_net, ret_refusal);
	if (error)
		regioi_print(ret_refusal->remedy,
			     "REGIO_SIM=seed=NUMBER,loss=PER_THOUSAND,errors=PER_THOUSAND");
	return error;
}

/* From a nanosecond to half a second: whatever a call costs, the library keeps its promises. */
static struct regioi_costs costs_draw(void)
{
	return (struct regioi_costs){
		.poll = UINT32_C(1) << regioi_sim_below(30),
		.watch = UINT32_C(1) << regioi_sim_below(30),
		.miss = UINT32_C(1) << regioi_sim_below(30),
		.event = UINT32_C(1) << regioi_sim_below(30),
		.call = UINT32_C(1) << regioi_sim_below(30),
		.batch = UINT32_C(1) << regioi_sim_below(30),
	};
}

static int sim_create(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal)
{
	struct regioi_engine *engine;
	int error = regioi_epoll_create(sizeof(struct sim), &engine, ret_refusal);

	if (error)
		return error;
	REGIOI_LOCKED(&regioi_sim_net.lock);
	if (regioi_sim_net.engines == 0)
		error = net_start(ret_refusal);
	if (error) {
		regioi_epoll_destroy(engine);
		return error;
	}
	regioi_sim_net.engines++;
	sim_of(engine)->costs = costs_draw();
	*ret_engine = engine;
	return 0;
}

static void sim_destroy(struct regioi_engine *engine)
{
	if (!engine)
		return;
	REGIOI_LOCKED(&regioi_sim_net.lock);
	regioi_sim_unwatch(-1, engine);
	if (--regioi_sim_net.engines == 0)
		regioi_sim_forget_all();
	regioi_epoll_destroy(engine);
}

/* ---- Events ---- */

void regioi_sim_engine_wake(struct regioi_engine *engine)
{
	struct sim *sim = sim_of(engine);

	if (!sim->woken)
		regioi_epoll_wake(engine);
	sim->woken = true;
}

static void wake_end(struct regioi_engine *engine)
{
	struct sim *sim = sim_of(engine);

	if (sim->woken)
		regioi_epoll_wake_ack(engine);
	sim->woken = false;
}

static struct regioi_sim_watcher *watcher_of(const struct regioi_sim_socket *socket,
					     const struct regioi_engine *engine)
{
	struct regioi_sim_watcher *watcher = socket->watchers;

	while (watcher && watcher->engine != engine)
		watcher = watcher->next;
	return watcher;
}

/* The time of the next event for the watcher. */
static uint64_t next_of(const struct regioi_sim_socket *socket,
			const struct regioi_sim_watcher *watcher)
{
	uint64_t next_ns = NEVER_NS;

	for (const struct regioi_sim_item *item = socket->items; item; item = item->next) {
		if (item->due_ns <= watcher->reported_ns && !watcher->level)
			continue;
		next_ns = item->due_ns;
		break;
	}
	if (watcher->writable && socket->full_until_ns > watcher->reported_writable_ns &&
	    socket->full_until_ns < next_ns)
		next_ns = socket->full_until_ns;
	return next_ns;
}

/* The time of the engine's next event; NEVER_NS: nothing is in transit. */
static uint64_t next_event(const struct regioi_engine *engine)
{
	uint64_t next_ns = NEVER_NS;

	for (const struct regioi_sim_socket *socket = regioi_sim_net.sockets; socket;
	     socket = socket->next) {
		const struct regioi_sim_watcher *watcher = watcher_of(socket, engine);

		if (watcher && next_of(socket, watcher) < next_ns)
			next_ns = next_of(socket, watcher);
	}
	return next_ns;
}

static struct regioi_event report(const struct regioi_sim_socket *socket,
				  struct regioi_sim_watcher *watcher)
{
	const uint64_t now_ns = regioi_sim_net.clock_ns;
	struct regioi_event event = {.id = watcher->id};

	for (const struct regioi_sim_item *item = socket->items; item && item->due_ns <= now_ns;
	     item = item->next) {
		event.events |= REGIOI_EVENT_READABLE;
		if (item->end || item->error)
			event.events |= REGIOI_EVENT_HANGUP;
	}
	if (watcher->writable && socket->full_until_ns <= now_ns) {
		event.events |= REGIOI_EVENT_WRITABLE;
		watcher->reported_writable_ns = now_ns;
	}
	watcher->reported_ns = now_ns;
	return event;
}

/* Collects the events that are due and were not reported yet. */
static int collect(struct regioi_engine *engine, struct regioi_event *ret_events, int most)
{
	int count = 0;

	for (struct regioi_sim_socket *socket = regioi_sim_net.sockets; socket;
	     socket = socket->next) {
		struct regioi_sim_watcher *watcher = watcher_of(socket, engine);

		if (watcher && count < most && next_of(socket, watcher) <= regioi_sim_net.clock_ns)
			ret_events[count++] = report(socket, watcher);
	}
	return count;
}

static struct regioi_sim_socket *socket_watched(const struct regioi_engine *engine, uint64_t id)
{
	for (struct regioi_sim_socket *socket = regioi_sim_net.sockets; socket;
	     socket = socket->next) {
		const struct regioi_sim_watcher *watcher = watcher_of(socket, engine);

		if (watcher && watcher->id == id)
			return socket;
	}
	return NULL;
}

/*
 * Data that the kernel reports is taken off the socket, and reported again when it has arrived in
 * the simulated network.
 */
static bool pass_on(const struct regioi_engine *engine, struct regioi_event *event)
{
	struct regioi_sim_socket *socket = socket_watched(engine, event->id);

	if (!socket)
		return false;
	if (event->events & REGIOI_EVENT_READABLE) {
		regioi_sim_take(socket);
		if (socket->items)
			event->events &= ~REGIOI_EVENT_READABLE;
	}
	if (regioi_sim_net.clock_ns < socket->full_until_ns)
		event->events &= ~REGIOI_EVENT_WRITABLE;
	return event->events;
}

/*
 * Translates 'found' events of the kernel, and appends the network's own, as far as there is room.
 */
static int translate(struct regioi_engine *engine, struct regioi_event *events, int found,
		     uint32_t events_max)
{
	int count = 0;

	for (int i = 0; i < found; i++) {
		if (pass_on(engine, &events[i]))
			events[count++] = events[i];
	}
	count += collect(engine, events + count, (int)events_max - count);
	if (next_event(engine) == NEVER_NS)
		wake_end(engine);
	return count;
}

static int poll_locked(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max)
{
	int found;

	regioi_sim_tick();
	found = regioi_epoll_poll(engine, ret_events, events_max);
	return found < 0 ? found : translate(engine, ret_events, found, events_max);
}

static int sim_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		    uint32_t events_max)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);

	return poll_locked(engine, ret_events, events_max);
}

/* ---- Sleeping ---- */

/*
 * Moves the clock to what is in transit. Returns the number of events, or -1 if nothing is in
 * transit.
 */
static int jump(struct regioi_engine *engine, struct regioi_event *ret_events, uint32_t events_max,
		int64_t timeout_ns)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);
	uint64_t next_ns = next_event(engine), until_ns = NEVER_NS;

	if (next_ns == NEVER_NS)
		return -1;
	if (timeout_ns >= 0)
		until_ns = regioi_sim_net.clock_ns + (uint64_t)timeout_ns;
	if (next_ns > until_ns)
		next_ns = until_ns;
	if (regioi_sim_net.clock_ns < next_ns)
		regioi_sim_net.clock_ns = next_ns;
	return poll_locked(engine, ret_events, events_max);
}

static int sim_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		     uint32_t events_max, int64_t timeout_ns)
{
	int count = jump(engine, ret_events, events_max, timeout_ns);
	uint64_t start_ns;

	if (count >= 0)
		return count;
	start_ns = regioi_now_ns();
	count = regioi_epoll_sleep(engine, ret_events, events_max, timeout_ns);
	REGIOI_LOCKED(&regioi_sim_net.lock);
	regioi_sim_net.clock_ns += regioi_now_ns() - start_ns;
	return count < 0 ? count : translate(engine, ret_events, count, events_max);
}

static uint64_t sim_now_ns(struct regioi_engine *engine)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);

	return regioi_sim_net.clock_ns;
}

/* ---- Watching ---- */

static int sim_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);
	struct regioi_sim_socket *socket = regioi_sim_find(fd);
	struct regioi_sim_watcher *watcher = socket ? watcher_of(socket, engine) : NULL;

	if (!watcher) {
		watcher = socket ? calloc(1, sizeof(*watcher)) : NULL;
		if (!watcher)
			return socket ? -ENOMEM : -EBADF;
		watcher->next = socket->watchers;
		socket->watchers = watcher;
	}
	*watcher = (struct regioi_sim_watcher){
		.next = watcher->next,
		.engine = engine,
		.id = id,
		.writable = flags & REGIOI_WATCH_WRITABLE,
		.level = flags & REGIOI_WATCH_LEVEL,
	};
	regioi_sim_engine_wake(engine);
	return regioi_epoll_watch(engine, fd, id, flags);
}

static void sim_unwatch(struct regioi_engine *engine, int fd)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);

	regioi_sim_unwatch(fd, engine);
	regioi_epoll_unwatch(engine, fd);
}

/* ---- Executing ---- */

static struct regioi_costs sim_costs(struct regioi_engine *engine)
{
	return sim_of(engine)->costs;
}

static void sim_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	REGIOI_LOCKED(&regioi_sim_net.lock);

	for (uint32_t i = 0; i < ops_count; i++)
		regioi_sim_execute(&ops[i]);
}

const struct regioi_engine_ops regioi_engine_sim = {
	.name = "sim",
	.about = "a simulated network with its own clock, delays and faults, for tests",
	REGIOI_EPOLL_OPS,
	.automatic = false,
	.create = sim_create,
	.destroy = sim_destroy,
	.watch = sim_watch,
	.unwatch = sim_unwatch,
	.poll = sim_poll,
	.sleep = sim_sleep,
	.now_ns = sim_now_ns,
	.costs = sim_costs,
	.execute = sim_execute,
};
