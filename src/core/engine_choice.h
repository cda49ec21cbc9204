/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#ifndef REGIO_CORE_ENGINE_CHOICE_H
#define REGIO_CORE_ENGINE_CHOICE_H

#include "core/objects.h"

/*
 * Sets driver->ops and driver->reason. 'name' is NULL or "auto" for the first engine that works,
 * unless the environment variable REGIO_ENGINE names one. Returns 0 or an explained error.
 */
int regioi_engine_choose(const char *name, struct regioi_driver *driver);

#endif
