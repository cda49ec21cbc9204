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

/* Of the slices of a request, what was looked up last. */
struct regioi_resolvers {
	struct regioi_resolver data, extra;
};

static inline bool regioi_slice_lives(struct regioi_resolver *resolver,
				      const struct regio_buf *slice)
{
	return slice->region == 0 || regioi_resolve(resolver, slice->region, slice->offset);
}

/* Whether a request wants more than its data and the address of the other side. */
static inline bool regioi_extra_is_more_than_remote(const struct regio_extra *extra)
{
	return extra->local_address.region | extra->control.region | extra->message_flags.region;
}

static inline bool regioi_extra_lives(struct regioi_resolver *resolver,
				      const struct regio_extra *extra)
{
	return regioi_slice_lives(resolver, &extra->remote_address) &&
	       (!regioi_extra_is_more_than_remote(extra) ||
		(regioi_slice_lives(resolver, &extra->local_address) &&
		 regioi_slice_lives(resolver, &extra->control) &&
		 regioi_slice_lives(resolver, &extra->message_flags)));
}

/* NULL if the slice is not wanted, or its region was deregistered. */
static inline uint8_t *regioi_slice_open(struct regioi_resolver *resolver,
					 const struct regio_buf *slice)
{
	return slice->region ? regioi_resolve(resolver, slice->region, slice->offset) : NULL;
}

static inline void regioi_slice_fill(struct regioi_resolver *resolver,
				     const struct regio_buf *slice, const void *data,
				     uint32_t length)
{
	uint8_t *at = regioi_slice_open(resolver, slice);

	if (at)
		memcpy(at, data, length < slice->length ? length : slice->length);
}

/* The data of a request, unpoisoned, or NULL if its region was deregistered. */
static inline uint8_t *regioi_receive_open_data(struct regioi_resolver *resolver,
						const struct regioi_request *request)
{
	static uint8_t empty[1];
	uint8_t *data;

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

/* The same for request 'index', or NULL if any of its regions was deregistered. */
static inline uint8_t *regioi_receive_open(struct regioi_resolvers *resolvers,
					   const struct regioi_window *window, uint32_t index)
{
	const struct regioi_request *request = regioi_window_request(window, index);

	if (__builtin_expect(request->flags & REGIOI_REQUEST_EXTRA, 0) &&
	    !regioi_extra_lives(&resolvers->extra, regioi_window_extra(window, index))) {
		regioi_guard_unpoison_request(request);
		return NULL;
	}
	return regioi_receive_open_data(&resolvers->data, request);
}

#endif
