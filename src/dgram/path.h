/* SPDX-License-Identifier: MIT */
/*
 * Which trains each destination has refused: the kernel refuses a train whose messages are longer
 * than the path allows (EMSGSIZE, EINVAL) or that the device cannot complete (EIO). Kept for ten
 * seconds, for the few destinations that refused last.
 */
#ifndef REGIO_DGRAM_PATH_H
#define REGIO_DGRAM_PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"

#define REGIOI_PATHS 4u
#define REGIOI_PATH_MEMORY_NS 10000000000ull

struct regioi_path {
	union regioi_address address; /* all 0: the connected peer */
	uint32_t message_max;	      /* longest message that may be joined; 0: none */
	uint64_t until_ns;	      /* 0: unused */
};

struct regioi_paths {
	struct regioi_path entries[REGIOI_PATHS];
	uint32_t used; /* 0 on nearly every queue; then there is nothing to look up */
};

/* Longest message that may be joined if sent to 'address' (NULL: the connected peer). */
uint32_t regioi_paths_message_max(struct regioi_paths *paths, const union regioi_address *address,
				  uint64_t now_ns);
void regioi_paths_refused(struct regioi_paths *paths, const union regioi_address *address,
			  uint32_t message_max, uint64_t now_ns);

#endif
