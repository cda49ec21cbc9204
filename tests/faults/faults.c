/* SPDX-License-Identifier: MIT */
/*
 * faults.c - every system call of the library fails, with each error it can give, at each time
 *
 * A scenario runs in a process of its own in which nothing fails, and its calls are counted. Then
 * it runs once for each call, error and time, in a process where just that fails; and once more in
 * the same process, where all must be well. What is left then must not be more than without the
 * fault: descriptors, allocations, mappings, locked pages, ids.
 *
 * With REGIO_FAULTS_ALL set all is tried, else a share drawn by REGIO_FAULTS_SEED. The table of
 * what came out is compared with the file that REGIO_FAULTS_TABLE names, or written to it where
 * REGIO_FAULTS_WRITE is set.
 */
#include "../support/net.h"
#include "../support/suite.h"
#include "rules.h"
#include "scenarios.h"
#include "table.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOTHING SIZE_MAX
/* Seconds until a process counts as hanging. */
#define HANG_S 30u
/* Seconds for one scenario with all of its faults. */
#define CASE_MAX_S 3600.0
#define REGIONS_TRIED 64u
/* Times of one call that are tried: all, or the first ones and some behind them. */
#define TIMES_MAX 24u
/* Where not all is tried: so many of a hundred tries. */
#define SHARE_PERCENT 6u

/* What a process has when it is done. */
struct remains {
	unsigned int descriptors;
	long allocations;
	long mapped_bytes;
	unsigned long locked_kib;
	uint32_t highest_id;
};

/* Shared with the processes that are tried. */
struct board {
	struct attempt attempt;
	struct remains remains;
	bool struck;
	unsigned int counts[CALLS_MAX];
	tallies tallies;
};

static struct board *board;

static const char *const engines[] = {"epoll", "uring", "auto+thread"};

/* ---- One process --------------------------------------------------------------- */

static unsigned long locked_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long value = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "VmLck: %lu", &value) == 1)
			break;
	}
	if (file)
		fclose(file);
	return value;
}

/* Ids that were not given back make those that are free higher. */
static uint32_t highest_id(void)
{
	static uint8_t byte;
	uint64_t regions[REGIONS_TRIED];
	uint32_t highest = 0;

	for (uint32_t i = 0; i < REGIONS_TRIED; i++) {
		if (regio_region_register(&byte, 1, NULL, &regions[i]) != 0)
			wrong("registering memory: %s", regio_last_error());
		if ((uint32_t)regions[i] > highest)
			highest = (uint32_t)regions[i];
	}
	for (uint32_t i = 0; i < REGIONS_TRIED; i++)
		regio_region_deregister(regions[i]);
	return highest;
}

static void measure(struct remains *remains)
{
	remains->highest_id = highest_id();
	remains->locked_kib = locked_kib();
	remains->descriptors = open_descriptors();
	remains->allocations = trap_allocations();
	/* A sanitizer maps what it needs for itself, when it needs it. */
	remains->mapped_bytes = built_with_sanitizer() ? 0 : trap_mapped_bytes();
}

static void prepare(const char *engine)
{
	setenv("REGIO_ENGINE", engine, 1);
	setenv("REGIO_URING_BATCHES", "always", 1);
	alarm(HANG_S);
	/* Which thread gets which arena is chance. */
	mallopt(M_ARENA_MAX, 1);
	trap_calls(rule_calls, rules_count);
}

/* 'call' NOTHING: nothing fails. */
static void run_inside(const struct scenario *scenario, const char *engine, size_t call,
		       unsigned int time)
{
	prepare(engine);
	trap_fail(call, time, board->attempt.error);
	scenario->run();
	board->struck = trap_failed();
	for (size_t i = 0; i < rules_count; i++)
		board->counts[i] = trap_count(i);
	/* It strikes once. What it has changed for good shows now. */
	scenario->run();
	measure(&board->remains);
	_exit(EXIT_SUCCESS);
}

/* Returns what is wrong, or NULL. */
static const char *run_process(const struct scenario *scenario, const char *engine, size_t call,
			       unsigned int time, int error)
{
	static char text[sizeof(board->attempt.wrong) + 64];
	pid_t child;
	int status;

	board->attempt = (struct attempt){.call = call, .error = error};
	board->struck = false;
	board->remains = (struct remains){0};
	child = fork();
	if (child == 0)
		run_inside(scenario, engine, call, time);
	EXPECT(child > 0 && waitpid(child, &status, 0) == child, "%m");
	if (WIFSIGNALED(status)) {
		snprintf(text, sizeof(text), "%s",
			 WTERMSIG(status) == SIGALRM ? "it hangs" : strsignal(WTERMSIG(status)));
		return text;
	}
	if (board->attempt.wrong[0]) {
		snprintf(text, sizeof(text), "%s", board->attempt.wrong);
		return text;
	}
	if (WEXITSTATUS(status) == JUDGED) {
		board->struck = true;
		return NULL;
	}
	return status == 0 ? NULL : "the process has failed";
}

/* ---- Judging ------------------------------------------------------------------- */

static const char *judge_remains(const struct remains *without)
{
	const struct remains *with = &board->remains;
	static char text[200];

	if (with->descriptors <= without->descriptors &&
	    with->allocations <= without->allocations &&
	    with->mapped_bytes <= without->mapped_bytes &&
	    with->locked_kib <= without->locked_kib && with->highest_id <= without->highest_id)
		return NULL;
	snprintf(text, sizeof(text),
		 "left behind: %u descriptors (without the fault %u), %ld allocations (%ld), %ld "
		 "mapped bytes (%ld), %lu locked KiB (%lu), id %u (%u)",
		 with->descriptors, without->descriptors, with->allocations, without->allocations,
		 with->mapped_bytes, without->mapped_bytes, with->locked_kib, without->locked_kib,
		 with->highest_id, without->highest_id);
	return text;
}

/* Counts what came out; returns what must not have. */
static const char *judge_outcome(const struct scenario *scenario, size_t call, size_t error)
{
	const struct rule_error *rule = &rules[call].errors[error];
	struct tally *tally = &board->tallies[call][error];
	unsigned int outcomes = board->attempt.outcomes ? board->attempt.outcomes : WORKED;

	tally->tried++;
	tally->outcomes |= outcomes;
	if (outcomes & ~(scenario->streams ? rule->streams : rule->datagrams))
		return outcomes & REFUSED     ? "a call of the program has failed"
		       : outcomes & COMPLETED ? "a request has failed"
					      : "it was not reported";
	return NULL;
}

/* Memory is the sanitizer's own affair. */
static bool is_tried(size_t call)
{
	static const char *const own[] = {"allocation", "mmap",	   "munmap",
					  "mprotect",	"madvise", "clone"};

	for (size_t i = 0; i < ARRAY_SIZE(own) && built_with_sanitizer(); i++) {
		if (strcmp(rule_calls[call].name, own[i]) == 0)
			return false;
	}
	return true;
}

/* ---- All of a scenario --------------------------------------------------------- */

struct run {
	const struct scenario *scenario;
	const char *engine;
	struct remains without;
	unsigned int counts[CALLS_MAX];
	unsigned int wrongs;
};

static void add_wrong(struct run *run, size_t call, unsigned int time, int error, const char *why)
{
	run->wrongs++;
	printf("# %s, %s: %s number %u of %u fails with %s: %s\n", run->scenario->name, run->engine,
	       rule_calls[call].name, time + 1, run->counts[call], strerrorname_np(error), why);
	fflush(stdout);
}

static void try_error(struct run *run, size_t call, unsigned int time, size_t error)
{
	const int value = rules[call].errors[error].error;
	const char *why = run_process(run->scenario, run->engine, call, time, value);

	/* Threads do not make the same calls each time. */
	if (!why && !board->struck)
		return;
	if (!why)
		why = judge_outcome(run->scenario, call, error);
	if (!why)
		why = judge_remains(&run->without);
	if (why)
		add_wrong(run, call, time, value, why);
}

/* Which of 'count' times is the n-th that is tried: the first ones, then here and there. */
static unsigned int choose_time(unsigned int count, unsigned int n, unsigned int tried,
				uint64_t *random)
{
	if (count <= tried || n < tried / 2)
		return n;
	return tried / 2 + random_below(random, count - tried / 2);
}

static void try_call(struct run *run, size_t call, uint64_t *random)
{
	const bool all = getenv("REGIO_FAULTS_ALL");
	const unsigned int count = run->counts[call], tried = count < TIMES_MAX ? count : TIMES_MAX;

	for (unsigned int n = 0; n < tried; n++) {
		unsigned int time = choose_time(count, n, tried, random);

		for (size_t error = 0; rules[call].errors[error].error; error++) {
			if (all || random_below(random, 100) < SHARE_PERCENT)
				try_error(run, call, time, error);
		}
	}
}

/* Returns how much is wrong. */
static unsigned int try_scenario(const struct scenario *scenario, const char *engine)
{
	const char *seed = getenv("REGIO_FAULTS_SEED");
	uint64_t random = seed ? strtoull(seed, NULL, 10) : 1;
	struct run run = {.scenario = scenario, .engine = engine};
	const char *why = run_process(scenario, engine, NOTHING, 0, 0);

	EXPECT(!why, "%s, without a fault: %s", engine, why);
	run.without = board->remains;
	memcpy(run.counts, board->counts, sizeof(run.counts));
	for (size_t call = 0; call < rules_count; call++) {
		if (is_tried(call))
			try_call(&run, call, &random);
	}
	return run.wrongs;
}

/*
 * Holds: regio_region_register -ENOMEM, regio_region_allocate -ENOMEM, regio_driver_create -ENOMEM,
 * regio_driver_create -ENFILE, regio_driver_create -ENOSPC, regio_cq_create -ENOMEM,
 * regio_cq_create -ENFILE, regio_cq_create -ENOSPC, regio_cq_fd -ENOMEM, regio_cq_fd -ENFILE,
 * regio_cq_fd -ENOSPC, regio_rq_create -ENOMEM.
 */
START_TEST(whatever_call_fails_nothing_is_lost_or_left_behind)
{
	const char *refused = trap_refused();
	unsigned int wrongs = 0;

	if (refused)
		SKIP("%s", refused);
	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		wrongs += try_scenario(&scenarios[_i], engines[i]);
	EXPECT(wrongs == 0, "%u", wrongs);
}
END_TEST

START_TEST(the_table_in_the_documentation_says_what_comes_out)
{
	const char *path = getenv("REGIO_FAULTS_TABLE");

	if (trap_refused())
		SKIP("%s", trap_refused());
	if (!path)
		SKIP("REGIO_FAULTS_TABLE does not name it");
	if (getenv("REGIO_FAULTS_WRITE"))
		table_write(path, board->tallies);
	else
		table_check(path, board->tallies);
}
END_TEST

int main(void)
{
	enum { SCENARIOS = 13 };
	static const char *names[SCENARIOS];
	const struct test_case cases[] = {
		{whatever_call_fails_nothing_is_lost_or_left_behind, names, SCENARIOS, CASE_MAX_S},
		CASE(the_table_in_the_documentation_says_what_comes_out),
	};

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (board == MAP_FAILED || scenarios_count != SCENARIOS)
		return EXIT_FAILURE;
	attempt = &board->attempt;
	for (size_t i = 0; i < scenarios_count; i++)
		names[i] = scenarios[i].name;
	return run_cases(cases, ARRAY_SIZE(cases));
}
