/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio serve`.
 */
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "console.h"
#include "serve.h"

#define COMMAND "regio serve"

enum {
	OPT_UDP = 256,
	OPT_TCP,
	OPT_BIND,
	OPT_PORT,
	OPT_SIZE,
	OPT_CONNECTIONS,
	OPT_SECONDS,
	OPT_SPIN,
	OPT_JSON,
};

static const struct option long_options[] = {
	{"udp", no_argument, NULL, OPT_UDP},
	{"tcp", no_argument, NULL, OPT_TCP},
	{"bind", required_argument, NULL, OPT_BIND},
	{"port", required_argument, NULL, OPT_PORT},
	{"size", required_argument, NULL, OPT_SIZE},
	{"connections", required_argument, NULL, OPT_CONNECTIONS},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"spin", no_argument, NULL, OPT_SPIN},
	{"json", required_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, ARGUMENT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"usage: regio serve [echo|sink|source] [OPTION...]\n"
	"\n"
	"The other side of `regio load`: echo returns every message, sink takes them and\n"
	"counts what is missing, source sends to those who ask. Ends with a summary on\n"
	"SIGINT or SIGTERM.\n"
	"\n"
	"  --udp             datagrams (the default)\n"
	"  --tcp             streams\n"
	"  --bind ADDR       address to listen on (127.0.0.1, this host only); `::` and\n"
	"                    0.0.0.0 are all addresses\n"
	"  --port N          port to listen on (7766); 0: any that is free\n"
	"  --size N          the largest datagram taken, 64 to 65507 (9000)\n"
	"  --connections N   the most TCP connections at a time, 1 to 100000 (1024)\n"
	"  --seconds S       end after S seconds\n"
	"  --spin            poll instead of sleeping\n"
	"  --json FILE       write the summary as JSON; - is standard output\n"
	"  --help            this text\n"
	"\n"
	"Exit status: 0, 1 when something failed, 2 for bad arguments.\n";

static bool apply(int option, const struct argument *argument, void *to)
{
	struct serve_options *options = to;
	uint32_t port;

	switch (option) {
	case OPT_UDP:
	case OPT_TCP:
		options->tcp = option == OPT_TCP;
		return true;
	case OPT_BIND:
		options->bind = argument->text;
		return true;
	case OPT_PORT:
		if (!argument_number(argument, (struct range){0, UINT16_MAX}, &port))
			return false;
		options->port = (uint16_t)port;
		return true;
	case OPT_SIZE:
		return argument_number(argument, (struct range){NOTE_BYTES, 65507}, &options->size);
	case OPT_CONNECTIONS:
		return argument_number(argument, (struct range){1, 100000}, &options->connections);
	case OPT_SECONDS:
		return argument_seconds(argument, 0.01, 1e6, &options->seconds);
	case OPT_SPIN:
		options->spin = true;
		return true;
	default:
		options->json_path = argument->text;
		return true;
	}
}

static bool apply_mode(const char *name, struct serve_options *options)
{
	for (int mode = 0; mode < SERVE_MODES; mode++) {
		if (!strcmp(name, serve_mode_names[mode])) {
			options->mode = (enum serve_mode)mode;
			return true;
		}
	}
	console_fail("%s: must be echo, sink or source; see regio serve --help", name);
	return false;
}

int serve_options_parse(int argc, char **argv, struct serve_options *ret_options)
{
	const struct argument_plan plan = {COMMAND, long_options, help_text, apply};
	int status;

	console_open(COMMAND, NULL);
	*ret_options = (struct serve_options){
		.port = SERVE_PORT,
		.size = 9000,
		.connections = 1024,
	};
	status = arguments_apply(&plan, argc, argv, ret_options);
	if (status >= 0)
		return status;
	if (argc - optind > 1) {
		console_fail("unexpected argument %s; see regio serve --help", argv[optind + 1]);
		return 2;
	}
	if (optind < argc && !apply_mode(argv[optind], ret_options))
		return 2;
	console_open(COMMAND, ret_options->json_path);
	return -1;
}
