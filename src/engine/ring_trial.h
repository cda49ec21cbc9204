/* SPDX-License-Identifier: MIT */
/*
 * What the one trial of a process has found about rings.
 */
#ifndef REGIO_ENGINE_RING_TRIAL_H
#define REGIO_ENGINE_RING_TRIAL_H

#include "engine/engine.h"

/* Tries, the first time. Returns 0 where rings work here, or negative errno and why not. */
int regioi_ring_try(struct regioi_refusal *ret_refusal);
/* Whether a batch of operations costs less than the calls it saves. */
bool regioi_ring_batches(void);
/* What the engine says of itself: with the figures, once it has tried. */
extern char regioi_ring_about[160];
/* In a forked child: the lock may have been held by a thread that is not there. */
void regioi_ring_trial_fork_child(void);

#endif
