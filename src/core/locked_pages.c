/* SPDX-License-Identifier: MIT */
/*
 * Counted page locks: a sorted array of disjoint page ranges, each with the number of regions over
 * it. Neighbours with the same count are one range, so that thousands of regions cut from one
 * allocation stay a handful of ranges.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/fork.h"
#include "core/locked_pages.h"

struct range {
	uintptr_t start; /* first byte, page aligned */
	uintptr_t end;	 /* past the last byte, page aligned */
	uint32_t count;
};

static pthread_mutex_t ranges_lock = PTHREAD_MUTEX_INITIALIZER;
static struct range *ranges;
static size_t ranges_count;
static size_t ranges_room;

void regioi_locked_pages_fork_child(void)
{
	/*
	 * Locks are not inherited through fork(2). Nor is the array touched: another thread may
	 * have been moving it.
	 */
	pthread_mutex_init(&ranges_lock, NULL);
	ranges = NULL;
	ranges_count = 0;
	ranges_room = 0;
}

static bool ranges_reserve(size_t extra)
{
	struct range *larger;
	size_t room = ranges_room ? ranges_room * 2 : 64;

	if (ranges_count + extra <= ranges_room)
		return true;
	larger = realloc(ranges, room * sizeof(*ranges));
	if (!larger)
		return false;
	ranges = larger;
	ranges_room = room;
	return true;
}

/* The first range that ends behind 'address'. */
static size_t ranges_search(uintptr_t address)
{
	size_t low = 0;
	size_t high = ranges_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static void ranges_insert(size_t at, uintptr_t start, uintptr_t end, uint32_t count)
{
	memmove(&ranges[at + 1], &ranges[at], (ranges_count - at) * sizeof(*ranges));
	ranges[at] = (struct range){.start = start, .end = end, .count = count};
	ranges_count++;
}

static void ranges_erase(size_t at)
{
	ranges_count--;
	memmove(&ranges[at], &ranges[at + 1], (ranges_count - at) * sizeof(*ranges));
}

/* Makes 'address' a border between ranges where it lies inside one. */
static void ranges_split(uintptr_t address)
{
	size_t at = ranges_search(address);

	if (at == ranges_count || ranges[at].start >= address)
		return;
	ranges_insert(at, ranges[at].start, address, ranges[at].count);
	ranges[at + 1].start = address;
}

/* Joins what has become equal around [start, end]. */
static void ranges_merge(uintptr_t start, uintptr_t end)
{
	size_t at = ranges_search(start - 1);

	while (at + 1 < ranges_count && ranges[at].start <= end) {
		if (ranges[at].end == ranges[at + 1].start &&
		    ranges[at].count == ranges[at + 1].count) {
			ranges[at].end = ranges[at + 1].end;
			ranges_erase(at + 1);
		} else {
			at++;
		}
	}
}

static void page_borders(void *address, size_t length, uintptr_t *ret_start, uintptr_t *ret_end)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	*ret_start = (uintptr_t)address & ~(page - 1);
	*ret_end = ((uintptr_t)address + length + page - 1) & ~(page - 1);
}

static void ranges_add(uintptr_t start, uintptr_t end)
{
	uintptr_t from = start;
	size_t at;

	ranges_split(start);
	ranges_split(end);
	at = ranges_search(start);
	while (from < end) {
		if (at < ranges_count && ranges[at].start == from) {
			ranges[at].count++;
		} else {
			uintptr_t gap_end = at < ranges_count && ranges[at].start < end
						    ? ranges[at].start
						    : end;

			ranges_insert(at, from, gap_end, 1);
		}
		from = ranges[at].end;
		at++;
	}
	ranges_merge(start, end);
}

/* Room for every gap the new range may fill, and the two splits. */
static bool ranges_reserve_for(uintptr_t start, uintptr_t end)
{
	size_t needed = 3;

	for (size_t at = ranges_search(start); at < ranges_count && ranges[at].start < end; at++)
		needed++;
	while (ranges_count + needed > ranges_room) {
		if (!ranges_reserve(needed))
			return false;
	}
	return true;
}

bool regioi_pages_lock(void *address, size_t length)
{
	uintptr_t start, end;
	bool locked;

	page_borders(address, length, &start, &end);
	pthread_mutex_lock(&ranges_lock);
	locked = ranges_reserve_for(start, end) && mlock((void *)start, end - start) == 0;
	if (locked)
		ranges_add(start, end);
	pthread_mutex_unlock(&ranges_lock);
	return locked;
}

void regioi_pages_unlock(void *address, size_t length)
{
	uintptr_t start, end;
	size_t at;

	page_borders(address, length, &start, &end);
	pthread_mutex_lock(&ranges_lock);
	/* Only splits need room here; without it the pages stay locked, which harms nobody. */
	if (!ranges_reserve_for(start, end)) {
		pthread_mutex_unlock(&ranges_lock);
		return;
	}
	ranges_split(start);
	ranges_split(end);
	at = ranges_search(start);
	while (at < ranges_count && ranges[at].start < end) {
		if (--ranges[at].count > 0) {
			at++;
			continue;
		}
		munlock((void *)ranges[at].start, ranges[at].end - ranges[at].start);
		ranges_erase(at);
	}
	ranges_merge(start, end);
	pthread_mutex_unlock(&ranges_lock);
}
