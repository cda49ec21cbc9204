/* SPDX-License-Identifier: MIT */
/*
 * model.h - the contract of regio.h, as a machine that watches a program
 *
 * It gets each call when it begins and when it has returned, and says what was not allowed.
 * It executes nothing, so where the contract leaves a choice (how far a send has got, how many
 * bytes a receive brings, when something deferred starts) it takes what happened, and remembers
 * what follows from it. In programs with threads it knows of some things only that they may have
 * happened; what must not be and what must be are then kept apart.
 */
#ifndef REGIO_TESTS_MODEL_MODEL_H
#define REGIO_TESTS_MODEL_MODEL_H

#include "history.h"

#define MODEL_OBJECTS 128
#define MODEL_MESSAGES 512
#define MODEL_REASON 240

struct model_region {
	uint32_t dead_begin, dead_end; /* stamps; 0: not yet */
};

struct model_cq {
	bool live;
	bool calls; /* the program */
	uint32_t capacity;
	uint32_t reserved;
	/* Notification. */
	bool armed;		/* has been, and may still be */
	uint32_t signals;	/* that may come: one for each notify */
	uint32_t signals_begin; /* the same when the present notify began */
	uint32_t signalled;	/* stamp of the last one since the notify, or 0 */
	uint32_t seen;		/* notifiable completions dequeued since the notify */
	bool answered;		/* the one before had its signal to come, and has seen some */
	uint32_t queued;	/* a wait said that so many are there */
	uint32_t due;		/* notifiable ones certain to come, when the present wait began */
};

struct model_message {
	uint32_t number;
	uint32_t length;
	uint32_t begin;
	uint8_t from, to;
	bool plain;
	bool sent;	/* for certain */
	bool failed;	/* for certain */
	bool droppable; /* may be lost */
	bool received;
	uint32_t received_by; /* RQs of one socket count up; a plain receive comes after all */
	uint32_t bytes;	      /* streams: that were sent, where 'sent' or 'failed' */
};

enum model_cancel {
	CANCEL_NO,
	CANCEL_MAYBE,
	CANCEL_MUST,
	CANCEL_NEVER, /* had completed when others were cancelled */
};

struct model_request {
	struct model_request *next;
	uint32_t context;
	uint32_t begin;
	uint32_t length;
	uint32_t flags;
	uint32_t region; /* 0: none */
	struct model_message *message;
	bool unconnected; /* a send without any destination */
	enum model_cancel cancel;
	uint32_t cancel_group; /* 0: none */
	int32_t status;	       /* once dequeued */
	bool dequeued;
};

struct model_half {
	uint32_t limit;
	struct model_cq *cq;
	bool attached;		      /* its limit is reserved */
	struct model_request *posted; /* the last one */
	struct model_request *head;   /* the oldest not dequeued */
	uint32_t posted_count;
	uint32_t released_sure, released_maybe;
	uint32_t released_at_begin; /* sure when the present post began */
	uint32_t canceled_group;    /* of the last one dequeued, where it was cancelled */
};

struct model_rq {
	bool live;
	uint8_t socket;
	bool trains;
	uint32_t begin;		     /* stamp of its creation */
	struct model_half halves[2]; /* receives, sends */
};

/* What goes into a TCP socket, and what has come out of its peer. */
struct model_stream {
	uint32_t shut_begin, shut_end; /* stamps */
	uint32_t reset_begin, reset_end;
	bool ended;	  /* the end has been received */
	uint8_t ended_by; /* the first that did, as in 'by' */
	bool unchecked;	  /* bytes were received that nobody has seen */
	uint32_t got;	  /* bytes */
	uint8_t data[DATA_MAX / 2];
	uint8_t by[DATA_MAX / 2]; /* for each byte: as 'received_by' of a message */
};

struct model {
	const struct program *program;
	const struct history *history;
	uint32_t regions_count;
	struct model_region regions[MODEL_OBJECTS];
	uint32_t cqs_count, rqs_count, requests_count, messages_count, groups_count;
	struct model_cq cqs[MODEL_OBJECTS];
	struct model_rq rqs[MODEL_OBJECTS];
	struct model_request requests[EVENTS_MAX];
	struct model_message messages[MODEL_MESSAGES];
	struct {
		uint32_t wanted, seen, open;
	} groups[MODEL_OBJECTS];
	struct model_cq *cq_at[CQS];
	struct model_rq *rq_at[RQS];
	struct model_rq *socket_rq[SOCKETS];
	struct model_stream streams[SOCKETS];
	char reason[MODEL_REASON]; /* why the history is rejected, or "" */
};

void model_start(struct model *model, const struct program *program, const struct history *history);

/* Return false where the event was not allowed. */
bool model_begin(struct model *model, const struct event *event);
bool model_end(struct model *model, const struct event *event);
/* False where something that was certain to come has not. */
bool model_settled(struct model *model);
/* At the end, with everything dequeued and received that must come. */
bool model_finish(struct model *model);

/* Completions that are certain to come to the CQ, if somebody asks; those that may notify. */
uint32_t model_due(const struct model *model, const struct model_cq *cq, bool notifiable);
/* Datagrams, or bytes, that are certain to be in the socket, or in requests not dequeued yet. */
uint32_t model_undelivered(const struct model *model, uint8_t socket);

#endif
