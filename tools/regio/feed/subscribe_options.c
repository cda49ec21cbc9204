/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio feed subscribe`.
 */
#include "console.h"
#include "subscribe.h"

/* The largest datagram there is, over IPv6: the format sets no other limit. */
#define PACKET_BYTES "65527"
#define PACKET_BYTES_MAX 65527

static bool read_source(const struct argument *argument, void *field)
{
	struct address addresses[ADDRESSES_MAX];
	struct line_sources *sources = field;

	if (sources->count == LINE_SOURCES_MAX)
		return argument_refuse(argument, "at most %u sources", LINE_SOURCES_MAX);
	if (address_find(argument->text, 0, addresses) < 1)
		return false;
	sources->list[sources->count++] = addresses[0];
	return true;
}

#define OPTIONS struct subscribe_options

static const struct argument_spec specs[] = {
	OPTION_NUMBER("subscribers", "N", subscribers, 1, SUBSCRIBERS_MAX, "1",
		      "as many subscribers, each with sockets and a thread of its own"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 1e6, NULL, "end after S seconds"),
	OPTION_ON("until-end", until_end, "end when all sessions that were received have ended"),
	OPTION_ON("from-start", from_start,
		  "expect message 1: messages before the first one received are a gap"),
	OPTION_TEXT("interface", "NAME", line.interface, "where to join (lo, the loopback)"),
	OPTION_OTHER("source", "ADDRESS", line.sources, read_source,
		     "take packets of this sender only; may be given several times"),
	OPTION_NUMBER("buffer", "BYTES", line.buffer_bytes, 1, 1u << 30, "4194304",
		      "socket buffer to ask for"),
	OPTION_NUMBER("packet-bytes", "BYTES", packet_bytes, 64, PACKET_BYTES_MAX, PACKET_BYTES,
		      "the largest packet taken, {}; each line has memory for 256 of them"),
	OPTION_ON("spin", spin, "poll instead of sleeping"),
	OPTION_TEXT("json", "FILE", json_path, "write the report as JSON; - is standard output"),
	OPTION_TEXT("plot", "FILE", plot_path,
		    "draw the percentiles of latency as .svg or .png (needs gnuplot)"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio feed subscribe",
	.synopsis = "GROUP:PORT... [OPTION...]",
	.about = "Joins a group and reports what arrives: sessions, gaps, rate, latency. Several\n"
		 "groups are lines that carry the same packets: the first copy of a message\n"
		 "counts. Runs until SIGINT or SIGTERM.\n",
	.specs = specs,
	.notes = "One-way latency compares the publisher's clock with this host's: exact on one\n"
		 "host, otherwise as good as the clocks agree.\n"
		 "\n"
		 "Exit status: 0, 1 when nothing was received or something failed, 2 for bad\n"
		 "arguments.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = INT_MAX,
};

int subscribe_options_parse(int argc, char **argv, struct subscribe_options *ret_options)
{
	int status;

	/* A value that is refused is refused by this command, whatever becomes of --json. */
	console_open(plan.command, NULL);
	status = arguments_apply(&plan, argc, argv, ret_options);
	console_open(plan.command, ret_options->json_path);
	if (status >= 0)
		return status;
	ret_options->line_count = (uint32_t)(argc - optind);
	if (lines_read(argc - optind, argv + optind, ret_options->lines, FEED_LINES_MAX) ||
	    lines_check_sources(ret_options->lines, ret_options->line_count,
				&ret_options->line.sources))
		return 2;
	return -1;
}
