/* SPDX-License-Identifier: MIT */
/*
 * The network of the sim engine, one for all engines of the process: a clock, a random generator,
 * and what is in transit to each socket.
 *
 * Data passes through the kernel as usual, so that sockets, addresses, connections and errors are
 * real. What the kernel has delivered is taken off the socket, and stays in transit for a time
 * measured by a clock that moves only during calls. Every function is called with the network's
 * lock held.
 */
#ifndef REGIO_ENGINE_TESTING_SIM_NET_H
#define REGIO_ENGINE_TESTING_SIM_NET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/engine.h"

/* One datagram, or bytes of a stream, or the end of a stream. */
struct regioi_sim_item {
	struct regioi_sim_item *next;
	uint64_t due_ns;
	int error; /* negative errno: a receive fails with it, once */
	bool end;  /* of a stream, permanent */
	uint32_t length;
	uint32_t taken; /* bytes of a stream */
	struct sockaddr_storage name;
	uint32_t name_length;
	uint32_t control_length;
	int flags;
	uint8_t *data; /* after the control data */
	_Alignas(struct cmsghdr) uint8_t control[];
};

/* An engine that watches a socket. */
struct regioi_sim_watcher {
	struct regioi_sim_watcher *next;
	struct regioi_engine *engine;
	uint64_t id;
	bool writable;
	bool level;
	uint64_t reported_ns;	       /* of arrivals up to this moment */
	uint64_t reported_writable_ns; /* the same of room to send */
};

struct regioi_sim_socket {
	struct regioi_sim_socket *next;
	uint64_t cookie;
	int fd;
	bool stream;
	bool refused; /* the last send was refused */
	uint32_t queued_bytes;
	uint64_t full_until_ns;
	struct regioi_sim_item *items; /* by the time when due */
	struct regioi_sim_watcher *watchers;
};

struct regioi_sim_net {
	pthread_mutex_t lock;
	uint32_t engines;
	uint64_t clock_ns;
	uint64_t chance;
	uint32_t loss, errors; /* per thousand datagrams */
	struct regioi_sim_socket *sockets;
};

extern struct regioi_sim_net regioi_sim_net;

/* Moves the clock; to be called when a program polls or sleeps. */
void regioi_sim_tick(void);
uint32_t regioi_sim_below(uint32_t limit);
/* A random time in the future. */
uint64_t regioi_sim_later(void);

static inline bool regioi_sim_same_name(const struct regioi_sim_item *a,
					const struct regioi_sim_item *b)
{
	return a->name_length == b->name_length && !memcmp(&a->name, &b->name, a->name_length);
}

/* The socket of a descriptor, or NULL if there is none, or no memory. */
struct regioi_sim_socket *regioi_sim_find(int fd);
void regioi_sim_unwatch(int fd, const struct regioi_engine *engine);
/* Called when the last engine is destroyed. */
void regioi_sim_forget_all(void);

/*
 * Takes what the kernel has received off the socket. Returns 0, or the error of the socket if there
 * is nothing to receive for a reason other than that it is empty.
 */
int regioi_sim_take(struct regioi_sim_socket *socket);
void regioi_sim_drop(struct regioi_sim_socket *socket);

/*
 * Reports the socket to all watchers again, because of something that may have been reported
 * before.
 */
void regioi_sim_report_again(struct regioi_sim_socket *socket);

/* sim_op.c: executes one operation. */
void regioi_sim_execute(struct regioi_op *op);

/* sim.c: the engine has events, now or later. */
void regioi_sim_engine_wake(struct regioi_engine *engine);

#endif
