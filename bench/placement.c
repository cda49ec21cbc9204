/* SPDX-License-Identifier: MIT */
/*
 * Choosing cores, and timing a cache line between them.
 */
#include "placement.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define BATCHES 16
#define ROUND_TRIPS 2000u
/* A virtual core may be off the machine for a while; never wait for ever. */
#define MEASURE_LIMIT_NS 200000000u

struct line {
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint32_t turn;
	_Alignas(BENCH_CACHE_LINE_BYTES) _Atomic uint32_t stop;
	int cpu;
};

/* The first hyper-thread of the core that 'cpu' is one of; 'cpu' where that is not known. */
static int core_of(int cpu)
{
	char path[128];
	int first = cpu;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	file = fopen(path, "re");
	if (!file)
		return cpu;
	if (fscanf(file, "%d", &first) != 1)
		first = cpu;
	fclose(file);
	return first;
}

/* Whether 'cpu' is one of 'taken', or, with 'cores', on a core with one of them. */
static bool is_taken(int cpu, const int *taken, unsigned count, bool cores)
{
	for (unsigned i = 0; i < count; i++) {
		if (cpu == taken[i] || (cores && core_of(cpu) == core_of(taken[i])))
			return true;
	}
	return false;
}

/* On a core nobody has, else at least a CPU nobody has, else -1. */
static int spare_cpu(const cpu_set_t *allowed, const int *taken, unsigned count)
{
	for (int pass = 0; pass < 2; pass++) {
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
			if (CPU_ISSET(cpu, allowed) && !is_taken(cpu, taken, count, pass == 0))
				return cpu;
		}
	}
	return -1;
}

int placement_choose(const uint32_t *wanted, unsigned wanted_count, struct placement *ret_placement)
{
	int cpus[PLACEMENT_CPUS];
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -1;
	for (unsigned i = 0; i < wanted_count; i++) {
		cpus[i] = (int)wanted[i];
		if (cpus[i] >= CPU_SETSIZE || !CPU_ISSET(cpus[i], &allowed))
			return -1;
	}
	for (unsigned i = wanted_count; i < PLACEMENT_CPUS; i++) {
		cpus[i] = spare_cpu(&allowed, cpus, i);
		if (cpus[i] < 0)
			cpus[i] = i < BENCH_ROLES ? cpus[0] : cpus[i - BENCH_ROLES];
	}
	/* Where not all are chosen, both sides are served alike. */
	if (wanted_count < PLACEMENT_CPUS && (cpus[2] == cpus[0] || cpus[3] == cpus[1])) {
		cpus[2] = cpus[0];
		cpus[3] = cpus[1];
	}
	*ret_placement = (struct placement){
		.cpus = {cpus[0], cpus[1]},
		.thread_cpus = {cpus[2], cpus[3]},
		.one_core = cpus[0] == cpus[1],
	};
	return 0;
}

static bool contains(const int *cpus, unsigned count, int cpu)
{
	for (unsigned i = 0; i < count; i++) {
		if (cpus[i] == cpu)
			return true;
	}
	return false;
}

unsigned placement_cpus(const struct placement *placement, int ret_cpus[PLACEMENT_CPUS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < PLACEMENT_CPUS; i++) {
		int cpu = i < BENCH_ROLES ? placement->cpus[i]
					  : placement->thread_cpus[i - BENCH_ROLES];

		if (!contains(ret_cpus, count, cpu))
			ret_cpus[count++] = cpu;
	}
	return count;
}

void placement_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *answer(void *argument)
{
	struct line *line = argument;

	placement_pin(line->cpu);
	while (!atomic_load_explicit(&line->stop, memory_order_relaxed)) {
		uint32_t turn = atomic_load_explicit(&line->turn, memory_order_acquire);

		if (turn & 1)
			atomic_store_explicit(&line->turn, turn + 1, memory_order_release);
	}
	return NULL;
}

/* The fastest of several batches: anything slower was disturbed. */
static double best_batch_ns(struct line *line)
{
	uint64_t limit_ns = clock_now_ns() + MEASURE_LIMIT_NS;
	uint32_t turn = 0;
	double best_ns = 0;

	for (int batch = 0; batch < BATCHES; batch++) {
		uint64_t start_ns = clock_now_ns();
		double batch_ns;

		if (start_ns > limit_ns)
			break;
		for (uint32_t i = 0; i < ROUND_TRIPS; i++) {
			atomic_store_explicit(&line->turn, ++turn, memory_order_release);
			turn++;
			while (atomic_load_explicit(&line->turn, memory_order_acquire) != turn)
				;
		}
		batch_ns = (double)(clock_now_ns() - start_ns) / (2.0 * ROUND_TRIPS);
		if (best_ns == 0 || batch_ns < best_ns)
			best_ns = batch_ns;
	}
	return best_ns;
}

double placement_measure_ns(const struct placement *placement)
{
	struct line line = {.cpu = placement->cpus[BENCH_RX]};
	cpu_set_t before;
	pthread_t thread;
	double best_ns;

	if (placement->one_core || sched_getaffinity(0, sizeof(before), &before))
		return 0;
	if (pthread_create(&thread, NULL, answer, &line))
		return 0;
	placement_pin(placement->cpus[BENCH_TX]);
	best_ns = best_batch_ns(&line);
	atomic_store(&line.stop, 1);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof(before), &before);
	return best_ns;
}
