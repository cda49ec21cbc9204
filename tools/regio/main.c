/* SPDX-License-Identifier: MIT */
/*
 * The `regio` tool: finds the command and hands over.
 */
#include <regio.h>
#include <stdio.h>
#include <string.h>

#ifdef TOOL_BENCH
#include "bench.h"
#endif
#include "feed/feed.h"
#include "info.h"
#include "load/load.h"
#include "load/serve.h"
#include "output.h"

struct command {
	const char *name;
	const char *about;
	int (*run)(int argc, char **argv);
};

static int help_command(int argc, char **argv);

static const struct command commands[] = {
	{"info", "what this machine offers, what is missing and how to fix it", info_command},
#ifdef TOOL_BENCH
	{"bench", "compare every way to move small messages", bench_command},
#endif
	{"serve", "echo, sink or source for `regio load` on another host", serve_command},
	{"load", "rate, latency and loss to a host where `regio serve` runs", load_command},
	{"feed", "a multicast feed like those of financial markets: publish, subscribe",
	 feed_command},
	{"help", "this text", help_command},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *file)
{
	fprintf(file, "usage: regio COMMAND [OPTION...]\n\nRegistered I/O for Linux.\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(file, "  %-8s %s\n", commands[i].name, commands[i].about);
	fprintf(file, "\n`regio COMMAND --help` lists the options. `regio --version` shows the "
		      "version.\n");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(name, commands[i].name))
			return &commands[i];
	}
	fprintf(stderr, "regio: %s: no such command; see regio help\n", name);
	return NULL;
}

/* `regio help COMMAND` is `regio COMMAND --help`. */
static int help_command(int argc, char **argv)
{
	static char help_option[] = "--help";
	const struct command *command;
	char *arguments[3] = {NULL, help_option, NULL};

	if (argc < 2 || argv[1][0] == '-') {
		print_help(stdout);
		return 0;
	}
	command = find_command(argv[1]);
	if (!command)
		return 2;
	if (command->run == help_command)
		return help_command(1, argv);
	arguments[0] = argv[1];
	return command->run(2, arguments);
}

static void print_version(void)
{
	uint32_t version = regio_version();

	printf("regio %u.%u.%u\n", version >> 16, version >> 8 & 0xff, version & 0xff);
}

static int run(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2) {
		print_help(stderr);
		return 2;
	}
	if (!strcmp(argv[1], "--help"))
		return help_command(1, argv);
	if (!strcmp(argv[1], "--version")) {
		print_version();
		return 0;
	}
	command = find_command(argv[1]);
	return command ? command->run(argc - 1, argv + 1) : 2;
}

int main(int argc, char **argv)
{
	output_begin();
	return output_finish(run(argc, argv));
}
