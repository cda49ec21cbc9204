/* SPDX-License-Identifier: MIT */
/*
 * Request queues: two halves of one socket, and their memory.
 */
#ifndef REGIO_QUEUE_RQ_H
#define REGIO_QUEUE_RQ_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "queue/half.h"
#include "queue/node.h"

/* An option of the socket that the RQ has set, and restores when it is closed: socket.c. */
struct regioi_kept_option {
	int before;
	int ours; /* as the kernel reports it */
	bool set;
};

struct regioi_rq {
	uint64_t id;
	uint64_t context;
	uint64_t cookie; /* SO_COOKIE: whether 'fd' is still the same socket */
	int fd;
	int family;
	_Atomic uint32_t references; /* the handle, and each half that is attached to its CQ */
	_Atomic bool fd_stale;	     /* its descriptor, or a driver's, was closed by the program */
	_Atomic bool joined;	     /* to its drivers: complete, and not closed */
	bool stream;		     /* a stream socket: stream.c */
	_Atomic bool connected;	     /* streams: known to have been connected */
	_Atomic bool hangup_seen;    /* streams: REGIOI_EVENT_HANGUP */
	_Atomic int32_t error;	     /* streams: the first fatal one */
	bool trains_auto;	     /* receive trains may be turned on */
	bool join_allowed;	     /* sends may be joined */
	uint8_t nodes_count;
	_Atomic uint32_t destination_ours; /* REGIOI_HIDE_DESTINATION...: options set by us */
	struct regioi_kept_option busy_poll, prefer_busy_poll, receive_buffer, low_water;
	_Atomic bool watched; /* watch.c */
	bool watching_writable;
	_Atomic bool edge;    /* level-triggered watching has reported what no receive found */
	_Atomic bool drained; /* receives mostly find several messages, and the end of the queue */
	_Atomic uint8_t false_events; /* since something was received */
	bool watch_suspended;
	pthread_mutex_t watch_lock;
	struct regioi_node nodes[2];	 /* one for each driver */
	struct regioi_rq *registry_next; /* registry.c */
	struct regioi_half halves[2];	 /* by enum regioi_direction */
};

/* The ring of a half. The number of slots is a power of two, so that numbers may wrap. */
struct regioi_request_ring {
	struct regioi_request *requests;
	struct regio_extra *extras;
	uint32_t mask;
};

/* Returns false if there is no memory. */
bool regioi_request_ring_allocate(uint32_t limit, struct regioi_request_ring *ret_ring);
void regioi_request_ring_free(struct regioi_request_ring *ring);
/* The number of requests posted and not dequeued. */
static inline uint32_t regioi_half_outstanding(const struct regioi_half *half)
{
	return atomic_load(&half->tail) - atomic_load(&half->dequeued);
}
/*
 * As executor: moves the outstanding requests to a larger or smaller ring, and gives that ring to
 * the half. The requests keep their numbers.
 */
void regioi_half_move(struct regioi_half *half, const struct regioi_request_ring *ring,
		      uint32_t limit);

/* Returns an RQ without a socket, with one reference, the caller's; NULL if there is no memory. */
struct regioi_rq *regioi_rq_allocate(const uint32_t limits[2]);
/* Drops a reference. */
void regioi_rq_release(struct regioi_rq *rq);

#endif
