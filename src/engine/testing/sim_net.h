/* SPDX-License-Identifier: MIT */
/*
 * The network of the sim engine, one for all engines of the process: a clock, chance, and what is
 * on its way to each socket.
 *
 * Data crosses the kernel as ever, so that sockets, addresses, connections and errors are real.
 * What the kernel has delivered is taken off the socket, and stays under way for a while of a clock
 * that moves only when somebody looks. Every function is called with the network's lock held.
 */
#ifndef REGIO_ENGINE_TESTING_SIM_NET_H
#define REGIO_ENGINE_TESTING_SIM_NET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "engine/engine.h"

/* One datagram, or bytes of a stream, or what ends one. */
struct regioi_sim_item {
	struct regioi_sim_item *next;
	uint64_t due_ns;
	int error; /* negative errno: a receive fails with it, once */
	bool end;  /* of a stream, for ever */
	uint32_t length;
	uint32_t taken; /* bytes of a stream */
	struct sockaddr_storage name;
	uint32_t name_length;
	uint32_t control_length;
	int flags;
	uint8_t *data; /* after the control data */
	_Alignas(struct cmsghdr) uint8_t control[];
};

/* Who wants events of a socket. */
struct regioi_sim_watcher {
	struct regioi_sim_watcher *next;
	struct regioi_engine *engine;
	uint64_t id;
	bool writable;
	bool level;
	uint64_t told_ns;	   /* of arrivals up to this moment */
	uint64_t told_writable_ns; /* the same of room to send */
};

struct regioi_sim_socket {
	struct regioi_sim_socket *next;
	uint64_t cookie;
	int fd;
	bool stream;
	bool refused; /* the last send was */
	uint32_t queued_bytes;
	uint64_t full_until_ns;
	struct regioi_sim_item *items; /* by the time when they are due */
	struct regioi_sim_watcher *watchers;
};

struct regioi_sim_net {
	pthread_mutex_t lock;
	uint32_t engines;
	uint64_t clock_ns;
	uint64_t chance;
	uint32_t loss, errors; /* of a thousand datagrams */
	struct regioi_sim_socket *sockets;
};

extern struct regioi_sim_net regioi_sim_net;

/* Calls that look move the clock. */
void regioi_sim_tick(void);
uint32_t regioi_sim_below(uint32_t limit);
/* Some time in the future. */
uint64_t regioi_sim_later(void);

static inline bool regioi_sim_same_name(const struct regioi_sim_item *a,
					const struct regioi_sim_item *b)
{
	return a->name_length == b->name_length && !memcmp(&a->name, &b->name, a->name_length);
}

/* The socket behind a descriptor, or NULL where there is none, or no memory. */
struct regioi_sim_socket *regioi_sim_find(int fd);
void regioi_sim_unwatch(int fd, const struct regioi_engine *engine);
/* With the last engine. */
void regioi_sim_forget_all(void);

/*
 * Takes what the kernel has off the socket. Returns 0, or the error of a socket that has nothing
 * to receive and is not merely empty.
 */
int regioi_sim_take(struct regioi_sim_socket *socket);
void regioi_sim_drop(struct regioi_sim_socket *socket);

/* Something is there that a watcher may have been told of before: all are told anew. */
void regioi_sim_tell_again(struct regioi_sim_socket *socket);

/* sim_op.c: executes one operation. */
void regioi_sim_execute(struct regioi_op *op);

/* sim.c: the engine has events now or later. */
void regioi_sim_engine_pends(struct regioi_engine *engine);

#endif
