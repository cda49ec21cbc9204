/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio feed subscribe`.
 */
#include <stdio.h>

#include "console.h"
#include "subscribe.h"

#define COMMAND "regio feed subscribe"
#define BUFFER_BYTES (4u << 20)

enum {
	OPT_SUBSCRIBERS = 256,
	OPT_SECONDS,
	OPT_UNTIL_END,
	OPT_FROM_START,
	OPT_INTERFACE,
	OPT_BUFFER,
	OPT_SPIN,
	OPT_JSON,
	OPT_PLOT,
};

static const struct option long_options[] = {
	{"subscribers", required_argument, NULL, OPT_SUBSCRIBERS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"until-end", no_argument, NULL, OPT_UNTIL_END},
	{"from-start", no_argument, NULL, OPT_FROM_START},
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"buffer", required_argument, NULL, OPT_BUFFER},
	{"spin", no_argument, NULL, OPT_SPIN},
	{"json", required_argument, NULL, OPT_JSON},
	{"plot", required_argument, NULL, OPT_PLOT},
	{"help", no_argument, NULL, ARGUMENT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"usage: regio feed subscribe GROUP:PORT... [OPTION...]\n"
	"\n"
	"Joins a group and tells what it hears: sessions, gaps, rate, latency. Several\n"
	"groups are lines that carry the same packets: the first copy of a message counts.\n"
	"Runs until SIGINT or SIGTERM.\n"
	"\n"
	"  --subscribers N    as many subscribers, each with sockets and a thread of its\n"
	"                     own, 1 to 64 (1)\n"
	"  --seconds S        end after S seconds\n"
	"  --until-end        end when all sessions that were heard have ended\n"
	"  --from-start       message 1 was to be heard: what came before the first one\n"
	"                     heard is a gap\n"
	"  --interface NAME   where to join (lo, the loopback)\n"
	"  --buffer BYTES     socket buffer to ask for (4194304)\n"
	"  --spin             poll instead of sleeping\n"
	"  --json FILE        write the report as JSON; - is standard output\n"
	"  --plot FILE        draw the percentiles of latency as .svg or .png (needs gnuplot)\n"
	"  --help             this text\n"
	"\n"
	"One-way latency compares the publisher's clock with this host's: exact on one\n"
	"host, otherwise as good as the clocks agree.\n"
	"\n"
	"Exit status: 0, 1 when nothing was heard or something failed, 2 for bad arguments.\n";

static bool apply(int option, const struct argument *argument, void *to)
{
	struct subscribe_options *options = to;
	uint32_t bytes;

	switch (option) {
	case OPT_SUBSCRIBERS:
		return argument_number(argument, (struct range){1, SUBSCRIBERS_MAX},
				       &options->subscribers);
	case OPT_SECONDS:
		return argument_seconds(argument, 0.01, 1e6, &options->seconds);
	case OPT_UNTIL_END:
		options->until_end = true;
		return true;
	case OPT_FROM_START:
		options->from_start = true;
		return true;
	case OPT_INTERFACE:
		options->line.interface = argument->text;
		return true;
	case OPT_BUFFER:
		if (!argument_number(argument, (struct range){1, 1u << 30}, &bytes))
			return false;
		options->line.buffer_bytes = (int)bytes;
		return true;
	case OPT_SPIN:
		options->spin = true;
		return true;
	case OPT_JSON:
		options->json_path = argument->text;
		return true;
	default:
		options->plot_path = argument->text;
		return true;
	}
}

int subscribe_options_parse(int argc, char **argv, struct subscribe_options *ret_options)
{
	const struct argument_plan plan = {COMMAND, long_options, help_text, apply};
	int status;

	console_open(COMMAND, NULL);
	*ret_options = (struct subscribe_options){
		.line.buffer_bytes = BUFFER_BYTES,
		.subscribers = 1,
	};
	status = arguments_apply(&plan, argc, argv, ret_options);
	if (status >= 0)
		return status;
	ret_options->line_count = (uint32_t)(argc - optind);
	if (lines_read(argc - optind, argv + optind, ret_options->lines, FEED_LINES_MAX))
		return 2;
	console_open(COMMAND, ret_options->json_path);
	return -1;
}
