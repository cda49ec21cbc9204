/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio feed publish`.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "payload.h"
#include "publish.h"

#define COMMAND "regio feed publish"
#define COUNT_MAX 1000000000000000ull

enum {
	OPT_RATE = 256,
	OPT_BURST,
	OPT_SIZE,
	OPT_PER_PACKET,
	OPT_PACKET_BYTES,
	OPT_COUNT,
	OPT_SECONDS,
	OPT_HEARTBEAT,
	OPT_SESSION,
	OPT_INTERFACE,
	OPT_TTL,
	OPT_NO_LOOP,
	OPT_SPIN,
	OPT_JSON,
};

static const struct option long_options[] = {
	{"rate", required_argument, NULL, OPT_RATE},
	{"burst", required_argument, NULL, OPT_BURST},
	{"size", required_argument, NULL, OPT_SIZE},
	{"per-packet", required_argument, NULL, OPT_PER_PACKET},
	{"packet-bytes", required_argument, NULL, OPT_PACKET_BYTES},
	{"count", required_argument, NULL, OPT_COUNT},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"heartbeat", required_argument, NULL, OPT_HEARTBEAT},
	{"session", required_argument, NULL, OPT_SESSION},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"ttl", required_argument, NULL, OPT_TTL},
	{"no-loop", no_argument, NULL, OPT_NO_LOOP},
	{"spin", no_argument, NULL, OPT_SPIN},
	{"json", required_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, ARGUMENT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"usage: regio feed publish GROUP:PORT... [OPTION...]\n"
	"\n"
	"Publishes numbered messages to a multicast group, framed as MoldUDP64; to\n"
	"several groups, the same packets. Ends the session on SIGINT or SIGTERM.\n"
	"\n"
	"  --rate N            messages a second (10000); 0: as many as go\n"
	"  --burst N           send N messages at a time, at that rate on the whole\n"
	"  --size N[-N]        bytes of a message, 12 to 1978 (24-64)\n"
	"  --per-packet N[-N]  messages of a packet (8-12)\n"
	"  --packet-bytes N    the most bytes of a packet, 64 to 2000 (1400)\n"
	"  --count N           end after N messages\n"
	"  --seconds S         end after S seconds\n"
	"  --heartbeat MS      silence before a heartbeat (1000)\n"
	"  --session NAME      up to 10 characters (made from the time of day)\n"
	"  --interface NAME    where to send (lo, the loopback)\n"
	"  --ttl N             routers a packet may pass, 0 to 255 (1: none)\n"
	"  --no-loop           not to subscribers on this host\n"
	"  --spin              poll instead of sleeping until a packet is due\n"
	"  --json FILE         write the summary as JSON; - is standard output\n"
	"  --help              this text\n"
	"\n"
	"Exit status: 0, 1 when something failed, 2 for bad arguments.\n";

/* One that no earlier start of a publisher has had: the milliseconds, in letters and digits. */
static void make_session_name(char session[FRAMING_SESSION_BYTES])
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint64_t left = clock_of_day_ns() / MILLISECOND_NS;

	for (int i = FRAMING_SESSION_BYTES - 1; i >= 0; i--) {
		session[i] = digits[left % 36];
		left /= 36;
	}
}

static bool apply_session(const struct argument *argument, struct publish_options *options)
{
	size_t bytes = strlen(argument->text);

	if (bytes == 0 || bytes > FRAMING_SESSION_BYTES)
		return argument_refuse(argument, "must be 1 to 10 characters");
	memset(options->session, ' ', FRAMING_SESSION_BYTES);
	memcpy(options->session, argument->text, bytes);
	return true;
}

static bool apply_sizes(int option, const struct argument *argument,
			struct publish_options *options)
{
	const uint32_t size_max =
		FEED_PACKET_BYTES_MAX - FRAMING_HEADER_BYTES - FRAMING_LENGTH_BYTES;

	switch (option) {
	case OPT_SIZE:
		return argument_span(argument, (struct range){PAYLOAD_BYTES_MIN, size_max},
				     &options->size);
	case OPT_PER_PACKET:
		return argument_span(argument, (struct range){1, FEED_PACKET_BYTES_MAX},
				     &options->per_packet);
	default:
		return argument_number(argument, (struct range){64, FEED_PACKET_BYTES_MAX},
				       &options->packet_bytes);
	}
}

static bool apply_pace(int option, const struct argument *argument, struct publish_options *options)
{
	switch (option) {
	case OPT_RATE:
		return argument_long(argument, (struct range){0, 1000000000}, &options->rate);
	case OPT_BURST:
		return argument_long(argument, (struct range){1, 100000000}, &options->burst);
	case OPT_COUNT:
		return argument_long(argument, (struct range){1, COUNT_MAX}, &options->count);
	case OPT_SECONDS:
		return argument_seconds(argument, 0.01, 1e6, &options->seconds);
	default:
		return argument_number(argument, (struct range){1, 60000}, &options->heartbeat_ms);
	}
}

static bool apply(int option, const struct argument *argument, void *to)
{
	struct publish_options *options = to;
	uint32_t ttl;

	switch (option) {
	case OPT_SIZE:
	case OPT_PER_PACKET:
	case OPT_PACKET_BYTES:
		return apply_sizes(option, argument, options);
	case OPT_SESSION:
		return apply_session(argument, options);
	case OPT_INTERFACE:
		options->line.interface = argument->text;
		return true;
	case OPT_TTL:
		if (!argument_number(argument, (struct range){0, 255}, &ttl))
			return false;
		options->line.ttl = (int)ttl;
		return true;
	case OPT_NO_LOOP:
		options->line.loop = false;
		return true;
	case OPT_SPIN:
		options->spin = true;
		return true;
	case OPT_JSON:
		options->json_path = argument->text;
		return true;
	default:
		return apply_pace(option, argument, options);
	}
}

static int check(const struct publish_options *options)
{
	uint64_t needed = FRAMING_HEADER_BYTES + FRAMING_LENGTH_BYTES + options->size.most;

	if (needed <= options->packet_bytes)
		return -1;
	console_fail("--size %u: does not fit a packet of %u bytes; --packet-bytes %u would do",
		     (unsigned)options->size.most, options->packet_bytes, (unsigned)needed);
	return 2;
}

int publish_options_parse(int argc, char **argv, struct publish_options *ret_options)
{
	const struct argument_plan plan = {COMMAND, long_options, help_text, apply};
	int status;

	console_open(COMMAND, NULL);
	*ret_options = (struct publish_options){
		.line = {.ttl = 1, .loop = true},
		.rate = 10000,
		.size = {24, 64},
		.per_packet = {8, 12},
		.packet_bytes = FEED_PACKET_BYTES,
		.heartbeat_ms = 1000,
	};
	make_session_name(ret_options->session);
	status = arguments_apply(&plan, argc, argv, ret_options);
	if (status >= 0)
		return status;
	ret_options->line_count = (uint32_t)(argc - optind);
	if (lines_read(argc - optind, argv + optind, ret_options->lines, FEED_LINES_MAX))
		return 2;
	console_open(COMMAND, ret_options->json_path);
	return check(ret_options);
}
