/* SPDX-License-Identifier: MIT */
/*
 * The thread of a driver that has one.
 */
#ifndef REGIO_DRIVE_THREAD_H
#define REGIO_DRIVE_THREAD_H

#include "queue/driver.h"
#include "regio.h"

/* With everything else of the driver in place. Returns 0 or an explained error. */
int regioi_thread_start(struct regioi_driver *driver, const struct regio_driver_opts *opts);
/* Waits until it has ended. */
void regioi_thread_stop(struct regioi_driver *driver);

/*
 * What the thread does where it has found no work: sleeps in the engine, or stands by for the users
 * that it shares its CPU with. Returns false if it has found that they run elsewhere.
 */
bool regioi_thread_rest(struct regioi_driver *driver, bool beside_user);

#endif
