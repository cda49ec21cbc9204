/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the library that a program has closed, as a program does that closes all
 * descriptors when it becomes a daemon.
 *
 * A driver without its descriptors gets no more events, and their numbers may be used for other
 * files. It is checked before some sleeps (drive/sleep.c), and when a socket is found closed. Once
 * the loss is found, its RQs fail what is posted, and those numbers are neither written to nor
 * closed.
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
 * Called with the driver's lock. No thread closes the halves of an RQ without it, so an RQ that is
 * not closed yet may be listed.
 */
static void rq_lose(struct regioi_rq *rq, void *argument)
{
	const struct regioi_driver *driver = argument;

	/* Acquire: pairs with the release at the end of regio_rq_create(). */
	if (!atomic_load_explicit(&rq->joined, memory_order_acquire) ||
	    atomic_load(&rq->halves[0].executor) == REGIOI_EXECUTOR_CLOSED ||
	    regioi_node_of(rq, driver)->driver != driver)
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
