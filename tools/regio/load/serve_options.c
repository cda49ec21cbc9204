/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio serve`.
 */
#include <string.h>

#include "arguments.h"
#include "console.h"
#include "serve.h"

#define OPTIONS struct serve_options

static const struct argument_spec specs[] = {
	OPTION_OFF("udp", tcp, "datagrams (the default)"),
	OPTION_ON("tcp", tcp, "streams"),
	OPTION_TEXT("bind", "ADDR", bind,
		    "address to listen on (127.0.0.1, this host only); `::` and 0.0.0.0 are all "
		    "addresses; a multicast group is joined"),
	OPTION_TEXT("list", "FILE", list_path,
		    "in place of --bind and --port, the addresses of a file: ADDRESS:PORT, one a "
		    "line"),
	OPTION_NUMBER("port", "N", port, 0, UINT16_MAX, SERVE_PORT,
		      "port to listen on, {}; 0: any that is free"),
	OPTION_NUMBER("size", "N", size, NOTE_BYTES, 65507, "9000", "the largest datagram taken"),
	OPTION_NUMBER("connections", "N", connections, 1, 100000, "1024",
		      "the most TCP connections at a time"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 1e6, NULL, "end after S seconds"),
	OPTION_ON("open", open,
		  "UDP echo: also to clients other than `regio load`, which have not greeted; "
		  "a false sender can make two such servers send to each other without end"),
	OPTION_ON("spin", spin, "poll instead of sleeping"),
	OPTION_TEXT("interface", "NAME", interface,
		    "use only this network interface; for a group, lo if none is named"),
	OPTION_NUMBER("cpus", "N[,N...]", cpus, 0, 1023, NULL, "run only on these CPUs"),
	OPTION_TEXT("json", "FILE", json_path, "write the summary as JSON; - is standard output"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio serve",
	.synopsis = "[echo|sink|source] [OPTION...]",
	.about = "The other side of `regio load`: echo returns every message, sink takes them and\n"
		 "counts what is missing, source sends to those who ask. Ends with a summary on\n"
		 "SIGINT or SIGTERM.\n",
	.specs = specs,
	.notes = "Exit status: 0, 1 when something failed, 2 for bad arguments.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = 1,
};

int serve_mode_read(const char *name, enum serve_mode *ret_mode)
{
	for (int mode = 0; mode < SERVE_MODES; mode++) {
		if (!strcmp(name, serve_mode_names[mode])) {
			*ret_mode = (enum serve_mode)mode;
			return 0;
		}
	}
	return console_fail("%s: must be echo, sink or source; see %s --help", name,
			    console_command());
}

int serve_options_parse(int argc, char **argv, struct serve_options *ret_options)
{
	int status;

	/* A value that is refused is refused by this command, whatever becomes of --json. */
	console_open(plan.command, NULL);
	status = arguments_apply(&plan, argc, argv, ret_options);
	console_open(plan.command, ret_options->json_path);
	if (status < 0 && optind < argc && serve_mode_read(argv[optind], &ret_options->mode))
		return 2;
	if (status < 0 && ret_options->open &&
	    (ret_options->tcp || ret_options->mode != SERVE_ECHO)) {
		console_fail("--open: is for UDP echo; everything else needs a greeting, or is "
			     "TCP");
		return 2;
	}
	if (status < 0 && ret_options->list_path && ret_options->bind) {
		console_fail("--list %s: has addresses of its own; leave --bind out",
			     ret_options->list_path);
		return 2;
	}
	return status;
}
