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

/* With the lock. NULL if there is none. */
static struct mapping *find(struct regioi_ws_map *map, uint64_t key)
{
	const struct mapping wanted = {.key = key};
	struct mapping **node = tfind(&wanted, &map->root, compare);

	return node ? *node : NULL;
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

void *regioi_ws_map_find(struct regioi_ws_map *map, uint64_t key)
{
	struct mapping *entry;
	void *value;

	pthread_mutex_lock(&map->lock);
	entry = find(map, key);
	value = entry ? entry->value : NULL;
	pthread_mutex_unlock(&map->lock);
	return value;
}

void *regioi_ws_map_remove(struct regioi_ws_map *map, uint64_t key)
{
	struct mapping *entry;
	void *value;

	pthread_mutex_lock(&map->lock);
	entry = find(map, key);
	value = entry ? entry->value : NULL;
	if (entry)
		tdelete(entry, &map->root, compare);
	pthread_mutex_unlock(&map->lock);
	free(entry);
	return value;
}
