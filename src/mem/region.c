/* SPDX-License-Identifier: MIT */
/*
 * Regions, beside looking them up: why a slice is refused, and what becomes of them in a child.
 */
#include "mem/region.h"
#include "mem/guard.h"

int regioi_region_refusal(const struct regio_buf *buf)
{
	struct regioi_slot *slot = regioi_table_find(buf->region, REGIOI_KIND_REGION);

	if (!slot)
		return regioi_table_reason(buf->region, -EFAULT);
	return (uint64_t)buf->offset + buf->length >
			       atomic_load_explicit(&slot->length, memory_order_relaxed)
		       ? -EINVAL
		       : -EFAULT;
}

/* In the child the slices of the parent's receives are memory like any other. */
static void open_region(struct regioi_slot *slot)
{
	regioi_guard_open(slot->object, slot->length);
}

void regioi_regions_fork_child(void)
{
	if (REGIOI_GUARDED)
		regioi_table_visit(REGIOI_KIND_REGION, open_region);
}
