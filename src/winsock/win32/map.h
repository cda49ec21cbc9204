/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers, with its own lock. For infrequent look-ups.
 */
#ifndef REGIO_WINSOCK_WIN32_MAP_H
#define REGIO_WINSOCK_WIN32_MAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct regioi_ws_map_entry {
	uint64_t key;
	void *value;
	struct regioi_ws_map_entry *next;
};

struct regioi_ws_map {
	pthread_mutex_t lock;
	struct regioi_ws_map_entry **buckets;
	uint32_t buckets_count; /* a power of two, or 0 */
	uint32_t count;
};

#define REGIOI_WS_MAP_INIT                                                                         \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER                                                  \
	}

/* Returns false if there is no memory. */
bool regioi_ws_map_add(struct regioi_ws_map *map, uint64_t key, void *value);
/* Returns NULL if there is none. */
void *regioi_ws_map_find(struct regioi_ws_map *map, uint64_t key);
void *regioi_ws_map_remove(struct regioi_ws_map *map, uint64_t key);

#endif
