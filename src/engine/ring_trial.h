/* SPDX-License-Identifier: MIT */
/*
 * The result of the trial of rings, which is made once in a process, and again in a child.
 */
#ifndef REGIO_ENGINE_RING_TRIAL_H
#define REGIO_ENGINE_RING_TRIAL_H

#include "engine/engine.h"

/*
 * Makes the trial, the first time. Returns 0 if rings work here, or negative errno and the reason.
 */
int regioi_ring_try(struct regioi_refusal *ret_refusal);
/* Sets the costs of calls and batches, once the trial was made. */
void regioi_ring_costs(struct regioi_costs *costs);
/* In a forked child: the lock may have been held by a thread that does not exist in the child. */
void regioi_ring_trial_fork_child(void);

#endif
