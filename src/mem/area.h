/* SPDX-License-Identifier: MIT */
/*
 * A working area: everything that one operation on several datagrams needs besides the requests. A
 * driver keeps a few; pages that are not touched use only address space.
 */
#ifndef REGIO_MEM_AREA_H
#define REGIO_MEM_AREA_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/address.h"

/* Most datagrams or trains of one operation. */
#define REGIOI_AREA_MESSAGES 128u
/* Most messages joined in the trains of one operation: four full ones. */
#define REGIOI_AREA_VECTORS 512u
/* Most trains received at once. A received train is shorter than 64 KiB. */
#define REGIOI_AREA_STAGES 16u
#define REGIOI_STAGE_BYTES 65536u
/* Stages a power of two apart would share cache sets. */
#define REGIOI_STAGE_STRIDE (REGIOI_STAGE_BYTES + 2112u)
/* For the control messages of one datagram, including those for the library. */
#define REGIOI_CONTROL_BYTES 640u
/*
 * The same if they may be long: IPv6 extension headers of 2 KiB each, which may be reported under
 * two names.
 */
#define REGIOI_LONG_CONTROL_BYTES 20480u
#define REGIOI_AREA_LONG_CONTROLS 32u
/* The part for the library: the length of a train's messages, and where they were sent to. */
#define REGIOI_CONTROL_OURS (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct sockaddr_in6)))

/* What the headers of an area are laid out to receive. */
enum regioi_area_layout {
	REGIOI_LAYOUT_DATA,
	REGIOI_LAYOUT_NAMES, /* the sender's address and control data as well */
	REGIOI_LAYOUT_LONG_CONTROLS,
};

struct regioi_area {
	struct regioi_area *next; /* in its pool */
	bool free;		  /* checked builds: it is in the pool */
	uint8_t layout;		  /* enum regioi_area_layout */
	uint32_t laid_out;	  /* of 'receives', from the first on */
	/* Those of receives are laid out once, and keep what no operation changes. */
	struct mmsghdr receives[REGIOI_AREA_MESSAGES];
	/* One more than are used at once: a send is looked up before it is known to begin one. */
	struct mmsghdr messages[REGIOI_AREA_MESSAGES + 1];
	uint32_t requests[REGIOI_AREA_MESSAGES]; /* sends: the number in each message */
	struct iovec vectors[REGIOI_AREA_VECTORS];
	/* Of senders, for trains, and where no slice is for the address. */
	union regioi_address names[REGIOI_AREA_MESSAGES];
	union {
		/* Aligned like a struct cmsghdr. */
		_Alignas(8) uint8_t control[REGIOI_AREA_MESSAGES][REGIOI_CONTROL_BYTES];
		uint8_t long_control[REGIOI_AREA_LONG_CONTROLS][REGIOI_LONG_CONTROL_BYTES];
	};
	_Alignas(64) uint8_t stages[REGIOI_AREA_STAGES * REGIOI_STAGE_STRIDE];
};

static inline uint8_t *regioi_area_stage(struct regioi_area *area, uint32_t index)
{
	return area->stages + index * REGIOI_STAGE_STRIDE;
}

/*
 * The areas of a driver. Each half with receive trains on may hold one for long, so there is one
 * for each of these, and two more for short use. Only if more threads than that execute at once
 * does the pool grow by what they need.
 */
struct regioi_area_pool {
	_Atomic(struct regioi_area *) spare; /* one that is free, without the lock */
	pthread_mutex_t lock;
	struct regioi_area *free;
	uint32_t count;	  /* all */
	uint32_t holders; /* halves that may hold one for long */
};

/* Returns false if there is no memory. */
bool regioi_areas_init(struct regioi_area_pool *pool);
void regioi_areas_fini(struct regioi_area_pool *pool);
/* Returns NULL if none is free. */
struct regioi_area *regioi_area_take(struct regioi_area_pool *pool);
void regioi_area_give(struct regioi_area_pool *pool, struct regioi_area *area);
/*
 * Adds one to the pool, for a thread that has none and found none. Returns false if there is no
 * memory.
 */
bool regioi_area_add(struct regioi_area_pool *pool);
/* Makes sure that one more half may hold an area for long. Returns false if there is no memory. */
bool regioi_area_reserve(struct regioi_area_pool *pool);
void regioi_area_unreserve(struct regioi_area_pool *pool);

#endif
