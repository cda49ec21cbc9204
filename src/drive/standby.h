/* SPDX-License-Identifier: MIT */
/*
 * The thread of a driver as it stands by.
 */
#ifndef REGIO_DRIVE_STANDBY_H
#define REGIO_DRIVE_STANDBY_H

#include "queue/driver.h"

/*
 * Leaves progress to the threads of the program until they need this one again. Returns whether
 * they still run on its CPU, as far as it knows.
 */
bool regioi_stand_by(struct regioi_driver *driver);

#endif
