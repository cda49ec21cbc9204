/* SPDX-License-Identifier: MIT */
/*
 * References to drivers.
 */
#include "queue/driver.h"

void regioi_driver_hold(struct regioi_driver *driver)
{
	atomic_fetch_add(&driver->references, 1);
}

void regioi_driver_release(struct regioi_driver *driver)
{
	if (atomic_fetch_sub(&driver->references, 1) == 1)
		driver->end(driver);
}
