/* SPDX-License-Identifier: MIT */
/*
 * Asking a server by notes, with plain calls, for there is no request queue then.
 */
#ifndef REGIO_LOAD_ASK_H
#define REGIO_LOAD_ASK_H

#include "load.h"

#define ASK_ATTEMPTS 5
#define ASK_ATTEMPT_MS 200

/* A note to the other end of a connection. Returns 0 or an errno value. */
int ask_send(const struct load_connection *connection, const struct note *note);

/*
 * Waits for a note, with its sender. Returns 0 or an errno value: ETIMEDOUT when there was none in
 * that time.
 */
int ask_receive(const struct load_connection *connection, struct note *ret_note,
		struct address *ret_from);

/*
 * Sends a note until one of the kind wanted comes from that member, or the note itself, from an
 * echo server of another kind; NULL: from anybody. Returns 0 or an errno value.
 */
int ask(const struct load_connection *connection, const struct load_member *member,
	const struct note *question, enum note_kind wanted, struct note *ret_answer);

/* Says what keeps this load from that server: 0 or -1. */
int ask_check_welcome(const struct load *load, const struct address *server,
		      const struct note *welcome);

/* Shows that the answer to a greeting has come. Returns 0 or an errno value. */
int ask_ready(const struct load *load, const struct load_connection *connection,
	      const struct load_member *member, uint64_t greeting);

#endif
