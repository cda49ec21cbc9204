/* SPDX-License-Identifier: MIT */
/*
 * thread.c - a driver's thread leaves sends to the threads on its CPU while they are there
 */
#include "../support/net.h"
#include "../support/suite.h"

#include <sched.h>

#include "base/table.h"
#include "queue/driver.h"
#include "queue/runq.h"

static void go_to(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	EXPECT(sched_setaffinity(0, sizeof(cpus), &cpus) == 0, "%m");
}

/* Another than 'cpu', or -1. */
static int cpu_beside(int cpu)
{
	cpu_set_t cpus;

	EXPECT(sched_getaffinity(0, sizeof(cpus), &cpus) == 0, "%m");
	for (int other = 0; other < CPU_SETSIZE; other++) {
		if (other != cpu && CPU_ISSET(other, &cpus))
			return other;
	}
	return -1;
}

/* Uses the driver until its thread has noticed where. */
static void use_until(struct regio_cq *cq, struct regioi_driver *driver, bool posters_execute)
{
	const int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (atomic_load(&driver->posters_execute) != posters_execute) {
		EXPECT(now_ns() < deadline_ns, "the thread does not notice it");
		regioi_driver_kick(driver);
		EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(cq, 1, 0, MILLISECOND_NS));
	}
}

START_TEST(a_thread_leaves_sends_to_its_user_while_that_is_on_its_cpu)
{
	const int cpu = sched_getcpu(), other = cpu_beside(cpu);
	const struct regio_driver_opts opts = {.size = sizeof(opts),
					       .flags = REGIO_DRIVER_THREAD |
							REGIO_DRIVER_THREAD_CPU,
					       .thread_cpu = (uint32_t)cpu};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	struct regioi_driver *object;
	struct regio_driver *driver;
	struct regio_cq *cq;

	if (other < 0)
		SKIP("there is one CPU");
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	object = regioi_table_object(driver, REGIOI_KIND_DRIVER);
	cq_opts.driver = driver;
	EXPECT_RETURN(0, regio_cq_create(4, &cq_opts, &cq));
	for (int round = 0; round < 3; round++) {
		go_to(cpu);
		use_until(cq, object, true);
		go_to(other);
		use_until(cq, object, false);
	}
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_thread_leaves_sends_to_its_user_while_that_is_on_its_cpu),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
