/* SPDX-License-Identifier: MIT */
/*
 * Completion queues.
 *
 * A CQ keeps no completions, only a list of the halves that have some. Executors push a half with
 * one atomic exchange of the list's head; the consumer takes the whole list and turns it round,
 * so halves are served in the order in which they got something. A half is pushed only by whoever
 * sets REGIOI_LISTED, and the consumer clears it before it looks at the half's completions, so
 * nothing is missed and nothing is there twice. The consumer is whoever calls dequeue, notify or
 * wait; these calls are serialised by the program.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/options.h"
#include "base/table.h"
#include "core/cq.h"
#include "core/driver.h"
#include "core/fork.h"
#include "core/half.h"
#include "core/handle.h"
#include "core/notified.h"
#include "core/wait.h"

/* Results from which a dequeue makes progress all the same, found the queue empty or not. */
#define TAKEN_UNPOLLED_MAX 1024u

/* ---- The producers' side ---- */

static void cq_push(struct regioi_cq *cq, struct regioi_half *half)
{
	struct regioi_half *head = atomic_load_explicit(&cq->listed, memory_order_relaxed);

	do {
		half->next = head;
		/* Release: pairs with the acquire in drain_next(). */
	} while (!atomic_compare_exchange_weak_explicit(
		&cq->listed, &head, half, memory_order_release, memory_order_relaxed));
}

static uint32_t count_notifiable(const struct regioi_half *half, uint32_t first, uint32_t count)
{
	uint32_t notifiable = 0;

	if (!atomic_load_explicit(&half->muted_used, memory_order_relaxed))
		return count;
	for (uint32_t i = 0; i < count; i++)
		notifiable +=
			!(half->requests[(first + i) & half->mask].flags & REGIO_MSG_DONT_NOTIFY);
	return notifiable;
}

/* One more than the number of the last of them that may notify. */
static __attribute__((noinline)) uint32_t notifiable_end(const struct regioi_half *half,
							 uint32_t first, uint32_t count)
{
	uint32_t end = first + count;

	while (end != first && half->requests[(end - 1) & half->mask].flags & REGIO_MSG_DONT_NOTIFY)
		end--;
	return end;
}

static inline void expand(const struct regioi_half *half, uint32_t first, uint32_t count,
			  struct regio_result *results)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct regioi_request *request = &half->requests[(first + i) & half->mask];

		results[i] = (struct regio_result){
			.status = request->status,
			.bytes = request->bytes,
			.rq_context = half->rq->context,
			.request_context = request->context,
		};
	}
}

/*
 * The sink's owner is the one consumer, and the caller the one executor: where nothing of the half
 * is on its way over the list, and nobody waits to be told, the results can be handed over.
 */
static bool sink_take(struct regioi_half *half, uint32_t first, uint32_t count,
		      struct regioi_sink *sink)
{
	if (!sink || sink->cq != half->cq || count > sink->results_max - sink->count ||
	    atomic_load_explicit(&half->dequeued, memory_order_relaxed) != first ||
	    atomic_load_explicit(&half->listing, memory_order_relaxed) != 0 ||
	    atomic_load_explicit(&half->cq->armed, memory_order_relaxed))
		return false;
	expand(half, first, count, &sink->results[sink->count]);
	sink->count += count;
	atomic_store_explicit(&half->completed, first + count, memory_order_release);
	/* Release: pairs with the poster's acquire; the slots are free to be written. */
	atomic_store_explicit(&half->dequeued, first + count, memory_order_release);
	return true;
}

void regioi_half_complete(struct regioi_half *half, uint32_t count, struct regioi_sink *sink)
{
	struct regioi_cq *cq = half->cq;
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t notifiable = count, end = first + count;

	/* Of what is posted, by the executor, or by whoever has closed the half. */
	REGIOI_ASSERT(regioi_half_is_executed(half) && count <= regioi_half_pending(half));
	if (sink_take(half, first, count, sink))
		return;
	if (__builtin_expect(atomic_load_explicit(&half->muted_used, memory_order_relaxed), 0)) {
		notifiable = count_notifiable(half, first, count);
		/* No signal is for the muted ones after it. Later the slots may be others. */
		end = notifiable_end(half, first, count);
	}

	/* Release: pairs with the acquires of the consumer; the results are in place. */
	atomic_store_explicit(&half->completed, first + count, memory_order_release);
	/*
	 * Sequentially consistent: pairs with drain_next(), which clears the bit and then looks at
	 * 'completed'. The count that follows pairs with the sleepers of wait.c, which set their
	 * flag and then look at it.
	 */
	if (!(atomic_fetch_or(&half->listing, REGIOI_LISTED) & REGIOI_LISTED))
		cq_push(cq, half);
	if (!notifiable)
		return;
	regioi_cq_posted(cq, notifiable);
	if (atomic_load(&cq->armed) || atomic_load(&cq->sleeper) != REGIOI_AWAKE)
		regioi_cq_wake(cq, half, end);
}

/* ---- The consumer's side ---- */

/* Takes the list off, turns it round, and appends it to what is to be drained. */
static void drain_take(struct regioi_cq *cq)
{
	struct regioi_half *half, *last, *oldest = NULL;

	/* A look first: an empty list is the common case of a poll. */
	if (!atomic_load(&cq->listed))
		return;
	last = half = atomic_exchange_explicit(&cq->listed, NULL, memory_order_acquire);
	while (half) {
		struct regioi_half *older = half->next;

		half->next = oldest;
		oldest = half;
		half = older;
	}
	if (cq->drain)
		cq->drain_last->next = oldest;
	else
		cq->drain = oldest;
	cq->drain_last = last;
}

static struct regioi_half *drain_next(struct regioi_cq *cq)
{
	struct regioi_half *half;

	if (!cq->drain)
		drain_take(cq);
	half = cq->drain;
	if (!half)
		return NULL;
	cq->drain = half->next;
	/* From here on it may be pushed again, so 'next' is the pusher's. */
	atomic_fetch_xor(&half->listing, REGIOI_LISTED | REGIOI_DRAINING);
	return half;
}

/* Gives the half's place in the CQ back. */
static void half_detach(struct regioi_half *half)
{
	struct regioi_cq *cq = half->cq;
	struct regioi_rq *rq = half->rq;

	pthread_mutex_lock(&cq->lock);
	REGIOI_ASSERT(cq->reserved >= half->limit);
	cq->reserved -= half->limit;
	pthread_mutex_unlock(&cq->lock);
	regioi_rq_release(rq);
	regioi_cq_release(cq);
}

/* The consumer is through with what it saw of the half. */
static void half_drained(struct regioi_half *half)
{
	uint32_t before = atomic_fetch_and(&half->listing, ~REGIOI_DRAINING);

	if ((before & REGIOI_ENDING) && !(before & REGIOI_LISTED))
		half_detach(half);
}

static uint32_t half_expand(struct regioi_half *half, struct regio_result *results,
			    uint32_t results_max, bool *ret_all)
{
	const uint32_t first = atomic_load_explicit(&half->dequeued, memory_order_relaxed);
	/* Acquire: pairs with the release in regioi_half_complete(). */
	uint32_t count = atomic_load_explicit(&half->completed, memory_order_acquire) - first;

	REGIOI_ASSERT(count <= half->limit);
	*ret_all = count <= results_max;
	if (!*ret_all)
		count = results_max;
	expand(half, first, count, results);
	regioi_cq_taken(half->cq, count_notifiable(half, first, count));
	/* Release: pairs with the poster's acquire; the slots are free to be written. */
	atomic_store_explicit(&half->dequeued, first + count, memory_order_release);
	return count;
}

/* At the end of the list, where it may be already: others have their turn first. */
static void half_put_back(struct regioi_half *half)
{
	/* Sequentially consistent: pairs as in regioi_half_complete(). */
	if (!(atomic_fetch_or(&half->listing, REGIOI_LISTED) & REGIOI_LISTED))
		cq_push(half->cq, half);
	half_drained(half);
}

static inline bool others_are_listed(const struct regioi_cq *cq)
{
	return cq->drain || atomic_load_explicit(&cq->listed, memory_order_relaxed);
}

/*
 * Goes on where the array is full: a half that was listed again while it was dequeued may have
 * nothing left, and one that has ended gives its place back here. A half that has more than the
 * array takes goes after the others, so that none of them waits for it to be emptied.
 */
static uint32_t cq_take(struct regioi_cq *cq, struct regio_result *results, uint32_t results_max)
{
	struct regioi_half *half;
	uint32_t count = 0;
	bool all;

	while ((half = cq->current ? cq->current : drain_next(cq))) {
		cq->current = half;
		count += half_expand(half, results + count, results_max - count, &all);
		if (!all && !others_are_listed(cq))
			break;
		cq->current = NULL;
		if (!all) {
			half_put_back(half);
			break;
		}
		half_drained(half);
	}
	return count;
}

static inline bool cq_has_some(struct regioi_cq *cq)
{
	return cq->current || others_are_listed(cq);
}

static inline int dequeue(struct regioi_cq *cq, struct regio_result *ret_results,
			  uint32_t results_max)
{
	uint32_t count;

	if (!ret_results && results_max)
		return -EINVAL;
	if (results_max > INT32_MAX)
		results_max = INT32_MAX;
	if (__builtin_expect(atomic_load_explicit(&cq->fired, memory_order_relaxed), 0))
		regioi_cq_unfire(cq);
	count = cq_has_some(cq) ? cq_take(cq, ret_results, results_max) : 0;
	cq->taken_unpolled += count;
	if (count && cq->taken_unpolled < TAKEN_UNPOLLED_MAX)
		return (int)count;
	cq->taken_unpolled = 0;
	count += regioi_driver_poll(cq, ret_results + count, results_max - count);
	if (count < results_max && cq_has_some(cq))
		count += cq_take(cq, ret_results + count, results_max - count);
	return (int)count;
}

int regio_cq_dequeue(struct regio_cq *handle, struct regio_result *ret_results,
		     uint32_t results_max)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int result;

	if (__builtin_expect(!cq, 0))
		return regioi_table_reason((uintptr_t)handle, -EBADF);
	result = dequeue(cq, ret_results, results_max);
	regioi_cq_consumed(cq);
	return result;
}

/* Throws away what is on a closed CQ. Any thread that ends a half of it may. */
static void cq_discard(struct regioi_cq *cq)
{
	struct regio_result results[32];

	pthread_mutex_lock(&cq->discard_lock);
	while (cq_take(cq, results, 32) || atomic_load(&cq->listed))
		continue;
	pthread_mutex_unlock(&cq->discard_lock);
}

/* ---- Room ---- */

uint32_t regioi_cq_room(struct regioi_cq *cq)
{
	uint32_t room;

	pthread_mutex_lock(&cq->lock);
	room = cq->capacity - cq->reserved;
	pthread_mutex_unlock(&cq->lock);
	return room;
}

int regioi_cq_reserve(struct regioi_cq *cq, uint32_t from, uint32_t to)
{
	int error = 0;

	pthread_mutex_lock(&cq->lock);
	if (to > from && (atomic_load(&cq->closed) || cq->capacity - cq->reserved < to - from))
		error = -ENOBUFS;
	else
		cq->reserved = cq->reserved - from + to;
	pthread_mutex_unlock(&cq->lock);
	return error;
}

int regioi_cq_attach(struct regioi_cq *cq, struct regioi_half *half)
{
	int error = regioi_cq_reserve(cq, 0, half->limit);

	if (error)
		return error;
	atomic_fetch_add(&cq->references, 1);
	half->cq = cq;
	return 0;
}

void regioi_half_end(struct regioi_half *half)
{
	struct regioi_cq *cq = half->cq;
	uint32_t before;

	/* Keeps the CQ while we look at it; the half may be gone after the next line. */
	atomic_fetch_add(&cq->references, 1);
	before = atomic_fetch_or(&half->listing, REGIOI_ENDING);
	if (!(before & (REGIOI_LISTED | REGIOI_DRAINING)))
		half_detach(half);
	else if (atomic_load(&cq->closed))
		cq_discard(cq);
	regioi_cq_release(cq);
}

/* ---- Life ---- */

static void hold(void *object)
{
	struct regioi_cq *cq = object;

	atomic_fetch_add(&cq->references, 1);
}

struct regioi_cq *regioi_cq_held(const struct regio_cq *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_CQ, hold);
}

void regioi_cq_release(struct regioi_cq *cq)
{
	struct regioi_driver *driver = cq->driver;

	if (atomic_fetch_sub(&cq->references, 1) != 1)
		return;
	pthread_mutex_destroy(&cq->lock);
	pthread_mutex_destroy(&cq->discard_lock);
	free(cq);
	if (driver)
		regioi_driver_release(driver);
}

/* The driver the options name, or a new one. The caller gets a reference. */
static int driver_for(const struct regio_cq_opts *opts, struct regioi_driver **ret_driver)
{
	static const struct regio_driver_opts defaults;

	if (!opts->driver)
		return regioi_driver_create(&defaults, ret_driver);
	*ret_driver = regioi_driver_held(opts->driver);
	if (!*ret_driver)
		return regioi_fail(regioi_table_reason((uintptr_t)opts->driver, -EBADF),
				   "creating a CQ: the driver is closed");
	return 0;
}

static int cq_allocate(uint32_t capacity, struct regioi_cq **ret_cq)
{
	struct regioi_cq *cq = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*cq));

	if (!cq)
		return regioi_fail(-ENOMEM, "creating a CQ: out of memory");
	*cq = (struct regioi_cq){
		.capacity = capacity,
		.posted = regioi_counter_start(UINT64_MAX),
		.taken = regioi_counter_start(UINT64_MAX),
	};
	atomic_init(&cq->references, 1);
	pthread_mutex_init(&cq->lock, NULL);
	pthread_mutex_init(&cq->discard_lock, NULL);
	*ret_cq = cq;
	return 0;
}

static int capacity_check(const char *step, uint32_t capacity)
{
	if (capacity == 0 || capacity > REGIO_CQ_CAPACITY_MAX)
		return regioi_fail(-EINVAL, "%s: capacity %u; 1 to %u can be had", step, capacity,
				   REGIO_CQ_CAPACITY_MAX);
	return 0;
}

int regio_cq_create(uint32_t capacity, const struct regio_cq_opts *opts, struct regio_cq **ret_cq)
{
	static const char step[] = "creating a CQ";
	struct regio_cq_opts known = {0};
	struct regioi_cq *cq = NULL;
	int error;

	if (!ret_cq)
		return regioi_fail(-EINVAL, "%s: ret_cq is NULL", step);
	error = capacity_check(step, capacity);
	if (!error)
		error = regioi_options_read(&known, sizeof(known), opts, step);
	if (error)
		return error;
	if (known.reserved)
		return regioi_fail(-EINVAL, "%s: a reserved field is not 0", step);
	error = cq_allocate(capacity, &cq);
	if (error)
		return error;
	error = driver_for(&known, &cq->driver);
	if (error) {
		regioi_cq_release(cq);
		return error;
	}
	error = regioi_id_add(REGIOI_KIND_CQ, cq, 0, 0, &cq->id);
	if (error) {
		regioi_cq_release(cq);
		return regioi_fail(error, "%s: out of memory", step);
	}
	cq->on_notify = known.on_notify;
	cq->on_notify_context = known.on_notify_context;
	atomic_fetch_add(&cq->driver->completion_queues, 1);
	*ret_cq = (struct regio_cq *)(uintptr_t)cq->id;
	return 0;
}

static int resize(struct regioi_cq *cq, uint32_t capacity)
{
	static const char step[] = "resizing a CQ";
	uint32_t reserved;
	int error = capacity_check(step, capacity);

	if (error)
		return error;
	pthread_mutex_lock(&cq->lock);
	reserved = cq->reserved;
	if (capacity >= reserved)
		cq->capacity = capacity;
	pthread_mutex_unlock(&cq->lock);
	if (capacity < reserved)
		return regioi_fail(-ETOOMANYREFS, "%s: capacity %u; its RQs have reserved %u", step,
				   capacity, reserved);
	return 0;
}

int regio_cq_resize(struct regio_cq *handle, uint32_t capacity)
{
	struct regioi_cq *cq = regioi_cq_consumer(handle);
	int error;

	if (!cq)
		return regioi_fail(regioi_table_reason((uintptr_t)handle, -EBADF),
				   "resizing a CQ: it is closed");
	error = resize(cq, capacity);
	regioi_cq_consumed(cq);
	return error;
}

int regio_cq_close(struct regio_cq *handle)
{
	uint64_t id = (uintptr_t)handle;
	struct regioi_slot *slot;
	struct regioi_cq *cq = regioi_handle_end(id, REGIOI_KIND_CQ, &slot);

	if (!cq)
		return regioi_fail(regioi_table_reason(id, -EBADF),
				   "closing a CQ: it is closed already");
	regioi_calls_wait(id);
	regioi_table_release(slot, id);
	REGIOI_ASSERT(!atomic_load(&cq->consumed));
	/* Sequentially consistent: pairs with REGIOI_ENDING in regioi_half_end(). */
	atomic_store(&cq->closed, true);
	regioi_cq_disarm(cq);
	regioi_cq_unfire(cq);
	cq_discard(cq);
	atomic_fetch_sub(&cq->driver->completion_queues, 1);
	regioi_cq_release(cq);
	return 0;
}
