/* SPDX-License-Identifier: MIT */
/*
 * The pool of working areas of a driver. Each half with receive trains on may hold one for long,
 * so there is one for each of these, and two more for work in passing. Where more threads than that
 * execute at once, and only then, the pool grows by what they need.
 */
#include <sys/mman.h>

#include "core/driver.h"

#define AREAS_IN_PASSING 2u

struct regioi_area *regioi_area_take(struct regioi_driver *driver)
{
	struct regioi_area *area;

	pthread_mutex_lock(&driver->areas_lock);
	area = driver->areas;
	if (area)
		driver->areas = area->next;
	pthread_mutex_unlock(&driver->areas_lock);
	return area;
}

/* Last in, first out: the next taker gets the one whose pages are in the caches. */
static void area_push(struct regioi_driver *driver, struct regioi_area *area)
{
	area->next = driver->areas;
	driver->areas = area;
}

void regioi_area_give(struct regioi_driver *driver, struct regioi_area *area)
{
	pthread_mutex_lock(&driver->areas_lock);
	area_push(driver, area);
	pthread_mutex_unlock(&driver->areas_lock);
}

static struct regioi_area *area_map(void)
{
	struct regioi_area *area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return NULL;
	/* Most of an area is never touched; a huge page would make it real memory. */
	madvise(area, sizeof(*area), MADV_NOHUGEPAGE);
	return area;
}

/* Under the lock: as many areas as are needed now. */
static bool areas_suffice(struct regioi_driver *driver)
{
	while (driver->areas_count < driver->areas_holders + AREAS_IN_PASSING) {
		struct regioi_area *area = area_map();

		if (!area)
			return false;
		area_push(driver, area);
		driver->areas_count++;
	}
	return true;
}

bool regioi_areas_init(struct regioi_driver *driver)
{
	pthread_mutex_init(&driver->areas_lock, NULL);
	return areas_suffice(driver);
}

void regioi_areas_fini(struct regioi_driver *driver)
{
	struct regioi_area *area;

	while ((area = driver->areas)) {
		driver->areas = area->next;
		munmap(area, sizeof(*area));
	}
	pthread_mutex_destroy(&driver->areas_lock);
}

bool regioi_area_reserve(struct regioi_driver *driver)
{
	bool enough;

	pthread_mutex_lock(&driver->areas_lock);
	driver->areas_holders++;
	enough = areas_suffice(driver);
	if (!enough)
		driver->areas_holders--;
	pthread_mutex_unlock(&driver->areas_lock);
	return enough;
}

bool regioi_area_add(struct regioi_driver *driver)
{
	struct regioi_area *area = area_map();

	if (!area)
		return false;
	pthread_mutex_lock(&driver->areas_lock);
	area_push(driver, area);
	driver->areas_count++;
	pthread_mutex_unlock(&driver->areas_lock);
	return true;
}

void regioi_area_unreserve(struct regioi_driver *driver)
{
	/* The area stays in the pool, for the next that turns receive trains on. */
	pthread_mutex_lock(&driver->areas_lock);
	driver->areas_holders--;
	pthread_mutex_unlock(&driver->areas_lock);
}
