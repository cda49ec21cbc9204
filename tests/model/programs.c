/* SPDX-License-Identifier: MIT */
/*
 * programs.c - random programs against the model
 *
 *	model-programs --engine NAME --seeds FIRST-LAST [--threads] [--tap] [--history]
 *
 * Runs the program of each seed on an engine, and holds what happened to the model. The first
 * program that is rejected is shrunk and printed; then the exit status is 1.
 */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "run.h"
#include "shrink.h"

/* A program with threads, or one that shrinks, may fail now and then only. */
#define TRIES 3
#define TRIES_THREADS 30
#define SHRINKING_S 60

struct options {
	const char *engine;
	uint64_t first, last;
	bool threads, tap, history;
};

static struct history history, smallest;
static struct check check;
static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = 1;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- A rejection ---- */

struct trial {
	struct stage *stage;
	int tries;
	double until_s;
};

static bool still_fails(void *context, const struct program *program)
{
	const struct trial *trial = context;

	for (int i = 0; i < trial->tries && now_s() < trial->until_s; i++) {
		if (!stage_run(trial->stage, program, &history, &check)) {
			smallest = history;
			return true;
		}
	}
	return false;
}

static void report(const struct options *options, struct stage *stage, struct program *program)
{
	struct trial trial = {
		.stage = stage,
		.tries = program->threads ? TRIES_THREADS : TRIES,
		.until_s = now_s() + SHRINKING_S,
	};

	fprintf(stderr, "seed %" PRIu64 " on %s%s:\n", program->seed, options->engine,
		program->threads ? ", with threads" : "");
	check_print(&check, program, stderr);
	smallest = history;
	stage_set_shrinking(stage);
	shrink(program, still_fails, &trial);
	check_history(&check, program, &smallest);
	fprintf(stderr, "shrunk to %u calls:\n", program->calls_count);
	program_print(program, stderr);
	check_print(&check, program, stderr);
	if (options->history)
		history_print(program, &smallest, stderr);
}

/* ---- Running ---- */

static void print_count(const struct options *options, uint64_t count, double seconds)
{
	printf("%s%" PRIu64 " programs accepted on %s%s, seeds %" PRIu64 " to %" PRIu64
	       ", %.0f a second\n",
	       options->tap ? "# " : "", count, options->engine,
	       options->threads ? ", with threads" : "", options->first, options->first + count - 1,
	       seconds > 0 ? (double)count / seconds : 0);
	fflush(stdout);
}

static bool run_all(const struct options *options)
{
	struct stage *stage = stage_open(options->engine);
	const double start_s = now_s();
	struct program program;
	uint64_t count = 0;
	bool good = true;

	for (uint64_t seed = options->first; seed <= options->last && good && !stopped; seed++) {
		program_generate(&program, seed, options->threads);
		good = stage_run(stage, &program, &history, &check);
		count += good;
		if (count % 100000 == 0 && good)
			print_count(options, count, now_s() - start_s);
	}
	print_count(options, count, now_s() - start_s);
	if (!good)
		report(options, stage, &program);
	stage_close(stage);
	return good;
}

/* Returns why the engine does not work here, or NULL. */
static const char *missing(const char *engine, struct regio_engine_info *info)
{
	if (!strncmp(engine, "auto", 4))
		return NULL;
	for (uint32_t index = 0; regio_engine_get_info(index, info, sizeof(*info)) == 0; index++) {
		if (!strncmp(info->name, engine, strlen(info->name)))
			return info->available ? NULL : info->reason;
	}
	return "this build has no engine of that name";
}

static bool read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"engine", required_argument, NULL, 'e'}, {"seeds", required_argument, NULL, 's'},
		{"threads", no_argument, NULL, 't'},	  {"tap", no_argument, NULL, 'p'},
		{"history", no_argument, NULL, 'h'},	  {0},
	};
	int letter;

	*options = (struct options){.engine = "auto", .last = 9999};
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (letter) {
		case 'e':
			options->engine = optarg;
			break;
		case 's':
			if (sscanf(optarg, "%" SCNu64 "-%" SCNu64, &options->first,
				   &options->last) != 2)
				return false;
			break;
		case 't':
			options->threads = true;
			break;
		case 'p':
			options->tap = true;
			break;
		case 'h':
			options->history = true;
			break;
		default:
			return false;
		}
	}
	return optind == argc && options->first <= options->last;
}

int main(int argc, char **argv)
{
	const struct sigaction stopping = {.sa_handler = stop};
	struct regio_engine_info info;
	struct options options;
	const char *reason;
	bool good;

	if (!read_options(argc, argv, &options)) {
		fprintf(stderr, "usage: model-programs [--engine NAME] [--seeds FIRST-LAST] "
				"[--threads] [--tap] [--history]\n");
		return 2;
	}
	reason = missing(options.engine, &info);
	if (reason) {
		printf(options.tap ? "1..0 # SKIP %s\n" : "model-programs: %s\n", reason);
		return options.tap ? 0 : 2;
	}
	sigaction(SIGINT, &stopping, NULL);
	sigaction(SIGTERM, &stopping, NULL);
	if (options.tap)
		printf("1..1\n");
	good = run_all(&options);
	if (options.tap)
		printf("%s 1 - random programs behave as the model allows\n",
		       good ? "ok" : "not ok");
	return good || options.tap ? 0 : 1;
}
