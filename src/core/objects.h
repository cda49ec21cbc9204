/* SPDX-License-Identifier: MIT */
/*
 * The core's objects: completion queue, request queue with its two halves, driver.
 *
 * A request is posted at 'tail', executed and completed at 'completed', and dequeued at 'dequeued',
 * three numbers that chase each other round the ring of its half:
 *
 *	dequeued <= completed <= tail <= dequeued + limit
 *
 * Poster, executor and consumer each write one of them and may be three threads. There is no queue
 * of completions: a CQ is a list of the halves that have something between 'dequeued' and
 * 'completed', so it holds whatever its RQs have reserved, and cannot overflow.
 */
#ifndef REGIO_CORE_OBJECTS_H
#define REGIO_CORE_OBJECTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dgram/receive.h"
#include "dgram/send.h"
#include "engine/engine.h"
#include "mem/area.h"
#include "mem/request.h"
#include "mem/section.h"

#define REGIOI_CACHE_LINE 64

struct regioi_driver;
struct regioi_rq;

/* Who has a half to execute. A caller that finds it BUSY makes it BUSY_MARKED and goes on. */
enum regioi_executor {
	REGIOI_EXECUTOR_IDLE,
	REGIOI_EXECUTOR_BUSY,
	REGIOI_EXECUTOR_BUSY_MARKED, /* look again before leaving */
	REGIOI_EXECUTOR_CLOSED,	     /* taken for good */
};

/* Whether an attempt on the socket may succeed. */
enum regioi_ready {
	REGIOI_READY_NO, /* empty (receive) or full (send); an event will tell when it is not */
	REGIOI_READY_YES,
	/*
	 * A lone datagram was there. Another may be, but asking costs a third of receiving one, and
	 * the next one's event will tell; so this is tried when there is nothing better to do.
	 */
	REGIOI_READY_PERHAPS,
};

/* Bits of a half's place in its CQ (cq.c). */
#define REGIOI_LISTED 0x1u   /* on the list, or on the consumer's part of it */
#define REGIOI_DRAINING 0x2u /* the consumer is reading its completions */
#define REGIOI_ENDING 0x4u   /* no completion will follow; detach when drained */

enum regioi_direction {
	REGIOI_RECEIVE,
	REGIOI_SEND,
};

/*
 * What a message touches is packed into three cache lines: a server of a thousand sockets finds
 * none of them in its caches.
 */
struct regioi_half {
	/* Settled at creation and resize. */
	_Alignas(REGIOI_CACHE_LINE) struct regioi_rq *rq;
	struct regioi_cq *cq;
	struct regioi_node *node; /* on the driver of the CQ */
	struct regioi_request *requests;
	uint32_t mask;
	uint32_t limit;	   /* most outstanding */
	uint8_t direction; /* enum regioi_direction */
	bool stream;	   /* as its RQ */
	uint8_t lone_op;   /* enum regioi_op_kind that moves one message */
	/* REGIO_MSG_DEFER where requests are always left to others: receives, a driver's thread. */
	uint8_t flags_implied;
	/* The poster's. */
	_Atomic bool names_wanted; /* by a receive: its local address; of a stream, either one */
	_Atomic bool muted_used;   /* a request with DONT_NOTIFY has been posted */
	_Atomic uint32_t tail;
	uint32_t dequeued_seen;
	/*
	 * Touched after the store of 'tail': the request may complete, and its completion make
	 * another thread post, while the poster is still at it.
	 */
	_Atomic uint16_t
		announced; /* requests posted with a barrier, since the node was last pinned */
	_Atomic uint16_t pin_after; /* this many */

	/* The executor's. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint32_t executor; /* enum regioi_executor */
	/*
	 * enum regioi_ready. Set to NO before an attempt, so that an event during it is not lost,
	 * and to what the attempt found afterwards.
	 */
	_Atomic uint32_t ready;
	uint16_t verify_in; /* executions until the socket's identity is looked at again */
	uint8_t executions;
	bool names_known; /* the socket had a port when last asked; streams: a peer */
	union {
		struct regioi_receive_state receive;
		struct regioi_send_state send;
	};

	/* The completion side. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic uint32_t completed;
	_Atomic uint32_t dequeued;
	_Atomic uint32_t listing; /* REGIOI_LISTED and so on */
	struct regioi_half *next; /* on the CQ's list, by who put it there */
	struct regio_extra *extras;
};

_Static_assert(offsetof(struct regioi_half, executor) == REGIOI_CACHE_LINE,
	       "what posting reads is one cache line");
_Static_assert(sizeof(struct regioi_half) - offsetof(struct regioi_half, completed) ==
		       REGIOI_CACHE_LINE,
	       "the completion side is one cache line");

/* Whether an RQ is among those that may have work. */
enum regioi_listed {
	REGIOI_NODE_RESTING, /* whoever gives it work must list it */
	REGIOI_NODE_LISTED,
	/*
	 * Listed, and not taken off without a barrier on every thread: a poster that sees this
	 * after storing its request need do nothing more. For RQs that post by the thousand.
	 */
	REGIOI_NODE_PINNED,
};

/* Whether an RQ's socket is tried on each pass, or when an event or a post says so. */
enum regioi_heat {
	REGIOI_COLD,
	REGIOI_HOT,    /* one of a few, tried in the hope of a quick answer */
	REGIOI_STEADY, /* one of any number, tried because there always is something */
};

/* Of RQs, under a driver's lock. */
struct regioi_list {
	struct regioi_node *first, *last;
	uint32_t count;
};

/* See progress.c. */
#define REGIOI_STEADY_SHIFT_MIN 4

/* An RQ's place on the list of a driver that serves one of its halves, or both. */
struct regioi_node {
	_Alignas(REGIOI_CACHE_LINE) struct regioi_rq *rq;
	struct regioi_driver *driver;
	struct regioi_node *next; /* among the arrivals */
	struct regioi_list *list; /* the driver's that it is on, or NULL */
	struct regioi_node *list_next, *list_previous;
	_Atomic uint32_t listed; /* enum regioi_listed: among the arrivals or the active */
	uint32_t received_pass;	 /* the last that received something */
	uint16_t streak;	 /* passes that did, without a sleep or a long pause between */
	uint8_t steady_shift;	 /* it becomes steady when 'streak' is 1 << this */
	uint8_t misses;		 /* of a steady one: tries in a row that found nothing */
	uint8_t idle_passes;
	uint8_t heat;	      /* enum regioi_heat */
	uint16_t posted_seen; /* of the requests that were ever posted, by the last idle pass */
};

_Static_assert(sizeof(struct regioi_node) == REGIOI_CACHE_LINE, "a node is one cache line");

/* An option of the socket that the RQ has set, to be restored when it is closed: socket.c. */
struct regioi_kept_option {
	int before;
	int ours; /* as the kernel tells it */
	bool set;
};

struct regioi_rq {
	uint64_t id;
	uint64_t context;
	uint64_t cookie; /* SO_COOKIE: whether 'fd' is still the same socket */
	int fd;
	int family;
	_Atomic uint32_t references; /* the handle, and each half that is attached to its CQ */
	_Atomic bool lost;	     /* its descriptor, or a driver's, was closed behind our back */
	_Atomic bool joined;	     /* to its drivers: complete, and not closed */
	bool stream;		     /* a stream socket: stream.c */
	_Atomic bool connected;	     /* streams: has been, as far as is known */
	_Atomic bool broken;	     /* streams: REGIOI_EVENT_BREAK */
	_Atomic int32_t error;	     /* streams: the first fatal one */
	bool trains_auto;	     /* receive trains may be turned on */
	bool join_allowed;	     /* sends may be joined */
	uint8_t nodes_count;
	_Atomic uint32_t destination_ours; /* REGIOI_HIDE_DESTINATION...: options set by us */
	struct regioi_kept_option busy_poll, prefer_busy_poll, receive_buffer, low_water;
	_Atomic bool watched; /* watch.c */
	bool watching_writable;
	bool watch_suspended;
	pthread_mutex_t watch_lock;
	struct regioi_node nodes[2];	 /* one for each driver */
	struct regioi_rq *registry_next; /* socket.c */
	struct regioi_half halves[2];	 /* by enum regioi_direction */
};

/* Who sleeps in regio_cq_wait(). */
enum regioi_sleeper {
	REGIOI_AWAKE,
	REGIOI_SLEEPS_IN_ENGINE,
	REGIOI_SLEEPS_ON_FUTEX,
};

struct regioi_cq {
	uint64_t id;
	struct regioi_driver *driver;
	pthread_mutex_t lock; /* capacity, reserved; arming, where 'on_notify' is set */
	uint32_t capacity;
	uint32_t reserved;
	/* The handle, each attached half, and calls of other threads. The last has the driver's. */
	_Atomic uint32_t references;
	_Atomic bool closed;
	_Atomic bool consumed;		  /* checked builds: the consumer is in a call */
	void (*on_notify)(void *context); /* NULL: regio_cq_notify() uses the descriptor */
	void *on_notify_context;

	/* Pushed by executors, taken whole by the consumer. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic(struct regioi_half *) listed;
	_Atomic bool armed;
	_Atomic bool fired;		 /* signalled on the descriptor, and not dequeued since */
	_Atomic uint32_t sleeper;	 /* enum regioi_sleeper; also the futex */
	struct regioi_cq *follower_next; /* under the driver's wait_lock */
	_Atomic uint64_t posted;	 /* completions that may notify */

	/* The consumer's. */
	_Alignas(REGIOI_CACHE_LINE) struct regioi_half *drain; /* off 'listed', oldest first */
	struct regioi_half *drain_last;
	struct regioi_half *current;  /* partly dequeued */
	uint32_t taken_unpolled;      /* results since it last made progress */
	_Atomic uint64_t taken;	      /* of 'posted' */
	pthread_mutex_t discard_lock; /* once closed, whoever ends a half is the consumer */
};

/*
 * Where the dequeue that makes progress wants results. What completes on its CQ while there is room
 * goes there at once; the rest takes the way over the CQ's list.
 */
struct regioi_sink {
	const struct regioi_cq *cq;
	struct regio_result *results;
	uint32_t results_max;
	uint32_t count;
};

#define REGIOI_HOT_MAX 4u

/* Whoever is in regio_driver_run(). */
enum regioi_runner {
	REGIOI_RUNNER_AWAKE,
	REGIOI_RUNNER_SLEEPS,
	REGIOI_RUNNER_CALLED,
};

/* The thread of a driver that has one: thread.c. */
struct regioi_thread {
	pthread_t thread;
	uint64_t spin_ns;
	_Atomic uint32_t stop; /* also a futex */
	_Atomic bool asleep;
	_Atomic uint64_t sleeps;
};

struct regioi_driver {
	uint64_t id;
	const struct regioi_engine_ops *ops;
	struct regioi_engine *engine;
	bool batches;  /* the engine gains by executing several operations at once */
	bool threaded; /* a thread of its own makes the progress */
	uint32_t busy_poll_us;
	bool busy_poll_preferred;
	_Atomic uint32_t references; /* handle, CQs, RQs, calls */
	_Atomic uint32_t completion_queues;
	_Atomic uint32_t request_queues;
	struct regioi_driver *next, *previous; /* of the process, driver.c */

	/* RQs that may have work, pushed by anybody; taken by whoever makes progress. */
	_Alignas(REGIOI_CACHE_LINE) _Atomic(struct regioi_node *) arrivals;
	/* Threads in a sleep that must end when there is work: wait.c. */
	_Atomic uint32_t listeners;
	_Atomic bool called;	    /* and have been told, since the last pass */
	_Atomic uint32_t unwatched; /* RQs that the engine does not watch: watch.c */
	_Atomic bool resting;	    /* no RQ is active or doubtful */
	_Atomic bool lost;	    /* its descriptors were closed behind our back */
	/* Threads that wait for the lock: who takes it again and again lets them. */
	_Atomic uint32_t lock_wanted;

	/* Held while progress is made, and by those who take an RQ out. */
	_Alignas(REGIOI_CACHE_LINE) pthread_mutex_t lock;
	struct regioi_list active;   /* may have work */
	struct regioi_list doubtful; /* REGIOI_READY_PERHAPS and nothing else; oldest first */
	struct regioi_list steady;   /* not watched, tried on each pass; oldest first */
	uint32_t passes;
	bool quiet;		 /* the engine had no event when last asked */
	_Atomic bool left;	 /* the last pass left work that needs no event */
	bool busy;		 /* the last pass left an RQ that is ready for sure */
	uint32_t passes_unasked; /* since the engine was asked for events */
	uint32_t done_unasked;	 /* requests completed since then */
	uint32_t passes_idle;	 /* in a row that completed nothing */
	uint32_t hot_count;
	uint32_t hot_pause; /* passes until a queue may become hot again */
	bool rqs_lost;	    /* its RQs know that it is lost */

	struct regioi_area_pool areas;

	/* Of executors; holding 'lock' is a section, too. */
	_Alignas(REGIOI_CACHE_LINE) struct regioi_readers readers;

	/* Sleeping, wait.c. */
	_Alignas(REGIOI_CACHE_LINE) pthread_mutex_t wait_lock;
	bool led;	/* a thread sleeps in the engine */
	uint8_t runner; /* enum regioi_runner */
	struct regioi_cq *followers;
	int descriptor;	       /* what regio_cq_fd() gave, or -1 */
	int signal_descriptor; /* an eventfd in it, or -1 */
	uint32_t fired;	       /* CQs that are */

	/* Sends have met a full buffer, or no longer. Held across the call. */
	pthread_mutex_t blocked_lock;
	void (*on_blocked)(void *context, int change);
	void *on_blocked_context;

	struct regioi_thread thread;

	_Atomic pthread_t lock_owner; /* checked builds: who has 'lock', or 0 */

	char reason[160]; /* why this engine */
};

#endif
