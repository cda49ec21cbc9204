/* SPDX-License-Identifier: MIT */
/*
 * Executing one half of an RQ: who may, what is executed, what it completes.
 */
#ifndef REGIO_CORE_HALF_H
#define REGIO_CORE_HALF_H

#include <stddef.h>

#include "core/objects.h"
#include "mem/guard.h"

/* One operation for one half, between preparing and finishing. */
struct regioi_work {
	struct regioi_half *half;
	struct regioi_area *area; /* NULL where none is needed */
	struct regioi_op op;
	uint32_t planned;	  /* requests it carries or asks for */
	struct regioi_sink *sink; /* where results are wanted, or NULL; the caller's to set */
};

/* Brings what a visit needs into the caches. */
static inline void regioi_half_prefetch(const struct regioi_half *half)
{
	const uint8_t *start = (const void *)half;

	__builtin_prefetch(start);
	__builtin_prefetch(start + offsetof(struct regioi_half, executor));
	__builtin_prefetch(start + offsetof(struct regioi_half, completed));
}

/* The oldest request, and the place of the next one. With the half in the caches. */
static inline void regioi_half_prefetch_requests(const struct regioi_half *half)
{
	uint32_t oldest = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t next = atomic_load_explicit(&half->tail, memory_order_relaxed);

	__builtin_prefetch(&half->requests[oldest & half->mask]);
	__builtin_prefetch(&half->requests[next & half->mask]);
}

/* Whether somebody is the executor, who the caller says that it is. */
static inline bool regioi_half_is_executed(const struct regioi_half *half)
{
	return atomic_load_explicit(&half->executor, memory_order_relaxed) != REGIOI_EXECUTOR_IDLE;
}

/* Requests posted and not completed. */
static inline uint32_t regioi_half_pending(const struct regioi_half *half)
{
	return atomic_load(&half->tail) -
	       atomic_load_explicit(&half->completed, memory_order_relaxed);
}

static inline struct regioi_window regioi_half_window(const struct regioi_half *half)
{
	uint32_t first = atomic_load_explicit(&half->completed, memory_order_relaxed);

	return (struct regioi_window){
		.requests = half->requests,
		.extras = half->extras,
		.mask = half->mask,
		.first = first,
		/* Acquire: pairs with the poster's store of 'tail' after the request. */
		.count = atomic_load_explicit(&half->tail, memory_order_acquire) - first,
	};
}

/*
 * As executor: an operation has opened the slices of the receives it asked for. Those that it left
 * queued are shut again.
 */
static inline void regioi_half_shut_rest(const struct regioi_half *half, uint32_t planned,
					 uint32_t done)
{
	struct regioi_window window;

	if (!REGIOI_GUARDED || half->direction != REGIOI_RECEIVE)
		return;
	window = regioi_half_window(half);
	for (uint32_t i = 0; done + i < planned && i < window.count; i++)
		regioi_guard_shut_request(regioi_window_request(&window, i));
}

/* Whether executing the half now achieves something (YES), or might (PERHAPS). */
static inline bool regioi_half_runnable(struct regioi_half *half, enum regioi_ready ready)
{
	return regioi_half_pending(half) > 0 && atomic_load(&half->ready) == ready &&
	       !atomic_load_explicit(&half->cq->closed, memory_order_relaxed);
}

/*
 * Become the executor. Returns false when somebody else is; that one will look again before it
 * leaves, so whatever the caller has posted will be seen.
 */
static inline bool regioi_half_enter(struct regioi_half *half)
{
	uint32_t state = REGIOI_EXECUTOR_IDLE;

	/*
	 * Acquire: pairs with the release of the executor before, in regioi_half_done(). Release:
	 * what the caller posted is visible to the executor that finds the mark.
	 */
	while (!atomic_compare_exchange_strong(&half->executor, &state,
					       state == REGIOI_EXECUTOR_IDLE
						       ? REGIOI_EXECUTOR_BUSY
						       : REGIOI_EXECUTOR_BUSY_MARKED)) {
		if (state == REGIOI_EXECUTOR_CLOSED)
			return false;
	}
	return state == REGIOI_EXECUTOR_IDLE;
}

/*
 * Stop being the executor. Executes first what others have posted meanwhile and left to the
 * caller. In a read section of any driver.
 */
void regioi_half_done(struct regioi_half *half);
/* Become the executor, waiting for a present one. */
void regioi_half_take(struct regioi_half *half);
/* The same, for good. */
void regioi_half_close(struct regioi_half *half);

enum regioi_prepared {
	REGIOI_PREPARED_NOTHING,
	REGIOI_PREPARED,
	REGIOI_PREPARED_NO_AREA, /* none is free: finish other work, then try again */
};

/*
 * As executor, in a read section of any driver: plan the next operation. May complete requests that
 * need none.
 */
enum regioi_prepared regioi_half_prepare(struct regioi_half *half, struct regioi_work *work);
/*
 * The same for a caller that has nothing else to finish, and so no area: where none is free one is
 * made. REGIOI_PREPARED_NO_AREA then means that there is no memory.
 */
enum regioi_prepared regioi_half_prepare_alone(struct regioi_half *half, struct regioi_work *work);
/* Settle it after execution. Returns how many requests completed. */
uint32_t regioi_half_finish(struct regioi_work *work);

/*
 * One operation for the half, unless somebody is at it. 'sink' may be NULL. Returns how many
 * requests completed.
 */
uint32_t regioi_half_run_one(struct regioi_half *half, struct regioi_sink *sink);

/* Execute the half now, unless somebody is at it. */
void regioi_half_run(struct regioi_half *half);
/* The same, waiting for somebody who is, and also where nothing is known to be possible. */
void regioi_half_run_last(struct regioi_half *half);

/*
 * As executor, in a read section of any driver: complete everything outstanding with 'status'.
 * Returns how many.
 */
uint32_t regioi_half_fail(struct regioi_half *half, int status);

#endif
