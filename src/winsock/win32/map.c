/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers, with its own lock: the balanced tree of the C library.
 */
#include <search.h>
#include <stdlib.h>

#include "base/locked.h"
#include "winsock/win32/map.h"

struct mapping {
	uint64_t key;
	void *value;
};

static int compare(const void *a, const void *b)
{
	const struct mapping *one = a, *other = b;

	return (one->key > other->key) - (one->key < other->key);
}

bool regioi_ws_map_add(struct regioi_ws_map *map, uint64_t key, void *value)
{
	struct mapping *entry = malloc(sizeof(*entry)), **node;

	if (!entry)
		return false;
	*entry = (struct mapping){key, value};
	REGIOI_LOCKED(&map->lock);
	node = tsearch(entry, &map->root, compare);
	/* An entry that the program has made stale, by unmapping memory itself for instance. */
	if (node)
		(*node)->value = value;
	if (!node || *node != entry)
		free(entry);
	return node;
}

static void *look_up(struct regioi_ws_map *map, uint64_t key, bool remove)
{
	const struct mapping wanted = {.key = key};
	REGIOI_LOCKED(&map->lock);
	struct mapping **node = tfind(&wanted, &map->root, compare);
	struct mapping *entry = node ? *node : NULL;
	void *value = entry ? entry->value : NULL;

	if (entry && remove) {
		tdelete(entry, &map->root, compare);
		free(entry);
	}
	return value;
}

void *regioi_ws_map_find(struct regioi_ws_map *map, uint64_t key)
{
	return look_up(map, key, false);
}

void *regioi_ws_map_remove(struct regioi_ws_map *map, uint64_t key)
{
	return look_up(map, key, true);
}
