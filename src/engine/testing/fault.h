/* SPDX-License-Identifier: MIT */
/*
 * The fault engine: any engine, with fault injection between it and the core.
 */
#ifndef REGIO_ENGINE_TESTING_FAULT_H
#define REGIO_ENGINE_TESTING_FAULT_H

#include "engine/engine.h"

/*
 * Wraps an engine that has just been created: *ops and *engine become those of the fault engine,
 * which owns it. The environment variable REGIO_FAULTS chooses the faults, see fault_options.h.
 * Returns 0, or -EINVAL or -ENOMEM and the reason, with nothing changed.
 */
int regioi_fault_wrap(const struct regioi_engine_ops **ops, struct regioi_engine **engine,
		      struct regioi_refusal *ret_refusal);

#endif
