/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the library that were closed behind its back.
 */
#ifndef REGIO_QUEUE_LOST_H
#define REGIO_QUEUE_LOST_H

#include "queue/driver.h"

/* Looks whether the driver's descriptors are still its own. Costs a system call. */
bool regioi_driver_intact(struct regioi_driver *driver);

/* What the last look has found. */
static inline bool regioi_driver_is_lost(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->lost, memory_order_relaxed);
}

/* Under the lock of a driver that is lost: has its RQs fail what is posted, in the next pass. */
void regioi_driver_lose(struct regioi_driver *driver);

#endif
