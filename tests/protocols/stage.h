/* SPDX-License-Identifier: MIT */
/*
 * stage.h - a driver with its queues, made anew for each order, and the kernel they see
 *
 * The queues are made with the calls of regio.h, on real sockets that nothing is sent over: the
 * engine is the stage's, whose kernel is a few counters. Each of its calls is a step and a barrier.
 */
#ifndef REGIO_TESTS_PROTOCOLS_STAGE_H
#define REGIO_TESTS_PROTOCOLS_STAGE_H

#include "../interleave/interleave.h"
#include "../support/suite.h"

#include "queue/driver.h"
#include "queue/rq.h"

#define STAGE_QUEUES 2u
#define STAGE_REQUESTS 4u
#define STAGE_SENT_MAX 16u

struct stage_options {
	unsigned int queues; /* request queues, at least 1 */
	bool own_cqs;	     /* each on a completion queue of its own, all on one driver */
	void (*on_notify)(void *context);
	bool pins;   /* a queue is pinned when its first request is announced */
	bool thread; /* the driver has a thread, which is one of the actors */
	bool edges;  /* sockets are watched edge-triggered: an event comes once */
};

struct stage {
	struct regio_driver *driver;
	struct regio_cq *cqs[STAGE_QUEUES];
	struct regio_rq *rqs[STAGE_QUEUES];
	uint64_t region; /* of stage_memory */
	struct regioi_driver *driver_object;
	struct regioi_rq *rq_objects[STAGE_QUEUES];
};

extern struct stage stage;
/* Byte i is i. */
extern uint8_t stage_memory[64];

/* For struct interleave_plan. */
void stage_enter(void);
void stage_open(const struct stage_options *options);
/* Closes what is open. */
void stage_close(void);

/* Posts a send of the byte 'number', or a receive. */
void stage_send(unsigned int queue, uint8_t number, uint32_t flags);
/* The sends 'first' and so on, at most STAGE_REQUESTS, with one call of regio_post(). */
void stage_post_sends(unsigned int queue, uint8_t first, uint32_t count);
void stage_receive(unsigned int queue, uint8_t number, uint32_t flags);
/* Dequeues what is there, without a limit; returns how many results. */
unsigned int stage_dequeue(unsigned int queue);
/* The same, whatever their status. */
void stage_drop(unsigned int queue);
/* Asks the kernel, and takes in its events. */
void stage_poll(void);
/* Without a sleep: as a thread that is about to sleep does. */
void stage_progress(void);
/* Whether the bytes 1 to 'count' have been sent on the queue, in this order, and no more. */
bool stage_has_sent(unsigned int queue, unsigned int count);

/* ---- The kernel ---------------------------------------------------------------- */

/* A message arrives for the queue. */
void stage_arrive(unsigned int queue);
/* The socket takes no more sends, or does so again. */
void stage_fill(unsigned int queue, bool full);
/* Messages that nobody has received. */
unsigned int stage_waiting(unsigned int queue);
bool stage_is_watched(unsigned int queue);
/* Whether a sleep in the kernel would end. */
bool stage_has_events(void);
/* How many actors use the stage, and, of each, that it has done so: whether all have. No steps. */
void stage_users(unsigned int count);
bool stage_leave(void);
/* Conditions: the descriptor of the driver is readable; the first queue has sent something. */
bool stage_is_readable(void);
/* The same of its signals alone: another thread sleeps in the engine. */
bool stage_is_fired(void);
bool stage_first_is_sent(void);

/* ---- The search ---------------------------------------------------------------- */

/* How far a case searches: in the tests, and in ./run models. */
struct stage_bounds {
	unsigned int preemptions, delays;
};

/*
 * Runs the plan, but for its bounds and its memory, in both memories, and prints how many orders
 * there were. Fails where there are fewer than 'orders_min'.
 */
void stage_search(const struct interleave_plan *plan, struct stage_bounds brief,
		  struct stage_bounds full, uint64_t orders_min);

/* As run_cases(). */
int stage_run_cases(const struct test_case *cases, size_t count);

#define STAGE_CASE(test)                                                                           \
	{                                                                                          \
		test, NULL, 1, stage_case_timeout_s()                                              \
	}
#define STAGE_CASES(test, variants, runs)                                                          \
	{                                                                                          \
		test, variants, runs, stage_case_timeout_s()                                       \
	}
double stage_case_timeout_s(void);

#endif
