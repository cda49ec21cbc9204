/* SPDX-License-Identifier: MIT */
/*
 * Operations as plain system calls.
 */
#ifndef REGIO_ENGINE_PLAIN_H
#define REGIO_ENGINE_PLAIN_H

#include "engine/engine.h"

/* An engine's execute, which needs nothing of the engine: it may be NULL. */
void regioi_plain_execute(struct regioi_engine *engine, struct regioi_op *ops, uint32_t ops_count);

#endif
