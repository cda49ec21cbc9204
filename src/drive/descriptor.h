/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a driver, which becomes readable with a signal, and when there is work.
 */
#ifndef REGIO_DRIVE_DESCRIPTOR_H
#define REGIO_DRIVE_DESCRIPTOR_H

#include "queue/driver.h"

/* Makes it when first asked for. Returns it, or negative errno. */
int regioi_descriptor_get(struct regioi_driver *driver);
/* Closes it, with the driver. */
void regioi_descriptor_close(struct regioi_driver *driver);

#endif
