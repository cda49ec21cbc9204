/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#ifndef REGIO_API_ENGINE_CHOICE_H
#define REGIO_API_ENGINE_CHOICE_H

#include "queue/driver.h"

/*
 * Creates the engine of a driver, and sets what depends on it: 'ops', 'policy', 'threaded', and why
 * it is this engine. 'text' is NULL or "auto" for the first engine that works, unless the
 * environment variable REGIO_ENGINE names one. In that variable, words may be joined to the name by
 * '+': "thread" sets 'threaded', "fault" puts fault injection before the engine. Returns 0 or an
 * explained error; even after an error an engine may have been created.
 */
int regioi_engine_open(struct regioi_driver *driver, const char *text);

#endif
