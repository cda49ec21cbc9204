/* SPDX-License-Identifier: MIT */
/*
 * Objects that threads wait for: events and threads. All are in one domain, because a wait may name
 * any of them.
 */
#ifndef REGIO_WINSOCK_WIN32_WAIT_H
#define REGIO_WINSOCK_WIN32_WAIT_H

#include "winsock/win32/domain.h"
#include "winsock/win32/handle.h"

/* The lock, the threads and the driver of all of them. */
extern struct regioi_ws_domain regioi_ws_dispatcher;

struct regioi_ws_wait;

/* A thread waits for an object. */
struct regioi_ws_wait_entry {
	struct regioi_ws_link link;
	struct regioi_ws_wait *wait;
};

struct regioi_ws_waitable {
	struct regioi_ws_object object;
	/* Under the dispatcher's lock. */
	bool signaled;
	bool manual_reset;	       /* stays signaled when it has ended a wait */
	uint32_t queues;	       /* CQs that signal it */
	struct regioi_ws_list entries; /* oldest first */
};

/* With the dispatcher's lock: ends the waits that are satisfied because the object is signaled. */
void regioi_ws_signal(struct regioi_ws_waitable *object);
/*
 * With the dispatcher's lock: notes that a CQ will signal the object, also in threads that wait for
 * it already.
 */
void regioi_ws_bind(struct regioi_ws_waitable *object);

#endif
