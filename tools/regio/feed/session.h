/* SPDX-License-Identifier: MIT */
/*
 * What a subscriber knows of the sessions it hears, on one line or several. The
 * lines of a feed carry the same packets; the first copy of a message counts, so
 * what is missing on one line and came on another is not lost. A publisher that
 * is started again is a new session. Pure: no sockets, no clock.
 */
#ifndef REGIO_FEED_SESSION_H
#define REGIO_FEED_SESSION_H

#include "framing.h"
#include "sequence.h"

#define FEED_LINES_MAX 8u
#define FEED_SESSIONS_MAX 16u
#define FEED_NAME_BYTES (4 * FRAMING_SESSION_BYTES + 1)

struct feed_session {
	bool used;
	bool ended;
	bool replaced; /* another has begun on its line, and it has not been heard since */
	bool placed;   /* 'first' is known: a packet with a number has come */
	char name[FRAMING_SESSION_BYTES];
	uint64_t first; /* the first number that is missed if it does not come */
	uint64_t early; /* messages from before that */
	uint64_t heard_ns;
	uint64_t announced_ns; /* gaps noticed up to then have been announced */
	bool quiet;
	struct sequence merged; /* the first copies, of all lines */
	struct feed_line_view {
		bool heard;
		struct sequence sequence;
	} lines[FEED_LINES_MAX]; /* unused where there is one line */
};

enum feed_event_kind {
	/* A session not heard before, at number 'first', 0: not known; 'other' has not ended. */
	FEED_BEGINS,
	FEED_ENDS,    /* with everything sent before the end accounted for */
	FEED_GAP,     /* 'first' up to, and without, 'end' has not come in good time */
	FEED_QUIET,   /* nothing heard, not even a heartbeat */
	FEED_RESUMES, /* heard again */
};

struct feed_event {
	enum feed_event_kind kind;
	const struct feed_session *session;
	const struct feed_session *other; /* or NULL */
	uint32_t line;
	uint64_t first;
	uint64_t end;
};

/* Sums over sessions that made room for others. */
struct feed_retired {
	uint64_t sessions;
	uint64_t received;
	uint64_t lost;
	uint64_t reordered;
	uint64_t duplicated;
};

struct feed {
	uint32_t line_count;
	bool from_start; /* number 1 is missed, too, if it does not come */
	void (*notice)(void *context, const struct feed_event *event);
	void *context;
	struct feed_session *current[FEED_LINES_MAX];
	struct feed_retired retired;
	struct feed_session sessions[FEED_SESSIONS_MAX];
};

/*
 * Accounts for the head of a packet: whose it is, what must have been sent
 * before, whether it ends the session. The messages are for session_take().
 */
struct feed_session *feed_take(struct feed *feed, uint32_t line,
			       const struct framing_packet *packet, uint64_t now_ns);

/* Accounts for one message; true for its first copy. */
bool feed_take_message(const struct feed *feed, struct feed_session *session, uint32_t line,
		       uint64_t number, uint64_t now_ns);

/*
 * Tells of gaps that have been open for 'patience_ns' and of sessions not heard
 * for 'quiet_ns'. To be called now and then.
 */
void feed_tick(struct feed *feed, uint64_t patience_ns, uint64_t quiet_ns, uint64_t now_ns);

/* Tells of the gaps that are left, however new. */
void feed_finish(struct feed *feed);

/* True when a session has been heard, and all that were have ended or been replaced. */
bool feed_all_ended(const struct feed *feed);

/* The name without padding, with what cannot be printed as \xNN. */
const char *feed_session_name(const struct feed_session *session, char ret_name[FEED_NAME_BYTES]);

#endif
