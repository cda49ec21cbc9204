/* SPDX-License-Identifier: MIT */
/*
 * How long a driver's thread spins before it sleeps.
 */
#ifndef REGIO_DRIVE_SPIN_H
#define REGIO_DRIVE_SPIN_H

#include <stdint.h>

/* The shortest spin is the longest divided by 1 << this: it still finds what follows at once. */
#define REGIOI_SPIN_SHORTEST_SHIFT 4

/*
 * The next spin, after work has come 'idle_ns' after the last: twice as long if a spin within the
 * limit found it, or would have; else half as long.
 */
static inline uint64_t regioi_spin_next(uint64_t spin_ns, uint64_t limit_ns, uint64_t idle_ns)
{
	const uint64_t shortest_ns = limit_ns >> REGIOI_SPIN_SHORTEST_SHIFT;

	if (idle_ns > limit_ns)
		return spin_ns / 2 > shortest_ns ? spin_ns / 2 : shortest_ns;
	return spin_ns < limit_ns / 2 ? 2 * spin_ns + 1 : limit_ns;
}

#endif
