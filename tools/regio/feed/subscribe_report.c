/* SPDX-License-Identifier: MIT */
/*
 * What subscribers have heard, told: line by line while they listen, and at the
 * end as a table, as JSON and as a plot.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "console.h"
#include "numbers.h"
#include "output.h"
#include "subscribe.h"

/* Ranges of gaps shown at the end; JSON has all that are remembered. */
#define RANGES_SHOWN 10u

/* ---- Events -------------------------------------------------------------- */

/* "subscriber 2: ", or nothing where there is one only. */
static const char *who(const struct subscriber *subscriber, char text[32])
{
	text[0] = '\0';
	if (subscriber->options->subscribers > 1)
		snprintf(text, 32, "subscriber %u: ", subscriber->number);
	return text;
}

static const char *state_of(const struct feed_session *session)
{
	return session->ended ? "ended" : session->replaced ? "replaced" : "open";
}

static void print_beginning(const char *prefix, const char *name, const char *group,
			    const struct feed_event *event)
{
	char other[FEED_NAME_BYTES], where[48] = "before its first message";

	if (event->first > 0)
		snprintf(where, sizeof(where), "at message %" PRIu64, event->first);
	if (event->other)
		console_say("%snew session %s on %s, %s: session %s had not ended; its publisher "
			    "was started again, or there are two",
			    prefix, name, group, where, feed_session_name(event->other, other));
	else
		console_say("%ssession %s on %s, %s", prefix, name, group, where);
}

void subscribe_print_event(const struct subscriber *subscriber, const struct feed_event *event)
{
	const struct feed_session *session = event->session;
	struct address_text group = address_text(&subscriber->options->lines[event->line]);
	char name[FEED_NAME_BYTES], prefix[32];

	who(subscriber, prefix);
	feed_session_name(session, name);
	switch (event->kind) {
	case FEED_BEGINS:
		print_beginning(prefix, name, group.text, event);
		break;
	case FEED_ENDS:
		if (session->placed)
			console_say("%ssession %s ended before message %" PRIu64, prefix, name,
				    session->merged.next);
		else
			console_say("%ssession %s ended, without a message", prefix, name);
		break;
	case FEED_GAP:
		console_say("%ssession %s: gap, messages %" PRIu64 " to %" PRIu64 " (%s)", prefix,
			    name, event->first, event->end - 1,
			    count_grouped(event->end - event->first).text);
		break;
	case FEED_QUIET:
		console_say("%ssession %s: silent, no message and no heartbeat", prefix, name);
		break;
	case FEED_RESUMES:
		console_say("%ssession %s: heard again", prefix, name);
		break;
	}
}

/* ---- Table --------------------------------------------------------------- */

/* From the first message to the last. */
static double rate_of(const struct subscriber *subscriber)
{
	double seconds = (double)(subscriber->last_ns - subscriber->first_ns) / 1e9;

	return seconds > 0 ? (double)subscriber->messages / seconds : 0;
}

static void print_ranges(FILE *file, const struct gaps *gaps)
{
	uint32_t shown = gaps->count < RANGES_SHOWN ? gaps->count : RANGES_SHOWN;

	if (gaps->count == 0)
		return;
	fprintf(file, "    missing:");
	for (uint32_t i = 0; i < shown; i++)
		fprintf(file, "%s %" PRIu64 "-%" PRIu64, i ? "," : "", gaps->list[i].first,
			gaps->list[i].end - 1);
	if (gaps->count + gaps->forgotten > shown)
		fprintf(file, " and %s more gaps",
			count_grouped(gaps->count + gaps->forgotten - shown).text);
	fprintf(file, "\n");
}

static void print_session(FILE *file, const struct subscriber *subscriber,
			  const struct feed_session *session)
{
	const struct sequence *merged = &session->merged;
	char name[FEED_NAME_BYTES];

	fprintf(file, "  session %s, %s: ", feed_session_name(session, name), state_of(session));
	if (merged->next > session->first)
		fprintf(file, "messages %" PRIu64 " to %" PRIu64 "\n", session->first,
			merged->next - 1);
	else
		fprintf(file, "no messages\n");
	fprintf(file, "    received %s, lost %s in %s gaps, late %s, duplicates %s",
		count_grouped(merged->received).text, count_grouped(merged->lost).text,
		count_grouped(merged->gaps.count + merged->gaps.forgotten).text,
		count_grouped(merged->reordered).text, count_grouped(merged->duplicated).text);
	if (session->early)
		fprintf(file, ", from before the first %s", count_grouped(session->early).text);
	fprintf(file, "\n");
	print_ranges(file, &merged->gaps);
	for (uint32_t i = 0;
	     subscriber->options->line_count > 1 && i < subscriber->options->line_count; i++) {
		const struct feed_line_view *view = &session->lines[i];

		if (view->heard)
			fprintf(file, "    on %s: received %s, lost %s, late %s, duplicates %s\n",
				address_text(&subscriber->options->lines[i]).text,
				count_grouped(view->sequence.received).text,
				count_grouped(view->sequence.lost).text,
				count_grouped(view->sequence.reordered).text,
				count_grouped(view->sequence.duplicated).text);
	}
}

/* What is read, or left, as an exception; it may explain why another reader fails. */
static void print_oddities(FILE *file, const struct subscriber_line *line, uint32_t packet_bytes)
{
	if (line->trailing)
		fprintf(file, "    %s packets with bytes after the last message\n",
			count_grouped(line->trailing).text);
	if (line->too_long)
		fprintf(file, "    %s packets longer than --packet-bytes %u\n",
			count_grouped(line->too_long).text, packet_bytes);
	if (line->unnumbered)
		fprintf(file, "    %s heartbeats or ends numbered 0\n",
			count_grouped(line->unnumbered).text);
}

static void print_lines(FILE *file, const struct subscriber *subscriber)
{
	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		const struct subscriber_line *line = &subscriber->lines[i];

		fprintf(file,
			"  line %s: packets %s, heartbeats %s\n    malformed %s, kernel drops %s\n",
			address_text(&subscriber->options->lines[i]).text,
			count_grouped(line->packets).text, count_grouped(line->heartbeats).text,
			count_grouped(line->malformed).text, count_grouped(line->drops).text);
		print_oddities(file, line, subscriber->options->packet_bytes);
	}
}

static void print_subscriber(FILE *file, const struct subscriber *subscriber)
{
	const struct feed *feed = subscriber->feed;

	fprintf(file, "subscriber %u: %s messages, %s a second from the first to the last\n",
		subscriber->number, count_grouped(subscriber->messages).text,
		count_grouped((uint64_t)(rate_of(subscriber) + 0.5)).text);
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		if (feed->sessions[i].used)
			print_session(file, subscriber, &feed->sessions[i]);
	}
	if (feed->retired.sessions)
		fprintf(file, "  %s older sessions: received %s, lost %s\n",
			count_grouped(feed->retired.sessions).text,
			count_grouped(feed->retired.received).text,
			count_grouped(feed->retired.lost).text);
	print_lines(file, subscriber);
	if (subscriber->clock_disagrees)
		fprintf(file, "  %s messages came from the future: the clocks do not agree\n",
			count_grouped(subscriber->clock_disagrees).text);
}

void subscribe_print(FILE *file, const struct subscriber *subscribers,
		     const struct subscribe_options *options)
{
	uint64_t drops = 0;

	for (uint32_t i = 0; i < options->subscribers; i++) {
		print_subscriber(file, &subscribers[i]);
		drops += subscribers[i].kernel_drops;
	}
	fprintf(file, "\n");
	latency_print_titles(file, "one-way latency");
	for (uint32_t i = 0; i < options->subscribers; i++) {
		char name[32];

		snprintf(name, sizeof(name), "subscriber %u", i + 1);
		latency_print(file, name, &subscribers[i].latency.all);
	}
	fprintf(file, "  (the publisher's clock against this host's: exact on one host)\n");
	if (drops)
		fprintf(file,
			"\nKernel drops: what did not fit a socket's buffer of %u bytes; a train "
			"of many packets counts once.\nA larger one: --buffer, and sysctl "
			"net.core.rmem_max.\n",
			subscribers[0].lines[0].info.receive_buffer_bytes);
	output_flush();
}

/* ---- JSON ---------------------------------------------------------------- */

static cJSON *add_element(cJSON *array)
{
	cJSON *element = cJSON_CreateObject();

	cJSON_AddItemToArray(array, element);
	return element;
}

static void add_sequence(cJSON *object, const struct sequence *sequence)
{
	json_add_count(object, "received", sequence->received);
	json_add_count(object, "lost", sequence->lost);
	json_add_count(object, "late", sequence->reordered);
	json_add_count(object, "duplicates", sequence->duplicated);
}

/* Ranges as [first, last]. */
static void add_gaps(cJSON *object, const struct gaps *gaps)
{
	cJSON *array = cJSON_AddArrayToObject(object, "gaps");

	for (uint32_t i = 0; i < gaps->count; i++) {
		cJSON *range = cJSON_CreateArray();

		cJSON_AddItemToArray(array, range);
		cJSON_AddItemToArray(range, json_make_count(gaps->list[i].first));
		cJSON_AddItemToArray(range, json_make_count(gaps->list[i].end - 1));
	}
	json_add_count(object, "gaps_left_out", gaps->forgotten);
}

static void add_session(cJSON *sessions, const struct subscriber *subscriber,
			const struct feed_session *session)
{
	const struct subscribe_options *options = subscriber->options;
	cJSON *object = add_element(sessions);
	char name[FEED_NAME_BYTES];
	cJSON *lines;

	cJSON_AddStringToObject(object, "session", feed_session_name(session, name));
	cJSON_AddStringToObject(object, "state", state_of(session));
	json_add_count(object, "first", session->first);
	json_add_count(object, "next", session->merged.next);
	add_sequence(object, &session->merged);
	json_add_count(object, "early", session->early);
	add_gaps(object, &session->merged.gaps);
	if (options->line_count < 2)
		return;
	lines = cJSON_AddArrayToObject(object, "lines");
	for (uint32_t i = 0; i < options->line_count; i++) {
		cJSON *line = add_element(lines);

		cJSON_AddStringToObject(line, "group", address_text(&options->lines[i]).text);
		if (session->lines[i].heard)
			add_sequence(line, &session->lines[i].sequence);
	}
}

static void add_lines(cJSON *object, const struct subscriber *subscriber)
{
	cJSON *lines = cJSON_AddArrayToObject(object, "lines");

	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		const struct subscriber_line *line = &subscriber->lines[i];
		cJSON *element = add_element(lines);

		cJSON_AddStringToObject(element, "group",
					address_text(&subscriber->options->lines[i]).text);
		json_add_count(element, "packets", line->packets);
		json_add_count(element, "messages", line->messages);
		json_add_count(element, "heartbeats", line->heartbeats);
		json_add_count(element, "malformed", line->malformed);
		json_add_count(element, "too_long", line->too_long);
		if (line->gone)
			cJSON_AddBoolToObject(element, "interface_gone", true);
		json_add_count(element, "trailing", line->trailing);
		json_add_count(element, "unnumbered", line->unnumbered);
		json_add_count(element, "kernel_drops", line->drops);
		json_add_count(element, "trains", line->info.trains_received);
		json_add_count(element, "receive_buffer_bytes", line->info.receive_buffer_bytes);
	}
}

static void add_subscriber(cJSON *array, const struct subscriber *subscriber)
{
	const struct feed *feed = subscriber->feed;
	cJSON *object = add_element(array);
	cJSON *sessions;

	cJSON_AddNumberToObject(object, "seconds",
				(double)(subscriber->stop_ns - subscriber->start_ns) / 1e9);
	cJSON_AddNumberToObject(object, "msgs_per_s", rate_of(subscriber));
	json_add_count(object, "messages", subscriber->messages);
	sessions = cJSON_AddArrayToObject(object, "sessions");
	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		if (feed->sessions[i].used)
			add_session(sessions, subscriber, &feed->sessions[i]);
	}
	json_add_count(object, "sessions_left_out", feed->retired.sessions);
	add_lines(object, subscriber);
	json_add_count(object, "clock_disagrees", subscriber->clock_disagrees);
	latency_add_json(object, "latency_us", &subscriber->latency.all);
}

int subscribe_write_json(FILE *file, const struct subscriber *subscribers,
			 const struct subscribe_options *options)
{
	cJSON *document = cJSON_CreateObject();
	cJSON *array;
	int status;

	cJSON_AddStringToObject(document, "command", "feed subscribe");
	array = cJSON_AddArrayToObject(document, "subscribers");
	for (uint32_t i = 0; i < options->subscribers; i++)
		add_subscriber(array, &subscribers[i]);
	status = json_write(console_command(), file, document);
	cJSON_Delete(document);
	return status;
}

/* ---- Plot ---------------------------------------------------------------- */

int subscribe_plot(const struct subscriber *subscribers, const struct subscribe_options *options)
{
	const struct histogram *histograms[SUBSCRIBERS_MAX];
	const char *names[SUBSCRIBERS_MAX];
	char texts[SUBSCRIBERS_MAX][32], title[256], more[32] = "";

	if (options->line_count > 1)
		snprintf(more, sizeof(more), " and %u more", options->line_count - 1);
	snprintf(title, sizeof(title), "regio feed subscribe %s%s: one-way latency",
		 address_text(&options->lines[0]).text, more);
	for (uint32_t i = 0; i < options->subscribers; i++) {
		snprintf(texts[i], sizeof(texts[i]), "subscriber %u", i + 1);
		names[i] = texts[i];
		histograms[i] = &subscribers[i].latency.all;
	}
	return latency_plot(options->plot_path, title, histograms, names, options->subscribers);
}
