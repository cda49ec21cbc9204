/* SPDX-License-Identifier: MIT */
/*
 * stage.h - what programs are run on: sockets, drivers and memory that outlive them
 */
#ifndef REGIO_TESTS_MODEL_STAGE_H
#define REGIO_TESTS_MODEL_STAGE_H

#include <stdatomic.h>
#include <stddef.h>

#include <regio.h>

#include "../support/net.h"
#include "program.h"

/*
 * The memory of a region is cut into slots: bytes that must not change, the slice, such bytes
 * again, and room for the optional slices.
 */
#define SLOTS 32u
#define SLOT_BYTES 1536u
#define SLOT_GUARD 16u
#define SLOT_EXTRA 1440u
#define REGION_BYTES (SLOTS * SLOT_BYTES)
#define GUARD_BYTE 0xA5

struct slot_extra {
	uint8_t remote_address[28];
	uint32_t message_flags;
};

_Static_assert(SLOT_GUARD + MESSAGE_BYTES_MAX + SLOT_GUARD <= SLOT_EXTRA, "guards fit");
_Static_assert(SLOT_EXTRA + sizeof(struct slot_extra) <= SLOT_BYTES, "extras fit");

struct stage_sockets {
	int fds[SOCKETS];
	union address addresses[SOCKETS];
};

struct stage {
	char engine[32];
	bool sim;
	bool threaded; /* the drivers have threads */
	bool lossy, errors;
	bool shrinking;
	struct stage_sockets families[2];
	struct regio_driver *drivers[DRIVERS];
	uint8_t *memory; /* REGIONS times REGION_BYTES */
	_Atomic uint32_t slots_taken[REGIONS];
	struct crew *crew;
};

/* The sockets and drivers that a program needs. */
struct stage_sockets *stage_prepare(struct stage *stage, const struct program *program);
/* Empties the sockets, and throws away those that are not as new. */
void stage_clean(struct stage *stage, struct stage_sockets *sockets, const bool spoilt[SOCKETS]);

/* Closes with a reset, which leaves nothing behind. */
void stage_reset(struct stage_sockets *sockets, uint8_t socket);

#endif
