/* SPDX-License-Identifier: MIT */
/*
 * An RQ's entry in the lists of RQs that may have work. The functions are in runq.h.
 */
#ifndef REGIO_QUEUE_NODE_H
#define REGIO_QUEUE_NODE_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/cache.h"

struct regioi_driver;
struct regioi_rq;

/* Whether an RQ is among those that may have work. */
enum regioi_queued {
	REGIOI_NODE_RESTING, /* a thread that gives it work must list it */
	REGIOI_NODE_QUEUED,
	/*
	 * Listed, and not removed without a barrier on every thread: a poster that sees this after
	 * storing its request need do nothing more. For RQs that post thousands of requests.
	 */
	REGIOI_NODE_PINNED,
};

/* Whether an RQ's socket is tried on each pass, or only after an event or a post. */
enum regioi_heat {
	REGIOI_COLD,
	REGIOI_HOT,    /* one of a few, tried because an answer may come soon */
	REGIOI_STEADY, /* one of any number, tried because each try receives something */
};

/* A list of RQs; used with the driver's lock. */
struct regioi_list {
	struct regioi_node *first, *last;
	uint32_t count;
};

/* An RQ's entry in the lists of a driver that serves one or both of its halves. */
struct regioi_node {
	_Alignas(REGIOI_CACHE_LINE) struct regioi_rq *rq;
	struct regioi_driver *driver;
	struct regioi_node *next; /* among the arrivals */
	struct regioi_list *list; /* the driver's list that it is on, or NULL */
	struct regioi_node *list_next, *list_previous;
	_Atomic uint32_t queued; /* enum regioi_queued: among the arrivals or the active */
	uint32_t received_pass;	 /* the last pass that received something */
	uint16_t streak;	 /* passes that received, without a sleep or a long pause between */
	uint8_t mistakes;	 /* how often it has become steady and fallen silent */
	uint8_t misses; /* of a steady RQ: tries that found nothing and were not paid for */
	uint8_t idle_passes;
	uint8_t heat;	      /* enum regioi_heat */
	uint16_t posted_seen; /* number of requests ever posted, at the last idle pass */
};

_Static_assert(sizeof(struct regioi_node) == REGIOI_CACHE_LINE, "a node is one cache line");

#endif
