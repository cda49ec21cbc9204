/* SPDX-License-Identifier: MIT */
/*
 * A map from 64-bit keys to pointers, with its own lock. For infrequent look-ups.
 */
#ifndef REGIO_WINSOCK_WIN32_MAP_H
#define REGIO_WINSOCK_WIN32_MAP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct regioi_ws_map {
	pthread_mutex_t lock;
	void *root;
};

#define REGIOI_WS_MAP_INIT                                                                         \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER                                                  \
	}

/* Replaces the value of a key that is there. Returns false if there is no memory. */
bool regioi_ws_map_add(struct regioi_ws_map *map, uint64_t key, void *value);
/* Returns NULL if there is none. */
void *regioi_ws_map_find(struct regioi_ws_map *map, uint64_t key);
void *regioi_ws_map_remove(struct regioi_ws_map *map, uint64_t key);

#endif
