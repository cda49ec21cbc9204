/* SPDX-License-Identifier: MIT */
/*
 * How threads wait and completions are made: a lock, its sleeping threads, and a driver.
 *
 * Each completion port is a domain; all events and threads together are another, because a thread
 * may wait for any of them at once. The CQs bound to a port, or to events, use the domain's driver.
 * One of the threads that sleep in a domain is the leader: it is in regio_driver_run(), and so
 * makes the progress that they all wait for. The others sleep on condition variables. A thread that
 * satisfies a sleeper wakes that one, and a thread that stops sleeping makes sure that there is a
 * leader.
 *
 * A domain in which sends wait for a full socket, and no thread could lead, has a helper: a thread
 * of the library, started when first needed, that leads as long as no other thread does.
 */
#ifndef REGIO_WINSOCK_WIN32_DOMAIN_H
#define REGIO_WINSOCK_WIN32_DOMAIN_H

#include <stdint.h>

#include "regio.h"
#include "winsock/win32/list.h"
#include "winsock/win32/posix.h"

struct regioi_ws_waiter {
	struct regioi_ws_link link;
	pthread_cond_t awake;
	bool done;   /* satisfied; set with the lock, by regioi_ws_waiter_satisfy() */
	bool drives; /* waits for something that a CQ of the domain may cause */
};

struct regioi_ws_domain {
	pthread_mutex_t lock;
	struct regio_driver *driver;	 /* created for the first CQ */
	struct regioi_ws_list waiters;	 /* newest last */
	struct regioi_ws_waiter *leader; /* in regio_driver_run(), by the next; or NULL */
	pthread_t leading_thread;
	int blocked;			/* RQs whose sends wait for their sockets */
	struct regioi_ws_waiter helper; /* not among the waiters */
	pthread_t helper_thread;
	bool helper_started, helper_ending;
};

#define REGIOI_WS_DOMAIN_INIT                                                                      \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .helper.awake = PTHREAD_COND_INITIALIZER        \
	}

void regioi_ws_domain_init(struct regioi_ws_domain *domain);
/* No thread is in it, and no CQ uses it. */
void regioi_ws_domain_fini(struct regioi_ws_domain *domain);

/* The driver for a CQ of the domain. Returns 0 or a negative errno value. */
int regioi_ws_domain_driver(struct regioi_ws_domain *domain, struct regio_driver **ret_driver);

/*
 * With the lock, which is released meanwhile: sleeps until the waiter is satisfied or the deadline
 * has passed. 'deadline_ns' is a result of regioi_ws_deadline(). A deadline of 0 makes progress
 * once.
 */
void regioi_ws_domain_sleep(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter,
			    uint64_t deadline_ns);

/* With the lock: ends the sleep of a waiter that is not done. */
void regioi_ws_waiter_satisfy(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter);
/* With the lock: the waiter now waits for something that a CQ may cause. */
void regioi_ws_waiter_drive(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter);
/* With the lock: the waiter of the calling thread, which needs no wake, if this thread leads. */
struct regioi_ws_waiter *regioi_ws_domain_leading(const struct regioi_ws_domain *domain);

#endif
