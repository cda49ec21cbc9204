/* SPDX-License-Identifier: MIT */
/*
 * Registered memory. Requests name slices by region id; the id is checked when the request is
 * posted, and turned into an address when it is executed, inside a read section (section.h), which
 * regio_region_deregister() waits for.
 */
#ifndef REGIO_MEM_REGION_H
#define REGIO_MEM_REGION_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/table.h"
#include "mem/section.h"
#include "regio.h"

#define REGIOI_REGION_WRITABLE 0x1u
#define REGIOI_REGION_OWNED 0x2u /* allocated by the library */

/* Whether the region that was found for the slice contains it, and may be written to. */
static inline bool regioi_region_has(struct regioi_slot *slot, const struct regio_buf *buf,
				     bool write)
{
	return slot &&
	       (uint64_t)buf->offset + buf->length <=
		       atomic_load_explicit(&slot->length, memory_order_relaxed) &&
	       (!write ||
		atomic_load_explicit(&slot->flags, memory_order_relaxed) & REGIOI_REGION_WRITABLE);
}

/* How far the slices of a region may reach; 0: there is none that requests may name. */
static inline uint64_t regioi_region_bytes(uint64_t region, bool write)
{
	struct regioi_slot *slot = regioi_table_find(region, REGIOI_KIND_REGION);

	return slot && regioi_region_has(slot, &(struct regio_buf){.region = region}, write)
		       ? atomic_load_explicit(&slot->length, memory_order_relaxed)
		       : 0;
}

/* Whether a request may name the slice. */
static inline bool regioi_region_allows(const struct regio_buf *buf, bool write)
{
	return regioi_region_has(regioi_table_find(buf->region, REGIOI_KIND_REGION), buf, write);
}

/* The same for a thread that has seen a region. */
static inline bool regioi_region_allows_again(const struct regio_buf *buf, bool write,
					      struct regioi_table_seen *seen, bool look_up)
{
	return regioi_region_has(
		regioi_table_find_again(buf->region, REGIOI_KIND_REGION, seen, look_up), buf,
		write);
}

/* Why it may not: -EFAULT, -EINVAL, or -ECHILD for a region of the parent process. */
int regioi_region_refusal(const struct regio_buf *buf) __attribute__((cold));

/*
 * The address of a slice that was checked at posting, or NULL if its region was deregistered. Only
 * inside a read section.
 */
static inline void *regioi_region_resolve(uint64_t region, uint32_t offset)
{
	struct regioi_slot *slot = regioi_table_find(region, REGIOI_KIND_REGION);

	REGIOI_ASSERT(regioi_section_is_open());
	if (__builtin_expect(!slot, 0))
		return NULL;
	return (uint8_t *)atomic_load_explicit(&slot->object, memory_order_relaxed) + offset;
}

/*
 * The same, remembering the last region, because consecutive requests nearly always use the same
 * one. Valid within one read section, because deregistering waits for the section.
 */
struct regioi_resolver {
	uint64_t region; /* 0: none; no request with data has it */
	uint8_t *base;
};

static inline uint8_t *regioi_resolve(struct regioi_resolver *resolver, uint64_t region,
				      uint32_t offset)
{
	if (__builtin_expect(region != resolver->region, 0)) {
		resolver->base = regioi_region_resolve(region, 0);
		if (!resolver->base) {
			resolver->region = 0;
			return NULL;
		}
		resolver->region = region;
	}
	return resolver->base + offset;
}

#endif
