/* SPDX-License-Identifier: MIT */
/*
 * A memory barrier on every thread of the process.
 *
 * A sandbox may begin to refuse membarrier(2) after threads have started to rely on it. From then
 * on no more threads start to do so, and for those that do, the calling thread runs on every CPU in
 * turn: the thread that ran there was switched out, which is a barrier.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/barrier.h"
#include "base/clock.h"

/* The most CPUs that the kernel supports, on x86 in 2025 (CONFIG_NR_CPUS). */
#define CPUS_MAX 8192
/* Stores leave a CPU's buffer within a microsecond or two. */
#define DRAIN_NS 1000000

static pthread_once_t tried = PTHREAD_ONCE_INIT;
static bool registered;
static _Atomic bool available;

static bool membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

static void try_barrier(void)
{
	registered = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	atomic_store(&available, registered);
}

bool regioi_barrier_available(void)
{
	pthread_once(&tried, try_barrier);
	return atomic_load_explicit(&available, memory_order_relaxed);
}

/* False if that is refused as well. Only CPUs that this process may use matter. */
static bool visit_every_cpu(void)
{
	cpu_set_t before[CPUS_MAX / CPU_SETSIZE], one[CPUS_MAX / CPU_SETSIZE];
	bool visited = false;

	if (sched_getaffinity(0, sizeof(before), before) < 0)
		return false;
	for (size_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		CPU_ZERO_S(sizeof(one), one);
		CPU_SET_S(cpu, sizeof(one), one);
		visited |= sched_setaffinity(0, sizeof(one), one) == 0;
	}
	sched_setaffinity(0, sizeof(before), before);
	return visited;
}

static void let_stores_drain(void)
{
	const struct timespec duration = {.tv_nsec = DRAIN_NS};
	const uint64_t until = regioi_now_ns() + DRAIN_NS;

	/*
	 * A signal may end the sleep, or a filter may refuse it: the loop waits for the time in any
	 * case.
	 */
	while (regioi_now_ns() < until)
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &duration, NULL);
}

void regioi_barrier_everywhere(void)
{
	regioi_barrier_available();
	if (!registered || membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return;
	atomic_store(&available, false);
	if (!visit_every_cpu())
		let_stores_drain();
}
