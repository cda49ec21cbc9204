/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio bench`.
 */
#include "options.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "placement.h"
#include "result.h"

#define BUFFER_BYTES (4u << 20)

/* ---- Names --------------------------------------------------------------- */

static void print_case_names(FILE *file)
{
	for (unsigned i = 0; i < bench_case_count; i++)
		fprintf(file, "%s%s", i ? ", " : "", bench_cases[i]->name);
	fprintf(file, "\n");
}

static void print_impl_names(FILE *file)
{
	for (unsigned i = 0; i < bench_impl_count; i++)
		fprintf(file, "%s%s", i ? ", " : "", bench_impls[i]->name);
	fprintf(file, "\n");
}

static bool read_impls(const struct argument *argument, void *field)
{
	const char *next = argument->text;
	struct bench_impl_list *list = field;

	list->count = 0;
	for (;;) {
		size_t bytes = strcspn(next, ",");
		const struct bench_impl *impl = impl_find(next, bytes);

		if (!impl || list->count == OPTIONS_LIST_MAX) {
			fprintf(stderr, "regio bench: --impl %s: must be of ", argument->text);
			print_impl_names(stderr);
			return false;
		}
		list->impls[list->count++] = impl;
		if (!next[bytes])
			return true;
		next += bytes + 1;
	}
}

static int read_cases(int count, char **names, struct bench_options *options)
{
	for (int i = 0; i < count; i++) {
		const struct bench_case *test = case_find(names[i]);

		if (!test || options->case_count == OPTIONS_LIST_MAX) {
			fprintf(stderr, "regio bench: %s: no such case; there are ", names[i]);
			print_case_names(stderr);
			return 2;
		}
		options->cases[options->case_count++] = test;
	}
	return -1;
}

static void print_list(void)
{
	printf("cases:\n");
	for (unsigned i = 0; i < bench_case_count; i++)
		printf("  %-14s %s\n", bench_cases[i]->name, bench_cases[i]->about);
	printf("\nimplementations:\n");
	for (unsigned i = 0; i < bench_impl_count; i++)
		printf("  %-14s %s\n", bench_impls[i]->name, bench_impls[i]->about);
}

/* ---- All of it ----------------------------------------------------------- */

/* Splits "A,B"; the text is the argument's own and is cut in two. */
static bool read_two(const struct argument *argument, void *field)
{
	const char **names = field;
	char *comma = strchr(argument->text, ',');

	if (!comma || comma == argument->text || !comma[1] || strchr(comma + 1, ','))
		return argument_refuse(argument, "must be two names, with a comma between");
	*comma = '\0';
	names[BENCH_TX] = argument->text;
	names[BENCH_RX] = comma + 1;
	return true;
}

static bool read_addresses(const struct argument *argument, void *field)
{
	const char **names = field;
	struct in_addr address;

	if (!read_two(argument, field))
		return false;
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (inet_pton(AF_INET, names[role], &address) == 1)
			continue;
		fprintf(stderr, "regio bench: --addresses %s: must be an IPv4 address\n",
			names[role]);
		return false;
	}
	return true;
}

/* One for both sides, or one for each. */
static bool read_interfaces(const struct argument *argument, void *field)
{
	const char **names = field;

	if (!strchr(argument->text, ','))
		names[BENCH_TX] = names[BENCH_RX] = argument->text;
	else if (!read_two(argument, field))
		return false;
	for (int role = 0; role < BENCH_ROLES; role++) {
		size_t length = strlen(names[role]);

		if (length == 0 || length >= IF_NAMESIZE)
			return argument_refuse(argument,
					       "a name of an interface has 1 to %d characters; "
					       "`ip link` lists those there are",
					       IF_NAMESIZE - 1);
	}
	return true;
}

#define OPTIONS struct bench_options

static const struct argument_spec specs[] = {
	OPTION_NUMBER("size", "N[,N...]", sizes, MESSAGE_BYTES_MIN, MESSAGE_BYTES_LIMIT, NULL,
		      "bytes of a message, {}; of a datagram at most 65507"),
	OPTION_NUMBER("sockets", "N[,N...]", sockets, 1, 10000, NULL,
		      "peers of a server, subscribers, or queues of each host"),
	OPTION_NUMBER("batch", "N[,N...]", batches, 1, 4096, "128", "messages per commit"),
	OPTION_NUMBER(
		"rate", "N", rate, 1, 10000000, NULL,
		"messages a second of udp-paced, {}; 100000 unless given, in density 10000, in "
		"cores 20000 for each worker"),
	OPTION_NUMBER("hosts", "N[,N...]", hosts, 1, BENCH_HOSTS_MAX, NULL,
		      "hosts of density, {}; each has as many queues as --sockets says"),
	OPTION_NUMBER("active", "N", active, 1, 10000, NULL,
		      "queues of density that get messages; all unless given"),
	OPTION_NUMBER("flood", "N", flood, 1, 10000000, NULL,
		      "messages a second of the flood in density, {}; 100000 unless given"),
	OPTION_NUMBER("load", "N[,N...]", loads, 1, 100, NULL,
		      "what jitter sends, in per cent of the weakest capacity; 10,50,80 unless "
		      "given"),
	OPTION_NUMBER("workers", "N[,N...]", workers, 1, BENCH_WORKERS_MAX, NULL,
		      "threads of the server in cores, {}; 1,2 unless given"),
	OPTION_NUMBER("seconds", "S", seconds, 0.01, 3600, "1", "measured time per implementation"),
	OPTION_NUMBER("rounds", "N", rounds, 1, BENCH_ROUNDS_MAX, NULL,
		      "interleaved rounds that time is split over, {}; 3 unless given, 10 of "
		      "jitter alone"),
	OPTION_OTHER("impl", "NAME[,...]", chosen, read_impls, "only these implementations"),
	OPTION_NUMBER(
		"call-cost", "NS", call_cost_ns, 10, 20000, NULL,
		"make every system call of both sides cost about NS nanoseconds more, {}, as in "
		"machines where calls are costly; wake-ups and interrupts stay as cheap as they "
		"are here"),
	OPTION_NUMBER("dear-calls", "NS", call_cost_ns, 10, 20000, NULL, NULL),
	OPTION_TEXT("json", "FILE", json_path, "write all figures as JSON; - is standard output"),
	OPTION_TEXT("plot", "FILE", plot_path,
		    "draw the figures compared, as FILE.svg or FILE.png (needs gnuplot)"),
	OPTION_ON("verify", verify, "seal every message and check it on receipt; slows all down"),
	OPTION_OFF("no-verify", verify, "only watch sequence numbers (the default)"),
	OPTION_NUMBER("cpus", "A,B[,C,D]", cpus, 0, 4095, NULL,
		      "cores of the sending and the receiving side, and of the second thread of "
		      "each, where it has one"),
	OPTION_OTHER("addresses", "A,B", socket_opts.addresses, read_addresses,
		     "IPv4 addresses of the two sides (127.0.0.1,127.0.0.1)"),
	OPTION_OTHER("interface", "A[,B]", socket_opts.interfaces, read_interfaces,
		     "use only these network interfaces, one for each side or one for both, with "
		     "their IPv4 addresses unless --addresses has others"),
	OPTION_OTHER("netns", "A,B", socket_opts.namespaces, read_two,
		     "network namespaces of the two sides' sockets"),
	OPTION_ON("list", list, "list cases and implementations"),
	{0},
};

static const struct argument_plan plan = {
	.command = "regio bench",
	.synopsis = "[OPTION...] [CASE...]",
	.about = "Measures every way to move small messages side by side. Without a CASE: an\n"
		 "overview of about four minutes. `regio bench --list` names the cases and\n"
		 "implementations.\n",
	.specs = specs,
	.notes = "Exit status: 0, 1 when a run failed, 2 for bad arguments.\n",
	.options_bytes = sizeof(OPTIONS),
	.operands_max = INT_MAX,
};

/* A tail needs more of them. */
static uint32_t usual_rounds(const struct bench_options *options)
{
	return options->case_count == 1 && options->cases[0]->loads ? 10 : 3;
}

/* Returns -1 to go on, or 2: a place is named, and a case has its own. */
static int check_places(const struct bench_options *options)
{
	const struct socket_opts *places = &options->socket_opts;

	if (!places->addresses[BENCH_TX] && !places->interfaces[BENCH_TX] &&
	    !places->namespaces[BENCH_TX])
		return -1;
	for (uint32_t i = 0; i < options->case_count; i++) {
		if (!options->cases[i]->hosts && !options->cases[i]->workers)
			continue;
		fprintf(stderr,
			"regio bench: %s: has a network of its own; leave out --addresses, "
			"--interface and --netns, or run this case by itself\n",
			options->cases[i]->name);
		return 2;
	}
	return -1;
}

int options_parse(int argc, char **argv, struct bench_options *ret_options)
{
	const struct number_list *cpus = &ret_options->cpus;
	int status = arguments_apply(&plan, argc, argv, ret_options);

	if (status >= 0)
		return status;
	ret_options->socket_opts.buffer_bytes = BUFFER_BYTES;
	if (ret_options->list) {
		print_list();
		return 0;
	}
	if (cpus->count && cpus->count != BENCH_ROLES && cpus->count != PLACEMENT_CPUS) {
		fprintf(stderr,
			"regio bench: --cpus %s: must be two or four numbers of CPUs, with commas "
			"between\n",
			cpus->text);
		return 2;
	}
	status = read_cases(argc - optind, argv + optind, ret_options);
	if (status < 0)
		status = check_places(ret_options);
	if (status < 0 && ret_options->rounds == 0)
		ret_options->rounds = usual_rounds(ret_options);
	return status;
}
