/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio feed publish`.
 */
#include <string.h>

#include "clock.h"
#include "console.h"
#include "payload.h"
#include "publish.h"

/* Of a packet that fits an Ethernet frame anywhere. */
#define PACKET_BYTES "1400"
/* As many of the shortest as a packet holds. */
enum {
	PER_PACKET_MAX = (FEED_PACKET_BYTES_MAX - FRAMING_HEADER_BYTES) /
			 (FRAMING_LENGTH_BYTES + PAYLOAD_BYTES_MIN)
};
#define SIZE_MAX_BYTES (FEED_PACKET_BYTES_MAX - FRAMING_HEADER_BYTES - FRAMING_LENGTH_BYTES)

static bool read_session(const struct argument *argument, void *session)
{
	size_t bytes = strlen(argument->text);

	if (bytes == 0 || bytes > FRAMING_SESSION_BYTES)
		return argument_refuse(argument, "must be 1 to %u characters",
				       FRAMING_SESSION_BYTES);
	memset(session, ' ', FRAMING_SESSION_BYTES);
	memcpy(session, argument->text, bytes);
	return true;
}

#define OPTIONS struct publish_options

static const struct argument_spec specs[] = {
	OPTION_NUMBER("rate", "N", rate, 0, 1000000000, "10000",
		      "messages a second, {}; 0: as many as go"),
	OPTION_NUMBER("burst", "N", burst, 1, 100000000, NULL,
		      "send N messages at a time, {}, at that rate on the whole"),
	OPTION_NUMBER("size", "N[-N]", size, PAYLOAD_BYTES_MIN, SIZE_MAX_BYTES, "24-64",
		      "bytes of a message"),
	OPTION_NUMBER("per-packet", "N[-N]", per_packet, 1, PER_PACKET_MAX, "8-12",
		      "messages of a packet"),
	OPTION_NUMBER("packet-bytes", "N", packet_bytes, 64, FEED_PACKET_BYTES_MAX, PACKET_BYTES,
		      "the most bytes of a packet"),
	OPTION_NUMBER("count", "N", count, 1, 1e15, NULL, "end after N messages"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 1e6, NULL, "end after S seconds"),
	OPTION_NUMBER("heartbeat", "MS", heartbeat_ms, 1, 60000, "1000",
		      "silence before a heartbeat"),
	OPTION_OTHER("session", "NAME", session, read_session,
		     "up to 10 characters (made from the time of day)"),
	OPTION_TEXT("interface", "NAME", line.interface, "where to send (lo, the loopback)"),
	OPTION_NUMBER("ttl", "N", line.ttl, 0, 255, "1",
		      "time to live of packets, {}; with 1 they pass no router"),
	OPTION_ON("no-loop", line.no_loop, "not to subscribers on this host"),
	OPTION_ON("spin", spin, "poll instead of sleeping until a packet is due"),
	OPTION_TEXT("json", "FILE", json_path, "write the summary as JSON; - is standard output"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio feed publish",
	.synopsis = "GROUP:PORT... [OPTION...]",
	.about = "Publishes numbered messages to a multicast group, framed as MoldUDP64; to\n"
		 "several groups, the same packets. Ends the session on SIGINT or SIGTERM.\n",
	.specs = specs,
	.notes = "Exit status: 0, 1 when something failed, 2 for bad arguments.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = INT_MAX,
};

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
	int status;

	/* A value that is refused is refused by this command, whatever becomes of --json. */
	console_open(plan.command, NULL);
	status = arguments_apply(&plan, argc, argv, ret_options);
	console_open(plan.command, ret_options->json_path);
	if (status >= 0)
		return status;
	if (!ret_options->session[0])
		make_session_name(ret_options->session);
	ret_options->line_count = (uint32_t)(argc - optind);
	if (lines_read(argc - optind, argv + optind, ret_options->lines, FEED_LINES_MAX))
		return 2;
	return check(ret_options);
}
