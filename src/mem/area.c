/* SPDX-License-Identifier: MIT */
/*
 * The pool of working areas of a driver.
 */
#include <sys/mman.h>

#include "base/check.h"
#include "base/locked.h"
#include "mem/area.h"

#define AREAS_IN_PASSING 2u

struct regioi_area *regioi_area_take(struct regioi_area_pool *pool)
{
	struct regioi_area *area = atomic_exchange(&pool->spare, NULL);

	if (!area) {
		REGIOI_LOCKED(&pool->lock);
		area = pool->free;
		if (area)
			pool->free = area->next;
	}
	REGIOI_ASSERT(!area || area->free);
	if (REGIOI_CHECKED && area)
		area->free = false;
	return area;
}

/* An area is returned only once. */
static void area_mark_free(struct regioi_area *area)
{
	REGIOI_ASSERT(!area->free);
	if (REGIOI_CHECKED)
		area->free = true;
}

/* Last in, first out: the area taken next is the one whose pages are in the caches. */
static void area_push(struct regioi_area_pool *pool, struct regioi_area *area)
{
	area->next = pool->free;
	pool->free = area;
}

void regioi_area_give(struct regioi_area_pool *pool, struct regioi_area *area)
{
	struct regioi_area *none = NULL;

	area_mark_free(area);
	if (atomic_compare_exchange_strong(&pool->spare, &none, area))
		return;
	REGIOI_LOCKED(&pool->lock);
	area_push(pool, area);
}

static struct regioi_area *area_map(void)
{
	struct regioi_area *area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	/* Most of an area is never touched; with a huge page it would all use memory. */
	madvise(area, sizeof(*area), MADV_NOHUGEPAGE);
	return area;
}

/* With the lock: allocates as many areas as are needed now. */
static bool areas_suffice(struct regioi_area_pool *pool)
{
	while (pool->count < pool->holders + AREAS_IN_PASSING) {
		struct regioi_area *area = area_map();

		if (!area)
			return false;
		area_mark_free(area);
		area_push(pool, area);
		pool->count++;
	}
	return true;
}

bool regioi_areas_init(struct regioi_area_pool *pool)
{
	pthread_mutex_init(&pool->lock, NULL);
	return areas_suffice(pool);
}

void regioi_areas_fini(struct regioi_area_pool *pool)
{
	struct regioi_area *area;

	while ((area = regioi_area_take(pool)))
		munmap(area, sizeof(*area));
	pthread_mutex_destroy(&pool->lock);
}

bool regioi_area_reserve(struct regioi_area_pool *pool)
{
	REGIOI_LOCKED(&pool->lock);

	pool->holders++;
	if (areas_suffice(pool))
		return true;
	pool->holders--;
	return false;
}

bool regioi_area_add(struct regioi_area_pool *pool)
{
	struct regioi_area *area = area_map();

	if (!area)
		return false;
	area_mark_free(area);
	REGIOI_LOCKED(&pool->lock);
	area_push(pool, area);
	pool->count++;
	return true;
}

void regioi_area_unreserve(struct regioi_area_pool *pool)
{
	REGIOI_LOCKED(&pool->lock);

	/* The area stays in the pool, for the next half that turns receive trains on. */
	REGIOI_ASSERT(pool->holders > 0);
	pool->holders--;
}
