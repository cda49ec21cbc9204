/* SPDX-License-Identifier: MIT */
/*
 * The run queue of a driver: each RQ has a node for each driver it belongs to, which is on one of
 * the driver's lists, or on none. Everything here needs the driver's lock, except pushing an
 * arrival.
 */
#ifndef REGIO_QUEUE_RUNQ_H
#define REGIO_QUEUE_RUNQ_H

#include "queue/cq.h"
#include "queue/driver.h"
#include "queue/ready.h"
#include "queue/rq.h"

static inline void regioi_list_append(struct regioi_list *list, struct regioi_node *node)
{
	REGIOI_ASSERT(!node->list && regioi_driver_is_locked(node->driver));
	node->list = list;
	node->list_next = NULL;
	node->list_previous = list->last;
	if (list->last)
		list->last->list_next = node;
	else
		list->first = node;
	list->last = node;
	list->count++;
}

static inline void regioi_list_remove(struct regioi_list *list, struct regioi_node *node)
{
	REGIOI_ASSERT(node->list == list && list->count > 0 &&
		      regioi_driver_is_locked(node->driver));
	if (node->list_previous)
		node->list_previous->list_next = node->list_next;
	else
		list->first = node->list_next;
	if (node->list_next)
		node->list_next->list_previous = node->list_previous;
	else
		list->last = node->list_previous;
	list->count--;
	node->list = NULL;
}

static inline void regioi_list_move(struct regioi_list *from, struct regioi_list *to,
				    struct regioi_node *node)
{
	regioi_list_remove(from, node);
	regioi_list_append(to, node);
}

/* Read without the lock, by threads that would otherwise make a useless pass. */
static inline void regioi_lists_empty_set(struct regioi_driver *driver)
{
	bool resting = driver->active.count == 0 && driver->maybe_ready.count == 0 &&
		       driver->steady.count == 0;

	if (atomic_load_explicit(&driver->lists_empty, memory_order_relaxed) != resting)
		atomic_store_explicit(&driver->lists_empty, resting, memory_order_relaxed);
}

/* Puts the arrivals on the active list. */
void regioi_arrivals_take(struct regioi_driver *driver);
/*
 * Moves a node that rests, or is on 'maybe_ready', to the active list. False if another thread has
 * just listed it.
 */
bool regioi_node_wake(struct regioi_driver *driver, struct regioi_node *node);

/* Removes an RQ from its driver. With the driver's lock. */
void regioi_node_remove(struct regioi_node *node);

/* Wakes the threads that sleep on the driver. */
void regioi_driver_kick(struct regioi_driver *driver);

/* Adds an RQ to those that may have work, and makes sure that a thread will look at it. */
void regioi_node_push(struct regioi_node *node);

static inline void regioi_node_queue(struct regioi_node *node)
{
	uint32_t resting = REGIOI_NODE_RESTING;

	/* The load keeps the cache line shared while a busy queue posts. */
	if (atomic_load(&node->queued) == REGIOI_NODE_RESTING &&
	    atomic_compare_exchange_strong(&node->queued, &resting, REGIOI_NODE_QUEUED))
		regioi_node_push(node);
	else if (atomic_load(&node->driver->listeners))
		regioi_driver_kick(node->driver);
}

static inline struct regioi_node *regioi_node_of(struct regioi_rq *rq,
						 const struct regioi_driver *driver)
{
	return rq->nodes[0].driver == driver ? &rq->nodes[0] : &rq->nodes[1];
}

/* The highest readiness among its halves that have requests. */
static inline enum regioi_ready regioi_node_ready(const struct regioi_node *node)
{
	enum regioi_ready ready = REGIOI_READY_NO;

	for (int i = 0; i < 2; i++) {
		const struct regioi_half *half = &node->rq->halves[i];
		const enum regioi_ready half_ready = regioi_ready_now(half);

		if (half_ready == REGIOI_READY_NO || regioi_half_pending(half) == 0 ||
		    atomic_load_explicit(&half->cq->closed, memory_order_relaxed))
			continue;
		if (half_ready == REGIOI_READY_YES)
			return REGIOI_READY_YES;
		ready = REGIOI_READY_UNKNOWN;
	}
	return ready;
}

#endif
