/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is: the round of work on the RQs of a driver.
 */
#ifndef REGIO_DRIVE_PROGRESS_H
#define REGIO_DRIVE_PROGRESS_H

#include "queue/completion.h"
#include "queue/driver.h"

/* The number of events that a sleep can return. */
#define REGIOI_SLEEP_EVENTS 64

/*
 * Makes progress once, for a consumer that found its CQ empty and does not sleep: executes what is
 * ready on the RQs of the driver, deferred requests included. Without 'poll' the engine is not
 * asked for events. Leaves it to another thread that is at it, and to the driver's own where it has
 * one. Returns how many completions of 'cq' it has written to 'results', dequeued already; there
 * may be more on the CQ.
 */
uint32_t regioi_progress_try(struct regioi_cq *cq, bool poll, struct regio_result *results,
			     uint32_t results_max);

/*
 * Makes progress once, for a thread that is about to sleep or has asked for a signal: waits for
 * another thread that makes progress, and leaves it to the sleep to collect events. 'consumer': the
 * CQ that the thread is the consumer of, or NULL. Returns whether work is left that needs no event.
 */
bool regioi_progress_without_poll(struct regioi_driver *driver, struct regioi_cq *consumer);

/* Makes progress once, for the driver's own thread. Returns whether there was something to do. */
bool regioi_progress_thread(struct regioi_driver *driver);

/*
 * Takes in what the engine's sleep returned, which is called without the driver's lock, and makes
 * progress once as before a sleep.
 */
void regioi_progress_after_sleep(struct regioi_driver *driver, struct regioi_cq *consumer,
				 const struct regioi_event *events, int count);

#endif
