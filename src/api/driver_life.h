/* SPDX-License-Identifier: MIT */
/*
 * Creating and ending drivers.
 */
#ifndef REGIO_API_DRIVER_LIFE_H
#define REGIO_API_DRIVER_LIFE_H

#include "queue/driver.h"
#include "regio.h"

/*
 * Creates a driver with one reference, the caller's, and no handle. 'opts' is complete. Returns 0
 * or an explained error.
 */
int regioi_driver_create(const struct regio_driver_opts *opts, struct regioi_driver **ret_driver);

#endif
