/* SPDX-License-Identifier: MIT */
/*
 * soak.c - everything at once, for long: verified traffic, churn and faults
 *
 * A soak runs in rounds of a minute. In each round a number of stations, threads with one kind of
 * traffic each, do cycle after cycle: open, move messages, resize, cancel, close in any order.
 * Between two rounds everything is closed and no station's thread is there, so what the process
 * holds then can be compared exactly. A run is repeated with its seed, each cycle from the same
 * choices; how long a cycle takes is the machine's.
 *
 * The stations run in a child process, where whatever a test expects may fail in any thread; the
 * parent reports what failed, and what each station was at.
 */
#include "../support/net.h"
#include "../support/running.h"
#include "../support/suite.h"
#include "../winsock/wakers.h"
#include "one_wake.h"
#include "report.h"
#include "tally.h"

#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUND_S 60u
#define ROUNDS_MIN 4u
/* Between two looks at the process; each comes with a signal for one of the stations. */
#define LOOK_NS (20 * MILLISECOND_NS)
/* Beyond the time asked for, to finish cycles. */
#define GRACE_NS (300 * SECOND_NS)

static struct {
	uint64_t seed;
	uint32_t seconds;
	uint32_t station; /* run this one alone, if there is one of that number */
	bool tap;
} options = {.seed = 1, .seconds = 3600, .station = UINT32_MAX};

static void (*const runs[])(struct station *) = {
	run_datagrams, run_datagrams, run_datagrams, run_multicast, run_streams,
	run_streams,   run_windows,   run_windows,   run_peers,	    run_networks,
};

static _Atomic bool round_over;

/* ---- A round ------------------------------------------------------------------- */

static uint64_t mix(uint64_t state, uint64_t with)
{
	state = (state ^ with) * UINT64_C(0x9E3779B97F4A7C15);
	return state ^ state >> 32;
}

static void *run_station(void *argument)
{
	struct station *station = argument;
	uint64_t random = station->random;

	for (station->cycle = 0; !atomic_load(&round_over); station->cycle++) {
		station->random = mix(random, station->cycle + 1);
		station->run(station);
		tally_count(SOAK_CYCLES, 1);
	}
	return NULL;
}

static void count_signal(int number)
{
	tally_survived(SOAK_SIGNAL, 1);
}

/* Stations let it through while messages move: traffic.c. */
static void take_signals(void)
{
	struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	EXPECT(pthread_sigmask(SIG_BLOCK, &signals, NULL) == 0, "%m");
	EXPECT(sigaction(SIGUSR1, &action, NULL) == 0, "%m");
}

static void rest(struct station *unused)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};

	nanosleep(&look, NULL);
}

static void watch_round(const pthread_t *threads, uint64_t *random, int64_t until_ns)
{
	while (running_ns() < until_ns) {
		report_look();
		pthread_kill(threads[random_below(random, ARRAY_SIZE(runs))], SIGUSR1);
		rest(NULL);
	}
}

static void (*choose_run(uint32_t number))(struct station *)
{
	if (options.station < ARRAY_SIZE(runs) && options.station != number)
		return rest;
	return runs[number] == run_networks && networks_refused ? run_datagrams : runs[number];
}

static void run_round(uint32_t number, int64_t until_ns)
{
	struct station stations[ARRAY_SIZE(runs)];
	pthread_t threads[ARRAY_SIZE(runs)];
	uint64_t random = mix(options.seed, number + 1);

	atomic_store(&round_over, false);
	for (uint32_t i = 0; i < ARRAY_SIZE(runs); i++) {
		stations[i] = (struct station){
			.number = i, .random = mix(random, i + 1), .run = choose_run(i)};
		EXPECT(pthread_create(&threads[i], NULL, run_station, &stations[i]) == 0, "%m");
	}
	watch_round(threads, &random, until_ns);
	atomic_store(&round_over, true);
	for (uint32_t i = 0; i < ARRAY_SIZE(runs); i++)
		pthread_join(threads[i], NULL);
}

/* ---- All of it ----------------------------------------------------------------- */

/* In place of Check's time-out, which counts pauses. */
static void *end_if_it_hangs(void *unused)
{
	const int64_t end_ns = running_ns() + options.seconds * SECOND_NS + GRACE_NS;

	while (running_ns() < end_ns)
		rest(NULL);
	EXPECT(false, "a station does not finish its cycle");
	return NULL;
}

/* In a network of its own nobody else's traffic is counted as ours. */
static void prepare(void)
{
	pthread_t guard;

	running_start();
	take_signals();
	EXPECT(pthread_create(&guard, NULL, end_if_it_hangs, NULL) == 0, "no thread");
	networks_refused = enter_own_network();
	if (!networks_refused && system("ip link show lo >/dev/null 2>&1") != 0)
		networks_refused = "ip from iproute2 is missing";
	if (networks_refused)
		printf("# no traffic between namespaces: %s\n", networks_refused);
}

/* Check 0.15 cannot report a case to its parent that took more than 35 minutes: this one just ends.
 */
#define PASSED_STATUS 42

START_TEST(everything_at_once_loses_nothing_and_holds_on_to_nothing)
{
	const int64_t length_ns = options.seconds * SECOND_NS;
	uint32_t rounds = options.seconds / ROUND_S;

	if (rounds < ROUNDS_MIN)
		rounds = ROUNDS_MIN;
	prepare();
	for (uint32_t round = 0; round < rounds; round++) {
		run_round(round, running_ns() + length_ns / rounds);
		report_round(round, running_ns());
	}
	/* The test of a pause makes too few cycles for what is held to settle. */
	if (!wakes_arm)
		report_verdict(rounds);
	exit(PASSED_STATUS);
}
END_TEST

static void tell_failure(TestResult *result)
{
	printf("%sFAILED at %s:%d: %s\n", options.tap ? "# " : "", tr_lfile(result), tr_lno(result),
	       tr_msg(result));
	for (uint32_t i = 0; i < SOAK_STATIONS_MAX; i++)
		if (tally->doing[i][0])
			printf("%sstation %u: %s\n", options.tap ? "# " : "", i, tally->doing[i]);
}

static bool run_in_child(void)
{
	TCase *tcase = tcase_create("soak");
	Suite *suite = suite_create("soak");
	SRunner *runner = srunner_create(suite);
	TestResult **results;
	bool passed;

	tcase_set_timeout(tcase, 0);
	tcase_add_exit_test(tcase, everything_at_once_loses_nothing_and_holds_on_to_nothing,
			    PASSED_STATUS);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_FORK);
	fflush(stdout);
	srunner_run_all(runner, CK_SILENT);
	results = srunner_results(runner);
	passed = tr_rtype(results[0]) == CK_PASS;
	if (!passed)
		tell_failure(results[0]);
	free(results);
	srunner_free(runner);
	return passed;
}

static void read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{"seconds", required_argument, NULL, 't'},
		{"minutes", required_argument, NULL, 'm'},
		{"seed", required_argument, NULL, 's'},
		{"station", required_argument, NULL, 'n'},
		{"stall", required_argument, NULL, 'l'},
		{"wake", required_argument, NULL, 'w'},
		{"tap", no_argument, NULL, 'p'},
		{0},
	};
	bool understood = true;
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

		if (option == 's')
			options.seed = value;
		else if (option == 'n')
			options.station = (uint32_t)value;
		else if ((option == 't' || option == 'm') && value > 0 && value < 1000000)
			options.seconds = (uint32_t)value * (option == 'm' ? 60 : 1);
		else if (option == 'l' && value > 0 && value < 1000000)
			wakes_stall_ns = stall_ns = (int64_t)value * SECOND_NS;
		else if (option == 'p')
			options.tap = true;
		else if (option == 'w')
			understood &= one_wake_choose(optarg);
		else
			understood = false;
	}
	if (understood && optind == argc)
		return;
	fprintf(stderr, "usage: soak [--minutes N | --seconds N] [--seed N] [--station N] [--tap]\n"
			"            [--stall SECONDS] [--wake lost|held]\n");
	exit(2);
}

int main(int argc, char **argv)
{
	bool passed;

	if (argc == 3 && !strcmp(argv[1], "--peer")) {
		tally_open();
		return peer_main(&argv[2]);
	}
	read_options(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	tally_open();
	report_open(options.tap);
	printf("%s%u seconds, seed %llu\n", options.tap ? "1..1\n# " : "", options.seconds,
	       (unsigned long long)options.seed);
	passed = run_in_child();
	if (options.tap)
		printf("%s 1 - everything at once loses nothing and holds on to nothing\n",
		       passed ? "ok" : "not ok");
	else
		printf("%s\n", passed ? "passed" : "failed");
	return passed || options.tap ? EXIT_SUCCESS : EXIT_FAILURE;
}
