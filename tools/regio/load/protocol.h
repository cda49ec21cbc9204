/* SPDX-License-Identifier: MIT */
/*
 * What `regio load` and `regio serve` say to each other over UDP, beside the
 * messages that are measured. Pure, and without trust in what is read.
 *
 * A note is as long as its answer, so nobody can have a server send more than
 * was sent to it. Messages are echoed, counted and sent only to those who have shown,
 * by the cookie, that they receive at the address they name: a datagram with a false
 * sender makes two echo servers send to each other otherwise, without an end. The
 * cookie is made of the address and the greeting, so a server keeps nothing for those
 * who have only greeted. A source sends only as long as it is asked again.
 * Everything is big-endian. An echo server of another kind returns the greeting
 * unchanged, and is recognised by that.
 *
 *	client              server
 *	HELLO       ->                 a greeting
 *	            <-      WELCOME    mode, largest message, cookie
 *	READY       ->                 greeting and cookie: opens a session; sent again,
 *	                               finds it open
 *	            <-      COUNTS     messages will be taken
 *	START       ->                 source: rate and size; repeated to go on
 *	STOP        ->                 source: that is enough
 *	REPORT      ->                 sink, echo: what has come?
 *	            <-      COUNTS     answers READY, STOP and REPORT; of an echo server:
 *	                               received, and in 'sent' the longest time, in us,
 *	                               that it did not run
 */
#ifndef REGIO_LOAD_PROTOCOL_H
#define REGIO_LOAD_PROTOCOL_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define NOTE_BYTES 64u

enum serve_mode { SERVE_ECHO, SERVE_SINK, SERVE_SOURCE, SERVE_MODES };

enum note_kind {
	NOTE_HELLO = 1,
	NOTE_WELCOME,
	NOTE_START,
	NOTE_STOP,
	NOTE_REPORT,
	NOTE_COUNTS,
	NOTE_READY,
	NOTE_KINDS,
};

struct note {
	enum note_kind kind;
	enum serve_mode mode;
	uint32_t size;	   /* of a message: the largest (WELCOME), the one wanted (START) */
	uint64_t cookie;   /* HELLO: any number that tells one greeting from another */
	uint64_t greeting; /* READY: the number of the HELLO */
	uint64_t rate;	   /* START: messages a second; 0: as many as go */
	uint64_t sent;	   /* COUNTS of a source; of a sink, the rest */
	uint64_t received;
	uint64_t lost;
	uint64_t reordered;
	uint64_t duplicated;
};

void note_write(void *data, const struct note *note);

/* False when it is no note. */
bool note_read(const void *data, uint32_t bytes, struct note *ret_note);

/* The name of a mode: "echo", "sink", "source". */
extern const char *const serve_mode_names[SERVE_MODES];

/* The head of a message that is measured. */
struct message_head {
	uint64_t number;  /* from 0, in each connection */
	uint64_t made_ns; /* the sender's own clock: when it was to be sent */
};

#define MESSAGE_HEAD_BYTES ((uint32_t)sizeof(struct message_head))

static inline void message_write_head(void *data, uint64_t number, uint64_t made_ns)
{
	struct message_head head = {htobe64(number), htobe64(made_ns)};

	memcpy(data, &head, sizeof(head));
}

static inline struct message_head message_read_head(const void *data)
{
	struct message_head head;

	memcpy(&head, data, sizeof(head));
	return (struct message_head){be64toh(head.number), be64toh(head.made_ns)};
}

#endif
