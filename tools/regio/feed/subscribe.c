/* SPDX-License-Identifier: MIT */
/*
 * regio feed subscribe: each subscriber is a thread with a socket and a request
 * queue for each line and one completion queue, as it would be as a program of
 * its own.
 */
#include "subscribe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "crew.h"
#include "numbers.h"
#include "output.h"
#include "payload.h"
#include "socket_buffers.h"

/* Receives posted on each line: two of the longest trains. */
#define RECEIVES 256u
/* A moment before the other thread shows what the second was like. */
#define FIRST_SECOND_NS (950u * MILLISECOND_NS)
#define TICK_NS (50u * MILLISECOND_NS)
/* A gap that another line, or a late packet, has not filled by then is told. */
#define PATIENCE_NS (50u * MILLISECOND_NS)
/* Three heartbeats of the usual kind. */
#define QUIET_NS (3ull * SECOND_NS)
#define ANNOUNCEMENTS_PER_SECOND 20u

/* ---- Setting up ---------------------------------------------------------- */

static int post(struct subscriber *subscriber, uint32_t slot)
{
	struct regio_buf slice =
		station_slice(&subscriber->station, slot, subscriber->options->packet_bytes);
	int status =
		regio_receive(subscriber->lines[slot / RECEIVES].rq, &slice, REGIO_MSG_DEFER, slot);

	return status ? station_refused("receive", status) : 0;
}

static int open_line(struct subscriber *subscriber, uint32_t index, const struct address *group)
{
	struct subscriber_line *line = &subscriber->lines[index];
	struct station *station = &subscriber->station;
	int status;

	line->fd = line_open_receiver(group, &subscriber->options->line, &line->interface);
	if (line->fd < 0)
		return -1;
	status = regio_rq_create(line->fd, RECEIVES, 0, station->cq, station->cq, index, NULL,
				 &line->rq);
	if (status)
		return console_fail_call("make a request queue", status);
	for (uint32_t i = 0; i < RECEIVES; i++) {
		if (post(subscriber, index * RECEIVES + i))
			return -1;
	}
	return 0;
}

static void notice(void *context, const struct feed_event *event)
{
	struct subscriber *subscriber = context;

	if (subscriber->announced++ < ANNOUNCEMENTS_PER_SECOND)
		subscribe_print_event(subscriber, event);
	else
		subscriber->left_out++;
}

static int open_subscriber(struct subscriber *subscriber, const struct address *lines)
{
	const struct subscribe_options *options = subscriber->options;
	uint32_t receives = RECEIVES * options->line_count;

	subscriber->feed = calloc(1, sizeof(*subscriber->feed));
	if (!subscriber->feed)
		return console_fail("allocate the sessions: %s", strerror(ENOMEM));
	subscriber->feed->line_count = options->line_count;
	subscriber->feed->from_start = options->from_start;
	subscriber->feed->notice = notice;
	subscriber->feed->context = subscriber;
	if (station_open(&subscriber->station, receives, receives, options->packet_bytes, 0))
		return -1;
	subscriber->station.spin = options->spin;
	for (uint32_t i = 0; i < options->line_count; i++) {
		if (open_line(subscriber, i, &lines[i]))
			return -1;
	}
	return 0;
}

static void close_subscriber(struct subscriber *subscriber)
{
	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		struct subscriber_line *line = &subscriber->lines[i];

		if (line->rq) {
			regio_rq_get_info(line->rq, &line->info, sizeof(line->info));
			regio_rq_close(line->rq, 0);
		}
		if (line->fd >= 0)
			close(line->fd);
	}
	station_close(&subscriber->station);
}

/* ---- Packets ------------------------------------------------------------- */

static void take_latency(struct subscriber *subscriber, const uint8_t *message, uint32_t bytes,
			 uint64_t of_day_ns)
{
	uint64_t made_ns;

	if (!payload_read(message, bytes, &made_ns))
		return;
	if (made_ns > of_day_ns)
		subscriber->clock_disagrees++;
	else
		latency_record(&subscriber->latency, of_day_ns - made_ns);
}

static void take_packet(struct subscriber *subscriber, uint32_t index,
			const struct framing_packet *packet, uint64_t now_ns)
{
	struct subscriber_line *line = &subscriber->lines[index];
	struct feed *feed = subscriber->feed;
	struct feed_session *session = feed_take(feed, index, packet, now_ns);
	const uint8_t *cursor = packet->messages;
	uint64_t of_day_ns = clock_of_day_ns();
	uint64_t first_copies = 0;

	line->packets++;
	line->messages += packet->count;
	line->heartbeats += packet->count == 0 && !packet->end;
	line->trailing += packet->trailing > 0;
	line->unnumbered += !framing_is_numbered(packet);
	for (uint32_t i = 0; i < packet->count; i++) {
		uint32_t bytes;
		const uint8_t *message = framing_next(&cursor, &bytes);

		if (!feed_take_message(feed, session, index, packet->number + i, now_ns))
			continue;
		first_copies++;
		take_latency(subscriber, message, bytes, of_day_ns);
	}
	if (first_copies > 0) {
		if (subscriber->first_ns == 0)
			subscriber->first_ns = now_ns;
		subscriber->last_ns = now_ns;
	}
	counter_add(&subscriber->messages, first_copies);
}

static int take(struct subscriber *subscriber, const struct regio_result *result, uint64_t now_ns)
{
	uint32_t slot = (uint32_t)result->request_context;
	uint32_t index = (uint32_t)result->rq_context;
	struct framing_packet packet;

	if (result->status == 0 &&
	    framing_read(station_slot(&subscriber->station, slot), result->bytes, &packet))
		take_packet(subscriber, index, &packet, now_ns);
	else if (result->status == 0)
		subscriber->lines[index].malformed++;
	else if (result->status == -EMSGSIZE)
		subscriber->lines[index].too_long++;
	else
		return station_refused("receive", result->status);
	return post(subscriber, slot);
}

/* ---- Work ---------------------------------------------------------------- */

static void read_drops(struct subscriber *subscriber)
{
	uint64_t drops = 0;

	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		struct subscriber_line *line = &subscriber->lines[i];
		uint32_t read = socket_kernel_drops(line->fd);

		line->drops += (uint32_t)(read - line->drops_read);
		line->drops_read = read;
		drops += line->drops;
	}
	counter_set(&subscriber->kernel_drops, drops);
}

static void count_losses(struct subscriber *subscriber)
{
	const struct feed *feed = subscriber->feed;
	uint64_t lost = feed->retired.lost, late = feed->retired.reordered;

	for (uint32_t i = 0; i < FEED_SESSIONS_MAX; i++) {
		if (!feed->sessions[i].used)
			continue;
		lost += feed->sessions[i].merged.lost;
		late += feed->sessions[i].merged.reordered;
	}
	counter_set(&subscriber->lost, lost);
	counter_set(&subscriber->late, late);
}

/* The kernel tells nobody that a membership went with its interface. */
static void check_interfaces(struct subscriber *subscriber)
{
	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		struct subscriber_line *line = &subscriber->lines[i];

		if (line->gone || line_is_joined(line->interface))
			continue;
		line->gone = true;
		console_fail("subscriber %u: the interface of %s is gone, and the membership with "
			     "it: nothing more is heard there; start again once there is one",
			     subscriber->number, address_text(&subscriber->options->lines[i]).text);
	}
}

static void second_over(struct subscriber *subscriber)
{
	check_interfaces(subscriber);
	latency_tick(&subscriber->latency);
	if (subscriber->left_out > 0)
		console_say("subscriber %u: %llu more gaps and sessions, not shown",
			    subscriber->number, (unsigned long long)subscriber->left_out);
	subscriber->announced = subscriber->left_out = 0;
}

static int take_all(struct subscriber *subscriber, uint64_t now_ns)
{
	int count = station_dequeue(&subscriber->station);

	for (int i = 0; i < count; i++) {
		if (take(subscriber, &subscriber->station.results[i], now_ns))
			return -1;
	}
	return count;
}

static int listen_on(struct crew *crew, struct subscriber *subscriber)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t tick_ns = now_ns, second_ns = now_ns + FIRST_SECOND_NS;
	uint64_t quiet_since_ns = now_ns;

	while (!crew_stopping(crew) && (!subscriber->stop_ns || now_ns < subscriber->stop_ns)) {
		int count = take_all(subscriber, now_ns);

		if (count < 0 || (count == 0 && station_wait(&subscriber->station, TICK_NS)))
			return -1;
		now_ns = clock_now_ns();
		if (count > 0)
			quiet_since_ns = now_ns;
		if (now_ns >= second_ns) {
			second_over(subscriber);
			second_ns += SECOND_NS;
		}
		if (now_ns < tick_ns)
			continue;
		tick_ns = now_ns + TICK_NS;
		feed_tick(subscriber->feed, PATIENCE_NS, QUIET_NS, now_ns);
		read_drops(subscriber);
		count_losses(subscriber);
		if (subscriber->options->until_end && feed_all_ended(subscriber->feed) &&
		    now_ns - quiet_since_ns > PATIENCE_NS)
			break;
	}
	subscriber->stop_ns = now_ns;
	return 0;
}

static int run(struct crew *crew, void *worker)
{
	struct subscriber *subscriber = worker;
	int status;

	subscriber->start_ns = clock_now_ns();
	if (subscriber->options->seconds > 0)
		subscriber->stop_ns =
			subscriber->start_ns + (uint64_t)(subscriber->options->seconds * 1e9);
	status = listen_on(crew, subscriber);
	read_drops(subscriber);
	feed_finish(subscriber->feed);
	count_losses(subscriber);
	if (subscriber->left_out > 0)
		second_over(subscriber);
	return status;
}

/* ---- The command --------------------------------------------------------- */

struct audience {
	const struct subscribe_options *options;
	struct subscriber *subscribers;
};

static void show_live(void *context)
{
	const struct audience *audience = context;
	uint64_t least = UINT64_MAX, most = 0, lost = 0, drops = 0, p99_ns = 0;

	for (uint32_t i = 0; i < audience->options->subscribers; i++) {
		struct subscriber *subscriber = &audience->subscribers[i];
		uint64_t messages = counter_read(&subscriber->messages);
		uint64_t rate = messages - subscriber->shown;
		uint64_t latency_ns = counter_read(&subscriber->latency.p99_ns);

		subscriber->shown = messages;
		least = rate < least ? rate : least;
		most = rate > most ? rate : most;
		p99_ns = latency_ns > p99_ns ? latency_ns : p99_ns;
		lost += counter_read(&subscriber->lost);
		drops += counter_read(&subscriber->kernel_drops);
	}
	console_live("%s to %s messages/s, p99 %.1f us; lost %s, kernel drops %s (trains)",
		     number_grouped((long long)least).text, number_grouped((long long)most).text,
		     (double)p99_ns / 1e3, number_grouped((long long)lost).text,
		     number_grouped((long long)drops).text);
}

static void take_port(struct address *line, int fd)
{
	struct address bound = address_of_socket(fd);

	address_set_port(line, address_port(&bound));
}

static void say_listening(const struct address *line, const struct line_sources *sources)
{
	char text[LINE_SOURCES_MAX * (ADDRESS_TEXT_BYTES + 2)] = "";
	size_t bytes = 0;

	for (uint32_t i = 0; i < sources->count; i++) {
		if (line_has_source(line, &sources->list[i]))
			bytes += (size_t)snprintf(text + bytes, sizeof(text) - bytes, "%s%s",
						  bytes ? ", " : " from ",
						  address_host_text(&sources->list[i]).text);
	}
	console_say("listening on %s%s", address_text(line).text, text);
}

/* Port 0 is any that is free: the first subscriber's choice is everybody's. */
static int open_subscribers(struct audience *audience)
{
	const struct subscribe_options *options = audience->options;
	struct address lines[FEED_LINES_MAX];

	memcpy(lines, options->lines, sizeof(lines));
	for (uint32_t i = 0; i < options->subscribers; i++) {
		if (open_subscriber(&audience->subscribers[i], lines))
			return -1;
		for (uint32_t j = 0; i == 0 && j < options->line_count; j++)
			take_port(&lines[j], audience->subscribers[0].lines[j].fd);
	}
	for (uint32_t j = 0; j < options->line_count; j++)
		say_listening(&lines[j], &options->line.sources);
	return 0;
}

static int listen_all(struct audience *audience)
{
	struct crew crew = {.work = run, .tick = show_live, .context = audience};
	const struct subscribe_options *options = audience->options;
	int status = open_subscribers(audience);

	if (status == 0)
		status = crew_run(&crew, audience->subscribers, sizeof(struct subscriber),
				  options->subscribers);
	for (uint32_t i = 0; i < options->subscribers; i++)
		close_subscriber(&audience->subscribers[i]);
	return status;
}

static bool any_gone(const struct subscriber *subscriber)
{
	for (uint32_t i = 0; i < subscriber->options->line_count; i++) {
		if (subscriber->lines[i].gone)
			return true;
	}
	return false;
}

static int write_json(const struct audience *audience)
{
	FILE *file = json_open(console_command(), audience->options->json_path);

	return file ? subscribe_write_json(file, audience->subscribers, audience->options) : -1;
}

static int report(const struct audience *audience)
{
	const struct subscribe_options *options = audience->options;
	int status = 0;

	if (!json_to_stdout(options->json_path))
		subscribe_print(stdout, audience->subscribers, options);
	if (options->json_path && write_json(audience))
		status = 1;
	if (options->plot_path && subscribe_plot(audience->subscribers, options))
		status = 1;
	for (uint32_t i = 0; i < options->subscribers; i++) {
		status = any_gone(&audience->subscribers[i]) ? 1 : status;
		if (audience->subscribers[i].feed->sessions[0].used)
			continue;
		console_fail("subscriber %u heard nothing; is there a publisher on that group, and "
			     "on that interface (--interface)?",
			     i + 1);
		status = 1;
	}
	return status;
}

static struct subscriber *make_subscribers(const struct subscribe_options *options)
{
	struct subscriber *subscribers = calloc(options->subscribers, sizeof(*subscribers));

	if (!subscribers) {
		console_fail("allocate the subscribers: %s", strerror(ENOMEM));
		return NULL;
	}
	for (uint32_t i = 0; i < options->subscribers; i++) {
		subscribers[i].options = options;
		subscribers[i].number = i + 1;
		for (uint32_t j = 0; j < FEED_LINES_MAX; j++)
			subscribers[i].lines[j].fd = -1;
	}
	return subscribers;
}

int subscribe(const struct subscribe_options *options)
{
	struct audience audience = {.options = options};
	int status;

	if (options->plot_path && plot_check(console_command(), options->plot_path))
		return 2;
	if (options->json_path && json_check(console_command(), options->json_path))
		return 2;
	audience.subscribers = make_subscribers(options);
	if (!audience.subscribers)
		return console_end(options->json_path, 1);
	status = listen_all(&audience) ? 1 : report(&audience);
	for (uint32_t i = 0; i < options->subscribers; i++)
		free(audience.subscribers[i].feed);
	free(audience.subscribers);
	return console_end(options->json_path, status);
}
