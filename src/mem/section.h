/* SPDX-License-Identifier: MIT */
/*
 * Read sections, as in RCU (read, copy, update): an address that was looked up inside a section
 * stays valid until its end, because regio_region_deregister() waits for the sections that have
 * begun. A section is short and never blocks. Checked builds assert that the thread is in one
 * wherever a slice is turned into an address.
 *
 * A section is a count in the thread's own record (base/hazard.h), odd inside: entering is a store,
 * and the barrier between it and the look-up is executed by the side that waits. Sections of one
 * thread may nest.
 */
#ifndef REGIO_MEM_SECTION_H
#define REGIO_MEM_SECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"
#include "base/hazard.h"

/* For threads without a record, and kernels without the barrier. NULL if there is no memory. */
struct regioi_hazard *regioi_section_enter_slowly(void);
void regioi_section_leave_slowly(void);

/* Returns what regioi_section_leave() takes. */
static inline struct regioi_hazard *regioi_section_enter(void)
{
	struct regioi_hazard *own = regioi_hazard_quick;

	if (__builtin_expect(!own, 0))
		return regioi_section_enter_slowly();
	if (own->sections++ == 0) {
		uint32_t section = atomic_load_explicit(&own->section, memory_order_relaxed);

		atomic_store_explicit(&own->section, section + 1, memory_order_relaxed);
		/* Pairs with the barrier on every thread in regioi_sections_wait(). */
		atomic_signal_fence(memory_order_seq_cst);
	}
	return own;
}

static inline void regioi_section_leave(struct regioi_hazard *own)
{
	uint32_t section;

	if (__builtin_expect(!own, 0)) {
		regioi_section_leave_slowly();
		return;
	}
	REGIOI_ASSERT(own->sections > 0);
	if (--own->sections > 0)
		return;
	section = atomic_load_explicit(&own->section, memory_order_relaxed);
	/* Release: pairs with the load in regioi_sections_wait(). */
	atomic_store_explicit(&own->section, section + 1, memory_order_release);
}

/* Whether the calling thread is in a section. Always true unless the build is checked. */
bool regioi_section_is_open(void);

/* Waits for every section that has begun. The calling thread is in none. */
void regioi_sections_wait(void);
/* In the child of a fork, where there is one thread. */
void regioi_sections_fork_child(void);

#endif
