/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio load`.
 */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "console.h"
#include "load.h"
#include "serve.h"

#define COMMAND "regio load"
#define CONNECTIONS_MAX 10000u

enum {
	OPT_UDP = 256,
	OPT_TCP,
	OPT_PORT,
	OPT_SIZE,
	OPT_DEPTH,
	OPT_CONNECTIONS,
	OPT_RATE,
	OPT_SECONDS,
	OPT_TIMEOUT,
	OPT_SPIN,
	OPT_JSON,
	OPT_PLOT,
};

static const struct option long_options[] = {
	{"udp", no_argument, NULL, OPT_UDP},
	{"tcp", no_argument, NULL, OPT_TCP},
	{"port", required_argument, NULL, OPT_PORT},
	{"size", required_argument, NULL, OPT_SIZE},
	{"depth", required_argument, NULL, OPT_DEPTH},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"rate", required_argument, NULL, OPT_RATE},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"timeout", required_argument, NULL, OPT_TIMEOUT},
	{"spin", no_argument, NULL, OPT_SPIN},
	{"json", required_argument, NULL, OPT_JSON},
	{"plot", required_argument, NULL, OPT_PLOT},
	{"help", no_argument, NULL, ARGUMENT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"usage: regio load HOST [echo|sink|source] [OPTION...]\n"
	"\n"
	"Measures the way to a host where `regio serve` runs, in the same mode: rate,\n"
	"latency, loss. Without --rate, echo is a closed loop: the next message is sent\n"
	"when one has come back. With --rate the loop is open: each message is due at its\n"
	"time, and latency is counted from then.\n"
	"\n"
	"  --udp             datagrams (the default)\n"
	"  --tcp             streams\n"
	"  --port N          port of the server (7766)\n"
	"  --size N          bytes of a message, 16 to 65507 (64)\n"
	"  --depth N         messages on their way on each connection, 1 to 4096 (1)\n"
	"  --connections N   connections, or sockets, 1 to 10000 (1)\n"
	"  --rate N          messages a second in all\n"
	"  --seconds S       for how long, 0.01 to 1000000 (5)\n"
	"  --timeout MS      without an answer for that long, a message is lost (1000)\n"
	"  --spin            poll instead of sleeping\n"
	"  --json FILE       write the result as JSON; - is standard output\n"
	"  --plot FILE       draw the percentiles of latency as .svg or .png (needs gnuplot)\n"
	"  --help            this text\n"
	"\n"
	"Exit status: 0, 1 when nothing came back or something failed, 2 for bad arguments.\n";

static bool apply_number(int option, const struct argument *argument, struct load_options *options)
{
	uint32_t port;

	switch (option) {
	case OPT_PORT:
		if (!argument_number(argument, (struct range){1, UINT16_MAX}, &port))
			return false;
		options->port = (uint16_t)port;
		return true;
	case OPT_SIZE:
		return argument_number(argument, (struct range){MESSAGE_HEAD_BYTES, 65507},
				       &options->size);
	case OPT_DEPTH:
		return argument_number(argument, (struct range){1, 4096}, &options->depth);
	case OPT_CONNECTIONS:
		return argument_number(argument, (struct range){1, CONNECTIONS_MAX},
				       &options->connections);
	case OPT_RATE:
		return argument_long(argument, (struct range){1, 1000000000}, &options->rate);
	case OPT_TIMEOUT:
		return argument_number(argument, (struct range){1, 600000}, &options->timeout_ms);
	default:
		return argument_seconds(argument, 0.01, 1e6, &options->seconds);
	}
}

static bool apply(int option, const struct argument *argument, void *to)
{
	struct load_options *options = to;

	switch (option) {
	case OPT_UDP:
	case OPT_TCP:
		options->tcp = option == OPT_TCP;
		return true;
	case OPT_SPIN:
		options->spin = true;
		return true;
	case OPT_JSON:
		options->json_path = argument->text;
		return true;
	case OPT_PLOT:
		options->plot_path = argument->text;
		return true;
	default:
		return apply_number(option, argument, options);
	}
}

static int apply_names(int count, char **names, struct load_options *options)
{
	if (count < 1)
		return console_fail("names no host; see regio load --help");
	if (count > 2)
		return console_fail("unexpected argument %s; see regio load --help", names[2]);
	options->host = names[0];
	if (count == 1)
		return 0;
	for (int mode = 0; mode < SERVE_MODES; mode++) {
		if (strcmp(names[1], serve_mode_names[mode]) != 0)
			continue;
		options->mode = (enum serve_mode)mode;
		return 0;
	}
	return console_fail("%s: must be echo, sink or source; see regio load --help", names[1]);
}

/* What goes together: 0 or -1. */
static int check(const struct load_options *options)
{
	if (options->depth > 1 && (options->rate || options->mode != SERVE_ECHO))
		return console_fail("--depth %u: is for the closed loop, echo without --rate",
				    options->depth);
	if (options->tcp && options->mode == SERVE_SOURCE && options->rate)
		return console_fail("--rate %llu: a TCP source sends as fast as it is read",
				    (unsigned long long)options->rate);
	if (options->plot_path && options->mode != SERVE_ECHO)
		return console_fail("--plot %s: draws latency, which only echo has",
				    options->plot_path);
	return 0;
}

int load_options_parse(int argc, char **argv, struct load_options *ret_options)
{
	const struct argument_plan plan = {COMMAND, long_options, help_text, apply};
	int status;

	console_open(COMMAND, NULL);
	*ret_options = (struct load_options){
		.port = SERVE_PORT,
		.size = 64,
		.depth = 1,
		.connections = 1,
		.seconds = 5,
		.timeout_ms = 1000,
	};
	status = arguments_apply(&plan, argc, argv, ret_options);
	if (status >= 0)
		return status;
	if (apply_names(argc - optind, argv + optind, ret_options) || check(ret_options))
		return 2;
	console_open(COMMAND, ret_options->json_path);
	return -1;
}
