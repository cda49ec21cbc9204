/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers, with its own lock. For infrequent look-ups.
 */
#include <stdlib.h>

#include "winsock/win32/map.h"

#define BUCKETS_FIRST 64u

static struct regioi_ws_map_entry **bucket_of(const struct regioi_ws_map *map, uint64_t key)
{
	/* The upper bits of a product with an odd number depend on all bits of the key. */
	uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15) >> 32;

	return &map->buckets[hash & (map->buckets_count - 1)];
}

static struct regioi_ws_map_entry **link_to(const struct regioi_ws_map *map, uint64_t key)
{
	struct regioi_ws_map_entry **link;

	if (!map->buckets_count)
		return NULL;
	for (link = bucket_of(map, key); *link; link = &(*link)->next)
		if ((*link)->key == key)
			return link;
	return NULL;
}

/* Doubles the number of buckets, so that chains stay short. */
static bool grow(struct regioi_ws_map *map)
{
	struct regioi_ws_map grown = {.buckets_count = map->buckets_count * 2};

	if (!grown.buckets_count)
		grown.buckets_count = BUCKETS_FIRST;
	grown.buckets = calloc(grown.buckets_count, sizeof(struct regioi_ws_map_entry *));
	if (!grown.buckets)
		return false;
	for (uint32_t i = 0; i < map->buckets_count; i++) {
		struct regioi_ws_map_entry *entry = map->buckets[i];

		while (entry) {
			struct regioi_ws_map_entry *next = entry->next;
			struct regioi_ws_map_entry **bucket = bucket_of(&grown, entry->key);

			entry->next = *bucket;
			*bucket = entry;
			entry = next;
		}
	}
	free(map->buckets);
	map->buckets = grown.buckets;
	map->buckets_count = grown.buckets_count;
	return true;
}

bool regioi_ws_map_add(struct regioi_ws_map *map, uint64_t key, void *value)
{
	struct regioi_ws_map_entry *entry = malloc(sizeof(*entry));
	bool added = entry != NULL;

	pthread_mutex_lock(&map->lock);
	if (added && map->count >= map->buckets_count)
		added = grow(map);
	if (added) {
		struct regioi_ws_map_entry **bucket = bucket_of(map, key);

		*entry = (struct regioi_ws_map_entry){key, value, *bucket};
		*bucket = entry;
		map->count++;
	}
	pthread_mutex_unlock(&map->lock);
	if (!added)
		free(entry);
	return added;
}

void *regioi_ws_map_find(struct regioi_ws_map *map, uint64_t key)
{
	struct regioi_ws_map_entry **link;
	void *value;

	pthread_mutex_lock(&map->lock);
	link = link_to(map, key);
	value = link ? (*link)->value : NULL;
	pthread_mutex_unlock(&map->lock);
	return value;
}

void *regioi_ws_map_remove(struct regioi_ws_map *map, uint64_t key)
{
	struct regioi_ws_map_entry **link, *entry = NULL;
	void *value = NULL;

	pthread_mutex_lock(&map->lock);
	link = link_to(map, key);
	if (link) {
		entry = *link;
		*link = entry->next;
		value = entry->value;
		map->count--;
	}
	pthread_mutex_unlock(&map->lock);
	free(entry);
	return value;
}
