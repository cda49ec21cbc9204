/* SPDX-License-Identifier: MIT */
/*
 * Objects that are held: see handle.h.
 */
#include "queue/handle.h"

static void cq_hold(void *object)
{
	struct regioi_cq *cq = object;

	atomic_fetch_add(&cq->references, 1);
}

struct regioi_cq *regioi_cq_held(const struct regio_cq *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_CQ, cq_hold);
}

static void driver_hold(void *driver)
{
	regioi_driver_hold(driver);
}

struct regioi_driver *regioi_driver_held(const struct regio_driver *handle)
{
	return regioi_table_hold(handle, REGIOI_KIND_DRIVER, driver_hold);
}
