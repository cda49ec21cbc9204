/* SPDX-License-Identifier: MIT */
/*
 * feed_session.c - sessions, gaps and lines are reported as they were
 */
#include "../support/suite.h"

#include <stdio.h>
#include <string.h>

#include "feed/session.h"

#define EVENTS_MAX 64

static struct feed feed;
static struct feed_event events[EVENTS_MAX];
static unsigned event_count;

static void notice(void *context, const struct feed_event *event)
{
	ck_assert_ptr_eq(context, &feed);
	if (event_count < EVENTS_MAX)
		events[event_count++] = *event;
}

static void set_up(uint32_t lines, bool from_start)
{
	memset(&feed, 0, sizeof(feed));
	feed.line_count = lines;
	feed.from_start = from_start;
	feed.notice = notice;
	feed.context = &feed;
	event_count = 0;
}

static struct framing_packet make(const char *name, uint64_t number, uint32_t count)
{
	struct framing_packet packet = {.number = number, .count = count};
	char padded[FRAMING_SESSION_BYTES + 1];

	snprintf(padded, sizeof(padded), "%-10s", name);
	memcpy(packet.session, padded, FRAMING_SESSION_BYTES);
	return packet;
}

/* A packet with 'count' messages from 'number' on; returns how many were first copies. */
static unsigned take(const char *name, uint32_t line, uint64_t number, uint32_t count, uint64_t now)
{
	struct framing_packet packet = make(name, number, count);
	struct feed_session *session = feed_take(&feed, line, &packet, now);
	unsigned first_copies = 0;

	for (uint32_t i = 0; i < count; i++)
		first_copies += feed_take_message(&feed, session, line, number + i, now);
	return first_copies;
}

static void end(const char *name, uint32_t line, uint64_t number, uint64_t now)
{
	struct framing_packet packet = make(name, number, 0);

	packet.end = true;
	feed_take(&feed, line, &packet, now);
}

static unsigned events_of(enum feed_event_kind kind)
{
	unsigned count = 0;

	for (unsigned i = 0; i < event_count; i++)
		count += events[i].kind == kind;
	return count;
}

START_TEST(a_session_begins_where_it_is_first_heard)
{
	set_up(1, false);
	ck_assert_uint_eq(take("A", 0, 100, 10, 1000), 10);
	ck_assert_uint_eq(event_count, 1);
	ck_assert_int_eq(events[0].kind, FEED_BEGINS);
	ck_assert_uint_eq(events[0].first, 100);
	ck_assert_ptr_eq(events[0].other, NULL);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 0);
	/* What is older than that is not a gap that fills. */
	ck_assert_uint_eq(take("A", 0, 95, 5, 1000), 0);
	ck_assert_uint_eq(feed.sessions[0].early, 5);
	ck_assert_uint_eq(feed.sessions[0].merged.duplicated, 0);
}
END_TEST

START_TEST(from_the_start_on_what_came_before_is_a_gap)
{
	set_up(1, true);
	take("A", 0, 11, 2, 1000);
	feed_finish(&feed);
	ck_assert_uint_eq(events_of(FEED_GAP), 1);
	ck_assert_uint_eq(events[1].first, 1);
	ck_assert_uint_eq(events[1].end, 11);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 10);
}
END_TEST

START_TEST(a_gap_is_reported_once_and_when_it_is_old_enough)
{
	set_up(1, false);
	take("A", 0, 1, 5, 1000);
	take("A", 0, 8, 2, 2000);
	feed_tick(&feed, 500, 1000000, 2100);
	ck_assert_uint_eq(events_of(FEED_GAP), 0);
	take("A", 0, 15, 1, 2300);
	feed_tick(&feed, 500, 1000000, 2600);
	ck_assert_uint_eq(events_of(FEED_GAP), 1);
	ck_assert_uint_eq(events[1].first, 6);
	ck_assert_uint_eq(events[1].end, 8);
	feed_tick(&feed, 500, 1000000, 2700);
	ck_assert_uint_eq(events_of(FEED_GAP), 1);
	feed_finish(&feed);
	ck_assert_uint_eq(events_of(FEED_GAP), 2);
	ck_assert_uint_eq(events[2].first, 10);
}
END_TEST

START_TEST(a_gap_that_fills_in_time_is_not_reported)
{
	set_up(1, false);
	take("A", 0, 1, 5, 1000);
	take("A", 0, 8, 2, 2000);
	ck_assert_uint_eq(take("A", 0, 6, 2, 2100), 2);
	feed_tick(&feed, 500, 1000000, 9000);
	ck_assert_uint_eq(events_of(FEED_GAP), 0);
	ck_assert_uint_eq(feed.sessions[0].merged.reordered, 2);
}
END_TEST

START_TEST(a_heartbeat_shows_what_is_missing_at_the_end)
{
	set_up(1, false);
	take("A", 0, 1, 5, 1000);
	take("A", 0, 9, 0, 2000);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 3);
	take("A", 0, 9, 0, 3000);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 3);
}
END_TEST

START_TEST(a_heartbeat_numbered_0_is_no_place_to_begin)
{
	set_up(2, false);
	take("A", 0, 0, 0, 1000);
	ck_assert_uint_eq(events[0].first, 0);
	take("A", 1, 0, 0, 1000);
	ck_assert_uint_eq(take("A", 0, 1, 2, 2000), 2);
	ck_assert_uint_eq(feed.sessions[0].first, 1);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 0);
	ck_assert_uint_eq(feed.sessions[0].lines[0].sequence.lost, 0);
	/* Later it says nothing, and the other line begins with its own number. */
	take("A", 1, 0, 0, 3000);
	ck_assert_uint_eq(take("A", 1, 3, 1, 3000), 1);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 0);
	ck_assert_uint_eq(feed.sessions[0].lines[1].sequence.lost, 0);
	/* One who joins late has missed nothing by it, unless all were wanted. */
	take("B", 0, 0, 0, 4000);
	take("B", 0, 1000, 1, 4000);
	ck_assert_uint_eq(feed.sessions[1].merged.lost, 0);
	set_up(1, true);
	take("C", 0, 0, 0, 4000);
	take("C", 0, 3, 1, 4000);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 2);
	/* A message may have that number. */
	set_up(1, false);
	ck_assert_uint_eq(take("D", 0, 0, 2, 5000), 2);
	ck_assert_uint_eq(feed.sessions[0].merged.received, 2);
}
END_TEST

START_TEST(an_end_numbered_0_ends_a_session_without_messages)
{
	set_up(1, false);
	end("A", 0, 0, 1000);
	ck_assert_uint_eq(events_of(FEED_ENDS), 1);
	ck_assert(feed_all_ended(&feed));
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 0);
}
END_TEST

START_TEST(of_two_lines_the_first_copy_counts)
{
	set_up(2, false);
	ck_assert_uint_eq(take("A", 0, 1, 5, 1000), 5);
	ck_assert_uint_eq(take("A", 1, 1, 5, 1001), 0);
	/* Line 0 loses 6 to 8, line 1 brings them, and loses 9 and 10. */
	ck_assert_uint_eq(take("A", 0, 9, 2, 1002), 2);
	ck_assert_uint_eq(take("A", 1, 6, 3, 1003), 3);
	ck_assert_uint_eq(take("A", 1, 11, 1, 1004), 1);
	/* Both lose 12. */
	ck_assert_uint_eq(take("A", 0, 13, 1, 1005), 1);
	ck_assert_uint_eq(take("A", 1, 13, 1, 1006), 0);
	feed_finish(&feed);
	ck_assert_uint_eq(feed.sessions[0].merged.received, 12);
	ck_assert_uint_eq(feed.sessions[0].merged.lost, 1);
	ck_assert_uint_eq(feed.sessions[0].lines[0].sequence.lost, 5);
	ck_assert_uint_eq(feed.sessions[0].lines[1].sequence.lost, 3);
	ck_assert_uint_eq(events_of(FEED_GAP), 1);
	ck_assert_uint_eq(events_of(FEED_BEGINS), 1);
}
END_TEST

START_TEST(a_message_is_late_if_it_comes_after_later_ones_of_its_line)
{
	const struct feed_session *session = &feed.sessions[0];

	set_up(2, false);
	take("A", 0, 1, 1, 1000);
	/* One line lacks 2, which the other delivers in its turn. */
	take("A", 0, 3, 1, 1000);
	take("A", 1, 1, 3, 1000);
	ck_assert_uint_eq(session->merged.received, 3);
	ck_assert_uint_eq(session->merged.reordered, 0);
	ck_assert_uint_eq(session->merged.lost, 0);
	take("A", 1, 5, 1, 1000);
	take("A", 1, 4, 1, 1000);
	ck_assert_uint_eq(session->merged.reordered, 1);
	ck_assert_uint_eq(session->lines[1].sequence.reordered, 1);
}
END_TEST

START_TEST(a_publisher_started_again_is_a_new_session)
{
	set_up(1, false);
	take("A", 0, 1, 5, 1000);
	take("B", 0, 1, 5, 2000);
	ck_assert_uint_eq(events_of(FEED_BEGINS), 2);
	ck_assert_ptr_eq(events[1].other, &feed.sessions[0]);
	ck_assert(feed.sessions[0].replaced);
	ck_assert(!feed_all_ended(&feed));
	end("B", 0, 6, 3000);
	ck_assert(feed_all_ended(&feed));
	ck_assert_uint_eq(events_of(FEED_ENDS), 1);
	end("B", 0, 6, 3001);
	ck_assert_uint_eq(events_of(FEED_ENDS), 1);
	/* After an end, the next has replaced nothing. */
	take("C", 0, 1, 1, 4000);
	ck_assert_ptr_eq(events[event_count - 1].other, NULL);
	ck_assert_uint_eq(feed.sessions[0].merged.lost + feed.sessions[1].merged.lost, 0);
}
END_TEST

START_TEST(silence_is_reported_once_and_so_is_its_end)
{
	set_up(1, false);
	take("A", 0, 1, 1, 1000);
	feed_tick(&feed, 10, 500, 1400);
	ck_assert_uint_eq(events_of(FEED_QUIET), 0);
	feed_tick(&feed, 10, 500, 1600);
	feed_tick(&feed, 10, 500, 1700);
	ck_assert_uint_eq(events_of(FEED_QUIET), 1);
	take("A", 0, 2, 0, 1800);
	take("A", 0, 2, 0, 1900);
	ck_assert_uint_eq(events_of(FEED_RESUMES), 1);
}
END_TEST

START_TEST(more_sessions_than_there_is_room_for_push_out_others)
{
	char name[FRAMING_SESSION_BYTES + 1];

	set_up(1, false);
	for (unsigned i = 0; i < FEED_SESSIONS_MAX + 100; i++) {
		snprintf(name, sizeof(name), "N%u", i);
		take(name, 0, 1, 3, 1000 + i);
		take(name, 0, 5, 1, 1000 + i);
	}
	ck_assert_uint_eq(feed.retired.sessions, 100);
	ck_assert_uint_eq(feed.retired.received, 400);
	ck_assert_uint_eq(feed.retired.lost, 100);
	for (unsigned i = 0; i < FEED_SESSIONS_MAX; i++)
		ck_assert_uint_eq(feed.sessions[i].merged.received, 4);
}
END_TEST

START_TEST(made_up_sessions_do_not_push_out_a_real_one)
{
	const uint64_t second = 1000000000;
	char name[FRAMING_SESSION_BYTES + 1];

	set_up(1, false);
	for (uint64_t i = 0; i < 100; i++)
		take("REAL", 0, 1 + i * 10, 10, second);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "N%u", i);
		take(name, 0, 1, 1, second + 1 + i);
	}
	ck_assert_uint_eq(take("REAL", 0, 1001, 10, second + 600), 10);
	ck_assert_uint_eq(feed.sessions[0].merged.received, 1010);
	/* When it has been silent for long, it does make room. */
	for (unsigned i = 0; i < FEED_SESSIONS_MAX; i++) {
		snprintf(name, sizeof(name), "L%u", i);
		take(name, 0, 1, 1, (10 + i) * second);
	}
	for (unsigned i = 0; i < FEED_SESSIONS_MAX; i++)
		ck_assert_uint_eq(feed.sessions[i].merged.received, 1);
}
END_TEST

START_TEST(a_name_is_shown_without_padding_and_without_harm)
{
	struct feed_session session = {.name = "ab \x1b\x07\\c"};
	char name[FEED_NAME_BYTES];

	ck_assert_str_eq(feed_session_name(&session, name), "ab\\x20\\x1b\\x07\\x5cc");
	memset(session.name, 0xff, sizeof(session.name));
	ck_assert_uint_eq(strlen(feed_session_name(&session, name)), FEED_NAME_BYTES - 1);
	memset(session.name, ' ', sizeof(session.name));
	ck_assert_str_eq(feed_session_name(&session, name), "");
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_session_begins_where_it_is_first_heard),
		CASE(from_the_start_on_what_came_before_is_a_gap),
		CASE(a_gap_is_reported_once_and_when_it_is_old_enough),
		CASE(a_gap_that_fills_in_time_is_not_reported),
		CASE(a_heartbeat_shows_what_is_missing_at_the_end),
		CASE(a_heartbeat_numbered_0_is_no_place_to_begin),
		CASE(an_end_numbered_0_ends_a_session_without_messages),
		CASE(of_two_lines_the_first_copy_counts),
		CASE(a_message_is_late_if_it_comes_after_later_ones_of_its_line),
		CASE(a_publisher_started_again_is_a_new_session),
		CASE(silence_is_reported_once_and_so_is_its_end),
		CASE(more_sessions_than_there_is_room_for_push_out_others),
		CASE(made_up_sessions_do_not_push_out_a_real_one),
		CASE(a_name_is_shown_without_padding_and_without_harm),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
