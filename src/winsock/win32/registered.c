/* SPDX-License-Identifier: MIT */
/*
 * Registered memory by its addresses.
 *
 * The lock is held while a region is deregistered, so that no thread frees memory while another is
 * still deregistering a region in it.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/locked.h"
#include "regio.h"
#include "winsock/win32/list.h"
#include "winsock/win32/map.h"
#include "winsock/win32/registered.h"

struct registered {
	struct regioi_ws_link link;
	uint64_t region;
	uintptr_t start, end;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct regioi_ws_list all;
static struct regioi_ws_map by_region = REGIOI_WS_MAP_INIT;
/*
 * All registered memory is between these addresses, so that for most memory that is freed no search
 * is needed.
 */
static uintptr_t lowest = UINTPTR_MAX, highest;

static void begin(struct registered *registered)
{
	regioi_ws_list_append(&all, &registered->link);
	if (registered->start < lowest)
		lowest = registered->start;
	if (registered->end > highest)
		highest = registered->end;
}

/* With the lock, after the entry was removed from the map. */
static void end(struct registered *registered)
{
	regioi_ws_list_remove(&all, &registered->link);
	if (!all.first) {
		lowest = UINTPTR_MAX;
		highest = 0;
	}
	regio_region_deregister(registered->region);
	free(registered);
}

int regioi_ws_registered_add(void *address, size_t length, uint64_t *ret_region)
{
	struct registered *registered = calloc(1, sizeof(*registered));
	REGIOI_LOCKED(&lock);
	int error = registered ? regio_region_register(address, length, NULL, &registered->region)
			       : -ENOMEM;

	if (!error && !regioi_ws_map_add(&by_region, registered->region, registered)) {
		regio_region_deregister(registered->region);
		error = -ENOMEM;
	}
	if (error) {
		free(registered);
		return error;
	}
	registered->start = (uintptr_t)address;
	registered->end = registered->start + length;
	begin(registered);
	*ret_region = registered->region;
	return 0;
}

void regioi_ws_registered_remove(uint64_t region)
{
	REGIOI_LOCKED(&lock);
	struct registered *registered = regioi_ws_map_remove(&by_region, region);

	if (registered)
		end(registered);
}

void regioi_ws_registered_end(const void *address, size_t length)
{
	const uintptr_t from = (uintptr_t)address, to = from + length;
	REGIOI_LOCKED(&lock);
	struct registered *registered = from < highest && to > lowest ? (void *)all.first : NULL;
	struct registered *next;

	for (; registered; registered = next) {
		next = (void *)registered->link.next;
		if (registered->start >= to || registered->end <= from)
			continue;
		regioi_ws_map_remove(&by_region, registered->region);
		end(registered);
	}
}
