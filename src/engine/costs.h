/* SPDX-License-Identifier: MIT */
/*
 * What the kernel's calls cost on this machine. The core decides by ratios of these what to try
 * without asking the engine (drive/poll_policy.c).
 */
#ifndef REGIO_ENGINE_COSTS_H
#define REGIO_ENGINE_COSTS_H

#include "engine/engine.h"

/* The most that REGIO_COSTS may set: a second. */
#define REGIOI_COST_MAX_NS 1000000000u

/*
 * The costs of an engine: what it has measured, or usual ones, and those that the environment
 * variable REGIO_COSTS sets in their place, as in "poll=150,miss=300". Returns 0, or -EINVAL and
 * the reason.
 */
int regioi_costs_of(const struct regioi_engine_ops *ops, struct regioi_engine *engine,
		    struct regioi_costs *ret_costs, struct regioi_refusal *ret_refusal);

/* ---- For engines ---- */

/*
 * The costs of plain calls. They are measured the first time, with descriptors of their own;
 * if there are none for that, the usual costs are returned.
 */
struct regioi_costs regioi_costs_measured(void);
/* In a forked child, which may run under another seccomp filter: measures again. */
void regioi_costs_fork_child(void);

#endif
