/* SPDX-License-Identifier: MIT */
/*
 * Why a slice is refused.
 */
#include "mem/region.h"

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
