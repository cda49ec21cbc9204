/* SPDX-License-Identifier: MIT */
/*
 * A working area: everything one operation on several datagrams needs beside the requests. A
 * driver keeps a few; untouched pages cost address space only.
 */
#ifndef REGIO_MEM_AREA_H
#define REGIO_MEM_AREA_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Most datagrams or trains of one operation. */
#define REGIOI_AREA_MESSAGES 128u
/* Most messages joined in the trains of one operation: four full ones. */
#define REGIOI_AREA_VECTORS 512u
/* Most trains received at once. A received train is shorter than 64 KiB. */
#define REGIOI_AREA_STAGES 16u
#define REGIOI_STAGE_BYTES 65536u
/* Stages a power of two apart would share cache sets. */
#define REGIOI_STAGE_STRIDE (REGIOI_STAGE_BYTES + 2112u)
/* For the control messages of one datagram, ours included. */
#define REGIOI_CONTROL_BYTES 640u
/* The same where they may be long: extension headers of IPv6, 2 KiB each, under two names. */
#define REGIOI_LONG_CONTROL_BYTES 20480u
#define REGIOI_AREA_LONG_CONTROLS 32u
/* Of those, ours: the length of a train's messages, and where they were sent to. */
#define REGIOI_CONTROL_OURS (CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct sockaddr_in6)))

union regioi_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct regioi_area {
	struct regioi_area *next; /* in its pool */
	bool free;		  /* checked builds: it is there */
	struct mmsghdr messages[REGIOI_AREA_MESSAGES];
	uint32_t requests[REGIOI_AREA_MESSAGES]; /* sends: how many each message carries */
	struct iovec vectors[REGIOI_AREA_VECTORS];
	union regioi_address names[REGIOI_AREA_MESSAGES];
	union {
		/* As a struct cmsghdr. */
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
 * for each of these, and two more for work in passing. Where more threads than that execute at
 * once, and only then, the pool grows by what they need.
 */
struct regioi_area_pool {
	pthread_mutex_t lock;
	struct regioi_area *free;
	uint32_t count;	  /* all */
	uint32_t holders; /* halves that may hold one for long */
};

/* Returns false without memory. */
bool regioi_areas_init(struct regioi_area_pool *pool);
void regioi_areas_fini(struct regioi_area_pool *pool);
/* NULL where none is free. */
struct regioi_area *regioi_area_take(struct regioi_area_pool *pool);
void regioi_area_give(struct regioi_area_pool *pool, struct regioi_area *area);
/* One more for the pool, for a thread that has none and found none. Returns false without memory.
 */
bool regioi_area_add(struct regioi_area_pool *pool);
/* Makes sure that one more half may hold an area for long. Returns false without memory. */
bool regioi_area_reserve(struct regioi_area_pool *pool);
void regioi_area_unreserve(struct regioi_area_pool *pool);

#endif
