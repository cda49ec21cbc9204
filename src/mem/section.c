/* SPDX-License-Identifier: MIT */
/*
 * Waiting for read sections, and sections of threads without a record.
 */
#include "mem/section.h"
#include "base/back_off.h"
#include "base/barrier.h"

/* Sections of threads that have no memory for a record. */
static _Atomic uint32_t recordless;

struct regioi_hazard *regioi_section_enter_slowly(void)
{
	struct regioi_hazard *own = regioi_hazard_own();

	/* Sequentially consistent: there may be no barrier in regioi_sections_wait(), its partner.
	 */
	if (!own)
		atomic_fetch_add(&recordless, 1);
	else if (own->sections++ == 0)
		atomic_fetch_add(&own->section, 1);
	return own;
}

void regioi_section_leave_slowly(void)
{
	atomic_fetch_sub(&recordless, 1);
}

bool regioi_section_is_open(void)
{
	const struct regioi_hazard *own = REGIOI_CHECKED ? regioi_hazard_own() : NULL;

	return !own || own->sections > 0;
}

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
	struct regioi_back_off back_off = {0};

	while (atomic_load(word) == value)
		regioi_back_off(&back_off, word, value);
}

void regioi_sections_wait(void)
{
	uint32_t value;

	/* It would wait for itself. */
	REGIOI_ASSERT(!regioi_hazard_own() || regioi_hazard_own()->sections == 0);
	regioi_barrier_everywhere();
	for (struct regioi_hazard *each = regioi_hazard_first(); each; each = each->next) {
		value = atomic_load(&each->section);
		if (value & 1)
			wait_while(&each->section, value);
	}
	while ((value = atomic_load(&recordless)))
		wait_while(&recordless, value);
}

void regioi_sections_fork_child(void)
{
	for (struct regioi_hazard *each = regioi_hazard_first(); each; each = each->next) {
		if (each == regioi_hazard_own())
			continue;
		each->sections = 0;
		atomic_store(&each->section, 0);
	}
	atomic_store(&recordless, 0);
}
