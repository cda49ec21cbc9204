/* SPDX-License-Identifier: MIT */
/*
 * A memory barrier on every thread of the process, at the cost of one: membarrier(2), Linux 4.14.
 *
 * In a pair of threads that each store a value and then look at the other's, it lets the frequent
 * side omit its barrier, which would cost as much as the rest of posting a request; the rare side
 * calls this between its store and its look.
 */
#ifndef REGIO_BASE_BARRIER_H
#define REGIO_BASE_BARRIER_H

#include <stdbool.h>

/*
 * Whether threads may rely on it: not if the kernel does not have it, nor once it has been refused.
 */
bool regioi_barrier_available(void);
/* The barrier, for threads that have relied on it. */
void regioi_barrier_everywhere(void);

#endif
