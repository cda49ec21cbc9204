/* SPDX-License-Identifier: MIT */
/*
 * A memory barrier on every thread of the process.
 */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/barrier.h"

static pthread_once_t tried = PTHREAD_ONCE_INIT;
static bool available;

static void try_barrier(void)
{
	available = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool regioi_barrier_available(void)
{
	pthread_once(&tried, try_barrier);
	return available;
}

void regioi_barrier_everywhere(void)
{
	/* Cannot fail once it has been registered. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}
