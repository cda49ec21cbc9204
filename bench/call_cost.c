/* SPDX-License-Identifier: MIT */
/*
 * Finding by measurement how many instructions take how long. A filter cannot be
 * taken back, so each trial has a thread of its own.
 */
#include "call_cost.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "call_filter.h"

/* The fastest of many short batches is one that nothing interrupted. */
#define BATCHES 100
#define CALLS_PER_BATCH 100
/* How long a series of instructions is timed over, to know one. */
#define TRIAL_WORK 1000u
/* Corrections after the first guess. */
#define CORRECTIONS 3

struct trial {
	uint32_t work;
	int cpu;
	int error;
	double call_ns;
};

static int install_filter(uint32_t work)
{
	struct sock_filter filter[CALL_FILTER_WORK_MAX + 2];
	struct sock_fprog program = {.filter = filter};

	program.len = call_filter_make(work, filter);
	/* Without the flag older kernels would slow down the program itself as well. */
	if (!syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
		     &program))
		return 0;
	if (errno == EINVAL && !syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
		return 0;
	return errno;
}

int call_cost_install(uint32_t work)
{
	int error = 0;

	if (work > 0 && prctl(PR_SET_NO_NEW_PRIVS, 1ul, 0ul, 0ul, 0ul))
		return errno;
	while (work > 0 && error == 0) {
		uint32_t part = work < CALL_FILTER_WORK_MAX ? work : CALL_FILTER_WORK_MAX;

		error = install_filter(part);
		work -= part;
	}
	return error;
}

static void *time_calls(void *argument)
{
	struct trial *trial = argument;

	placement_pin(trial->cpu);
	trial->call_ns = INFINITY;
	trial->error = call_cost_install(trial->work);
	for (int batch = 0; batch < BATCHES && !trial->error; batch++) {
		uint64_t start_ns = clock_now_ns();

		for (int i = 0; i < CALLS_PER_BATCH; i++)
			syscall(SYS_getppid);
		trial->call_ns =
			fmin(trial->call_ns, (double)(clock_now_ns() - start_ns) / CALLS_PER_BATCH);
	}
	return NULL;
}

/* What an empty call takes with so much work before it; returns 0 or an errno value. */
static int measure(uint32_t work, const struct placement *placement, double *ret_call_ns)
{
	struct trial trial = {.work = work, .cpu = placement->cpus[BENCH_TX]};
	pthread_t thread;
	int error = pthread_create(&thread, NULL, time_calls, &trial);

	if (error)
		return error;
	pthread_join(thread, NULL);
	*ret_call_ns = trial.call_ns;
	return trial.error;
}

/* Goes on from what one instruction has been seen to take; returns 0 or an errno value. */
static int approach(struct call_cost *cost, const struct placement *placement)
{
	double least_ns = 0, trial_ns = 0;
	int error = measure(1, placement, &least_ns);

	if (!error)
		error = measure(TRIAL_WORK, placement, &trial_ns);
	if (error)
		return error;
	double each_ns = fmax((trial_ns - least_ns) / (TRIAL_WORK - 1), 0.01);
	double work = (cost->plain_ns + cost->wanted_ns - least_ns) / each_ns;

	for (int i = 0; i <= CORRECTIONS && !error; i++) {
		work = fmax(work, 1);
		if (work > CALL_COST_WORK_MAX)
			return ERANGE;
		cost->work = (uint32_t)work;
		error = measure(cost->work, placement, &cost->costly_ns);
		work += (cost->plain_ns + cost->wanted_ns - cost->costly_ns) / each_ns;
	}
	return error;
}

int call_cost_calibrate(uint32_t wanted_ns, const struct placement *placement,
			struct call_cost *ret_cost)
{
	int error;

	*ret_cost = (struct call_cost){.wanted_ns = wanted_ns};
	error = measure(0, placement, &ret_cost->plain_ns);
	if (!error && wanted_ns > 0)
		error = approach(ret_cost, placement);
	if (error == ERANGE)
		fprintf(stderr,
			"regio bench: --call-cost %u: more than seccomp filters can take here\n",
			wanted_ns);
	else if (error)
		fprintf(stderr, "regio bench: --call-cost %u: seccomp filters: %s\n", wanted_ns,
			strerror(error));
	return error ? -1 : 0;
}
