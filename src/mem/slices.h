/* SPDX-License-Identifier: MIT */
/*
 * The memory of a posted receive. Only inside a read section.
 */
#ifndef REGIO_MEM_SLICES_H
#define REGIO_MEM_SLICES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "mem/guard.h"
#include "mem/region.h"
#include "mem/request.h"

static inline bool regioi_slice_lives(const struct regio_buf *slice)
{
	return slice->region == 0 || regioi_region_resolve(slice->region, 0);
}

static inline bool regioi_extra_lives(const struct regio_extra *extra)
{
	return regioi_slice_lives(&extra->local_address) &&
	       regioi_slice_lives(&extra->remote_address) && regioi_slice_lives(&extra->control) &&
	       regioi_slice_lives(&extra->message_flags);
}

/* NULL if the slice is not wanted, or its region was deregistered. */
static inline uint8_t *regioi_slice_open(const struct regio_buf *slice)
{
	return slice->region ? regioi_region_resolve(slice->region, slice->offset) : NULL;
}

static inline void regioi_slice_fill(const struct regio_buf *slice, const void *data,
				     uint32_t length)
{
	uint8_t *at = regioi_slice_open(slice);

	if (at)
		memcpy(at, data, length < slice->length ? length : slice->length);
}

/* The memory of request 'index', unpoisoned, or NULL if one of its regions was deregistered. */
static inline uint8_t *regioi_receive_open(struct regioi_resolver *resolver,
					   const struct regioi_window *window, uint32_t index)
{
	static uint8_t empty[1];
	const struct regioi_request *request = regioi_window_request(window, index);
	uint8_t *data;

	if (__builtin_expect(request->flags & REGIOI_REQUEST_EXTRA, 0) &&
	    !regioi_extra_lives(regioi_window_extra(window, index))) {
		regioi_guard_unpoison_request(request);
		return NULL;
	}
	if (request->region == 0)
		return empty;
	data = regioi_resolve(resolver, request->region, request->offset);
	/*
	 * Not looked up by its id again: the region may be invalid by now, with the deregistering
	 * thread waiting for this section.
	 */
	if (data)
		regioi_guard_unpoison(data, request->bytes);
	return data;
}

#endif
