/* SPDX-License-Identifier: MIT */
/*
 * team.h - one end of checked traffic: request queues that share a completion queue, a region and a
 * driver
 *
 * The two ends of some traffic are a team that sends and a team that receives, each used by one
 * thread, perhaps the same, or in another process. Lane number i of the one talks to lane number i
 * of the other; multicast has one sending lane. Messages of a lane are numbered, and length and
 * content follow from the number. No more are on the way than the receiving socket holds, so what
 * is lost was lost by somebody who must not.
 */
#ifndef REGIO_TESTS_SOAK_TEAM_H
#define REGIO_TESTS_SOAK_TEAM_H

#include "tally.h"

#include <regio.h>

#define LANES_MAX 16u
#define LENGTH_MAX 1400u

/* What both ends know. In memory that two processes may share. */
struct traffic {
	enum soak_kind kind;
	bool stream;
	bool multicast;
	uint32_t lanes;
	uint32_t slots; /* of each lane: requests outstanding */
	uint32_t length_min, length_max;
	uint32_t window;
	uint32_t trains;  /* REGIO_TRAINS_... */
	uint64_t base;	  /* of the first lane's numbers */
	uint64_t total;	  /* messages of each lane */
	uint64_t stop_at; /* over when the first lane has brought so many; 0: never */
	char engines[2][16];
	bool threads[2]; /* the drivers have a thread */
	bool waitall;	 /* streams: receives ask for full slices */
	/* The rest changes. */
	_Atomic bool broken; /* peer, network or connection may be gone: errors are right */
	_Atomic bool over;   /* nobody need go on */
	_Atomic bool ready;  /* a peer in another process is there */
	_Atomic uint64_t arrived[LANES_MAX];
	_Atomic uint64_t posted[LANES_MAX], accepted[LANES_MAX]; /* sends; to report a stall */
};

struct lane {
	int fd;
	struct regio_rq *rq;
	uint64_t base;
	uint64_t posted, done; /* requests */
	uint64_t sent;	       /* messages posted */
	uint64_t accepted;     /* messages completed */
	uint64_t verified;     /* messages that arrived */
	uint32_t limit;	       /* of requests outstanding */
	uint32_t cancelled;    /* requests whose completions are still to come */
	bool closed;
	bool ended;	       /* streams: no byte will come any more */
	uint32_t fragment;     /* streams: bytes of the next message that are there */
	uint64_t drops_before; /* by the kernel */
	uint32_t lengths[];    /* of the requests outstanding */
};

struct team {
	struct traffic *traffic;
	bool sends;
	uint64_t random;
	struct regio_driver *driver;
	bool driver_shared; /* the other team closes it */
	struct regio_cq *cq;
	uint32_t cq_room;
	uint64_t region, region_before;	  /* what older requests name, or 0 */
	uint64_t before_until[LANES_MAX]; /* older than these */
	bool region_gone;
	uint8_t *memory;
	uint32_t slot_size;
	struct lane *lanes[LANES_MAX];
};

/* The sockets are the team's from now on. 'partner' lends its driver, or is NULL. */
void team_open(struct team *team, struct traffic *traffic, bool sends, const int *fds,
	       const struct team *partner, uint64_t random);
/* Closes what is left, in any order, and sees that every request has completed once. */
void team_close(struct team *team);
/* Both, in either order. */
void teams_close(struct team *sender, struct team *receiver, uint64_t *random);

/* Posts and dequeues without waiting. Returns whether anything has happened. */
bool team_step(struct team *team);
/* All has been sent and accepted, or all has arrived. */
bool team_is_done(const struct team *team);
/* Now and then: queues get another size, requests are cancelled, the region is made anew. */
void team_churn(struct team *team);
/* Sleeps on the CQ; fails the soak where nothing comes in stall_ns. */
void team_wait(struct team *team, int64_t timeout_ns);

/* The window that the sockets of the receiving team allow. */
uint32_t team_window(const struct team *receiver);

/* Moves the traffic to its end, or to where it is over, with one thread or two. */
void traffic_run(struct team *sender, struct team *receiver);
void traffic_run_in_two_threads(struct team *sender, struct team *receiver);

/* An engine, or one with a thread, by chance. */
void traffic_choose_engines(struct traffic *traffic, uint64_t *random);
/* Which ones, in words. */
const char *traffic_engine(const struct traffic *traffic, int end);

#endif
