/* SPDX-License-Identifier: MIT */
/*
 * Guarded memory in the child of a fork.
 */
#include "mem/guard.h"

static void open_region(struct regioi_slot *slot)
{
	regioi_guard_unpoison(slot->object, slot->length);
}

void regioi_guard_fork_child(void)
{
	if (REGIOI_GUARDED)
		regioi_table_visit(REGIOI_KIND_REGION, open_region);
}
