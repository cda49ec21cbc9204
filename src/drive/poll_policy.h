/* SPDX-License-Identifier: MIT */
/*
 * Which RQs are tried without asking the engine first. Under the driver's lock.
 *
 * A few that have just received are hot, which is how spinning reaches the latency of the plain
 * socket; they cool down after some thousand passes of nothing. Any number that receive in pass
 * after pass are steady: a socket that the engine does not watch is cheaper, by more than the few
 * tries that find nothing cost.
 */
#ifndef REGIO_DRIVE_POLL_POLICY_H
#define REGIO_DRIVE_POLL_POLICY_H

#include "queue/driver.h"
#include "queue/node.h"

/* Passes without a message before hot RQs cool down: far more calls than watching them again. */
#define REGIOI_HOT_IDLE_PASSES 4096

#define REGIOI_HOT_MAX 4u

/* The thresholds for an engine whose calls cost this. */
struct regioi_policy regioi_policy_of(const struct regioi_costs *costs);

/*
 * The node's RQ has received something in this pass, and may be hot from now on, but not where the
 * caller is not 'alone': a thread that sleeps relies on events.
 */
void regioi_heat_received(struct regioi_node *node, bool alone);
/*
 * The node's RQ, which is on the steady list, was tried and found empty. Returns whether the
 * successful tries before have paid for that; if not, it may be watched again.
 */
bool regioi_heat_missed(struct regioi_node *node);
/* Cools the node's RQ, and has it watched again. */
void regioi_heat_cool(struct regioi_node *node);
void regioi_heat_cool_steady(struct regioi_driver *driver);
/*
 * For a socket of which nothing is known and that is not watched yet: starting to watch it reports
 * what is there. False if it is watched, or cannot be.
 */
bool regioi_heat_watch_instead(struct regioi_node *node);
/* After a pass in which so many RQs received and requests completed: hot ones may cool down. */
void regioi_heat_pass(struct regioi_driver *driver, uint32_t received, uint32_t completed);
/* The same after a pass over nothing but hot ones. */
void regioi_heat_pass_hot(struct regioi_driver *driver, uint32_t completed);

static inline bool regioi_heat_all_hot(const struct regioi_driver *driver)
{
	return driver->hot_count > 0 && driver->active.count == driver->hot_count &&
	       driver->maybe_ready.count == 0 && driver->steady.count == 0;
}

#endif
