/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: in the engine, as the leader, or on a futex, as a follower of the thread that leads.
 */
#ifndef REGIO_DRIVE_SLEEP_H
#define REGIO_DRIVE_SLEEP_H

#include "queue/cq.h"
#include "queue/driver.h"

/* The number of events that a sleep can return. */
#define REGIOI_SLEEP_EVENTS 64

/*
 * Sleeps in the engine for at most 'timeout_ns' (below 0: no end), or only looks where there is
 * work. Returns the number of events, -EINTR or -EBADF, and is followed by
 * regioi_progress_after_sleep(). One thread at a time: the one that leads, or the driver's own.
 */
int regioi_driver_sleep(struct regioi_driver *driver, int64_t timeout_ns,
			struct regioi_event *ret_events);
/*
 * Sleeps until there may be more than 'seen' completions on the CQ, for at most 'timeout_ns'.
 * Returns 0, -EINTR, or -EBADF where nothing would end the sleep.
 */
int regioi_cq_sleep(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns);
/* The right to sleep in the engine, of which there is one. False where another thread has it. */
bool regioi_lead_take(struct regioi_driver *driver);
void regioi_lead_leave(struct regioi_driver *driver);

#endif
