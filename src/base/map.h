/* SPDX-License-Identifier: MIT */
/*
 * Memory at a multiple of a power of two. mmap(2) itself aligns to huge pages only on newer
 * kernels, and only for some lengths.
 */
#ifndef REGIO_BASE_MAP_H
#define REGIO_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Zeroed memory, or NULL. 'length' is a multiple of the page size; 'flags' are more of MAP_... */
static inline void *regioi_map_aligned(size_t length, size_t alignment, int protection, int flags)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	/* What consists of huge pages is aligned to them. */
	const size_t spare = alignment > page && !(flags & MAP_HUGETLB) ? alignment - page : 0;
	uint8_t *memory =
		mmap(NULL, length + spare, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	size_t before;

	if (memory == MAP_FAILED)
		return NULL;
	if (spare == 0)
		return memory;
	before = -(uintptr_t)memory & (alignment - 1);
	if (before > 0)
		munmap(memory, before);
	if (before < spare)
		munmap(memory + before + length, spare - before);
	return memory + before;
}

#endif
