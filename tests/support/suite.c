/* SPDX-License-Identifier: MIT */
/*
 * suite.c - runs a table of cases one after the other and prints TAP
 *
 * Check has a TAP log of its own, but knows no skipped cases; here a case leaves its reason
 * in memory shared with the process that prints.
 */
#include "suite.h"

#include "drops.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const int families[2] = {AF_INET, AF_INET6};
const char *const family_names[2] = {"IPv4", "IPv6"};

static char *skip_reason;

#define SKIP_REASON_SIZE 256u
/* Whoever hangs is ended all the same. */
#define CROWD_MAX 10

void record_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(skip_reason, SKIP_REASON_SIZE, format, arguments);
	va_end(arguments);
}

void expect_return(int expected, int actual, const char *call, const char *file, int line)
{
	if (actual != expected)
		ck_abort_msg("%s:%d: %s returned %d (%s), not %d (%s); last error: \"%s\"", file,
			     line, call, actual, regio_error_name(actual), expected,
			     regio_error_name(expected), regio_last_error());
}

bool built_with_thread_sanitizer(void)
{
#if defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

bool built_with_address_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer);
#else
	return false;
#endif
}

bool built_with_sanitizer(void)
{
	return built_with_address_sanitizer() || built_with_thread_sanitizer();
}

bool driven_by_a_thread(void)
{
	const char *engine = getenv("REGIO_ENGINE");

	return engine && strstr(engine, "+thread");
}

bool faults_injected(void)
{
	const char *engine = getenv("REGIO_ENGINE");

	return engine && strstr(engine, "fault+");
}

const char *closing_refused(void)
{
	return driven_by_a_thread() && built_with_thread_sanitizer()
		       ? "closing a descriptor that another thread uses is a race in itself"
		       : NULL;
}

uint64_t scaled(uint64_t count)
{
	const char *percent = getenv("REGIO_TEST_SCALE");
	uint64_t result = count * (percent ? strtoull(percent, NULL, 10) : 100) / 100;

	if (built_with_sanitizer())
		result /= 4;
	return result > 0 ? result : 1;
}

int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND_NS + now.tv_nsec;
}

static void print_sentence(const struct test_case *test_case, int run)
{
	for (const char *at = test_case->test->name; *at; at++)
		putchar(*at == '_' ? ' ' : *at);
	if (test_case->variants)
		printf(" (%s)", test_case->variants[run]);
}

static void print_diagnostic(TestResult *result)
{
	const char *line = tr_msg(result);

	printf("# %s:%d\n", tr_lfile(result), tr_lno(result));
	while (*line) {
		int length = (int)strcspn(line, "\n");

		printf("# %.*s\n", length, line);
		line += length + (line[length] == '\n');
	}
}

/*
 * How many times as long as alone a case may take: as many as want each processor, now or in the
 * last minute. A time-out is to end what hangs, and not what waits for its turn.
 */
static double crowd(void)
{
	FILE *file = fopen("/proc/loadavg", "re");
	double average = 0, wanting = 0;
	unsigned int running = 0;

	if (file) {
		if (fscanf(file, "%lf %*f %*f %u/", &average, &running) == 2)
			wanting = average > running ? average : running;
		fclose(file);
	}
	wanting /= (double)sysconf(_SC_NPROCESSORS_ONLN);
	if (wanting > CROWD_MAX)
		return CROWD_MAX;
	return wanting > 1 ? wanting : 1;
}

/* Perhaps the reason why a case has failed. */
static void print_drops(const struct drops *before)
{
	const struct drops now = drops_so_far();

	if (now.on_the_way != before->on_the_way || now.no_memory != before->no_memory)
		printf("# meanwhile the kernel dropped %llu packets of any program on their way to "
		       "sockets, and %llu for lack of memory\n",
		       (unsigned long long)(now.on_the_way - before->on_the_way),
		       (unsigned long long)(now.no_memory - before->no_memory));
}

static void run_case(const struct test_case *test_case, int run, unsigned int number)
{
	const struct drops before = drops_so_far();
	TCase *tcase = tcase_create("case");
	Suite *suite = suite_create("suite");
	SRunner *runner = srunner_create(suite);

	tcase_set_timeout(tcase, test_case->timeout_s * crowd());
	tcase_add_loop_test(tcase, test_case->test, run, run + 1);
	suite_add_tcase(suite, tcase);
	srunner_set_fork_status(runner, CK_FORK);
	skip_reason[0] = '\0';
	fflush(stdout);
	srunner_run_all(runner, CK_SILENT);

	TestResult **results = srunner_results(runner);
	bool passed = tr_rtype(results[0]) == CK_PASS;

	printf("%s %u - ", passed ? "ok" : "not ok", number);
	print_sentence(test_case, run);
	if (passed && skip_reason[0])
		printf(" # SKIP %s", skip_reason);
	putchar('\n');
	if (!passed) {
		print_diagnostic(results[0]);
		print_drops(&before);
	}
	free(results);
	srunner_free(runner);
}

/* Returns why the engine to be tested is missing, or NULL. */
static const char *choose_engine(struct regio_engine_info *info)
{
	const char *engine = getenv("REGIO_TEST_ENGINE");

	if (!engine)
		return NULL;
	setenv("REGIO_ENGINE", engine, 1);
	/* Tested also where they do not pay. */
	if (strstr(engine, "uring"))
		setenv("REGIO_URING_BATCHES", "always", 0);
	if (strstr(engine, "auto"))
		return NULL;
	for (uint32_t index = 0; regio_engine_get_info(index, info, sizeof(*info)) == 0; index++)
		if (strstr(engine, info->name))
			return info->available ? NULL : info->reason;
	return "this build has no engine of that name";
}

static bool chosen(const struct test_case *test_case)
{
	const char *part = getenv("REGIO_TEST_CASE");

	return !part || strstr(test_case->test->name, part);
}

static bool order_matters;

void stay_on_one_cpu(void)
{
	cpu_set_t cpus;
	int cpu = sched_getcpu();

	CPU_ZERO(&cpus);
	CPU_SET(cpu < 0 ? 0 : cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

int stay_on_one_cpu_of_two(void)
{
	cpu_set_t allowed;

	EXPECT(sched_getaffinity(0, sizeof(allowed), &allowed) == 0, "%m");
	stay_on_one_cpu();
	CPU_CLR(sched_getcpu(), &allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &allowed))
			return cpu;
	}
	return -1;
}

static bool beside_a_thread(void)
{
	const char *engine = getenv("REGIO_TEST_ENGINE");

	return engine && strstr(engine, "+thread");
}

/*
 * Before Linux 6.4 a packet for loopback waits for ksoftirqd where that is about to run (commit
 * d15121be7485 ended it). One that is sent from another CPU meanwhile overtakes it.
 */
int run_ordered_cases(const struct test_case *cases, size_t count)
{
	order_matters = true;
	if (!beside_a_thread())
		stay_on_one_cpu();
	return run_cases(cases, count);
}

/* A driver's thread has the CPUs of the one that creates it. */
void leave_the_cpu(void)
{
	cpu_set_t cpus;

	if (!order_matters || !beside_a_thread())
		return;
	memset(&cpus, 0xFF, sizeof(cpus));
	sched_setaffinity(0, sizeof(cpus), &cpus);
}

void return_to_one_cpu(void)
{
	if (order_matters && beside_a_thread())
		stay_on_one_cpu();
}

int run_cases(const struct test_case *cases, size_t count)
{
	struct regio_engine_info info;
	const char *missing = choose_engine(&info);
	unsigned int total = 0, number = 0;

	if (missing) {
		printf("1..0 # SKIP %s\n", missing);
		return EXIT_SUCCESS;
	}
	skip_reason = mmap(NULL, SKIP_REASON_SIZE, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (skip_reason == MAP_FAILED)
		return EXIT_FAILURE;
	for (size_t i = 0; i < count; i++)
		total += chosen(&cases[i]) ? (unsigned int)cases[i].runs : 0;
	printf("1..%u\n", total);
	for (size_t i = 0; i < count; i++)
		for (int run = 0; run < cases[i].runs && chosen(&cases[i]); run++)
			run_case(&cases[i], run, ++number);
	/* TAP has said which failed; to Meson another status means the program itself broke. */
	return EXIT_SUCCESS;
}
