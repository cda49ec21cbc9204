/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - a barrier on every thread, also where it is refused after it was promised
 */
#include "../support/suite.h"
#include "../support/trap.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/membarrier.h>

#include "base/barrier.h"

enum { BARRIER, VISIT };

static const struct trap_call calls[] = {
	[BARRIER] = {"membarrier", SYS_membarrier, 0, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0},
	[VISIT] = {"sched_setaffinity", SYS_sched_setaffinity, -1, 0, 0},
};

static void barrier_everywhere(void)
{
	trap_forget();
	trap_enter();
	regioi_barrier_everywhere();
	trap_leave();
}

START_TEST(a_barrier_is_one_call)
{
	if (trap_refused())
		SKIP("%s", trap_refused());
	if (!regioi_barrier_available())
		SKIP("this kernel has none");
	trap_calls(calls, ARRAY_SIZE(calls));
	barrier_everywhere();
	ck_assert_uint_eq(trap_count(BARRIER), 1);
	ck_assert_uint_eq(trap_count(VISIT), 0);
	ck_assert(regioi_barrier_available());
}
END_TEST

START_TEST(a_barrier_that_is_refused_later_is_made_up_for_on_every_CPU)
{
	cpu_set_t before, after;

	if (trap_refused())
		SKIP("%s", trap_refused());
	if (!regioi_barrier_available())
		SKIP("this kernel has none");
	sched_getaffinity(0, sizeof(before), &before);
	trap_calls(calls, ARRAY_SIZE(calls));
	trap_fail(BARRIER, 0, EPERM);
	barrier_everywhere();
	ck_assert_uint_ge(trap_count(VISIT), (unsigned int)CPU_COUNT(&before));
	sched_getaffinity(0, sizeof(after), &after);
	ck_assert(CPU_EQUAL(&before, &after));
	/* Nobody relies on it anew. */
	ck_assert(!regioi_barrier_available());
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_barrier_is_one_call),
		CASE(a_barrier_that_is_refused_later_is_made_up_for_on_every_CPU),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
