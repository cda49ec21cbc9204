/* SPDX-License-Identifier: MIT */
/*
 * regio feed: finds out which half is wanted.
 */
#include "feed.h"

#include <stdio.h>
#include <string.h>

#include "publish.h"
#include "subscribe.h"

static const char help_text[] =
	"usage: regio feed publish GROUP:PORT... [OPTION...]\n"
	"       regio feed subscribe GROUP:PORT... [OPTION...]\n"
	"\n"
	"A multicast feed as those of markets, framed as MoldUDP64: numbered messages,\n"
	"several to a packet, with heartbeats. Several groups are lines that carry the\n"
	"same packets. The options: regio feed publish --help, regio feed subscribe --help\n";

static int run_publish(int argc, char **argv)
{
	struct publish_options options;
	int status = publish_options_parse(argc, argv, &options);

	return status >= 0 ? status : publish(&options);
}

static int run_subscribe(int argc, char **argv)
{
	struct subscribe_options options;
	int status = subscribe_options_parse(argc, argv, &options);

	return status >= 0 ? status : subscribe(&options);
}

int feed_command(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "publish"))
		return run_publish(argc - 1, argv + 1);
	if (argc >= 2 && !strcmp(argv[1], "subscribe"))
		return run_subscribe(argc - 1, argv + 1);
	if (argc >= 2 && !strcmp(argv[1], "--help")) {
		fputs(help_text, stdout);
		return 0;
	}
	fprintf(stderr, "regio feed: %s: must be publish or subscribe; see regio feed --help\n",
		argc >= 2 ? argv[1] : "no command");
	return 2;
}
