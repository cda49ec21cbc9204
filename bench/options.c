/* SPDX-License-Identifier: MIT */
/*
 * Reading the arguments of `regio bench`.
 */
#include "options.h"

#include <string.h>

#include "arguments.h"
#include "message.h"
#include "result.h"

#define BUFFER_BYTES (4u << 20)

enum {
	OPT_SIZE = 256,
	OPT_SOCKETS,
	OPT_BATCH,
	OPT_RATE,
	OPT_SECONDS,
	OPT_ROUNDS,
	OPT_IMPL,
	OPT_DEAR_CALLS,
	OPT_JSON,
	OPT_PLOT,
	OPT_VERIFY,
	OPT_NO_VERIFY,
	OPT_CPUS,
	OPT_ADDRESSES,
	OPT_NETNS,
	OPT_LIST,
	OPT_HELP,
};

static const struct option long_options[] = {
	{"size", required_argument, NULL, OPT_SIZE},
	{"sockets", required_argument, NULL, OPT_SOCKETS},
	{"batch", required_argument, NULL, OPT_BATCH},
	{"rate", required_argument, NULL, OPT_RATE},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"rounds", required_argument, NULL, OPT_ROUNDS},
	{"impl", required_argument, NULL, OPT_IMPL},
	{"dear-calls", required_argument, NULL, OPT_DEAR_CALLS},
	{"json", required_argument, NULL, OPT_JSON},
	{"plot", required_argument, NULL, OPT_PLOT},
	{"verify", no_argument, NULL, OPT_VERIFY},
	{"no-verify", no_argument, NULL, OPT_NO_VERIFY},
	{"cpus", required_argument, NULL, OPT_CPUS},
	{"addresses", required_argument, NULL, OPT_ADDRESSES},
	{"netns", required_argument, NULL, OPT_NETNS},
	{"list", no_argument, NULL, OPT_LIST},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"usage: regio bench [OPTION...] [CASE...]\n"
	"\n"
	"Measures every way to move small messages side by side. Without a CASE: an\n"
	"overview of about four minutes. `regio bench --list` names the cases and\n"
	"implementations.\n"
	"\n"
	"  --size N[,N...]     bytes of a message, 16 to 65507; on TCP to 16777216\n"
	"  --sockets N[,N...]  peers of a server, or subscribers, 1 to 10000\n"
	"  --batch N[,N...]    messages per commit, 1 to 4096 (128)\n"
	"  --rate N            messages a second of udp-paced, 1 to 10000000 (100000)\n"
	"  --seconds S         measured time per implementation, 0.01 to 3600 (1)\n"
	"  --rounds N          interleaved rounds that time is split over, 1 to 100 (3)\n"
	"  --impl NAME[,...]   only these implementations\n"
	"  --dear-calls NS     make every system call of both sides cost about NS nanoseconds\n"
	"                      more, 10 to 20000, as in machines where calls are costly;\n"
	"                      wake-ups and interrupts stay as cheap as they are here\n"
	"  --json FILE         write all figures as JSON; - is standard output\n"
	"  --plot FILE         draw the figures compared, as FILE.svg or FILE.png (needs\n"
	"                      gnuplot)\n"
	"  --verify            seal every message and check it on receipt; slows all down\n"
	"  --no-verify         only watch sequence numbers (the default)\n"
	"  --cpus A,B[,C,D]    cores of the sending and the receiving side, and of the\n"
	"                      second thread of each, where it has one\n"
	"  --addresses A,B     IPv4 addresses of the two sides (127.0.0.1,127.0.0.1)\n"
	"  --netns A,B         network namespaces of the two sides' sockets\n"
	"  --list              list cases and implementations\n"
	"  --help              this text\n"
	"\n"
	"Exit status: 0, 1 when a run failed, 2 for bad arguments.\n";

static enum options_outcome outcome_of(bool good)
{
	return good ? OPTIONS_RUN : OPTIONS_BAD;
}

/* ---- Lists ---------------------------------------------------------------- */

static enum options_outcome parse_cpus(const struct argument *argument,
				       struct bench_options *options)
{
	const struct range range = {0, 4095};
	uint32_t numbers[OPTIONS_LIST_MAX];
	uint32_t count;

	if (!argument_numbers(argument, range, numbers, OPTIONS_LIST_MAX, &count))
		return OPTIONS_BAD;
	if (count != BENCH_ROLES && count != PLACEMENT_CPUS)
		return outcome_of(argument_refuse(
			argument, "must be two or four numbers of CPUs, with commas between"));
	for (uint32_t i = 0; i < count; i++)
		options->cpus[i] = (int)numbers[i];
	options->cpu_count = count;
	options->cpus_text = argument->text;
	return OPTIONS_RUN;
}

/* Splits "A,B"; the text is the argument's own and is cut in two. */
static enum options_outcome parse_two(const struct argument *argument,
				      const char *ret_names[BENCH_ROLES])
{
	char *text = argument->text;
	char *comma = strchr(text, ',');

	if (!comma || comma == text || !comma[1] || strchr(comma + 1, ','))
		return outcome_of(
			argument_refuse(argument, "must be two names, with a comma between"));
	*comma = '\0';
	ret_names[BENCH_TX] = text;
	ret_names[BENCH_RX] = comma + 1;
	return OPTIONS_RUN;
}

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

static enum options_outcome parse_impls(const char *text, struct bench_options *options)
{
	const char *next = text;

	options->impl_count = 0;
	for (;;) {
		size_t bytes = strcspn(next, ",");
		const struct bench_impl *impl = impl_find(next, bytes);

		if (!impl || options->impl_count == OPTIONS_LIST_MAX) {
			fprintf(stderr, "regio bench: --impl %s: must be of ", text);
			print_impl_names(stderr);
			return OPTIONS_BAD;
		}
		options->impls[options->impl_count++] = impl;
		if (!next[bytes])
			return OPTIONS_RUN;
		next += bytes + 1;
	}
}

static enum options_outcome parse_cases(int count, char **names, struct bench_options *options)
{
	for (int i = 0; i < count; i++) {
		const struct bench_case *test = case_find(names[i]);

		if (!test || options->case_count == OPTIONS_LIST_MAX) {
			fprintf(stderr, "regio bench: %s: no such case; there are ", names[i]);
			print_case_names(stderr);
			return OPTIONS_BAD;
		}
		options->cases[options->case_count++] = test;
	}
	return OPTIONS_RUN;
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

static bool apply_numbers(int option, const struct argument *argument,
			  struct bench_options *options)
{
	switch (option) {
	case OPT_SIZE:
		return argument_numbers(argument,
					(struct range){MESSAGE_BYTES_MIN, MESSAGE_BYTES_LIMIT},
					options->sizes, OPTIONS_LIST_MAX, &options->size_count);
	case OPT_SOCKETS:
		return argument_numbers(argument, (struct range){1, 10000}, options->sockets,
					OPTIONS_LIST_MAX, &options->socket_count);
	case OPT_BATCH:
		return argument_numbers(argument, (struct range){1, 4096}, options->batches,
					OPTIONS_LIST_MAX, &options->batch_count);
	case OPT_RATE:
		return argument_number(argument, (struct range){1, 10000000}, &options->rate);
	case OPT_DEAR_CALLS:
		return argument_number(argument, (struct range){10, 20000},
				       &options->dear_calls_ns);
	case OPT_ROUNDS:
		return argument_number(argument, (struct range){1, BENCH_ROUNDS_MAX},
				       &options->rounds);
	default:
		return argument_seconds(argument, 0.01, 3600, &options->seconds);
	}
}

static enum options_outcome apply(int option, const struct argument *argument,
				  struct bench_options *options)
{
	switch (option) {
	case OPT_IMPL:
		return parse_impls(argument->text, options);
	case OPT_JSON:
		options->json_path = argument->text;
		return OPTIONS_RUN;
	case OPT_PLOT:
		options->plot_path = argument->text;
		return OPTIONS_RUN;
	case OPT_VERIFY:
	case OPT_NO_VERIFY:
		options->verify = option == OPT_VERIFY;
		return OPTIONS_RUN;
	case OPT_CPUS:
		return parse_cpus(argument, options);
	case OPT_ADDRESSES:
		return parse_two(argument, options->socket_opts.addresses);
	case OPT_NETNS:
		return parse_two(argument, options->socket_opts.namespaces);
	case OPT_LIST:
		print_list();
		return OPTIONS_DONE;
	case OPT_HELP:
		fputs(help_text, stdout);
		return OPTIONS_DONE;
	default:
		return outcome_of(apply_numbers(option, argument, options));
	}
}

enum options_outcome options_parse(int argc, char **argv, struct bench_options *ret_options)
{
	struct argument argument;
	int option;

	*ret_options = (struct bench_options){
		.batches = {128},
		.batch_count = 1,
		.rate = 100000,
		.rounds = 3,
		.seconds = 1,
		.socket_opts.buffer_bytes = BUFFER_BYTES,
	};
	argument_restart();
	while ((option = argument_next("regio bench", argc, argv, long_options, &argument)) !=
	       ARGUMENT_END) {
		enum options_outcome outcome = option == ARGUMENT_BAD
						       ? OPTIONS_BAD
						       : apply(option, &argument, ret_options);

		if (outcome != OPTIONS_RUN)
			return outcome;
	}
	return parse_cases(argc - optind, argv + optind, ret_options);
}
