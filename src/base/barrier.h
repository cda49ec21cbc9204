/* SPDX-License-Identifier: MIT */
/*
 * A memory barrier on every thread of the process, at the cost of one: membarrier(2), Linux 4.14.
 *
 * It lets a frequent side of a store-then-look pair go without a barrier of its own, which costs
 * as much as the rest of posting a request, where the rare side calls this between its store and
 * its look.
 */
#ifndef REGIO_BASE_BARRIER_H
#define REGIO_BASE_BARRIER_H

#include <stdbool.h>

/* Whether threads may rely on it: not where the kernel has none, nor once it has been refused. */
bool regioi_barrier_available(void);
/* For those that have relied on it. */
void regioi_barrier_everywhere(void);

#endif
