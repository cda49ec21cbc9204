/* SPDX-License-Identifier: MIT */
/*
 * suite.h - cases of a test program, run by Check, reported as TAP
 *
 * Each case is a Check test in a process of its own, with a time-out, so a crash, a hang or
 * a sanitizer report fails that case alone. Its name is its sentence: the report shows it
 * with spaces for underscores.
 */
#ifndef REGIO_TESTS_SUITE_H
#define REGIO_TESTS_SUITE_H

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <regio.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct test_case {
	const TTest *test;
	const char *const *variants; /* what to call each run; NULL: one run */
	int runs;
	double timeout_s;
};

/*
 * A few seconds is the rule, on a machine that has nothing else to do. Where it has, a case gets as
 * many times more as want each processor, up to ten.
 */
#define CASE_TIMEOUT_S 60.0
#define CASE(test)                                                                                 \
	{                                                                                          \
		test, NULL, 1, CASE_TIMEOUT_S                                                      \
	}
#define CASE_SLOW(test)                                                                            \
	{                                                                                          \
		test, NULL, 1, 4 * CASE_TIMEOUT_S                                                  \
	}
/* Runs with _i an index into families[]. */
#define CASE_PER_FAMILY(test)                                                                      \
	{                                                                                          \
		test, family_names, 2, CASE_TIMEOUT_S                                              \
	}

extern const int families[2];
extern const char *const family_names[2];

/*
 * Runs the cases on the engine REGIO_TEST_ENGINE names; with REGIO_TEST_CASE set, only those
 * that have it in their name. Returns the exit status of main().
 */
int run_cases(const struct test_case *cases, size_t count);

/*
 * The same of cases with one sending thread that rest on the order of loopback. It stays on one
 * CPU, beside a driver's thread from where its queues have been made on.
 */
int run_ordered_cases(const struct test_case *cases, size_t count);
/* The caller, and the threads that it makes. */
void stay_on_one_cpu(void);
/* The same; returns another CPU that was allowed, or -1 if there is none. */
int stay_on_one_cpu_of_two(void);
/* Around what makes drivers. */
void leave_the_cpu(void);
void return_to_one_cpu(void);

void record_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the case as skipped; the arguments say why. Only in the body of a case. */
#define SKIP(...)                                                                                  \
	do {                                                                                       \
		record_skip(__VA_ARGS__);                                                          \
		return;                                                                            \
	} while (0)

/* Check records every ck_assert it passes; these cost nothing until they fail. */
#define EXPECT(condition, format, ...)                                                             \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ck_abort_msg("%s: " format, #condition, ##__VA_ARGS__);                    \
	} while (0)

#define EXPECT_RETURN(expected, call) expect_return((expected), (call), #call, __FILE__, __LINE__)

void expect_return(int expected, int actual, const char *call, const char *file, int line);

/* 'count' times REGIO_TEST_SCALE percent (100), at least 1; a quarter of it under a sanitizer. */
uint64_t scaled(uint64_t count);

/* True in an address or thread sanitizer build. */
bool built_with_sanitizer(void);
bool built_with_address_sanitizer(void);
bool built_with_thread_sanitizer(void);

/*
 * True when drivers have a thread of their own: requests are executed beside the calls that post
 * them, and deferred ones too.
 */
bool driven_by_a_thread(void);
/* True on an engine that now and then does less than it could, or reports nothing. */
bool faults_injected(void);
/* NULL, or why the descriptor of a request queue may not be closed behind its back. */
const char *closing_refused(void);

int64_t now_ns(void);

#define MILLISECOND_NS INT64_C(1000000)
#define SECOND_NS INT64_C(1000000000)
/* How long a case waits for what must come. */
#define PATIENCE_NS (10 * SECOND_NS)

#endif
