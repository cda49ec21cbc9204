/* SPDX-License-Identifier: MIT */
/*
 * Registering, allocating and deregistering regions.
 */
#include <linux/mempolicy.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "api/fork.h"
#include "base/error.h"
#include "base/file.h"
#include "base/kernel.h"
#include "base/map.h"
#include "base/options.h"
#include "mem/guard.h"
#include "mem/region.h"
#include "mem/section.h"

/* Number of pages checked in one call. */
#define RESIDENCE_PAGES 512
/*
 * The size on x86, and on arm64 and riscv64 with pages of 4 KiB; on s390x a multiple of the size.
 */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

enum access {
	ACCESS_NONE,
	ACCESS_READ,
	ACCESS_WRITE,
};

/*
 * Without MADV_POPULATE_READ, and if /proc is not mounted: only whether the range is mapped.
 * Whether it may be written is not known until it is written to.
 */
static enum access range_access_from_residence(uintptr_t start, uintptr_t end)
{
	const uintptr_t step = (uintptr_t)sysconf(_SC_PAGESIZE) * RESIDENCE_PAGES;
	unsigned char pages[RESIDENCE_PAGES];

	for (; start < end; start += step) {
		uintptr_t length = end - start < step ? end - start : step;

		if (mincore((void *)start, length, pages) < 0 && errno == ENOMEM)
			return ACCESS_NONE;
	}
	return ACCESS_WRITE;
}

/*
 * For kernels before 5.14, without MADV_POPULATE_READ: the access to the whole range that
 * /proc/self/maps shows. Its lines are sorted by address.
 */
static enum access range_access_from_maps(uintptr_t start, uintptr_t end)
{
	REGIOI_UNCANCELLED;
	REGIOI_FILE(maps, "/proc/self/maps");
	enum access access = ACCESS_WRITE;
	uintptr_t covered = start;
	unsigned long from, to;
	char rights[5], line[512];

	if (!maps)
		return range_access_from_residence(start, end);
	while (covered < end && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || to <= covered)
			continue;
		if (from > covered || rights[0] != 'r')
			break;
		if (rights[1] != 'w')
			access = ACCESS_READ;
		covered = to;
	}
	return covered < end ? ACCESS_NONE : access;
}

/*
 * Whether an error of madvise(2) is about the range. Others come from a seccomp filter, which may
 * return any, or from a temporary lack of resources.
 */
static bool is_about_range(int error)
{
	return error == ENOMEM || error == EFAULT || error == EHWPOISON;
}

/* The access that all of the range allows, found by faulting it in. */
static enum access range_access(void *address, size_t length)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = (uintptr_t)address & ~(page - 1);
	uintptr_t end = (uintptr_t)address + length;

	if (end < (uintptr_t)address || end > UINTPTR_MAX - page)
		return ACCESS_NONE;
	end = (end + page - 1) & ~(page - 1);
	if (madvise((void *)start, end - start, MADV_POPULATE_WRITE) == 0)
		return ACCESS_WRITE;
	if (is_about_range(errno))
		return ACCESS_NONE;
	if (errno != EINVAL)
		return range_access_from_maps(start, end);
	/* EINVAL: part of the range is read-only, or the kernel does not know the advice. */
	if (madvise((void *)start, end - start, MADV_POPULATE_READ) == 0)
		return ACCESS_READ;
	return is_about_range(errno) ? ACCESS_NONE : range_access_from_maps(start, end);
}

static int region_check_length(const char *step, size_t length)
{
	if (length == 0)
		return regioi_fail(-EINVAL, "%s: the length is 0", step);
	if (length > UINT32_MAX)
		return regioi_fail(
			-EMSGSIZE,
			"%s: %zu bytes; a region is shorter than 4 GiB, register several", step,
			length);
	return 0;
}

static int read_options(const char *step, const struct regio_region_opts *opts,
			struct regio_region_opts *known)
{
	int error = regioi_options_read(known, sizeof(*known), opts, step);

	if (!error &&
	    (known->flags & ~(REGIO_REGION_HUGE_PAGES | REGIO_REGION_NUMA) || known->reserved))
		error = regioi_fail(-EINVAL, "%s: unknown flag or reserved field set", step);
	return error;
}

int regio_region_register(void *address, size_t length, const struct regio_region_opts *opts,
			  uint64_t *ret_region)
{
	static const char step[] = "registering memory";
	struct regio_region_opts known = {0};
	enum access access;
	int error;

	if (!address || !ret_region)
		return regioi_fail(-EINVAL, "%s: a pointer is NULL", step);
	error = region_check_length(step, length);
	if (!error)
		error = read_options(step, opts, &known);
	if (error)
		return error;
	/* Where memory is placed is decided when it is mapped. */
	if (known.flags || known.numa_node)
		return regioi_fail(-EINVAL,
				   "%s: huge pages and a NUMA node are for memory that regio "
				   "allocates; for your own use madvise(2) and mbind(2)",
				   step);
	access = range_access(address, length);
	if (access == ACCESS_NONE)
		return regioi_fail(-EFAULT,
				   "%s: %zu bytes at %p are not all mapped and readable; map them "
				   "before registering",
				   step, length, address);
	return regioi_id_add(step, REGIOI_KIND_REGION, address, (uint32_t)length,
			     access == ACCESS_WRITE ? REGIOI_REGION_WRITABLE : 0, ret_region);
}

/*
 * MPOL_PREFERRED: a full node must not be an error, because placement only affects speed. mbind(2)
 * is called directly; libnuma would be a dependency for this one call.
 */
static int place_on_node(void *address, size_t length, uint32_t node)
{
	unsigned long mask[16] = {0};
	const unsigned long bits = sizeof(mask[0]) * 8;

	if (node >= sizeof(mask) * 8)
		return -EINVAL;
	mask[node / bits] = 1ul << (node % bits);
	/* The kernel uses one bit fewer than the number it is given. */
	if (syscall(SYS_mbind, address, length, MPOL_PREFERRED, mask, sizeof(mask) * 8 + 1, 0) == 0)
		return 0;
	/* A kernel without NUMA has only node 0. */
	if (errno == ENOSYS)
		return node == 0 ? 0 : -EINVAL;
	/* A seccomp filter may return any other error. */
	return errno == EINVAL || errno == ENOMEM ? -errno : -EPERM;
}

static int refuse_node(const char *step, int error, uint32_t node)
{
	if (error == -EINVAL)
		return regioi_fail(error, "%s: NUMA node %u is not there; see regio info", step,
				   node);
	return regioi_fail(error,
			   "%s: choosing NUMA node %u: %s; where a container forbids mbind, its "
			   "seccomp profile has to allow it",
			   step, node, regio_error_text(error));
}

static size_t allocation_length(size_t length)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (length + page - 1) & ~(page - 1);
}

/* Maps memory as the options specify, locked as far as the limit allows. Unmapping unlocks it. */
static int map_memory(const char *step, size_t length, const struct regio_region_opts *opts,
		      void **ret_address)
{
	const bool huge = opts->flags & REGIO_REGION_HUGE_PAGES && length >= HUGE_PAGE_BYTES;
	void *address =
		regioi_map_aligned(length, huge ? HUGE_PAGE_BYTES : 0, PROT_READ | PROT_WRITE, 0);

	if (!address)
		return regioi_fail(-ENOMEM, "%s: %zu bytes are not available", step, length);
	if (huge)
		madvise(address, length, MADV_HUGEPAGE);
	if (opts->flags & REGIO_REGION_NUMA) {
		int error = place_on_node(address, length, opts->numa_node);

		if (error) {
			munmap(address, length);
			return refuse_node(step, error, opts->numa_node);
		}
	}
	mlock(address, length);
	*ret_address = address;
	return 0;
}

int regio_region_allocate(size_t length, const struct regio_region_opts *opts, uint64_t *ret_region,
			  void **ret_address)
{
	static const char step[] = "allocating memory";
	const uint32_t flags = REGIOI_REGION_WRITABLE | REGIOI_REGION_OWNED;
	const size_t mapped = allocation_length(length);
	struct regio_region_opts known = {0};
	void *address = NULL;
	int error;

	if (!ret_region || !ret_address)
		return regioi_fail(-EINVAL, "%s: a pointer is NULL", step);
	error = region_check_length(step, length);
	if (!error)
		error = read_options(step, opts, &known);
	if (!error && known.numa_node && !(known.flags & REGIO_REGION_NUMA))
		error = regioi_fail(-EINVAL, "%s: numa_node needs the flag REGIO_REGION_NUMA",
				    step);
	if (!error)
		error = map_memory(step, mapped, &known, &address);
	if (error)
		return error;
	error = regioi_id_add(step, REGIOI_KIND_REGION, address, (uint32_t)length, flags,
			      ret_region);
	if (error)
		munmap(address, mapped);
	else
		*ret_address = address;
	return error;
}

int regio_region_deregister(uint64_t region)
{
	struct regioi_slot *slot = regioi_table_invalidate(region, REGIOI_KIND_REGION);
	void *address;
	uint32_t length, flags;

	if (!slot) {
		int error = regioi_table_reason(region, -EFAULT);

		return regioi_fail(
			error, "ending a region: id %#llx %s", (unsigned long long)region,
			error == -ECHILD ? "belongs to the parent process" : "is not a region");
	}
	address = atomic_load_explicit(&slot->object, memory_order_relaxed);
	length = atomic_load_explicit(&slot->length, memory_order_relaxed);
	flags = atomic_load_explicit(&slot->flags, memory_order_relaxed);
	regioi_sections_wait();
	regioi_guard_unpoison(address, length);
	if (flags & REGIOI_REGION_OWNED)
		munmap(address, allocation_length(length));
	regioi_table_release(region);
	return 0;
}
