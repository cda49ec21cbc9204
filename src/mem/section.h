/* SPDX-License-Identifier: MIT */
/*
 * Read sections, as in RCU (read, copy, update): an address that was found inside one stays good
 * until its end, for regio_region_deregister() waits for the sections that have begun. Short, and
 * never blocks. Whether a thread is in one is asserted in checked builds, wherever a slice becomes
 * an address.
 */
#ifndef REGIO_MEM_SECTION_H
#define REGIO_MEM_SECTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* Sections that the thread is in; sections of several drivers may nest. */
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
 * Who is in a section: executors count themselves in one of two, so that those who come while
 * somebody waits are not waited for. Zeroed, or 'phase' set to where it is to start.
 */
struct regioi_readers {
	_Atomic uint32_t phase;
	_Atomic uint32_t inside[2];
};

/* Returns what regioi_readers_leave() takes. */
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

/* Waits for every section that has begun. One caller at a time. */
void regioi_readers_wait(struct regioi_readers *readers);

#endif
