/* SPDX-License-Identifier: MIT */
/*
 * Driving without waiting on one CQ: for programs whose CQs call them.
 */
#ifndef REGIO_DRIVE_RUN_H
#define REGIO_DRIVE_RUN_H

#include "queue/driver.h"

/* Makes progress until the end of 'timeout_ns' (below 0: none), or a wake. */
int regioi_driver_run(struct regioi_driver *driver, int64_t timeout_ns);
/* Ends a run, this one or the next. */
void regioi_driver_wake(struct regioi_driver *driver);

#endif
