/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers, with its own lock: the balanced tree of the C library.
 */
#include <search.h>
#include <stdlib.h>

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
	struct mapping *entry = malloc(sizeof(*entry)), **node = NULL;

	if (!entry)
		return false;
	*entry = (struct mapping){key, value};
	pthread_mutex_lock(&map->lock);
	node = tsearch(entry, &map->root, compare);
	/* An entry that the program has made stale, by unmapping memory itself for instance. */
	if (node && *node != entry)
		(*node)->value = value;
	else if (node)
		entry = NULL;
	pthread_mutex_unlock(&map->lock);
	free(entry);
	return node;
}

static void *look_up(struct regioi_ws_map *map, uint64_t key, bool remove)
{
	const struct mapping wanted = {.key = key};
	struct mapping *entry = NULL, **node;
	void *value = NULL;

	pthread_mutex_lock(&map->lock);
	node = tfind(&wanted, &map->root, compare);
	if (node) {
		value = (*node)->value;
		entry = remove ? *node : NULL;
	}
	if (entry)
		tdelete(entry, &map->root, compare);
	pthread_mutex_unlock(&map->lock);
	free(entry);
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
