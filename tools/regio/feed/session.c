/* SPDX-License-Identifier: MIT */
/*
 * Sessions, lines and gaps.
 */
#include "session.h"

#include <stdio.h>
#include <string.h>

#define JUST_NOW_NS 1000000000u

static void notice(const struct feed *feed, const struct feed_event *event)
{
	if (feed->notice)
		feed->notice(feed->context, event);
}

static void notice_session(const struct feed *feed, enum feed_event_kind kind,
			   const struct feed_session *session, uint32_t line)
{
	notice(feed, &(struct feed_event){.kind = kind, .session = session, .line = line});
}

/* ---- Finding sessions ---------------------------------------------------- */

static bool is_named(const struct feed_session *session, const struct framing_packet *packet)
{
	return session->used && !memcmp(session->name, packet->session, sizeof(session->name));
}

static void sequence_restart(struct sequence *sequence, uint64_t next)
{
	/* The list of gaps is long, and only as good as its count. */
	sequence->next = next;
	sequence->received = sequence->lost = sequence->reordered = sequence->duplicated = 0;
	sequence->gaps.count = 0;
	sequence->gaps.forgotten = 0;
}

static void retire(struct feed *feed, struct feed_session *session)
{
	feed->retired.sessions++;
	feed->retired.received += session->merged.received;
	feed->retired.lost += session->merged.lost;
	feed->retired.reordered += session->merged.reordered;
	feed->retired.duplicated += session->merged.duplicated;
	for (uint32_t line = 0; line < feed->line_count; line++) {
		if (feed->current[line] == session)
			feed->current[line] = NULL;
	}
}

/*
 * A place for a session: one that is free, or else the one not heard for the longest. When all
 * have been heard just now, somebody is making sessions up, and the least of them has to go.
 */
static struct feed_session *find_place(struct feed *feed, uint64_t now_ns)
{
	struct feed_session *oldest = &feed->sessions[0];
	struct feed_session *least = &feed->sessions[0];

	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		struct feed_session *session = &feed->sessions[i];

		if (!session->used)
			return session;
		if (session->heard_ns < oldest->heard_ns)
			oldest = session;
		if (session->merged.received < least->merged.received)
			least = session;
	}
	if (now_ns - oldest->heard_ns < JUST_NOW_NS)
		oldest = least;
	retire(feed, oldest);
	return oldest;
}

/* What came before the first packet that has a number is not missed. */
static void place(const struct feed *feed, struct feed_session *session,
		  const struct framing_packet *packet)
{
	session->placed = feed->from_start || framing_is_numbered(packet);
	session->first = feed->from_start ? 1 : packet->number;
	sequence_restart(&session->merged, session->first);
}

static struct feed_session *begin_session(struct feed *feed, uint32_t line,
					  const struct framing_packet *packet, uint64_t now_ns)
{
	struct feed_session *session = find_place(feed, now_ns);
	struct feed_session *before = feed->current[line];

	session->used = true;
	session->ended = session->replaced = session->quiet = false;
	if (before && before != session)
		before->replaced = !before->ended;
	memcpy(session->name, packet->session, sizeof(session->name));
	session->early = 0;
	session->announced_ns = now_ns - 1; /* a gap may be noticed right now */
	place(feed, session, packet);
	for (uint32_t i = 0; i < feed->line_count; i++)
		session->lines[i].heard = false;
	notice(feed, &(struct feed_event){
			     .kind = FEED_BEGINS,
			     .session = session,
			     .other = before && !before->ended ? before : NULL,
			     .line = line,
			     .first = packet->number,
		     });
	return session;
}

static struct feed_session *find_session(struct feed *feed, uint32_t line,
					 const struct framing_packet *packet, uint64_t now_ns)
{
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		if (is_named(&feed->sessions[i], packet))
			return &feed->sessions[i];
	}
	return begin_session(feed, line, packet, now_ns);
}

/* ---- Packets and messages ------------------------------------------------ */

/* A line that joins late has missed nothing by that. */
static void line_begin(const struct feed *feed, struct feed_line_view *view, uint64_t number)
{
	view->heard = true;
	sequence_restart(&view->sequence, feed->from_start ? 1 : number);
}

static void take_number(const struct feed *feed, struct feed_session *session, uint32_t line,
			const struct framing_packet *packet, uint64_t now_ns)
{
	struct feed_line_view *view = &session->lines[line];

	if (!session->placed)
		place(feed, session, packet);
	if (!view->heard)
		line_begin(feed, view, packet->number);
	sequence_expect(&session->merged, packet->number, now_ns);
	if (feed->line_count > 1)
		sequence_expect(&view->sequence, packet->number, now_ns);
}

struct feed_session *feed_take(struct feed *feed, uint32_t line,
			       const struct framing_packet *packet, uint64_t now_ns)
{
	struct feed_session *session = feed->current[line];

	if (!session || !is_named(session, packet)) {
		session = find_session(feed, line, packet, now_ns);
		feed->current[line] = session;
	}
	session->heard_ns = now_ns;
	session->replaced = false;
	if (session->quiet) {
		session->quiet = false;
		notice_session(feed, FEED_RESUMES, session, line);
	}
	if (framing_is_numbered(packet))
		take_number(feed, session, line, packet, now_ns);
	if (packet->end && !session->ended) {
		session->ended = true;
		notice_session(feed, FEED_ENDS, session, line);
	}
	return session;
}

bool feed_take_message(const struct feed *feed, struct feed_session *session, uint32_t line,
		       uint64_t number, uint64_t now_ns)
{
	struct sequence *own = &session->lines[line].sequence;
	uint64_t late, late_merged;
	bool first;

	if (number < session->first) {
		session->early++;
		return false;
	}
	if (feed->line_count == 1)
		return sequence_take(&session->merged, number, now_ns);
	late = own->reordered;
	sequence_take(own, number, now_ns);
	late_merged = session->merged.reordered;
	first = sequence_take(&session->merged, number, now_ns);
	/* Another line was ahead, or read first: it is late only if it is so on its own line. */
	if (own->reordered == late)
		session->merged.reordered = late_merged;
	return first;
}

/* ---- Now and then -------------------------------------------------------- */

/* Gaps are in the order they were noticed in: those to tell of are behind those told of. */
static void announce_gaps(const struct feed *feed, struct feed_session *session, uint64_t until_ns)
{
	const struct gaps *gaps = &session->merged.gaps;
	uint32_t index = gaps->count;

	while (index > 0 && gaps->list[index - 1].since_ns > session->announced_ns)
		index--;
	for (; index < gaps->count && gaps->list[index].since_ns <= until_ns; index++)
		notice(feed, &(struct feed_event){
				     .kind = FEED_GAP,
				     .session = session,
				     .first = gaps->list[index].first,
				     .end = gaps->list[index].end,
			     });
	session->announced_ns = until_ns;
}

void feed_tick(struct feed *feed, uint64_t patience_ns, uint64_t quiet_ns, uint64_t now_ns)
{
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		struct feed_session *session = &feed->sessions[i];

		if (!session->used)
			continue;
		if (now_ns - patience_ns > session->announced_ns)
			announce_gaps(feed, session, now_ns - patience_ns);
		if (!session->ended && !session->replaced && !session->quiet &&
		    now_ns - session->heard_ns > quiet_ns) {
			session->quiet = true;
			notice_session(feed, FEED_QUIET, session, 0);
		}
	}
}

void feed_finish(struct feed *feed)
{
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		if (feed->sessions[i].used)
			announce_gaps(feed, &feed->sessions[i], UINT64_MAX);
	}
}

bool feed_all_ended(const struct feed *feed)
{
	bool any = false;

	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		const struct feed_session *session = &feed->sessions[i];

		if (session->used && !session->ended && !session->replaced)
			return false;
		any = any || session->used;
	}
	return any;
}

const char *feed_session_name(const struct feed_session *session, char ret_name[FEED_NAME_BYTES])
{
	uint32_t bytes = FRAMING_SESSION_BYTES, at = 0;

	while (bytes > 0 && (session->name[bytes - 1] == ' ' || session->name[bytes - 1] == '\0'))
		bytes--;
	for (uint32_t i = 0; i < bytes; i++) {
		unsigned char byte = (unsigned char)session->name[i];

		if (byte > ' ' && byte < 0x7f && byte != '\\')
			ret_name[at++] = (char)byte;
		else
			at += (uint32_t)snprintf(ret_name + at, 5, "\\x%02x", byte);
	}
	ret_name[at] = '\0';
	return ret_name;
}
