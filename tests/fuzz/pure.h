/* SPDX-License-Identifier: MIT */
/*
 * pure.h - for targets that call functions which the library calls inside read sections
 *
 * The target is inside one from its set-up on. Whoever ends a region waits for sections, so it
 * leaves its own meanwhile.
 */
#ifndef REGIO_TESTS_FUZZ_PURE_H
#define REGIO_TESTS_FUZZ_PURE_H

#include "target.h"

#include "mem/section.h"
#include "regio.h"

static struct regioi_hazard *pure_section;

static inline void pure_begin(void)
{
	pure_section = regioi_section_enter();
}

static inline void pure_end_region(uint64_t region)
{
	regioi_section_leave(pure_section);
	CHECK(regio_region_deregister(region) == 0, "%s", regio_last_error());
	pure_section = regioi_section_enter();
}

#endif
