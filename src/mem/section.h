/* SPDX-License-Identifier: MIT */
/*
 * Read sections, as in RCU (read, copy, update): an address that was looked up inside a section
 * stays valid until its end, because regio_region_deregister() waits for the sections that have
 * begun. A section is short and never blocks. Checked builds assert that the thread is in one
 * wherever a slice is turned into an address.
 */
#ifndef REGIO_MEM_SECTION_H
#define REGIO_MEM_SECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* The number of sections that the thread is in; sections of several drivers may nest. */
extern _Thread_local uint32_t regioi_sections
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void regioi_section_begin(void)
{
	if (REGIOI_CHECKED)
		regioi_sections++;
}

static inline void regioi_section_end(void)
{
	if (REGIOI_CHECKED)
		regioi_sections--;
}

static inline bool regioi_section_is_open(void)
{
	return !REGIOI_CHECKED || regioi_sections > 0;
}

/*
 * Counts of threads in a section. Executors count themselves in one of two phases, so that a
 * waiting thread does not wait for those that come later. Initialised to zero, or with 'phase' set
 * to a start value.
 */
struct regioi_readers {
	_Atomic uint32_t phase;
	_Atomic uint32_t inside[2];
};

/* Returns the argument of regioi_readers_leave(). */
static inline uint32_t regioi_readers_enter(struct regioi_readers *readers)
{
	uint32_t phase = atomic_load_explicit(&readers->phase, memory_order_relaxed) & 1;

	/*
	 * Sequentially consistent: pairs with the invalidation of a region id and the look at
	 * this count in regioi_readers_wait(). One of the two sees the other.
	 */
	atomic_fetch_add(&readers->inside[phase], 1);
	regioi_section_begin();
	return phase;
}

static inline void regioi_readers_leave(struct regioi_readers *readers, uint32_t phase)
{
	REGIOI_ASSERT(regioi_section_is_open() && atomic_load(&readers->inside[phase]) > 0);
	regioi_section_end();
	atomic_fetch_sub_explicit(&readers->inside[phase], 1, memory_order_release);
}

/* Waits for the end of every section that has begun. One caller at a time. */
void regioi_readers_wait(struct regioi_readers *readers);

#endif
