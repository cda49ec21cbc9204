/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the library that a program has closed behind its back, as one that becomes a
 * daemon in the old way closes all there are.
 *
 * A driver without its descriptors hears of nothing any more, and their numbers may be another
 * file's. It is looked at before each sleep, and when a socket is found closed; from then on its
 * RQs fail what is posted, and nothing is written to those numbers, nor closed.
 */
#include "queue/lost.h"
#include "queue/ready.h"
#include "queue/registry.h"
#include "queue/runq.h"

bool regioi_driver_intact(struct regioi_driver *driver)
{
	if (!regioi_driver_is_lost(driver) && driver->ops->intact &&
	    !driver->ops->intact(driver->engine))
		atomic_store(&driver->lost, true);
	return !regioi_driver_is_lost(driver);
}

/*
 * Under the driver's lock, without which nobody closes the halves of an RQ for good: one that is
 * not closed yet may be listed.
 */
static void rq_lose(struct regioi_rq *rq, void *argument)
{
	const struct regioi_driver *driver = argument;
	bool concerned = false;

	/* Acquire: pairs with the release at the end of regio_rq_create(). */
	if (!atomic_load_explicit(&rq->joined, memory_order_acquire) ||
	    atomic_load(&rq->halves[0].executor) == REGIOI_EXECUTOR_CLOSED)
		return;
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		concerned |= rq->nodes[i].driver == driver;
	if (!concerned)
		return;
	atomic_store(&rq->fd_stale, true);
	for (int i = 0; i < 2; i++)
		regioi_ready_event(&rq->halves[i]);
	for (uint32_t i = 0; i < rq->nodes_count; i++)
		regioi_node_queue(&rq->nodes[i]);
}

void regioi_driver_lose(struct regioi_driver *driver)
{
	if (driver->rqs_lost)
		return;
	driver->rqs_lost = true;
	regioi_registry_each(rq_lose, driver);
}
