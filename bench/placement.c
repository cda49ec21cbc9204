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

static int next_cpu(const cpu_set_t *allowed, int first, int not_on_core)
{
	for (int cpu = first; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, allowed) && core_of(cpu) != not_on_core)
			return cpu;
	}
	return -1;
}

int placement_choose(const int *wanted, struct placement *ret_placement)
{
	cpu_set_t allowed;
	int first, second;

	CPU_ZERO(&allowed);
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return -1;
	first = wanted ? wanted[0] : next_cpu(&allowed, 0, -1);
	if (first < 0 || first >= CPU_SETSIZE || !CPU_ISSET(first, &allowed))
		return -1;
	second = wanted ? wanted[1] : next_cpu(&allowed, first + 1, core_of(first));
	if (second < 0 && !wanted)
		second = next_cpu(&allowed, first + 1, -1);
	if (second < 0)
		second = first;
	if (second >= CPU_SETSIZE || !CPU_ISSET(second, &allowed))
		return -1;
	*ret_placement = (struct placement){{first, second}, first == second};
	return 0;
}

static void pin_thread(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *answer(void *argument)
{
	struct line *line = argument;

	pin_thread(line->cpu);
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
	pin_thread(placement->cpus[BENCH_TX]);
	best_ns = best_batch_ns(&line);
	atomic_store(&line.stop, 1);
	pthread_join(thread, NULL);
	sched_setaffinity(0, sizeof(before), &before);
	return best_ns;
}
