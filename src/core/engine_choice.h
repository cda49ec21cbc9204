/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#ifndef REGIO_CORE_ENGINE_CHOICE_H
#define REGIO_CORE_ENGINE_CHOICE_H

#include "core/objects.h"

/*
 * Makes an engine: sets driver->ops, driver->engine and driver->reason. 'text' is NULL or "auto"
 * for the first engine that works, unless the environment variable REGIO_ENGINE has a wish, in
 * which words may be joined to the name by '+': "thread" sets driver->threaded, "fault" puts faults
 * before the engine. Returns 0 or an explained error; then there may be an engine all the same.
 */
int regioi_engine_open(const char *text, struct regioi_driver *driver);

#endif
