/* SPDX-License-Identifier: MIT */
/*
 * one_wake.c - what becomes of one wake-up of the Windows interface, for the test of the soak
 */
#include "one_wake.h"

#include "../support/suite.h"
#include "../winsock/wakers.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Which one: traffic is on its way by then. */
#define CHOSEN_WAKE 10

static atomic_uint wakes;
static sem_t continued;

static bool lose_one(void)
{
	return atomic_fetch_add(&wakes, 1) + 1 != CHOSEN_WAKE;
}

static void note_continued(int number)
{
	sem_post(&continued);
}

static bool hold_one(void)
{
	/* The sender is to look at its limit meanwhile; nothing but this test depends on it. */
	const struct timespec look = {.tv_nsec = 200 * MILLISECOND_NS};
	struct sigaction action = {.sa_handler = note_continued, .sa_flags = SA_RESTART};

	if (lose_one())
		return true;
	EXPECT(sem_init(&continued, 0, 0) == 0, "%m");
	EXPECT(sigaction(SIGCONT, &action, NULL) == 0, "%m");
	printf("# process %d is to be stopped and continued\n", getpid());
	fflush(stdout);
	while (sem_wait(&continued) < 0 && errno == EINTR)
		continue;
	nanosleep(&look, NULL);
	return true;
}

bool one_wake_choose(const char *fate)
{
	if (!strcmp(fate, "lost"))
		wakes_arm = lose_one;
	else if (!strcmp(fate, "held"))
		wakes_arm = hold_one;
	else
		return false;
	return true;
}
