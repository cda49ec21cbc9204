/* SPDX-License-Identifier: MIT */
/*
 * The memory of completion queues, and their reserved places.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/locked.h"
#include "queue/cq.h"

uint32_t regioi_cq_room(struct regioi_cq *cq)
{
	REGIOI_LOCKED(&cq->lock);

	return cq->capacity - cq->reserved;
}

int regioi_cq_reserve(struct regioi_cq *cq, uint32_t from, uint32_t to)
{
	REGIOI_LOCKED(&cq->lock);

	if (to > from && (atomic_load(&cq->closed) || cq->capacity - cq->reserved < to - from))
		return -ENOBUFS;
	cq->reserved = cq->reserved - from + to;
	return 0;
}

struct regioi_cq *regioi_cq_allocate(uint32_t capacity)
{
	struct regioi_cq *cq = aligned_alloc(REGIOI_CACHE_LINE, sizeof(*cq));

	if (!cq)
		return NULL;
	*cq = (struct regioi_cq){
		.capacity = capacity,
		.posted = regioi_counter_start(UINT64_MAX),
		.taken = regioi_counter_start(UINT64_MAX),
	};
	atomic_init(&cq->references, 1);
	pthread_mutex_init(&cq->lock, NULL);
	pthread_mutex_init(&cq->discard_lock, NULL);
	return cq;
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
