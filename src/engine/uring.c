/* SPDX-License-Identifier: MIT */
/*
 * The uring engine: the epoll engine, with an additional io_uring ring for each thread that
 * benefits from one (ring.c).
 *
 * A ring does two things. It polls the epoll descriptor, so that reading two words of memory shows
 * whether there are events; and it executes several operations in one system call, if that is
 * cheaper (ring_trial.c). It never holds a socket, or memory of the program, once a call has
 * returned.
 */
#include <stddef.h>

#include "engine/costs.h"
#include "engine/epoll.h"
#include "engine/plain.h"
#include "engine/ring.h"
#include "engine/ring_trial.h"

/* Fewer operations cost less as plain calls. */
#define BATCH_MIN 3u
/* The number of batches after which a thread gets a ring for them. */
#define BATCHES_FIRST 8u
/*
 * The number of polls in a row that find nothing after which the thread's ring polls the epoll set.
 * A thread that sleeps, or always finds something, does not benefit from that: each event would
 * cost two wake-ups.
 */
#define EMPTY_POLLS_FIRST 16u
/* The number of sleeps, and polls that found something, in a row after which the ring stops. */
#define USEFUL_IN_ROW_MAX 64u

struct uring {
	struct regioi_engine epoll;
	uint64_t serial;     /* unique */
	uint32_t place;	     /* in the rings' tables of polls, or REGIOI_RING_PLACES: none */
	bool has_own_thread; /* no other thread gets a ring by it */
	atomic_bool more;    /* the last poll or sleep may have left events */
};

static struct uring *uring_of(struct regioi_engine *engine)
{
	_Static_assert(offsetof(struct uring, epoll) == 0, "the one is the other");
	return (struct uring *)engine;
}

/* The thread's ring, made if it has none and may have one; or NULL. */
static struct regioi_ring *ring_for_thread(const struct uring *uring)
{
	return regioi_ring_own || uring->has_own_thread ? regioi_ring_own : regioi_ring_make();
}

static void uring_own_thread(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);

	ring_for_thread(uring);
	uring->has_own_thread = true;
}

/* ---- Readiness ---- */

/* The thread's poll of the engine, armed or not; NULL if there is none. */
static struct regioi_ring_poll *find_poll(const struct uring *uring)
{
	struct regioi_ring_poll *ring_poll;

	if (!regioi_ring_own || uring->place == REGIOI_RING_PLACES)
		return NULL;
	ring_poll = &regioi_ring_own->polls[uring->place];
	return ring_poll->serial == uring->serial ? ring_poll : NULL;
}

/*
 * The first poll of the engine by this thread: its place may have belonged to an engine that was
 * destroyed. Returns NULL if the ring had to be closed.
 */
static struct regioi_ring_poll *take_place(struct regioi_ring *ring, const struct uring *uring)
{
	struct regioi_ring_poll *ring_poll = &ring->polls[uring->place];

	if (!regioi_ring_survives(regioi_ring_disarm(ring, uring->place)))
		return NULL;
	*ring_poll = (struct regioi_ring_poll){.serial = uring->serial};
	return ring_poll;
}

static bool uring_idle(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);
	const struct regioi_ring_poll *ring_poll = find_poll(uring);

	return ring_poll && ring_poll->armed && !ring_poll->fired &&
	       !regioi_ring_task_work_waits(regioi_ring_own) &&
	       io_uring_cq_ready(&regioi_ring_own->io) == 0 &&
	       !atomic_load_explicit(&uring->more, memory_order_relaxed);
}

/* The ring's part of a poll: false if the epoll set has no events. */
static bool poll_ring(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);
	struct regioi_ring_poll *ring_poll;
	struct regioi_ring *ring;

	if (uring_idle(engine))
		return false;
	ring = ring_for_thread(uring);
	if (!ring || uring->place == REGIOI_RING_PLACES)
		return true;
	ring_poll = find_poll(uring);
	if (!ring_poll)
		ring_poll = take_place(ring, uring);
	if (!ring_poll)
		return true;
	if (!ring_poll->armed) {
		if (ring_poll->empty_polls >= EMPTY_POLLS_FIRST)
			regioi_ring_survives(regioi_ring_arm(ring, uring->place, uring->serial,
							     uring->epoll.epoll_fd));
		return true;
	}
	regioi_ring_look(ring);
	/* Cleared before the epoll set is polled: later arrivals set it again. */
	ring_poll->fired = false;
	return true;
}

/* 'useful': a poll that found something, or a sleep. */
static void count_poll(const struct uring *uring, bool useful)
{
	struct regioi_ring_poll *ring_poll = find_poll(uring);

	if (!ring_poll)
		return;
	ring_poll->empty_polls = useful ? 0 : ring_poll->empty_polls + 1;
	ring_poll->useful_in_row = useful ? ring_poll->useful_in_row + 1 : 0;
	if (ring_poll->useful_in_row > USEFUL_IN_ROW_MAX)
		regioi_ring_survives(regioi_ring_disarm(regioi_ring_own, uring->place));
}

static int uring_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		      uint32_t events_max)
{
	struct uring *uring = uring_of(engine);
	int count;

	if (!poll_ring(engine))
		return 0;
	count = regioi_epoll_poll(engine, ret_events, events_max);
	count_poll(uring, count > 0);
	/* What is watched level-triggered is reported again, and the ring does not hear of it. */
	atomic_store_explicit(&uring->more, count > 0, memory_order_relaxed);
	return count;
}

static int uring_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max, int64_t timeout_ns)
{
	struct uring *uring = uring_of(engine);

	count_poll(uring, true);
	/* A sleep may leave some events, like a poll. */
	atomic_store_explicit(&uring->more, true, memory_order_relaxed);
	return regioi_epoll_sleep(engine, ret_events, events_max, timeout_ns);
}

/* ---- Executing ---- */

static _Thread_local __attribute__((tls_model("initial-exec"))) uint32_t batches;

static struct regioi_ring *ring_for_batch(const struct uring *uring, uint32_t ops_count)
{
	if (ops_count < BATCH_MIN)
		return NULL;
	if (regioi_ring_own)
		return regioi_ring_own;
	return ++batches < BATCHES_FIRST ? NULL : ring_for_thread(uring);
}

static void uring_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count)
{
	struct regioi_ring *ring = ring_for_batch(uring_of(engine), ops_count);

	if (ring)
		regioi_ring_survives(regioi_ring_execute(ring, ops, ops_count));
	else
		regioi_plain_execute(engine, ops, ops_count);
}

static struct regioi_costs uring_costs(struct regioi_engine *engine)
{
	struct regioi_costs costs = regioi_costs_measured();

	regioi_ring_costs(&costs);
	return costs;
}

/* ---- Creating and ending ---- */

static _Atomic uint64_t places_taken; /* a bit for each */
static _Atomic uint64_t last_serial;

_Static_assert(REGIOI_RING_PLACES == 64, "a bit for each place");

static uint32_t place_take(void)
{
	uint64_t taken = atomic_load(&places_taken);
	uint32_t place;

	do {
		if (taken == UINT64_MAX)
			return REGIOI_RING_PLACES;
		place = (uint32_t)__builtin_ctzll(~taken);
	} while (!atomic_compare_exchange_weak(&places_taken, &taken, taken | 1ull << place));
	return place;
}

static int uring_create(struct regioi_engine **ret_engine, struct regioi_refusal *ret_refusal)
{
	struct uring *uring;
	int error = regioi_ring_try(ret_refusal);

	if (!error)
		error = regioi_epoll_create(sizeof(*uring), ret_engine, ret_refusal);
	if (error)
		return error;
	uring = uring_of(*ret_engine);
	uring->serial = atomic_fetch_add(&last_serial, 1) + 1;
	uring->place = place_take();
	return 0;
}

static void uring_destroy(struct regioi_engine *engine)
{
	struct uring *uring = uring_of(engine);

	if (!engine)
		return;
	/* If another thread's ring polls it, that thread notices when the place is used again. */
	if (find_poll(uring))
		regioi_ring_survives(regioi_ring_disarm(regioi_ring_own, uring->place));
	if (uring->place < REGIOI_RING_PLACES)
		atomic_fetch_and(&places_taken, ~(1ull << uring->place));
	regioi_epoll_destroy(engine);
}

static void uring_fork_child(void)
{
	regioi_ring_fork_child();
	regioi_ring_trial_fork_child();
}

const struct regioi_engine_ops regioi_engine_uring = {
	.name = "uring",
	.about = "epoll for readiness, io_uring for polls and batches",
	REGIOI_EPOLL_OPS,
	.automatic = true,
	.create = uring_create,
	.destroy = uring_destroy,
	.own_thread = uring_own_thread,
	.watch = regioi_epoll_watch,
	.unwatch = regioi_epoll_unwatch,
	.idle = uring_idle,
	.poll = uring_poll,
	.sleep = uring_sleep,
	.apart = regioi_epoll_apart,
	.costs = uring_costs,
	.fork_child = uring_fork_child,
	.execute = uring_execute,
};
