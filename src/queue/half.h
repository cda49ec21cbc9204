/* SPDX-License-Identifier: MIT */
/*
 * One direction of an RQ: its ring of requests, and which thread executes them.
 *
 * A request is posted at 'tail', executed and completed at 'completed', and dequeued at 'dequeued'.
 * These three numbers advance round the ring of the half, always in this order:
 *
 *	dequeued <= completed <= tail <= dequeued + limit
 *
 * Poster, executor and consumer each write one of them and may be three threads. Completions are
 * not stored in a queue: a CQ is a list of the halves that have requests between 'dequeued' and
 * 'completed' (cq.h).
 */
#ifndef REGIO_QUEUE_HALF_H
#define REGIO_QUEUE_HALF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cache.h"
#include "dgram/receive.h"
#include "dgram/send.h"
#include "mem/guard.h"
#include "mem/request.h"
#include "queue/node.h"

struct regioi_cq;

/*
 * Whether a thread is executing a half. A caller that finds it BUSY makes it BUSY_MARKED and
 * continues.
 */
enum regioi_executor {
	REGIOI_EXECUTOR_IDLE,
	REGIOI_EXECUTOR_BUSY,
	REGIOI_EXECUTOR_BUSY_MARKED, /* look again before leaving */
	REGIOI_EXECUTOR_CLOSED,	     /* never executed again */
};

/* Whether an attempt on the socket may succeed. */
enum regioi_ready {
	REGIOI_READY_NO, /* empty (receive) or full (send); an event will report a change */
	REGIOI_READY_YES,
	/*
	 * An attempt may succeed, and no event is certain to say so: the socket is not watched, or
	 * the RQ has two drivers, or the slice of a stream was filled exactly. It is tried when
	 * there is no other work.
	 */
	REGIOI_READY_UNKNOWN,
};

/*
 * Bits of a half's state in its CQ (completion.c). Those above them count how often more has
 * completed, which shows the consumer whether that has happened since it looked. The count does not
 * come round meanwhile: fewer completions fit in a CQ.
 */
#define REGIOI_LISTED 0x1u /* on the list, or the consumer's */
#define REGIOI_ENDING 0x2u /* no completion will follow; detach when drained */
#define REGIOI_COMPLETED_MORE 0x4u

enum regioi_direction {
	REGIOI_RECEIVE,
	REGIOI_SEND,
};

/*
 * The fields used for each message are packed into three cache lines: in a server with a thousand
 * sockets none of them will be in a cache.
 */
struct regioi_half {
	/* Set at creation and resize. */
	_Alignas(REGIOI_CACHE_LINE) struct regioi_rq *rq;
	struct regioi_cq *cq;
	struct regioi_node *node; /* on the driver of the CQ */
	struct regioi_request *requests;
	uint32_t mask;
	uint32_t limit;	   /* most outstanding */
	uint8_t direction; /* enum regioi_direction */
	bool stream;	   /* as its RQ */
	uint8_t single_op; /* enum regioi_op_kind that moves one message */
	/* The poster's. */
	_Atomic bool names_wanted; /* a receive wants the local address; on a stream, either */
	_Atomic bool muted_used;   /* a request with DONT_NOTIFY has been posted */
	_Atomic uint32_t tail;
	uint32_t tail_max; /* where the limit ends, as far as the poster has looked */
	/*
	 * Atomic, because two posters may write them at once: they are written after 'tail'. By
	 * then the request may have completed, and its completion may have caused another thread to
	 * post.
	 */
	_Atomic uint16_t
		announces; /* requests posted with a barrier, since the node was last pinned */
	_Atomic uint16_t pin_threshold; /* when 'announces' reaches this, pin the node */

	/* The executor's. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint32_t executor; /* enum regioi_executor */
	_Atomic uint32_t ready;				       /* enum regioi_ready: ready.h */
	uint16_t verify_in; /* executions until the socket's identity is checked again */
	uint8_t executions; /* the first few, which check it each time */
	bool names_known;   /* the socket had a port at the last check; streams: a peer */
	union {
		struct regioi_receive_state receive;
		struct regioi_send_state send;
	};

	/* The completion side. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint32_t completed;
	_Atomic uint32_t dequeued;
	_Atomic uint32_t list_state; /* REGIOI_LISTED and so on */
	struct regioi_half *next;    /* on the CQ's list; written by the thread that adds it */
	struct regio_extra *extras;
};

_Static_assert(offsetof(struct regioi_half, executor) == REGIOI_CACHE_LINE,
	       "what posting reads is one cache line");
_Static_assert(sizeof(struct regioi_half) - offsetof(struct regioi_half, completed) ==
		       REGIOI_CACHE_LINE,
	       "the completion side is one cache line");

/* Prefetches what executing the half will need. */
static inline void regioi_half_prefetch(const struct regioi_half *half)
{
	const uint8_t *start = (const void *)half;

	__builtin_prefetch(start);
	__builtin_prefetch(start + offsetof(struct regioi_half, executor));
	__builtin_prefetch(start + offsetof(struct regioi_half, completed));
}

/*
 * Prefetches the oldest request, and the slot of the next one. Useful once the half itself is in a
 * cache.
 */
static inline void regioi_half_prefetch_requests(const struct regioi_half *half)
{
	uint32_t oldest = atomic_load_explicit(&half->completed, memory_order_relaxed);
	uint32_t next = atomic_load_explicit(&half->tail, memory_order_relaxed);

	__builtin_prefetch(&half->requests[oldest & half->mask]);
	__builtin_prefetch(&half->requests[next & half->mask]);
}

/* Whether the half has an executor. Used to assert that the caller is the executor. */
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
 * As executor: an operation has unpoisoned the slices of the receives it planned. The slices of
 * those still queued are poisoned again.
 */
static inline void regioi_half_poison_rest(const struct regioi_half *half, uint32_t planned,
					   uint32_t done)
{
	struct regioi_window window;

	if (!REGIOI_GUARDED || half->direction != REGIOI_RECEIVE)
		return;
	window = regioi_half_window(half);
	for (uint32_t i = 0; done + i < planned && i < window.count; i++)
		regioi_guard_poison_request(regioi_window_request(&window, i));
}

/*
 * Become the executor. Returns false when another thread is; that thread will look again before it
 * leaves, so it will see whatever the caller has posted.
 */
static inline bool regioi_half_try_acquire(struct regioi_half *half)
{
	uint32_t state = REGIOI_EXECUTOR_IDLE;

	/*
	 * Acquire: pairs with the release of the executor before, in regioi_half_release().
	 * Release: what the caller posted is visible to the executor that finds the mark.
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

/* Become the executor, after waiting for the current one to leave. */
void regioi_half_acquire(struct regioi_half *half);
/* The same, permanently: the half is never executed again. */
void regioi_half_retire(struct regioi_half *half);

#endif
