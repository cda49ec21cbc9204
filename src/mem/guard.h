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
#define REGIOI_GUARD_MARK(start, length, poison)                                                   \
	((poison) ? __asan_poison_memory_region(start, length)                                     \
		  : __asan_unpoison_memory_region(start, length))
#else
#define REGIOI_GUARDED 0
#define REGIOI_GUARD_MARK(start, length, poison) ((void)(start), (void)(length), (void)(poison))
#endif

#define REGIOI_GUARD_GRANULE 8u

/* Of the whole granules inside the range. */
static inline void regioi_guard_set(const void *start, size_t length, bool poison)
{
	const uintptr_t mask = ~(uintptr_t)(REGIOI_GUARD_GRANULE - 1);
	uintptr_t from = ((uintptr_t)start + REGIOI_GUARD_GRANULE - 1) & mask;
	uintptr_t to = ((uintptr_t)start + length) & mask;

	if (from < to && REGIOI_GUARDED)
		REGIOI_GUARD_MARK((void *)from, to - from, poison);
}

static inline void regioi_guard_unpoison(const void *start, size_t length)
{
	regioi_guard_set(start, length, false);
}

/*
 * For the slice of a posted receive, whose 'bytes' are still its length. Called inside a read
 * section: a region that is deregistered is unpoisoned as a whole after its readers have left.
 */
static inline void regioi_guard_set_request(const struct regioi_request *request, bool poison)
{
	const void *data =
		REGIOI_GUARDED ? regioi_region_resolve(request->region, request->offset) : NULL;

	if (data)
		regioi_guard_set(data, request->bytes, poison);
}

static inline void regioi_guard_poison_request(const struct regioi_request *request)
{
	regioi_guard_set_request(request, true);
}

/* For the slices of a run of requests, the first of which is 'data'. */
static inline void regioi_guard_unpoison_run(const uint8_t *data, const struct regioi_run *run)
{
	for (uint32_t i = 0; REGIOI_GUARDED && i < run->count; i++)
		regioi_guard_unpoison(regioi_run_slice(run, data, i), run->bytes);
}

static inline void regioi_guard_unpoison_request(const struct regioi_request *request)
{
	regioi_guard_set_request(request, false);
}

/*
 * Called in the child of a fork, where the slices of the parent's receives are ordinary memory;
 * before the table forgets the parent's regions.
 */
void regioi_guard_fork_child(void);

#endif
