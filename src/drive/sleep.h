/* SPDX-License-Identifier: MIT */
/*
 * Sleeping: in the engine, as the leader, or on a futex, as a follower of the thread that leads.
 */
#ifndef REGIO_DRIVE_SLEEP_H
#define REGIO_DRIVE_SLEEP_H

#include "queue/cq.h"
#include "queue/driver.h"

/*
 * Sleeps in the engine for at most 'timeout_ns' (below 0: no end), or only looks where there is
 * work. Returns the number of events, -EINTR or -EBADF, and is followed by
 * regioi_progress_after_sleep(). One thread at a time: the one that leads, or the driver's own.
 */
int regioi_driver_sleep(struct regioi_driver *driver, int64_t timeout_ns,
			struct regioi_event *ret_events);
/*
 * Announces the thread among the listeners, and takes the lead: the right to sleep in the engine,
 * of which there is one. False, and nothing is done, if another thread has it.
 */
bool regioi_lead_take(struct regioi_driver *driver);
void regioi_lead_leave(struct regioi_driver *driver);
/* For the driver's own thread: from now on others may lead. */
void regioi_driving_leave(struct regioi_driver *driver);
/*
 * It drives again, once nobody leads: those that wait are called, to leave that to it and not to be
 * listeners, for whom each post would ring.
 */
void regioi_driving_take(struct regioi_driver *driver);
/* Announces the CQ's thread, which is to wait, as the leader if there is none. */
void regioi_wait_begin(struct regioi_cq *cq);
/*
 * In a wait, where the driver's own thread drives and it listens, or neither: takes it off the
 * listeners, and the lead, or announces it. The thread may begin and end to stand by meanwhile.
 */
void regioi_wait_listen(struct regioi_cq *cq);
void regioi_wait_end(struct regioi_cq *cq);
/*
 * In a wait: sleeps until there may be more than 'seen' completions on the CQ, for at most
 * 'timeout_ns'. Returns 0, -EINTR, or -EBADF where nothing would end the sleep.
 */
int regioi_cq_sleep(struct regioi_cq *cq, int64_t seen, int64_t timeout_ns);

#endif
