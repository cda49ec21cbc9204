/* SPDX-License-Identifier: MIT */
/*
 * canary.c - one failing case, in the way the argument names
 *
 * Meson expects every run of it to fail. When one passes, the machinery that should notice
 * failures is broken, and no other result can be believed.
 */
#include "support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int raced;

START_TEST(an_assertion_fails)
{
	EXPECT(regio_version() == 0, "the canary sings");
}
END_TEST

START_TEST(a_crash_fails)
{
	raise(SIGSEGV);
}
END_TEST

START_TEST(a_hang_fails)
{
	for (;;)
		pause();
}
END_TEST

START_TEST(a_leak_fails)
{
	void *volatile lost = malloc(100);

	lost = NULL;
	ck_assert_ptr_null(lost);
}
END_TEST

static void *race(void *unused)
{
	raced++;
	return unused;
}

START_TEST(a_data_race_fails)
{
	pthread_t threads[2];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}
END_TEST

int main(int argc, char **argv)
{
	const struct {
		const char *name;
		struct test_case test_case;
	} canaries[] = {
		{"assertion", CASE(an_assertion_fails)}, {"crash", CASE(a_crash_fails)},
		{"hang", {a_hang_fails, NULL, 1, 1.0}},	 {"leak", CASE(a_leak_fails)},
		{"race", CASE(a_data_race_fails)},
	};

	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(canaries); i++)
		if (!strcmp(argv[1], canaries[i].name))
			return run_cases(&canaries[i].test_case, 1);
	return EXIT_SUCCESS;
}
