/* SPDX-License-Identifier: MIT */
/*
 * VirtualAlloc and related functions, and a few heap functions.
 *
 * An allocation is aligned to 64 KiB as on Windows. Its start and size are remembered, because
 * VirtualFree() does not get its size. Reserved memory is not accessible until it is committed.
 * Memory that is freed or decommitted is deregistered first.
 */
#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "base/map.h"
#include "winsock/win32/error.h"
#include "winsock/win32/map.h"
#include "winsock/win32/registered.h"

#define GRANULARITY 0x10000u
#define LARGE_PAGE 0x200000u
#define NODES_MAX 64u
#define MEMORY_POLICY_BIND 2 /* MPOL_BIND of linux/mempolicy.h */

static struct regioi_ws_map allocations = REGIOI_WS_MAP_INIT; /* start -> bytes */

static size_t round_up(size_t size, size_t to)
{
	return (size + to - 1) / to * to;
}

/* Returns -1 if the protection is not known. */
static int protection_of(DWORD protection)
{
	switch (protection) {
	case PAGE_NOACCESS:
		return PROT_NONE;
	case PAGE_READONLY:
		return PROT_READ;
	case PAGE_READWRITE:
		return PROT_READ | PROT_WRITE;
	default:
		return -1;
	}
}

/*
 * Uses reserved huge pages if the system has some, otherwise transparent huge pages where possible.
 */
static void *map_large(size_t size, int protection)
{
	void *start = regioi_map_aligned(size, LARGE_PAGE, protection, MAP_HUGETLB);

	if (start)
		return start;
	start = regioi_map_aligned(size, LARGE_PAGE, protection, MAP_NORESERVE);
	if (start)
		madvise(start, size, MADV_HUGEPAGE);
	return start;
}

/* Binds memory to a node. Must be called before the memory is first accessed. */
static bool bind_node(void *start, size_t size, DWORD node)
{
	unsigned long mask = 1ul << node;

	return syscall(SYS_mbind, start, size, MEMORY_POLICY_BIND, &mask, NODES_MAX + 1, 0) == 0;
}

/* Commits a part of a reserved range. */
static LPVOID commit(LPVOID address, SIZE_T size, DWORD type, int protection)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (uintptr_t)address / page * page;

	if (type != MEM_COMMIT)
		return regioi_ws_fail_null(ERROR_INVALID_ADDRESS);
	if (mprotect((void *)first, round_up((uintptr_t)address + size - first, page), protection) <
	    0)
		return regioi_ws_fail_null(ERROR_INVALID_ADDRESS);
	return (void *)first;
}

LPVOID WINAPI VirtualAllocExNuma(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
				 DWORD protection, DWORD node)
{
	const bool large = type & MEM_LARGE_PAGES;
	int wanted = protection_of(protection);
	void *start;

	if (process != GetCurrentProcess())
		return regioi_ws_fail_null(ERROR_INVALID_HANDLE);
	type &= ~(MEM_TOP_DOWN | MEM_LARGE_PAGES);
	if (size == 0 || wanted < 0 || !type || type & ~(MEM_COMMIT | MEM_RESERVE) ||
	    (node != NUMA_NO_PREFERRED_NODE && node >= NODES_MAX))
		return regioi_ws_fail_null(ERROR_INVALID_PARAMETER);
	if (address)
		return commit(address, size, type, wanted);
	size = round_up(size, large ? LARGE_PAGE : (size_t)sysconf(_SC_PAGESIZE));
	if (!(type & MEM_COMMIT))
		wanted = PROT_NONE;
	start = large ? map_large(size, wanted)
		      : regioi_map_aligned(size, GRANULARITY, wanted, MAP_NORESERVE);
	if (!start)
		return regioi_ws_fail_null(ERROR_NOT_ENOUGH_MEMORY);
	if ((node == NUMA_NO_PREFERRED_NODE || bind_node(start, size, node)) &&
	    regioi_ws_map_add(&allocations, (uintptr_t)start, (void *)(uintptr_t)size))
		return start;
	munmap(start, size);
	return regioi_ws_fail_null(node == NUMA_NO_PREFERRED_NODE ? ERROR_NOT_ENOUGH_MEMORY
								  : ERROR_INVALID_PARAMETER);
}

LPVOID WINAPI VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
			     DWORD protection)
{
	return VirtualAllocExNuma(process, address, size, type, protection, NUMA_NO_PREFERRED_NODE);
}

LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protection)
{
	return VirtualAllocEx(GetCurrentProcess(), address, size, type, protection);
}

static BOOL decommit(LPVOID address, SIZE_T size)
{
	if (size == 0)
		size = (uintptr_t)regioi_ws_map_find(&allocations, (uintptr_t)address);
	if (!size)
		return regioi_ws_fail(ERROR_INVALID_ADDRESS, FALSE);
	regioi_ws_registered_end(address, size);
	if (mprotect(address, size, PROT_NONE) < 0 || madvise(address, size, MADV_DONTNEED) < 0)
		return regioi_ws_fail(ERROR_INVALID_ADDRESS, FALSE);
	return TRUE;
}

BOOL WINAPI VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type)
{
	uintptr_t known;

	if (process != GetCurrentProcess())
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	if (type == MEM_DECOMMIT)
		return decommit(address, size);
	if (type != MEM_RELEASE || size)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	known = (uintptr_t)regioi_ws_map_remove(&allocations, (uintptr_t)address);
	if (!known)
		return regioi_ws_fail(ERROR_INVALID_ADDRESS, FALSE);
	regioi_ws_registered_end(address, known);
	munmap(address, known);
	return TRUE;
}

BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type)
{
	return VirtualFreeEx(GetCurrentProcess(), address, size, type);
}

BOOL WINAPI VirtualLock(LPVOID address, SIZE_T size)
{
	return mlock(address, size) == 0 || regioi_ws_fail(ERROR_NOT_ENOUGH_MEMORY, FALSE);
}

BOOL WINAPI VirtualUnlock(LPVOID address, SIZE_T size)
{
	return munlock(address, size) == 0 || regioi_ws_fail(ERROR_INVALID_ADDRESS, FALSE);
}

SIZE_T WINAPI GetLargePageMinimum(void)
{
	return LARGE_PAGE;
}

/* The highest node is the last number in a list such as "0-3". */
BOOL WINAPI GetNumaHighestNodeNumber(PULONG ret_node)
{
	REGIOI_FILE(list, "/sys/devices/system/node/online");
	unsigned node = 0;

	while (list && fscanf(list, "%u%*[-,]", &node) == 1)
		continue;
	*ret_node = node;
	return TRUE;
}

/* ---- The heap ---- */

HANDLE WINAPI GetProcessHeap(void)
{
	static int heap;

	return &heap;
}

LPVOID WINAPI HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size)
{
	if (size == 0)
		size = 1;
	return flags & HEAP_ZERO_MEMORY ? calloc(1, size) : malloc(size);
}

static void heap_free(void *memory)
{
	if (memory)
		regioi_ws_registered_end(memory, malloc_usable_size(memory));
	free(memory);
}

/* Memory that moves is no longer registered. */
LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T size)
{
	const size_t before = memory ? malloc_usable_size(memory) : 0;
	uint8_t *changed;

	if (!memory)
		return NULL;
	if (flags & HEAP_REALLOC_IN_PLACE_ONLY)
		return size <= before ? memory : NULL;
	/* New and copied, because realloc() would free the old memory before it is deregistered. */
	changed = HeapAlloc(heap, flags, size);
	if (!changed)
		return NULL;
	memcpy(changed, memory, size < before ? size : before);
	HeapFree(heap, 0, memory);
	return changed;
}

BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID memory)
{
	heap_free(memory);
	return TRUE;
}

HLOCAL WINAPI LocalFree(HLOCAL memory)
{
	heap_free(memory);
	return NULL;
}
