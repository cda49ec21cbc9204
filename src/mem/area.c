/* SPDX-License-Identifier: MIT */
/*
 * The pool of working areas of a driver.
 */
#include <sys/mman.h>

#include "base/check.h"
#include "mem/area.h"

#define AREAS_IN_PASSING 2u

struct regioi_area *regioi_area_take(struct regioi_area_pool *pool)
{
	struct regioi_area *area = atomic_exchange(&pool->spare, NULL);

	if (!area) {
		pthread_mutex_lock(&pool->lock);
		area = pool->free;
		if (area)
			pool->free = area->next;
		pthread_mutex_unlock(&pool->lock);
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
	pthread_mutex_lock(&pool->lock);
	area_push(pool, area);
	pthread_mutex_unlock(&pool->lock);
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
	bool enough;

	pthread_mutex_lock(&pool->lock);
	pool->holders++;
	enough = areas_suffice(pool);
	if (!enough)
		pool->holders--;
	pthread_mutex_unlock(&pool->lock);
	return enough;
}

bool regioi_area_add(struct regioi_area_pool *pool)
{
	struct regioi_area *area = area_map();

	if (!area)
		return false;
	area_mark_free(area);
	pthread_mutex_lock(&pool->lock);
	area_push(pool, area);
	pool->count++;
	pthread_mutex_unlock(&pool->lock);
	return true;
}

void regioi_area_unreserve(struct regioi_area_pool *pool)
{
	/* The area stays in the pool, for the next half that turns receive trains on. */
	pthread_mutex_lock(&pool->lock);
	REGIOI_ASSERT(pool->holders > 0);
	pool->holders--;
	pthread_mutex_unlock(&pool->lock);
}
