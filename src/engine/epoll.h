/* SPDX-License-Identifier: MIT */
/*
 * Readiness from one epoll set: all of the epoll engine, and the base of the uring engine. Each
 * function implements the one of engine.h that has its name.
 */
#ifndef REGIO_ENGINE_EPOLL_H
#define REGIO_ENGINE_EPOLL_H

#include <stdatomic.h>

#include "engine/engine.h"

struct regioi_engine {
	int epoll_fd;
	int doorbell_fd; /* edge-triggered: the first to poll takes it, and makes progress */
	int wake_fd;	 /* level-triggered semaphore: each wake stays until its acknowledgement */
	/*
	 * A pair of sockets that shows whether the program has closed our descriptors. No other
	 * socket has the cookie of 'witness_fd', so a number that was closed and reused is not
	 * mistaken for ours. The other end is in the set: when 'witness_fd' is closed it has an
	 * event, which ends a sleep; the check of the cookie before the next sleep finds the loss.
	 */
	int witness_fd, witness_end_fd;
	uint64_t witness_cookie;
	bool apart;	  /* the numbers of the set and of the end in it are not reused by chance */
	atomic_bool lost; /* our descriptors were closed by the program */
	/*
	 * epoll_pwait2 exists since Linux 5.11; cleared if the kernel, or a filter, does not allow
	 * it.
	 */
	atomic_bool nanoseconds;
};

/* The engine is the start of a structure of 'size' bytes, the rest of which is 0. */
int regioi_epoll_create(size_t size, struct regioi_engine **ret_engine,
			struct regioi_refusal *ret_refusal);
void regioi_epoll_destroy(struct regioi_engine *engine);

int regioi_epoll_busy_poll(struct regioi_engine *engine, uint32_t time_us, bool prefer);
int regioi_epoll_watch(struct regioi_engine *engine, int fd, uint64_t id, uint32_t flags);
void regioi_epoll_unwatch(struct regioi_engine *engine, int fd);
int regioi_epoll_poll(struct regioi_engine *engine, struct regioi_event *ret_events,
		      uint32_t events_max);
int regioi_epoll_sleep(struct regioi_engine *engine, struct regioi_event *ret_events,
		       uint32_t events_max, int64_t timeout_ns);
void regioi_epoll_doorbell(struct regioi_engine *engine);
void regioi_epoll_wake(struct regioi_engine *engine);
void regioi_epoll_wake_ack(struct regioi_engine *engine);
bool regioi_epoll_intact(struct regioi_engine *engine);
bool regioi_epoll_apart(const struct regioi_engine *engine);
int regioi_epoll_descriptor(struct regioi_engine *engine);

/* Of a struct regioi_engine_ops: what every engine leaves to this file. */
#define REGIOI_EPOLL_OPS                                                                           \
	.busy_poll = regioi_epoll_busy_poll, .doorbell = regioi_epoll_doorbell,                    \
	.wake = regioi_epoll_wake, .wake_ack = regioi_epoll_wake_ack,                              \
	.intact = regioi_epoll_intact, .descriptor = regioi_epoll_descriptor

#endif
