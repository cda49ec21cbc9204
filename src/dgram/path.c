/* SPDX-License-Identifier: MIT */
/*
 * Which trains each destination has refused.
 */
#include <string.h>

#include "dgram/path.h"

static bool path_is(const struct regioi_path *path, const union regioi_address *address)
{
	if (!address)
		return path->address.any.sa_family == AF_UNSPEC;
	return regioi_address_equal(&path->address, address);
}

static struct regioi_path *paths_find(struct regioi_paths *paths,
				      const union regioi_address *address)
{
	for (uint32_t i = 0; i < REGIOI_PATHS; i++) {
		if (paths->entries[i].until_ns && path_is(&paths->entries[i], address))
			return &paths->entries[i];
	}
	return NULL;
}

uint32_t regioi_paths_message_max(struct regioi_paths *paths, const union regioi_address *address,
				  uint64_t now_ns)
{
	struct regioi_path *path = paths_find(paths, address);

	if (!path)
		return UINT32_MAX;
	if (path->until_ns <= now_ns) {
		path->until_ns = 0;
		paths->used--;
		return UINT32_MAX;
	}
	return path->message_max;
}

void regioi_paths_refused(struct regioi_paths *paths, const union regioi_address *address,
			  uint32_t message_max, uint64_t now_ns)
{
	struct regioi_path *path = paths_find(paths, address);

	/* Takes an unused entry, whose time is 0, otherwise the one that expires first. */
	if (!path) {
		path = &paths->entries[0];
		for (uint32_t i = 1; i < REGIOI_PATHS; i++) {
			if (paths->entries[i].until_ns < path->until_ns)
				path = &paths->entries[i];
		}
	}
	if (!path->until_ns)
		paths->used++;
	memset(&path->address, 0, sizeof(path->address));
	if (address)
		memcpy(&path->address, address, regioi_address_length(address));
	path->message_max = message_max;
	path->until_ns = now_ns + REGIOI_PATH_MEMORY_NS;
}
