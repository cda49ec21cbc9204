/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio load`.
 */
#include "arguments.h"
#include "console.h"
#include "load.h"
#include "serve.h"

#define DEFAULT_SECONDS 5

#define OPTIONS struct load_options

static const struct argument_spec specs[] = {
	OPTION_OFF("udp", tcp, "datagrams (the default)"),
	OPTION_ON("tcp", tcp, "streams"),
	OPTION_NUMBER("port", "N", port, 1, UINT16_MAX, SERVE_PORT, "port of the server"),
	OPTION_NUMBER("size", "N", size, MESSAGE_HEAD_BYTES, 65507, "64", "bytes of a message"),
	OPTION_NUMBER("depth", "N", depth, 1, 4096, "1",
		      "messages on their way on each connection"),
	OPTION_NUMBER("connections", "N", connections, 1, LOAD_CONNECTIONS_MAX, "1",
		      "connections, or sockets, to each address"),
	OPTION_NUMBER("rate", "N", rate, 1, 1000000000, NULL, "messages a second in all"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 1e6, NULL,
		      "for how long, {}; else 5, or to the end of --playback"),
	OPTION_NUMBER("timeout", "MS", timeout_ms, 1, 600000, "1000",
		      "without an answer for that long, {}, a message is lost"),
	OPTION_ON("spin", spin, "poll instead of sleeping"),
	OPTION_ON("timestamps", timestamps,
		  "UDP echo: what the round trip is made of, by the kernel's time stamps; plain "
		  "calls in place of regio, and two more for each message"),
	OPTION_TEXT("list", "FILE", list_path,
		    "in place of HOST, the addresses of a file: ADDRESS:PORT, one a line"),
	OPTION_TEXT("playback", "FILE", playback_path,
		    "in place of --rate, --size: times and sizes of a file, SECONDS, BYTES in each "
		    "line"),
	OPTION_TEXT("bind", "ADDR", bind, "local address to send from"),
	OPTION_TEXT("interface", "NAME", interface,
		    "use only this network interface; for a group, lo if none is named"),
	OPTION_NUMBER("ttl", "N", ttl, 0, 255, "1",
		      "time to live of messages to a group, {}; with 1 they pass no router"),
	OPTION_NUMBER("cpus", "N[,N...]", cpus, 0, 1023, NULL, "run only on these CPUs"),
	OPTION_TEXT("json", "FILE", json_path, "write the result as JSON; - is standard output"),
	OPTION_TEXT("plot", "FILE", plot_path,
		    "draw the percentiles of latency as .svg or .png (needs gnuplot)"),
	OPTION_TEXT("hgrm", "FILE", hgrm_path,
		    "write the percentiles of latency as HdrHistogram does, in us"),
	OPTION_TEXT("log", "FILE", log_path, "write a line of CSV each second"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio load",
	.synopsis = "HOST|GROUP [echo|sink|source] [OPTION...]",
	.about =
		"Measures the way to a host where `regio serve` runs, in the same mode: rate,\n"
		"latency, loss. Without --rate, echo is a closed loop: the next message is sent\n"
		"when one has come back. With --rate the loop is open: each message is due at its\n"
		"time, and latency is counted from then.\n",
	.specs = specs,
	.notes = "Exit status: 0, 1 when nothing came back or something failed, 2 for bad\n"
		 "arguments.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = 2,
};

static int check_playback(const struct load_options *options)
{
	if (!options->playback_path)
		return 0;
	if (options->rate)
		return console_fail("--playback %s: has times of its own; leave --rate out",
				    options->playback_path);
	if (options->tcp || options->mode == SERVE_SOURCE)
		return console_fail("--playback %s: only for UDP echo and sink",
				    options->playback_path);
	return 0;
}

/* What goes together: 0 or -1. */
static int check(const struct load_options *options)
{
	bool echo = options->mode == SERVE_ECHO;

	if (options->depth > 1 && (options->rate || options->playback_path || !echo))
		return console_fail("--depth %u: only for the closed loop, echo without --rate",
				    options->depth);
	if (options->tcp && options->mode == SERVE_SOURCE && options->rate)
		return console_fail("--rate %llu: a TCP source sends as fast as it is read",
				    (unsigned long long)options->rate);
	if (options->plot_path && !echo)
		return console_fail("--plot %s: draws latency, which only echo has",
				    options->plot_path);
	if (options->hgrm_path && !echo)
		return console_fail("--hgrm %s: has latency, which only echo has",
				    options->hgrm_path);
	if (options->timestamps && (options->tcp || !echo))
		return console_fail("--timestamps: only for UDP echo, where each message has its "
				    "own");
	return check_playback(options);
}

/* HOST and mode, or with --list the mode alone. Returns 0, or 2 after saying why. */
static int read_operands(int argc, char **argv, struct load_options *options)
{
	if (options->list_path && argc - optind > 1) {
		console_fail("--list %s: stands in place of the host %s; name one of them",
			     options->list_path, argv[optind]);
		return 2;
	}
	if (!options->list_path) {
		if (optind == argc) {
			console_fail("names no host; see regio load --help");
			return 2;
		}
		options->host = argv[optind++];
	}
	return optind < argc && serve_mode_read(argv[optind], &options->mode) ? 2 : 0;
}

int load_options_parse(int argc, char **argv, struct load_options *ret_options)
{
	int status;

	/* A value that is refused is refused by this command, whatever becomes of --json. */
	console_open(plan.command, NULL);
	status = arguments_apply(&plan, argc, argv, ret_options);
	console_open(plan.command, ret_options->json_path);
	if (status >= 0)
		return status;
	status = read_operands(argc, argv, ret_options);
	if (status)
		return status;
	if (ret_options->seconds == 0 && !ret_options->playback_path)
		ret_options->seconds = DEFAULT_SECONDS;
	return check(ret_options) ? 2 : -1;
}
