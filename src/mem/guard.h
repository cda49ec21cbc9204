/* SPDX-License-Identifier: MIT */
/*
 * The guard of queued receives: in builds with the address sanitizer the data slice of a receive is
 * poisoned from its post to its completion, so that any access to it is reported. In other builds
 * this code does nothing.
 *
 * The executor of a receive unpoisons its slice, and poisons it again if the receive is still
 * queued. Only whole granules of the sanitizer are poisoned: bytes that share a granule with a
 * neighbouring slice may belong to another thread.
 */
#ifndef REGIO_MEM_GUARD_H
#define REGIO_MEM_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "mem/region.h"
#include "mem/request.h"

#if defined(__SANITIZE_ADDRESS__)
#define REGIOI_GUARDED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define REGIOI_GUARDED 1
#endif
#endif

#ifdef REGIOI_GUARDED
#include <sanitizer/asan_interface.h>
#else
#define REGIOI_GUARDED 0
#define __asan_poison_memory_region(start, length) ((void)(start), (void)(length))
#define __asan_unpoison_memory_region(start, length) ((void)(start), (void)(length))
#endif

#define REGIOI_GUARD_GRANULE 8u

/*
 * The whole granules inside the range: returns their length in bytes, and where they start in
 * *ret_from.
 */
static inline size_t regioi_guard_span(const void *start, size_t length, void **ret_from)
{
	const uintptr_t mask = ~(uintptr_t)(REGIOI_GUARD_GRANULE - 1);
	uintptr_t from = ((uintptr_t)start + REGIOI_GUARD_GRANULE - 1) & mask;
	uintptr_t to = ((uintptr_t)start + length) & mask;

	*ret_from = (void *)from;
	return from < to ? to - from : 0;
}

static inline void regioi_guard_poison(const void *start, size_t length)
{
	void *from;

	if (!REGIOI_GUARDED)
		return;
	length = regioi_guard_span(start, length, &from);
	__asan_poison_memory_region(from, length);
}

static inline void regioi_guard_unpoison(const void *start, size_t length)
{
	void *from;

	if (!REGIOI_GUARDED)
		return;
	length = regioi_guard_span(start, length, &from);
	__asan_unpoison_memory_region(from, length);
}

/*
 * For the slice of a posted receive, whose 'bytes' are still its length. Called inside a read
 * section: a region that is deregistered is unpoisoned as a whole after its readers have left.
 */
static inline void regioi_guard_poison_request(const struct regioi_request *request)
{
	const void *data;

	if (!REGIOI_GUARDED)
		return;
	data = regioi_region_resolve(request->region, request->offset);
	if (data)
		regioi_guard_poison(data, request->bytes);
}

static inline void regioi_guard_unpoison_request(const struct regioi_request *request)
{
	const void *data;

	if (!REGIOI_GUARDED)
		return;
	data = regioi_region_resolve(request->region, request->offset);
	if (data)
		regioi_guard_unpoison(data, request->bytes);
}

/*
 * Called in the child of a fork, where the slices of the parent's receives are ordinary memory;
 * before the table forgets the parent's regions.
 */
void regioi_guard_fork_child(void);

#endif
