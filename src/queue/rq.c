/* SPDX-License-Identifier: MIT */
/*
 * The memory of request queues.
 */
#include <stdlib.h>

#include "base/check.h"
#include "queue/rq.h"

/* After this many announced requests a busy queue's node is pinned (api/post.c). */
#define PIN_AFTER_FIRST 64u

void regioi_request_ring_free(struct regioi_request_ring *ring)
{
	free(ring->requests);
	free(ring->extras);
	*ring = (struct regioi_request_ring){0};
}

bool regioi_request_ring_allocate(uint32_t limit, struct regioi_request_ring *ret_ring)
{
	size_t slots = 1;

	while (slots < limit)
		slots *= 2;
	ret_ring->mask = (uint32_t)slots - 1;
	ret_ring->requests = calloc(slots, sizeof(*ret_ring->requests));
	ret_ring->extras = calloc(slots, sizeof(*ret_ring->extras));
	if (ret_ring->requests && ret_ring->extras)
		return true;
	regioi_request_ring_free(ret_ring);
	return false;
}

static void half_use(struct regioi_half *half, const struct regioi_request_ring *ring,
		     uint32_t limit)
{
	half->requests = ring->requests;
	half->extras = ring->extras;
	half->mask = ring->mask;
	half->limit = limit;
	half->tail_max = atomic_load(&half->dequeued) + limit;
}

static struct regioi_request_ring half_ring(const struct regioi_half *half)
{
	return (struct regioi_request_ring){half->requests, half->extras, half->mask};
}

void regioi_half_move(struct regioi_half *half, const struct regioi_request_ring *ring,
		      uint32_t limit)
{
	struct regioi_request_ring old = half_ring(half);
	uint32_t first = atomic_load(&half->dequeued);
	uint32_t count = regioi_half_outstanding(half);

	for (uint32_t i = first; i != first + count; i++) {
		ring->requests[i & ring->mask] = old.requests[i & old.mask];
		ring->extras[i & ring->mask] = old.extras[i & old.mask];
	}
	half_use(half, ring, limit);
	regioi_request_ring_free(&old);
}

static void rq_free(struct regioi_rq *rq)
{
	for (int i = 0; i < 2; i++) {
		struct regioi_request_ring ring = half_ring(&rq->halves[i]);

		regioi_request_ring_free(&ring);
	}
	pthread_mutex_destroy(&rq->watch_lock);
	free(rq);
}

void regioi_rq_release(struct regioi_rq *rq)
{
	if (atomic_fetch_sub(&rq->references, 1) == 1)
		rq_free(rq);
}

struct regioi_rq *regioi_rq_allocate(const uint32_t limits[2])
{
	struct regioi_rq *rq = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*rq));

	if (!rq)
		return NULL;
	*rq = (struct regioi_rq){0};
	pthread_mutex_init(&rq->watch_lock, NULL);
	atomic_init(&rq->references, 1);
	for (int i = 0; i < 2; i++) {
		struct regioi_half *half = &rq->halves[i];
		const uint32_t first = (uint32_t)regioi_counter_start(UINT32_MAX);
		struct regioi_request_ring ring;

		half->rq = rq;
		half->direction = (enum regioi_direction)i;
		atomic_init(&half->tail, first);
		atomic_init(&half->completed, first);
		atomic_init(&half->dequeued, first);
		atomic_init(&half->ready, REGIOI_READY_YES);
		half->pin_threshold = PIN_AFTER_FIRST;
		if (!regioi_request_ring_allocate(limits[i], &ring)) {
			rq_free(rq);
			return NULL;
		}
		half_use(half, &ring, limits[i]);
	}
	return rq;
}
