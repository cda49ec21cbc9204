/* SPDX-License-Identifier: MIT */
/*
 * The fault engine: does what engine.h allows an engine to do, but a real machine seldom does.
 *
 * It is placed between the core and another engine. Controlled by a seeded random generator, it
 * does not execute an operation, or only a part of it, and reports the rest by an event later;
 * delays events, or repeats them; ends sleeps early; has no room to watch a socket; fails
 * operations. It keeps the events that it must still report ("owes"), and rings the doorbell as
 * long as there are any, so that no sleep delays them.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/locked.h"
#include "base/option.h"
#include "base/print.h"
#include "engine/testing/fault.h"
#include "engine/testing/fault_options.h"

/* The number of operations passed on together. */
#define CHUNK 64u
/* The most polls until an owed event is reported. */
#define ASKS_MAX 4u
/*
 * The ids given to the other engine are descriptors plus this base: below it an engine may have ids
 * of its own.
 */
#define ID_BASE (1ull << 32)

struct watched {
	uint64_t id;	    /* 0: not watched */
	uint32_t owed;	    /* REGIOI_EVENT_... still to be reported */
	uint32_t asks_left; /* polls until then */
};

struct regioi_engine {
	struct regioi_engine_ops ops; /* this engine's, with the name and abilities of the other */
	const struct regioi_engine_ops *inner_ops;
	struct regioi_engine *inner;
	struct regioi_fault_options options;
	char name[16];
	_Atomic uint64_t drawn;

	pthread_mutex_t lock;
	struct watched *watched; /* by descriptor */
	size_t watched_room;
	_Atomic uint32_t owing; /* number of those that are owed events */
};

/* An operation as it is passed on. */
struct changed {
	struct regioi_op op;
	struct msghdr message; /* in place of the operation's own */
	bool delayed;
	bool shortened;
};

/* ---- Chance ---- */

/* splitmix64: any thread may draw, and the same seed gives the same sequence. */
static uint64_t draw(struct regioi_engine *engine)
{
	uint64_t z = atomic_fetch_add_explicit(&engine->drawn, 0x9E3779B97F4A7C15u,
					       memory_order_relaxed);

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static size_t draw_below(struct regioi_engine *engine, size_t limit)
{
	return (size_t)(draw(engine) % limit);
}

static bool strikes(struct regioi_engine *engine, enum regioi_fault fault)
{
	return engine->options.percent[fault] &&
	       draw_below(engine, 100) < engine->options.percent[fault];
}

/* ---- What is owed ---- */

/* With the lock. NULL for a descriptor that is not watched. */
static struct watched *find_watched(struct regioi_engine *engine, uint64_t fd)
{
	return fd < engine->watched_room && engine->watched[fd].id ? &engine->watched[fd] : NULL;
}

/* With the lock, as the following ones. */
static void owe(struct regioi_engine *engine, struct watched *watched, uint32_t events)
{
	if (!watched->owed)
		atomic_fetch_add(&engine->owing, 1);
	watched->owed |= events;
	watched->asks_left = 1 + (uint32_t)draw_below(engine, ASKS_MAX);
}

static void owe_nothing(struct regioi_engine *engine, struct watched *watched)
{
	if (watched->owed)
		atomic_fetch_sub(&engine->owing, 1);
	watched->owed = 0;
}

/*
 * Appends the owed events that are due to the first 'count' events. Returns the new number of
 * events.
 */
static uint32_t pay(struct regioi_engine *engine, struct regioi_event *events, uint32_t count,
		    uint32_t events_max)
{
	uint32_t owing = atomic_load(&engine->owing);

	for (struct watched *watched = engine->watched; owing > 0; watched++) {
		if (!watched->owed)
			continue;
		owing--;
		if (watched->asks_left > 0)
			watched->asks_left--;
		if (watched->asks_left > 0 || count == events_max)
			continue;
		events[count++] = (struct regioi_event){watched->id, watched->owed};
		owe_nothing(engine, watched);
	}
	return count;
}

/* Replaces the other engine's events by those to report now. Returns their number. */
static int report(struct regioi_engine *engine, struct regioi_event *events, int found,
		  uint32_t events_max)
{
	REGIOI_LOCKED(&engine->lock);
	uint32_t count = 0;

	for (int i = 0; i < found; i++) {
		struct watched *watched = find_watched(engine, events[i].id - ID_BASE);
		bool late = strikes(engine, REGIOI_FAULT_LATE);

		if (!watched)
			continue;
		if (late || strikes(engine, REGIOI_FAULT_REPEAT))
			owe(engine, watched, events[i].events);
		if (!late)
			events[count++] = (struct regioi_event){watched->id, events[i].events};
	}
	count = pay(engine, events, count, events_max);
	/* Ends a sleep that has begun, and makes the descriptor readable. */
	if (atomic_load(&engine->owing) > 0)
		engine->inner_ops->doorbell(engine->inner);
	return (int)count;
}

/* After an operation that did less than it could: if the socket is watched, an event will come. */
static void owe_for(struct regioi_engine *engine, const struct regioi_op *op)
{
	const bool send = op->kind == REGIOI_OP_SEND || op->kind == REGIOI_OP_SEND_MESSAGES ||
			  op->kind == REGIOI_OP_SEND_VECTORS;
	REGIOI_LOCKED(&engine->lock);
	struct watched *watched = find_watched(engine, (uint64_t)op->fd);

	if (!watched)
		return;
	owe(engine, watched, send ? REGIOI_EVENT_WRITABLE : REGIOI_EVENT_READABLE);
	engine->inner_ops->doorbell(engine->inner);
}

/* ---- Readiness ---- */

/* With the lock. */
static bool watched_reserve(struct regioi_engine *engine, size_t fd)
{
	size_t room = engine->watched_room ? engine->watched_room : 64;
	struct watched *larger;

	if (fd < engine->watched_room)
		return true;
	while (room <= fd)
		room *= 2;
	larger = realloc(engine->watched, room * sizeof(*larger));
	if (!larger)
		return false;
	memset(larger + engine->watched_room, 0, (room - engine->watched_room) * sizeof(*larger));
	engine->watched = larger;
	engine->watched_room = room;
	return true;
}

static int fault_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags)
{
	REGIOI_LOCKED(&engine->lock);
	int error;

	if (strikes(engine, REGIOI_FAULT_WATCH))
		return draw(engine) & 1 ? -ENOMEM : -ENOSPC;
	if (fd < 0)
		return -EBADF;
	if (!watched_reserve(engine, (size_t)fd))
		return -ENOMEM;
	/* The first event may come at once: with the lock, it is reported after the id is set. */
	error = engine->inner_ops->watch(engine->inner, fd, ID_BASE + (uint64_t)fd, flags);
	if (!error)
		engine->watched[fd].id = id;
	return error;
}

static void fault_unwatch(struct regioi_engine *engine, int fd)
{
	REGIOI_LOCKED(&engine->lock);
	struct watched *watched = find_watched(engine, (uint64_t)fd);

	engine->inner_ops->unwatch(engine->inner, fd);
	if (!watched)
		return;
	owe_nothing(engine, watched);
	watched->id = 0;
}

static bool fault_idle(struct regioi_engine *engine)
{
	return atomic_load(&engine->owing) == 0 && engine->inner_ops->idle(engine->inner);
}

static int fault_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		      uint32_t events_max)
{
	int found = engine->inner_ops->poll(engine->inner, ret_events, events_max);

	return found < 0 ? found : report(engine, ret_events, found, events_max);
}

static int fault_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max, int64_t timeout_ns)
{
	int found;

	if (strikes(engine, REGIOI_FAULT_SIGNAL))
		return -EINTR;
	/* Events that are owed from now on ring the doorbell. */
	if (atomic_load(&engine->owing) || strikes(engine, REGIOI_FAULT_EARLY))
		timeout_ns = 0;
	found = engine->inner_ops->sleep(engine->inner, ret_events, events_max, timeout_ns);
	return found < 0 ? found : report(engine, ret_events, found, events_max);
}

/* ---- Executing ---- */

static bool is_stream(const struct regioi_op *op)
{
	return op->kind == REGIOI_OP_RECEIVE_BYTES || op->kind == REGIOI_OP_RECEIVE_VECTORS ||
	       op->kind == REGIOI_OP_SEND_VECTORS ||
	       (op->kind == REGIOI_OP_SEND && regioi_is_stream(op->fd));
}

/* Chooses the error of an operation: for a stream, one that ends the connection. */
static int32_t failure(const struct regioi_op *op)
{
	if (is_stream(op))
		return -ECONNRESET;
	return op->kind == REGIOI_OP_SEND || op->kind == REGIOI_OP_SEND_MESSAGES ? -ENOBUFS
										 : -ENOMEM;
}

static bool shorten_vectors(struct regioi_engine *engine, struct changed *changed)
{
	struct msghdr *message = &changed->message;

	*message = *changed->op.message;
	changed->op.message = message;
	if (message->msg_iovlen < 2)
		return false;
	message->msg_iovlen = 1 + draw_below(engine, message->msg_iovlen - 1);
	changed->op.length = 0;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		changed->op.length += message->msg_iov[i].iov_len;
	return true;
}

/* Returns whether it is shorter than before. */
static bool shorten(struct regioi_engine *engine, struct changed *changed)
{
	struct regioi_op *op = &changed->op;

	switch (op->kind) {
	case REGIOI_OP_RECEIVE_MESSAGES:
	case REGIOI_OP_SEND_MESSAGES:
		if (op->count < 2)
			return false;
		op->count = 1 + (uint32_t)draw_below(engine, op->count - 1);
		return true;
	case REGIOI_OP_RECEIVE_VECTORS:
	case REGIOI_OP_SEND_VECTORS:
		return shorten_vectors(engine, changed);
	default:
		if (op->length < 2 || !is_stream(op))
			return false;
		op->length = 1 + draw_below(engine, op->length - 1);
		return true;
	}
}

/* Reports datagrams that fill their slices as longer, as if they had been cut. */
static void cut(struct regioi_engine *engine, struct regioi_op *op)
{
	if (op->result < 0)
		return;
	if (op->kind == REGIOI_OP_RECEIVE && (size_t)op->result == op->length &&
	    strikes(engine, REGIOI_FAULT_CUT))
		op->result++;
	if (op->kind != REGIOI_OP_RECEIVE_MESSAGES)
		return;
	for (uint32_t i = 0; i < (uint32_t)op->result; i++) {
		struct mmsghdr *message = &op->messages[i];

		if (message->msg_len != message->msg_hdr.msg_iov->iov_len ||
		    !strikes(engine, REGIOI_FAULT_CUT))
			continue;
		message->msg_len++;
		message->msg_hdr.msg_flags |= MSG_TRUNC;
	}
}

/* Chooses the faults of an operation. Returns whether it is passed on. */
static bool change(struct regioi_engine *engine, struct regioi_op *op, struct changed *ret_changed)
{
	*ret_changed = (struct changed){.op = *op};
	if (strikes(engine, REGIOI_FAULT_FAIL)) {
		op->result = failure(op);
		return false;
	}
	if (strikes(engine, REGIOI_FAULT_DELAY)) {
		op->result = -EAGAIN;
		ret_changed->delayed = true;
		return false;
	}
	ret_changed->shortened =
		strikes(engine, REGIOI_FAULT_SHORT) && shorten(engine, ret_changed);
	return true;
}

static void execute_chunk(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	struct changed changes[CHUNK];
	struct regioi_op handed[CHUNK];
	uint32_t places[CHUNK], count = 0;

	for (uint32_t i = 0; i < ops_count; i++) {
		if (!change(engine, &ops[i], &changes[i]))
			continue;
		places[count] = i;
		handed[count++] = changes[i].op;
	}
	if (count)
		engine->inner_ops->execute(engine->inner, handed, count);
	for (uint32_t i = 0; i < count; i++) {
		cut(engine, &handed[i]);
		/* cppcheck-suppress uninitvar ; the loop above has filled 'count' of them */
		ops[places[i]].result = handed[i].result;
	}
	/* After the operations, because the core treats an event during an operation as new. */
	for (uint32_t i = 0; i < ops_count; i++)
		if (changes[i].delayed || (changes[i].shortened && ops[i].result > 0))
			owe_for(engine, &ops[i]);
}

static void fault_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	for (uint32_t done = 0; done < ops_count; done += CHUNK)
		execute_chunk(engine, ops + done,
			      ops_count - done < CHUNK ? ops_count - done : CHUNK);
}

/* ---- Passed on unchanged ---- */

static int fault_busy_poll(struct regioi_engine *engine, uint32_t time_us, bool prefer)
{
	return engine->inner_ops->busy_poll(engine->inner, time_us, prefer);
}

#define PASSED_ON(type, name)                                                                      \
	static type fault_##name(struct regioi_engine *engine)                                     \
	{                                                                                          \
		return engine->inner_ops->name(engine->inner);                                     \
	}

PASSED_ON(void, own_thread)
PASSED_ON(void, doorbell)
PASSED_ON(void, wake)
PASSED_ON(void, wake_ack)
PASSED_ON(bool, intact)
PASSED_ON(int, descriptor)
PASSED_ON(uint64_t, now_ns)
PASSED_ON(struct regioi_costs, costs)

/* ---- Creating and ending ---- */

static void fault_destroy(struct regioi_engine *engine)
{
	if (!engine)
		return;
	engine->inner_ops->destroy(engine->inner);
	pthread_mutex_destroy(&engine->lock);
	free(engine->watched);
	free(engine);
}

int regioi_fault_wrap(const struct regioi_engine_ops **ops, struct regioi_engine **engine,
		      struct regioi_refusal *ret_refusal)
{
	struct regioi_engine *outer = calloc(1, sizeof(*outer));
	int error = outer ? regioi_fault_options_read(secure_getenv("REGIO_FAULTS"),
						      &outer->options, ret_refusal)
			  : -ENOMEM;

	if (error) {
		free(outer);
		return error;
	}
	pthread_mutex_init(&outer->lock, NULL);
	outer->inner_ops = *ops;
	outer->inner = *engine;
	outer->drawn = outer->options.seed;
	regioi_print(outer->name, "fault+%s", outer->inner_ops->name);
	outer->ops = (struct regioi_engine_ops){
		.name = outer->name,
		.about = outer->inner_ops->about,
		.automatic = false,
		.destroy = fault_destroy,
		.own_thread = outer->inner_ops->own_thread ? fault_own_thread : NULL,
		.busy_poll = outer->inner_ops->busy_poll ? fault_busy_poll : NULL,
		.watch = fault_watch,
		.unwatch = fault_unwatch,
		.idle = outer->inner_ops->idle ? fault_idle : NULL,
		.poll = fault_poll,
		.sleep = fault_sleep,
		.doorbell = fault_doorbell,
		.wake = fault_wake,
		.wake_ack = fault_wake_ack,
		.intact = outer->inner_ops->intact ? fault_intact : NULL,
		.descriptor = fault_descriptor,
		.now_ns = outer->inner_ops->now_ns ? fault_now_ns : NULL,
		.costs = outer->inner_ops->costs ? fault_costs : NULL,
		.execute = fault_execute,
	};
	*ops = &outer->ops;
	*engine = outer;
	return 0;
}
