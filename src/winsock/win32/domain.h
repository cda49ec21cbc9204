/* SPDX-License-Identifier: MIT */
/*
 * Where threads wait and completions are made: a lock, its sleeping threads, and a driver.
 *
 * Each completion port is a domain; all events and threads together are another, for a thread may
 * wait for any of them at once. The CQs bound to a port, or to events, use the domain's driver. Of
 * the threads that sleep in a domain one leads: it is in regio_driver_run(), so it makes the
 * progress that they all wait for. The others sleep on condition variables. Whoever satisfies a
 * sleeper wakes it by name, and whoever stops sleeping sees to it that somebody leads.
 *
 * A domain that has sends waiting for a full socket, and no thread to lead, has a helper: a thread
 * of the library's, started when first needed, that leads as long as nobody else does.
 */
#ifndef REGIO_WINSOCK_WIN32_DOMAIN_H
#define REGIO_WINSOCK_WIN32_DOMAIN_H

#include <stdint.h>

#include "regio.h"
#include "winsock/win32/posix.h"

struct regioi_ws_waiter {
	struct regioi_ws_waiter *next, *previous; /* newest first */
	pthread_cond_t awake;
	bool done;   /* satisfied; set under the lock, by regioi_ws_waiter_satisfy() */
	bool drives; /* waits for something that a CQ of the domain may bring */
	bool helper;
};

struct regioi_ws_domain {
	pthread_mutex_t lock;
	struct regio_driver *driver; /* made for the first CQ */
	struct regioi_ws_waiter *waiters;
	struct regioi_ws_waiter *leader;
	int blocked; /* RQs whose sends wait for their sockets */
	bool helper_started, helper_ending;
	pthread_t helper;
	pthread_cond_t helper_rung;
};

#define REGIOI_WS_DOMAIN_INIT                                                                      \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .helper_rung = PTHREAD_COND_INITIALIZER         \
	}

void regioi_ws_domain_init(struct regioi_ws_domain *domain);
/* No thread is in it, and no CQ uses it. */
void regioi_ws_domain_fini(struct regioi_ws_domain *domain);

/* The driver for a CQ of the domain. Returns 0 or a negative errno value. */
int regioi_ws_domain_driver(struct regioi_ws_domain *domain, struct regio_driver **ret_driver);

/*
 * Under the lock, which is given up meanwhile: sleeps until the waiter is satisfied or the time is
 * over. 'deadline_ns' as regioi_ws_deadline() gives it. A deadline of 0 makes progress once.
 */
void regioi_ws_domain_sleep(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter,
			    uint64_t deadline_ns);

/* Under the lock: ends the sleep of a waiter that is not done. */
void regioi_ws_waiter_satisfy(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter);
/* Under the lock: the waiter now waits for something that a CQ may bring. */
void regioi_ws_waiter_drive(struct regioi_ws_domain *domain, struct regioi_ws_waiter *waiter);
/* Under the lock: whether the calling thread leads, so that a waiter of its own costs no wake. */
bool regioi_ws_domain_led_here(const struct regioi_ws_domain *domain,
			       const struct regioi_ws_waiter *waiter);

/* When a time-out in milliseconds is over: 0 for at once, UINT64_MAX for never. */
uint64_t regioi_ws_deadline(DWORD timeout_ms);
/* In nanoseconds, of CLOCK_MONOTONIC. */
uint64_t regioi_ws_now(void);

#endif
