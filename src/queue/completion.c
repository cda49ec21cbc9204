/* SPDX-License-Identifier: MIT */
/*
 * The list of halves with completions, a Treiber stack: a thread that completes something pushes
 * the half, and the consumer takes the whole list. A half is LISTED from then on until the consumer
 * has dequeued everything; it ends that with a compare-and-exchange, which fails if the half has
 * completed something more since the consumer looked.
 */
#include <string.h>

#include "base/check.h"
#include "base/lesser.h"
#include "base/locked.h"
#include "queue/completion.h"
#include "queue/rq.h"
#include "queue/signal.h"

/* ---- The producers' side ---- */

static void cq_push(struct regioi_cq *cq, struct regioi_half *half)
{
	struct regioi_half *head = atomic_load_explicit(&cq->pending, memory_order_relaxed);

	do {
		half->next = head;
		/* Release: pairs with the acquire in drain_next(). */
	} while (!atomic_compare_exchange_weak_explicit(
		&cq->pending, &head, half, memory_order_release, memory_order_relaxed));
}

static inline bool some_muted(const struct regioi_half *half)
{
	return __builtin_expect(atomic_load_explicit(&half->muted_used, memory_order_relaxed), 0);
}

static __attribute__((noinline)) uint32_t count_notifiable(const struct regioi_half *half,
							   uint32_t first, uint32_t count)
{
	uint32_t notifiable = 0;

	for (uint32_t i = 0; i < count; i++)
		notifiable +=
			!(half->requests[(first + i) & half->mask].flags & REGIO_MSG_DONT_NOTIFY);
	return notifiable;
}

/* Returns one more than the number of the last of these requests that may notify. */
static __attribute__((noinline)) uint32_t notifiable_end(const struct regioi_half *half,
							 uint32_t first, uint32_t count)
{
	uint32_t end = first + count;

	while (end != first && half->requests[(end - 1) & half->mask].flags & REGIO_MSG_DONT_NOTIFY)
		end--;
	return end;
}

static inline void write_result(const struct regioi_request *request, uint64_t rq_context,
				struct regio_result *ret_result)
{
	const uint64_t result = regioi_word_load(&request->result);

	memcpy(ret_result, &result, sizeof(result));
	ret_result->rq_context = rq_context;
	ret_result->request_context = regioi_word_load(&request->context);
}

static __attribute__((noinline)) void write_many_results(const struct regioi_half *half,
							 uint32_t first, uint32_t count,
							 struct regio_result *results)
{
	const uint64_t rq_context = half->rq->context;

	while (count) {
		const struct regioi_request *request = &half->requests[first & half->mask];
		/* As far as they lie in the ring before it wraps. */
		const uint32_t part = regioi_lesser(count, half->mask + 1 - (first & half->mask));

#pragma GCC unroll 4
		for (const struct regioi_request *end = request + part; request < end; request++)
			write_result(request, rq_context, results++);
		first += part;
		count -= part;
	}
}

/* Writes the results of 'count' requests. */
static inline void write_results(const struct regioi_half *half, uint32_t first, uint32_t count,
				 struct regio_result *results)
{
	if (count == 1)
		write_result(&half->requests[first & half->mask], half->rq->context, results);
	else
		write_many_results(half, first, count, results);
}

static inline uint32_t list_state(const struct regioi_half *half)
{
	return atomic_load_explicit(&half->list_state, memory_order_relaxed);
}

/*
 * This thread is the only executor of the half, and 'direct' belongs to the only consumer of its
 * CQ. So if the half has nothing on the list, and no thread waits for a signal, the results can be
 * written into the array of that dequeue.
 */
static bool deliver_directly(struct regioi_half *half, uint32_t first, uint32_t count,
			     struct regioi_direct_results *direct)
{
	if (count > direct->results_max - direct->count || list_state(half) & REGIOI_LISTED ||
	    atomic_load_explicit(&half->dequeued, memory_order_relaxed) != first ||
	    atomic_load_explicit(&half->cq->armed, memory_order_relaxed))
		return false;
	write_results(half, first, count, &direct->results[direct->count]);
	direct->count += count;
	atomic_store_explicit(&half->completed, first + count, memory_order_release);
	/* Release: pairs with the poster's acquire; the slots are free to be written. */
	atomic_store_explicit(&half->dequeued, first + count, memory_order_release);
	return true;
}

/* At the end of those that the consumer is to dequeue. */
static void drain_append(struct regioi_cq *cq, struct regioi_half *first, struct regioi_half *last)
{
	if (cq->drain)
		cq->drain_last->next = first;
	else
		cq->drain = first;
	cq->drain_last = last;
}

/* As consumer and executor at once: nobody else changes the state of a half that has not ended. */
static void list_as_consumer(struct regioi_cq *cq, struct regioi_half *half)
{
	const uint32_t state = list_state(half);

	if (state & REGIOI_LISTED)
		return;
	atomic_store_explicit(&half->list_state, state | REGIOI_LISTED, memory_order_relaxed);
	half->next = NULL;
	drain_append(cq, half, half);
}

/*
 * Sequentially consistent: pairs with half_unlist(), by which the consumer takes the half off the
 * list, unless it has been listed again meanwhile.
 */
static void list_half(struct regioi_cq *cq, struct regioi_half *half)
{
	uint32_t before = list_state(half);

	while (!atomic_compare_exchange_weak(&half->list_state, &before,
					     (before + REGIOI_COMPLETED_MORE) | REGIOI_LISTED))
		continue;
	if (!(before & REGIOI_LISTED))
		cq_push(cq, half);
}

void regioi_half_publish(struct regioi_half *half, uint32_t count,
			 struct regioi_direct_results *direct)
{
	struct regioi_cq *cq = half->cq;
	const bool by_consumer = direct && direct->cq == cq;
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t notifiable = count, end = first + count;

	/*
	 * Only posted requests complete, by the executor or by the thread that has closed the half.
	 */
	REGIOI_ASSERT(regioi_half_is_executed(half) && count <= regioi_half_pending(half));
	if (by_consumer && deliver_directly(half, first, count, direct))
		return;
	if (some_muted(half)) {
		notifiable = count_notifiable(half, first, count);
		/*
		 * Muted requests after the last other one need no signal. Where that one is must be
		 * found now: once they are dequeued, the slots may be reused.
		 */
		end = notifiable_end(half, first, count);
	}

	/* Release: pairs with the acquires of the consumer; the results are in place. */
	atomic_store_explicit(&half->completed, first + count, memory_order_release);
	if (by_consumer)
		list_as_consumer(cq, half);
	else
		list_half(cq, half);
	if (!notifiable)
		return;
	/* Pairs with the sleepers (src/drive), which set their flag and then look at the count. */
	regioi_cq_posted(cq, notifiable);
	if (atomic_load(&cq->armed) || atomic_load(&cq->sleeper) != REGIOI_AWAKE)
		regioi_cq_wake(cq, half, end);
}

/* Returns the number of bytes that the oldest request has moved, and resets it. */
static uint32_t take_partial_bytes(struct regioi_half *half)
{
	uint32_t *begun = half->direction == REGIOI_RECEIVE ? &half->receive.partial_bytes
							    : &half->send.partial_bytes;
	uint32_t bytes = *begun;

	*begun = 0;
	return bytes;
}

uint32_t regioi_half_fail(struct regioi_half *half, int status)
{
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t count = atomic_load_explicit(&half->tail, memory_order_acquire) - first;

	REGIOI_ASSERT(regioi_section_is_open() && regioi_half_is_executed(half));
	for (uint32_t i = 0; i < count; i++) {
		struct regioi_request *request = &half->requests[(first + i) & half->mask];

		if (REGIOI_GUARDED && half->direction == REGIOI_RECEIVE)
			regioi_guard_unpoison_request(request);
		regioi_request_settle(request, status,
				      i == 0 && half->stream ? take_partial_bytes(half) : 0);
	}
	if (count)
		regioi_half_publish(half, count, NULL);
	return count;
}

/* ---- The consumer's side ---- */

/* Takes the whole list, reverses it, and appends it to the halves to be drained. */
static void drain_take(struct regioi_cq *cq)
{
	struct regioi_half *half, *last, *oldest = NULL;

	/* A plain load first: an empty list is the common case of a poll. */
	if (!atomic_load(&cq->pending))
		return;
	last = half = atomic_exchange_explicit(&cq->pending, NULL, memory_order_acquire);
	while (half) {
		struct regioi_half *older = half->next;

		half->next = oldest;
		oldest = half;
		half = older;
	}
	drain_append(cq, oldest, last);
}

static struct regioi_half *drain_next(struct regioi_cq *cq)
{
	struct regioi_half *half;

	if (!cq->drain)
		drain_take(cq);
	half = cq->drain;
	if (half)
		cq->drain = half->next;
	return half;
}

/* Returns the half's places to the CQ. */
static void half_leave_cq(struct regioi_half *half)
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

/*
 * The consumer has dequeued everything that was complete at 'state'. From then on the half may be
 * pushed again, and 'next' belongs to the thread that pushes it. False if it has completed more, or
 * has ended: then it is still the consumer's.
 */
static bool half_unlist(struct regioi_half *half, uint32_t state)
{
	/* Sequentially consistent: pairs with list_half(). */
	if (!atomic_compare_exchange_strong(&half->list_state, &state, state & REGIOI_ENDING))
		return false;
	if (state & REGIOI_ENDING)
		half_leave_cq(half);
	return true;
}

static uint32_t half_dequeue(struct regioi_half *half, struct regio_result *results,
			     uint32_t results_max, bool *ret_all)
{
	const uint32_t first = atomic_load_explicit(&half->dequeued, memory_order_relaxed);
	/* Acquire: pairs with the release in regioi_half_publish(). */
	uint32_t count = atomic_load_explicit(&half->completed, memory_order_acquire) - first;

	REGIOI_ASSERT(count <= half->limit);
	*ret_all = count <= results_max;
	if (!*ret_all)
		count = results_max;
	write_results(half, first, count, results);
	regioi_cq_taken(half->cq, some_muted(half) ? count_notifiable(half, first, count) : count);
	/* Release: pairs with the poster's acquire; the slots are free to be written. */
	atomic_store_explicit(&half->dequeued, first + count, memory_order_release);
	return count;
}

/*
 * Goes on when the array is full, because two kinds of half may be next that need no room in it:
 * one that was listed again while it was dequeued, and has nothing left; and one that has ended,
 * which gives its places back here. A half that has more results than the array takes is put after
 * the others, so that they need not wait until it is empty.
 */
uint32_t regioi_cq_take(struct regioi_cq *cq, struct regio_result *results, uint32_t results_max)
{
	struct regioi_half *half;
	uint32_t count = 0;
	bool all;

	while ((half = cq->current ? cq->current : drain_next(cq))) {
		/* Acquire: what completes after this look changes the state. */
		const uint32_t state =
			atomic_load_explicit(&half->list_state, memory_order_acquire);

		cq->current = half;
		count += half_dequeue(half, results + count, results_max - count, &all);
		if (!all && !regioi_cq_others_are_pending(cq))
			break;
		if (all && !half_unlist(half, state))
			continue;
		cq->current = NULL;
		if (!all) {
			cq_push(cq, half);
			break;
		}
	}
	return count;
}

void regioi_cq_discard(struct regioi_cq *cq)
{
	struct regio_result results[32];

	REGIOI_LOCKED(&cq->discard_lock);
	while (regioi_cq_take(cq, results, 32) || atomic_load(&cq->pending))
		continue;
}

/* ---- Joining and leaving ---- */

int regioi_cq_attach(struct regioi_cq *cq, struct regioi_half *half)
{
	int error = regioi_cq_reserve(cq, 0, half->limit);

	if (error)
		return error;
	atomic_fetch_add(&cq->references, 1);
	half->cq = cq;
	return 0;
}

void regioi_half_detach(struct regioi_half *half)
{
	struct regioi_cq *cq = half->cq;
	uint32_t before;

	/* Keeps the CQ while it is used here; the half may be freed after the next line. */
	atomic_fetch_add(&cq->references, 1);
	before = atomic_fetch_or(&half->list_state, REGIOI_ENDING);
	if (!(before & REGIOI_LISTED))
		half_leave_cq(half);
	else if (atomic_load(&cq->closed))
		regioi_cq_discard(cq);
	regioi_cq_release(cq);
}
