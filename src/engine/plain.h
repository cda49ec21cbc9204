/* SPDX-License-Identifier: MIT */
/*
 * Operations as plain system calls.
 */
#ifndef REGIO_ENGINE_PLAIN_H
#define REGIO_ENGINE_PLAIN_H

#include "engine/engine.h"

/* Executes the operations and fills in their results. */
void regioi_plain_execute(struct regioi_op *ops, uint32_t ops_count);

#endif
