/* SPDX-License-Identifier: MIT */
/*
 * What became of the load: table, JSON, and whether it was one at all.
 */
#include <string.h>

#include "console.h"
#include "identity.h"
#include "load.h"
#include "numbers.h"
#include "output.h"

/* ---- Sums ---------------------------------------------------------------- */

/* Where the messages to one member were lost. */
static void add_ways(const struct load_connection *connection, const struct load_member *member,
		     struct load_totals *totals)
{
	uint64_t there = member->counts.received, back = member->answers.received;

	if (back == connection->sent)
		return;
	totals->ways_known = totals->ways_known && member->counted;
	if (member->counts.sent > totals->server_pause_us)
		totals->server_pause_us = member->counts.sent;
	totals->lost_there += connection->sent > there ? connection->sent - there : 0;
	totals->lost_back += there > back ? there - back : 0;
}

/* What the other side has counted of one connection, or we of what it sent. */
static void add_member(const struct load *load, const struct load_connection *connection,
		       const struct load_member *member, struct load_totals *totals)
{
	const struct sequence *answers = &member->answers;
	const struct note *counts = &member->counts;

	if (load->options->mode == SERVE_SINK) {
		totals->received += counts->received;
		totals->reordered += counts->reordered;
		totals->duplicated += counts->duplicated;
		totals->known = totals->known && member->counted;
	} else {
		totals->received += answers->received;
		totals->reordered += answers->reordered;
		totals->duplicated += answers->duplicated;
	}
	if (load->options->mode == SERVE_ECHO)
		add_ways(connection, member, totals);
	if (load->options->mode == SERVE_SOURCE) {
		totals->expected += counts->sent;
		totals->known = totals->known && member->counted;
	} else {
		totals->expected += connection->sent;
	}
}

static void add_connection(const struct load *load, const struct load_connection *connection,
			   struct load_totals *totals)
{
	for (uint32_t i = 0; i < connection->member_count; i++)
		add_member(load, connection, &connection->members[i], totals);
	totals->sent += load->options->mode == SERVE_SOURCE ? connection->members[0].counts.sent
							    : connection->sent;
}

static void add_stream(const struct load *load, const struct load_connection *connection,
		       struct load_totals *totals)
{
	totals->sent += connection->sent;
	totals->expected += connection->sent;
	totals->known = totals->known && connection->ended;
	if (load->options->mode == SERVE_ECHO)
		totals->received += connection->members[0].answers.received;
	else if (load->options->mode == SERVE_SINK && connection->ended)
		totals->received += connection->sent;
}

void load_sum(const struct load *load, struct load_totals *ret_totals)
{
	struct load_totals totals = {.known = true, .ways_known = true};

	for (uint32_t i = 0; i < load->connection_count; i++) {
		if (load->options->tcp)
			add_stream(load, &load->connections[i], &totals);
		else
			add_connection(load, &load->connections[i], &totals);
	}
	if (load->options->mode == SERVE_ECHO)
		totals.known = true;
	if (load->options->tcp && load->options->mode == SERVE_SOURCE)
		totals.received = totals.sent = totals.expected = load->received;
	if (totals.known && totals.expected > totals.received)
		totals.lost = totals.expected - totals.received;
	*ret_totals = totals;
}

static double seconds_of(const struct load *load)
{
	return (double)(load->done_ns - load->start_ns) / 1e9;
}

/* ---- Judgement ----------------------------------------------------------- */

static int judge_nothing(const struct load *load, const struct load_totals *totals)
{
	struct address_text where = load_where(load);

	if (load->refused)
		return console_fail("load %s: nothing came back, and the host reports that nothing "
				    "listens any more; start `regio serve` there again",
				    where.text);
	if (load->over)
		return console_fail("load %s: nothing came back, the connection ended: %s; is it "
				    "`regio serve %s --tcp`?",
				    where.text, regio_error_text(load->error),
				    serve_mode_names[load->options->mode]);
	if (!totals->known)
		return console_fail("load %s: the server did not report its counts; is it still "
				    "there?",
				    where.text);
	return console_fail("load %s: nothing came back in %u ms after the last message; is it "
			    "`regio serve %s%s`?",
			    where.text, load->options->timeout_ms,
			    serve_mode_names[load->options->mode],
			    load->options->tcp ? " --tcp" : "");
}

int load_judge(const struct load *load)
{
	struct load_totals totals;

	load_sum(load, &totals);
	if (totals.received == 0 || (!totals.known && load->options->mode == SERVE_SINK))
		return judge_nothing(load, &totals);
	if (load->over)
		return console_fail(
			"load %s: %llu of %u connections ended early: %s", load_where(load).text,
			(unsigned long long)load->over, load->connection_count,
			load->error ? regio_error_text(load->error) : "closed by the other side");
	return 0;
}

/* ---- Table --------------------------------------------------------------- */

static void print_heading(FILE *file, const struct load *load)
{
	const struct load_options *options = load->options;

	fprintf(file, "%u connection%s, %s", load->connection_count,
		load->connection_count > 1 ? "s" : "", load_sizes(load).text);
	if (load->playback.count)
		fprintf(file, ", open loop, at the times of %s", options->playback_path);
	else if (options->rate)
		fprintf(file, ", open loop, %s messages/s asked for",
			count_grouped(options->rate).text);
	else if (options->mode == SERVE_ECHO)
		fprintf(file, ", closed loop, %u at a time", options->depth);
	fprintf(file, "\n");
}

static uint64_t received_by(const struct load *load, const struct load_member *member)
{
	return load->options->mode == SERVE_SINK ? member->counts.received
						 : member->answers.received;
}

/* Of those that have joined a group. */
static void print_members(FILE *file, const struct load *load)
{
	for (uint32_t i = 0; i < load->connection_count; i++) {
		const struct load_connection *connection = &load->connections[i];

		for (uint32_t j = 0; j < connection->member_count && connection->group; j++) {
			const struct load_member *member = &connection->members[j];
			uint64_t received = received_by(load, member);

			fprintf(file, "  %s: received %s, lost %s\n",
				address_text(&member->address).text, count_grouped(received).text,
				load->options->mode == SERVE_SINK && !member->counted
					? "unknown"
					: count_grouped(connection->sent > received
								? connection->sent - received
								: 0)
						  .text);
		}
	}
}

/* Of the messages that an echo has lost. */
static void print_ways(FILE *file, const struct load *load, const struct load_totals *totals)
{
	if (totals->lost == 0)
		return;
	if (totals->ways_known)
		fprintf(file,
			"  of those lost %s did not reach the server, %s answers did not come\n",
			count_grouped(totals->lost_there).text,
			count_grouped(totals->lost_back).text);
	if (totals->server_pause_us * 1000 >= CREW_PAUSE_NS)
		fprintf(file,
			"  the server did not run for up to %.3f s:\n"
			"    it, or its host, was busy\n",
			(double)totals->server_pause_us / 1e6);
	if (!totals->ways_known)
		fprintf(file, "  which way they were lost is unknown: the server did not report "
			      "it\n");
}

static void print_oddities(FILE *file, const struct load *load)
{
	if (load->pause_ns >= CREW_PAUSE_NS)
		fprintf(file,
			"  this program did not run for up to %.3f s:\n"
			"    it was stopped, or this host was busy\n",
			(double)load->pause_ns / 1e9);
	if (load->drops)
		fprintf(file,
			"  the kernel dropped %s packets here for want of room\n"
			"    (a train counts once); see sysctl net.core.rmem_max\n",
			count_grouped(load->drops).text);
	if (load->unread)
		fprintf(file,
			"  %s sockets have messages that were not read:\n"
			"    they came after --timeout, or regio has a fault\n",
			count_grouped(load->unread).text);
	if (load->failed)
		fprintf(file, "  %s sends failed\n", count_grouped(load->failed).text);
	if (load->refused)
		fprintf(file, "  %s times the host reported that nothing listens\n",
			count_grouped(load->refused).text);
	if (load->odd)
		fprintf(file, "  %s messages came back changed\n", count_grouped(load->odd).text);
}

static double share_of(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_counts(FILE *file, const struct load *load, const struct load_totals *totals)
{
	fprintf(file, "  sent %s, received %s", count_grouped(totals->sent).text,
		count_grouped(totals->received).text);
	if (totals->known)
		fprintf(file, ", lost %s (%.4f %%)", count_grouped(totals->lost).text,
			share_of(totals->lost, totals->expected));
	else
		fprintf(file, ", lost unknown: the server did not report it");
	if (!load->options->tcp)
		fprintf(file, "\n  reordered %s, duplicates %s",
			count_grouped(totals->reordered).text,
			count_grouped(totals->duplicated).text);
	fprintf(file, "\n");
}

/* Bytes of a message, on average. */
static double mean_bytes(const struct load *load)
{
	uint64_t sent = counter_read(&load->sent);

	return sent ? (double)counter_read(&load->sent_bytes) / (double)sent : load->size_most;
}

static void print_rate(FILE *file, const struct load *load, const char *before, uint64_t messages)
{
	double seconds = seconds_of(load);
	double rate = seconds > 0 ? (double)messages / seconds : 0;

	fprintf(file, "  %s%s messages/s, %.1f Mbit/s, for %.2f s\n", before,
		count_grouped((uint64_t)(rate + 0.5)).text, rate * mean_bytes(load) * 8 / 1e6,
		seconds);
}

/* What the round trip is made of, by the kernel's time stamps. */
static void print_stages(FILE *file, const struct load_stages *stages)
{
	latency_print(file, "  until it left", &stages->left);
	latency_print(file, "  until the answer", &stages->away);
	latency_print(file, "  until it was read", &stages->read);
	fprintf(file, "\n  --timestamps: plain calls in place of regio, one to send, one to "
		      "receive,\n  two for stamps. Leave it out to see the latency without that "
		      "cost.\n");
	if (stages->odd)
		fprintf(file, "  %s time stamps were in the wrong order: the clock was set\n",
			count_grouped(stages->odd).text);
}

static void print_latency(FILE *file, const struct load *load)
{
	fprintf(file, "\n");
	latency_print_titles(file, load->open_loop ? "from the due time" : "round trip");
	latency_print(file, "", &load->latency.all);
	if (load->stages)
		print_stages(file, load->stages);
}

void load_print(FILE *file, const struct load *load)
{
	const struct load_options *options = load->options;
	bool sink = options->mode == SERVE_SINK;
	struct load_totals totals;

	load_sum(load, &totals);
	print_heading(file, load);
	print_counts(file, load, &totals);
	print_members(file, load);
	if (sink)
		print_rate(file, load, "sent ", totals.sent);
	print_rate(file, load, sink ? "received " : "", totals.received);
	if (load->open_loop && options->mode != SERVE_SOURCE)
		fprintf(file, "  a message was sent at most %.3f ms late\n",
			(double)load->behind_ns / 1e6);
	if (!options->tcp && options->mode == SERVE_ECHO)
		print_ways(file, load, &totals);
	print_oddities(file, load);
	if (options->mode == SERVE_ECHO)
		print_latency(file, load);
	output_flush();
}

/* ---- JSON ---------------------------------------------------------------- */

static void add_options(cJSON *document, const struct load *load)
{
	const struct load_options *options = load->options;

	cJSON_AddStringToObject(document, "command", "load");
	identity_add_json(document, load->station.engine, options->spin);
	cJSON_AddStringToObject(document, "mode", serve_mode_names[options->mode]);
	cJSON_AddStringToObject(document, "protocol", options->tcp ? "tcp" : "udp");
	cJSON_AddStringToObject(document, "address",
				address_text(&load->addresses.addresses[0]).text);
	cJSON_AddNumberToObject(document, "addresses", load->addresses.count);
	cJSON_AddNumberToObject(document, "connections", load->connection_count);
	cJSON_AddNumberToObject(document, "size", load->size_most);
	if (options->playback_path)
		cJSON_AddStringToObject(document, "playback", options->playback_path);
	else if (options->rate)
		json_add_count(document, "rate_asked", options->rate);
	else if (options->mode == SERVE_ECHO)
		cJSON_AddNumberToObject(document, "depth", options->depth);
}

static void add_counts(cJSON *document, const struct load *load, const struct load_totals *totals)
{
	json_add_count(document, "sent", totals->sent);
	json_add_count(document, "received", totals->received);
	if (totals->known)
		json_add_count(document, "lost", totals->lost);
	if (!load->options->tcp && load->options->mode == SERVE_ECHO && totals->lost &&
	    totals->ways_known) {
		json_add_count(document, "lost_there", totals->lost_there);
		json_add_count(document, "lost_back", totals->lost_back);
		json_add_count(document, "server_pause_max_us", totals->server_pause_us);
	}
	json_add_count(document, "kernel_drops", load->drops);
	json_add_count(document, "unread", load->unread);
	cJSON_AddNumberToObject(document, "pause_max_us", (double)load->pause_ns / 1e3);
	json_add_count(document, "reordered", totals->reordered);
	json_add_count(document, "duplicated", totals->duplicated);
	json_add_count(document, "odd", load->odd);
	json_add_count(document, "refused", load->refused);
	json_add_count(document, "failed", load->failed);
	json_add_count(document, "ended_early", load->over);
}

/* Those that have joined a group. */
static void add_members(cJSON *document, const struct load *load)
{
	cJSON *list;

	if (!load->named)
		return;
	list = cJSON_AddArrayToObject(document, "members");
	for (uint32_t i = 0; i < load->connection_count; i++) {
		const struct load_connection *connection = &load->connections[i];

		for (uint32_t j = 0; j < connection->member_count && connection->group; j++) {
			cJSON *object = cJSON_CreateObject();

			cJSON_AddStringToObject(object, "address",
						address_text(&connection->members[j].address).text);
			cJSON_AddStringToObject(object, "group",
						address_text(connection->address).text);
			json_add_count(object, "received",
				       received_by(load, &connection->members[j]));
			cJSON_AddItemToArray(list, object);
		}
	}
}

static void add_stages(cJSON *document, const struct load_stages *stages)
{
	latency_add_json(document, "until_left_us", &stages->left);
	latency_add_json(document, "until_answer_us", &stages->away);
	latency_add_json(document, "until_read_us", &stages->read);
	json_add_count(document, "stamps_odd", stages->odd);
}

int load_write_json(FILE *file, const struct load *load)
{
	cJSON *document = cJSON_CreateObject();
	struct load_totals totals;
	double seconds = seconds_of(load);
	int status;

	load_sum(load, &totals);
	add_options(document, load);
	cJSON_AddNumberToObject(document, "seconds", seconds);
	add_counts(document, load, &totals);
	add_members(document, load);
	if (seconds > 0) {
		cJSON_AddNumberToObject(document, "sent_per_s", (double)totals.sent / seconds);
		cJSON_AddNumberToObject(document, "msgs_per_s", (double)totals.received / seconds);
	}
	if (load->open_loop && load->options->mode != SERVE_SOURCE)
		cJSON_AddNumberToObject(document, "behind_max_us", (double)load->behind_ns / 1e3);
	latency_add_json(document, "latency_us", &load->latency.all);
	if (load->stages)
		add_stages(document, load->stages);
	status = json_write(console_command(), file, document);
	cJSON_Delete(document);
	return status;
}
