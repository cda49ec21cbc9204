/* SPDX-License-Identifier: MIT */
/*
 * regio feed publish: makes packets when their messages are due, sends each on
 * every line. Those that are due together are sent together; regio joins those
 * of them that have equal length.
 */
#include "publish.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "counter.h"
#include "crew.h"
#include "numbers.h"
#include "output.h"
#include "payload.h"
#include "station.h"

/* Packets of a line that may be on their way into the kernel. */
#define PACKETS 512u
/* The end of a session may get lost as any packet, so it is told more than once. */
#define ENDS 3u
#define END_INTERVAL_NS (10u * MILLISECOND_NS)
/* Shorter sleeps are not worth going to sleep for. */
#define DOZE_NS 20000u

struct line {
	int fd;
	struct regio_rq *rq;
	uint64_t posted;
	uint64_t completed;
	uint64_t failed; /* packets the kernel did not take */
	int error;	 /* of the last of them */
	struct regio_rq_info info;
};

struct publisher {
	const struct publish_options *options;
	struct station station;
	struct line lines[FEED_LINES_MAX];
	uint64_t random;
	uint64_t next;	  /* number of the next message, from 1 */
	uint32_t planned; /* messages of the next packet */
	uint64_t start_ns;
	uint64_t stop_ns;
	uint64_t sent_ns;   /* when the last packet was made */
	uint64_t behind_ns; /* the most a packet was late */
	uint64_t heartbeats;
	counter messages;
	counter packets;
	counter bytes;
	uint64_t shown; /* messages, at the last live line */
};

/* ---- Setting up ---------------------------------------------------------- */

static int open_line(struct publisher *publisher, uint32_t index)
{
	const struct publish_options *options = publisher->options;
	struct line *line = &publisher->lines[index];
	int status;

	line->fd = line_open_sender(&options->lines[index], &options->line);
	if (line->fd < 0)
		return -1;
	status = regio_rq_create(line->fd, 0, PACKETS, publisher->station.cq, publisher->station.cq,
				 index, NULL, &line->rq);
	return status ? console_fail_call("make a request queue", status) : 0;
}

static int open_all(struct publisher *publisher)
{
	uint32_t count = publisher->options->line_count;

	if (station_open(&publisher->station, PACKETS * count, PACKETS * count,
			 publisher->options->packet_bytes, 0))
		return -1;
	publisher->station.spin = publisher->options->spin;
	for (uint32_t i = 0; i < count; i++) {
		if (open_line(publisher, i))
			return -1;
	}
	return 0;
}

static void close_all(struct publisher *publisher)
{
	for (uint32_t i = 0; i < publisher->options->line_count; i++) {
		struct line *line = &publisher->lines[i];

		if (line->rq) {
			regio_rq_get_info(line->rq, &line->info, sizeof(line->info));
			regio_rq_close(line->rq, 0);
		}
		if (line->fd >= 0)
			close(line->fd);
	}
	station_close(&publisher->station);
}

/* ---- When ---------------------------------------------------------------- */

static uint64_t draw(struct publisher *publisher, struct range range)
{
	uint64_t value = publisher->random += 0x9e3779b97f4a7c15u;

	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return range.least + (value ^ (value >> 31)) % (range.most - range.least + 1);
}

/* How many messages the next packet is to have: no more than its burst, or the session. */
static void plan_packet(struct publisher *publisher)
{
	const struct publish_options *options = publisher->options;
	uint64_t before = publisher->next - 1;
	uint64_t count = draw(publisher, options->per_packet);

	if (options->burst && count > options->burst - before % options->burst)
		count = options->burst - before % options->burst;
	if (options->count && count > options->count - before)
		count = options->count - before;
	publisher->planned = (uint32_t)count;
}

/* A packet is due with the last of its messages, or with its burst. */
static uint64_t due_ns(const struct publisher *publisher)
{
	const struct publish_options *options = publisher->options;
	uint64_t before = publisher->next - 1;

	if (options->rate == 0)
		return publisher->start_ns;
	before = options->burst ? before - before % options->burst : before + publisher->planned;
	return publisher->start_ns + (uint64_t)((__uint128_t)before * SECOND_NS / options->rate);
}

static bool is_finished(const struct publisher *publisher, uint64_t now_ns)
{
	const struct publish_options *options = publisher->options;

	return (options->count && publisher->next > options->count) ||
	       (publisher->stop_ns && now_ns >= publisher->stop_ns);
}

/* ---- Packets ------------------------------------------------------------- */

/* The slot of a line's next packet. */
static uint32_t next_slot(const struct publisher *publisher, uint32_t index)
{
	return index * PACKETS + (uint32_t)(publisher->lines[index].posted % PACKETS);
}

/* True when each line has a slot to write into. */
static bool has_room(const struct publisher *publisher)
{
	for (uint32_t i = 0; i < publisher->options->line_count; i++) {
		if (publisher->lines[i].posted - publisher->lines[i].completed == PACKETS)
			return false;
	}
	return true;
}

/* Posts what is in the first line's slot on all lines, from a slot of each. */
static int post(struct publisher *publisher, uint32_t bytes)
{
	const uint8_t *packet = station_slot(&publisher->station, next_slot(publisher, 0));

	for (uint32_t i = 0; i < publisher->options->line_count; i++) {
		uint32_t slot = next_slot(publisher, i);
		struct regio_buf slice = station_slice(&publisher->station, slot, bytes);
		int status;

		if (i > 0)
			memcpy(station_slot(&publisher->station, slot), packet, bytes);
		status = regio_send(publisher->lines[i].rq, &slice,
				    REGIO_MSG_DEFER | REGIO_MSG_DONT_NOTIFY, slot);
		if (status)
			return station_refused("send", status);
		publisher->lines[i].posted++;
	}
	return 0;
}

static void begin_packet(struct publisher *publisher, struct framing_writer *writer)
{
	framing_begin(writer, station_slot(&publisher->station, next_slot(publisher, 0)),
		      publisher->options->packet_bytes, publisher->options->session,
		      publisher->next);
}

static int send_messages(struct publisher *publisher, uint64_t now_ns)
{
	uint64_t made_ns = clock_of_day_ns();
	struct framing_writer writer;

	begin_packet(publisher, &writer);
	while (writer.count < publisher->planned) {
		uint32_t bytes = (uint32_t)draw(publisher, publisher->options->size);
		uint8_t *message = framing_add(&writer, bytes);

		if (!message)
			break;
		payload_write(message, bytes, made_ns);
	}
	framing_finish(&writer);
	publisher->next += writer.count;
	publisher->sent_ns = now_ns;
	counter_add(&publisher->messages, writer.count);
	counter_add(&publisher->packets, 1);
	counter_add(&publisher->bytes, writer.bytes);
	return post(publisher, writer.bytes);
}

static int send_heartbeat(struct publisher *publisher, uint64_t now_ns)
{
	struct framing_writer writer;

	begin_packet(publisher, &writer);
	framing_finish(&writer);
	publisher->sent_ns = now_ns;
	publisher->heartbeats++;
	return post(publisher, writer.bytes);
}

/* Starts what has been posted and takes what has completed. */
static int progress(struct publisher *publisher)
{
	int count;

	do {
		count = station_dequeue(&publisher->station);
		for (int i = 0; i < count; i++) {
			const struct regio_result *result = &publisher->station.results[i];
			struct line *line = &publisher->lines[result->rq_context];

			line->completed++;
			if (result->status) {
				line->failed++;
				line->error = result->status;
			}
		}
	} while (count > 0);
	return count;
}

/* ---- Work ---------------------------------------------------------------- */

/* Sends what is due; returns when the next packet is. */
static int send_due(struct publisher *publisher, uint64_t now_ns, uint64_t *ret_due_ns)
{
	while (has_room(publisher) && !is_finished(publisher, now_ns)) {
		if (publisher->planned == 0)
			plan_packet(publisher);
		*ret_due_ns = due_ns(publisher);
		if (*ret_due_ns > now_ns)
			return 0;
		if (publisher->options->rate && now_ns - *ret_due_ns > publisher->behind_ns)
			publisher->behind_ns = now_ns - *ret_due_ns;
		if (send_messages(publisher, now_ns))
			return -1;
		publisher->planned = 0;
	}
	*ret_due_ns = now_ns;
	return 0;
}

static uint64_t heartbeat_due_ns(const struct publisher *publisher)
{
	return publisher->sent_ns + (uint64_t)publisher->options->heartbeat_ms * MILLISECOND_NS;
}

static int sleep_until(struct publisher *publisher, uint64_t wake_ns)
{
	uint64_t now_ns = clock_now_ns();

	if (wake_ns < now_ns + DOZE_NS)
		return 0;
	return station_wait(&publisher->station,
			    wake_ns - now_ns < CREW_NAP_NS ? wake_ns - now_ns : CREW_NAP_NS);
}

/* The first packet shows whether the lines work at all. */
static int check_lines(const struct publisher *publisher)
{
	for (uint32_t i = 0; i < publisher->options->line_count; i++) {
		const struct line *line = &publisher->lines[i];

		if (line->failed > 0 && line->failed == line->completed)
			return console_fail("send to %s: %s: %s; is the interface up, and is there "
					    "a route?",
					    address_text(&publisher->options->lines[i]).text,
					    regio_error_name(line->error),
					    regio_error_text(line->error));
	}
	return 0;
}

static int end_session(struct publisher *publisher)
{
	uint64_t due = clock_now_ns();
	struct framing_writer writer;

	for (uint32_t i = 0; i < ENDS; i++, due += END_INTERVAL_NS) {
		while (clock_now_ns() < due || !has_room(publisher)) {
			if (sleep_until(publisher, due) || progress(publisher))
				return -1;
		}
		begin_packet(publisher, &writer);
		framing_finish_session(&writer);
		if (post(publisher, writer.bytes) || progress(publisher))
			return -1;
	}
	publisher->sent_ns = clock_now_ns();
	return 0;
}

static int run(struct crew *crew, void *worker)
{
	struct publisher *publisher = worker;
	uint64_t now_ns = clock_now_ns();
	uint64_t due;

	publisher->start_ns = publisher->sent_ns = now_ns;
	if (publisher->options->seconds > 0)
		publisher->stop_ns = now_ns + (uint64_t)(publisher->options->seconds * 1e9);
	while (!crew_stopping(crew) && !is_finished(publisher, now_ns)) {
		if (send_due(publisher, now_ns, &due))
			return -1;
		if (now_ns >= heartbeat_due_ns(publisher) && has_room(publisher) &&
		    send_heartbeat(publisher, now_ns))
			return -1;
		if (progress(publisher) || check_lines(publisher))
			return -1;
		if (due > heartbeat_due_ns(publisher))
			due = heartbeat_due_ns(publisher);
		if (sleep_until(publisher, due))
			return -1;
		now_ns = clock_now_ns();
	}
	publisher->stop_ns = now_ns;
	return end_session(publisher);
}

/* ---- Reports ------------------------------------------------------------- */

static void show_live(void *context)
{
	struct publisher *publisher = context;
	uint64_t messages = counter_read(&publisher->messages);

	console_live("%s messages a second, %s in all",
		     count_grouped(messages - publisher->shown).text, count_grouped(messages).text);
	publisher->shown = messages;
}

static double seconds_of(const struct publisher *publisher)
{
	return (double)(publisher->stop_ns - publisher->start_ns) / 1e9;
}

static double rate_of(const struct publisher *publisher)
{
	return seconds_of(publisher) > 0 ? (double)publisher->messages / seconds_of(publisher) : 0;
}

static void print_report(FILE *file, const struct publisher *publisher)
{
	const struct publish_options *options = publisher->options;

	fprintf(file, "session %.*s ended: %s messages in %s packets, %.2f s\n",
		(int)FRAMING_SESSION_BYTES, options->session,
		count_grouped(publisher->messages).text, count_grouped(publisher->packets).text,
		seconds_of(publisher));
	fprintf(file, "  rate %s messages/s",
		count_grouped((uint64_t)(rate_of(publisher) + 0.5)).text);
	if (options->rate)
		fprintf(file, " of %s asked for\n  a packet was at most %.3f ms late",
			count_grouped(options->rate).text, (double)publisher->behind_ns / 1e6);
	fprintf(file, "\n  %" PRIu64 " heartbeats\n", publisher->heartbeats);
	for (uint32_t i = 0; i < options->line_count; i++) {
		const struct line *line = &publisher->lines[i];

		fprintf(file, "  line %s: %s packets sent in %s system calls",
			address_text(&options->lines[i]).text,
			count_grouped(line->completed - line->failed).text,
			count_grouped(line->info.send_calls).text);
		if (line->failed)
			fprintf(file, ", %s not taken by the kernel (%s)",
				count_grouped(line->failed).text, regio_error_name(line->error));
		fprintf(file, "\n");
	}
	output_flush();
}

static void add_lines(cJSON *document, const struct publisher *publisher)
{
	cJSON *lines = cJSON_AddArrayToObject(document, "lines");

	for (uint32_t i = 0; i < publisher->options->line_count; i++) {
		const struct line *line = &publisher->lines[i];
		cJSON *object = cJSON_CreateObject();

		cJSON_AddItemToArray(lines, object);
		cJSON_AddStringToObject(object, "group",
					address_text(&publisher->options->lines[i]).text);
		json_add_count(object, "packets", line->completed - line->failed);
		json_add_count(object, "packets_failed", line->failed);
		json_add_count(object, "trains", line->info.trains_sent);
		json_add_count(object, "send_calls", line->info.send_calls);
	}
}

static int write_json(const struct publisher *publisher)
{
	const struct publish_options *options = publisher->options;
	FILE *file = json_open(console_command(), options->json_path);
	cJSON *document;
	char session[FRAMING_SESSION_BYTES + 1] = {0};
	int status;

	if (!file)
		return -1;
	document = cJSON_CreateObject();
	memcpy(session, options->session, FRAMING_SESSION_BYTES);
	cJSON_AddStringToObject(document, "command", "feed publish");
	cJSON_AddStringToObject(document, "session", session);
	cJSON_AddNumberToObject(document, "seconds", seconds_of(publisher));
	json_add_count(document, "messages", publisher->messages);
	json_add_count(document, "packets", publisher->packets);
	json_add_count(document, "bytes", publisher->bytes);
	json_add_count(document, "heartbeats", publisher->heartbeats);
	json_add_count(document, "rate_asked", options->rate);
	cJSON_AddNumberToObject(document, "msgs_per_s", rate_of(publisher));
	cJSON_AddNumberToObject(document, "behind_max_us", (double)publisher->behind_ns / 1e3);
	add_lines(document, publisher);
	status = json_write(console_command(), file, document);
	cJSON_Delete(document);
	return status;
}

static int publish_all(struct publisher *publisher)
{
	struct crew crew = {.work = run, .tick = show_live, .context = publisher};
	int status = open_all(publisher);

	if (status == 0) {
		console_say("publishing session %.*s on %u line%s", (int)FRAMING_SESSION_BYTES,
			    publisher->options->session, publisher->options->line_count,
			    publisher->options->line_count > 1 ? "s" : "");
		status = crew_run(&crew, publisher, sizeof(*publisher), 1);
	}
	close_all(publisher);
	return status;
}

int publish(const struct publish_options *options)
{
	struct publisher publisher = {.options = options, .next = 1};

	if (options->json_path && json_check(console_command(), options->json_path))
		return 2;
	for (uint32_t i = 0; i < FEED_LINES_MAX; i++)
		publisher.lines[i].fd = -1;
	if (publish_all(&publisher))
		return console_end(options->json_path, 1);
	if (!json_to_stdout(options->json_path))
		print_report(stdout, &publisher);
	return options->json_path && write_json(&publisher) ? 1 : 0;
}
