/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#ifndef REGIO_CORE_ENGINE_CHOICE_H
#define REGIO_CORE_ENGINE_CHOICE_H

#include "core/objects.h"

/*
 * Makes an engine: sets driver->ops, driver->engine and driver->reason, and driver->threaded where
 * '+thread' follows the name. 'wish' is NULL or "auto" for the first engine that works, unless the
 * environment variable REGIO_ENGINE has a wish. Returns 0 or an explained error.
 */
int regioi_engine_open(const char *wish, struct regioi_driver *driver);

#endif
