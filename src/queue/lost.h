/* SPDX-License-Identifier: MIT */
/*
 * Descriptors of the library that the program has closed.
 */
#ifndef REGIO_QUEUE_LOST_H
#define REGIO_QUEUE_LOST_H

#include "queue/driver.h"

/* Checks whether the driver's descriptors are still its own. Costs a system call. */
bool regioi_driver_intact(struct regioi_driver *driver);

/* The result of the last check. */
static inline bool regioi_driver_is_lost(const struct regioi_driver *driver)
{
	return atomic_load_explicit(&driver->lost, memory_order_relaxed);
}

/*
 * Called with the lock of a driver that is lost: makes its RQs fail what is posted, in the next
 * pass.
 */
void regioi_driver_lose(struct regioi_driver *driver);

#endif
