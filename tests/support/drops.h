/* SPDX-License-Identifier: MIT */
/*
 * drops.h - what the kernel has lost of datagrams, of whatever program
 *
 * Loopback loses one where the queue of a processor is full, or memory for UDP is. A case that
 * waits for it fails then, and the library is not to blame.
 */
#ifndef REGIO_TESTS_SUPPORT_DROPS_H
#define REGIO_TESTS_SUPPORT_DROPS_H

#include <stdint.h>

struct drops {
	uint64_t on_the_way; /* to any socket: the queues of all processors */
	uint64_t no_memory;  /* for UDP */
};

struct drops drops_so_far(void);

#endif
