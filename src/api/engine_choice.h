/* SPDX-License-Identifier: MIT */
/*
 * Which engine a driver gets, and why.
 */
#ifndef REGIO_API_ENGINE_CHOICE_H
#define REGIO_API_ENGINE_CHOICE_H

#include <stdbool.h>

#include "engine/engine.h"

struct regioi_engine_choice {
	const struct regioi_engine_ops *ops;
	struct regioi_engine *engine;
	struct regioi_costs costs;
	bool threaded; /* a driver's thread is wanted */
	char reason[160];
};

/*
 * Creates an engine. 'text' is NULL or "auto" for the first engine that works, unless the
 * environment variable REGIO_ENGINE names one. In that variable, words may be joined to the name by
 * '+': "thread" sets 'threaded', "fault" puts fault injection before the engine. Returns 0 or an
 * explained error; even after an error an engine may have been created.
 */
int regioi_engine_open(const char *text, struct regioi_engine_choice *ret_choice);

#endif
