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
/* Whether a batch of operations costs less than the calls it saves. */
bool regioi_ring_batches(void);
/* The engine's description, with the figures once the trial was made. */
extern char regioi_ring_about[160];
/* In a forked child: the lock may have been held by a thread that does not exist in the child. */
void regioi_ring_trial_fork_child(void);

#endif
