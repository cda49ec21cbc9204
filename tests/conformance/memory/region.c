/* SPDX-License-Identifier: MIT */
/*
 * region.c - registered memory: ids, what may be registered, what a slice may name
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARENA_SIZE (64u << 10)

static uint8_t *map_arena(size_t length, int protection)
{
	void *memory = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(memory != MAP_FAILED, "%m");
	return memory;
}

static uint64_t register_memory(void *address, size_t length)
{
	uint64_t region = 0;

	EXPECT_RETURN(0, regio_region_register(address, length, NULL, &region));
	EXPECT(region != 0 && region != UINT32_MAX, "id %llx", (unsigned long long)region);
	return region;
}

/* Holds: regio_region_register what. */
START_TEST(ids_are_never_reused_at_once_nor_0_nor_all_ones)
{
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint64_t previous = 0;

	for (int i = 0; i < 100000; i++) {
		uint64_t region = register_memory(memory, 64);

		EXPECT(region != previous, "id %llx again", (unsigned long long)region);
		EXPECT_RETURN(0, regio_region_deregister(region));
		previous = region;
	}
}
END_TEST

/* Holds: regio_region_deregister -EFAULT, regio_receive -EFAULT, regio_send -EFAULT. */
START_TEST(a_stale_id_is_refused_also_when_its_place_is_taken)
{
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 4, .sends = 4, .slot_size = 64);
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	struct regio_buf stale = {register_memory(memory, ARENA_SIZE), 0, 64};

	EXPECT_RETURN(0, regio_region_deregister(stale.region));
	uint64_t successor = register_memory(memory, ARENA_SIZE);

	EXPECT_RETURN(-EFAULT, regio_receive(side.rq, &stale, 0, 0));
	EXPECT_RETURN(-EFAULT, regio_send(side.rq, &stale, 0, 0));
	EXPECT_RETURN(-EFAULT, regio_region_deregister(stale.region));
	EXPECT_RETURN(-EFAULT, regio_region_deregister(0));
	EXPECT_RETURN(-EFAULT, regio_region_deregister(UINT32_MAX));
	EXPECT_RETURN(-EFAULT, regio_region_deregister(UINT64_MAX));
	EXPECT_RETURN(0, regio_region_deregister(successor));
	side_close(&side);
}
END_TEST

/* How many KiB of the mapping around the address are locked. */
static unsigned long locked_kib(const void *address)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	unsigned long from, to, kib = 0;
	bool inside = false;
	char line[512];

	EXPECT(maps, "%m");
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx", &from, &to) == 2)
			inside = from <= (uintptr_t)address && (uintptr_t)address < to;
		else if (inside && sscanf(line, "Locked: %lu kB", &kib) == 1)
			break;
	}
	fclose(maps);
	return kib;
}

/* Why locked memory cannot be looked at here, or NULL. */
static const char *locking_limited(void)
{
	struct rlimit limit;

	if (built_with_sanitizer())
		return "sanitizers replace mlock";
	getrlimit(RLIMIT_MEMLOCK, &limit);
	return limit.rlim_cur < 4 * (size_t)ARENA_SIZE ? "RLIMIT_MEMLOCK is too low" : NULL;
}

/* Holds: regio_region_register what. */
START_TEST(what_the_program_has_locked_stays_locked)
{
	const char *limited = locking_limited();
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);

	if (limited)
		SKIP("%s", limited);
	ck_assert_int_eq(mlock(memory, ARENA_SIZE), 0);

	uint64_t whole = register_memory(memory, ARENA_SIZE);
	uint64_t part = register_memory(memory + ARENA_SIZE / 2 - 1, 2);

	ck_assert_uint_eq(locked_kib(memory), ARENA_SIZE >> 10);
	EXPECT_RETURN(0, regio_region_deregister(part));
	ck_assert_uint_eq(locked_kib(memory), ARENA_SIZE >> 10);
	EXPECT_RETURN(0, regio_region_deregister(whole));
	ck_assert_uint_eq(locked_kib(memory), ARENA_SIZE >> 10);
	ck_assert_int_eq(munlock(memory, ARENA_SIZE), 0);
}
END_TEST

/* Holds: regio_region_register what, regio_region_register Blocking. */
START_TEST(memory_of_the_program_is_faulted_in_and_not_locked)
{
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	size_t pages = ARENA_SIZE / (size_t)sysconf(_SC_PAGESIZE);
	unsigned char resident[ARENA_SIZE / 4096];
	uint64_t region = register_memory(memory, ARENA_SIZE);

	ck_assert_uint_eq(locked_kib(memory), 0);
	/* Kernels before 5.14 leave pages to the first who touches them. */
	if (madvise(memory, ARENA_SIZE, MADV_POPULATE_WRITE) < 0)
		SKIP("MADV_POPULATE_WRITE: %s", strerror(errno));
	ck_assert_int_eq(madvise(memory, ARENA_SIZE, MADV_DONTNEED), 0);
	EXPECT_RETURN(0, regio_region_deregister(region));
	region = register_memory(memory, ARENA_SIZE);
	ck_assert_int_eq(mincore(memory, ARENA_SIZE, resident), 0);
	for (size_t i = 0; i < pages; i++)
		EXPECT(resident[i] & 1, "page %zu is not there", i);
	EXPECT_RETURN(0, regio_region_deregister(region));
}
END_TEST

/* Holds: regio_region_allocate what, regio_region_allocate Blocking. */
START_TEST(memory_that_is_allocated_is_locked_and_that_of_others_stays)
{
	const char *limited = locking_limited();
	uint64_t regions[2];
	void *memory[2];

	if (limited)
		SKIP("%s", limited);
	for (int i = 0; i < 2; i++) {
		EXPECT_RETURN(0, regio_region_allocate(ARENA_SIZE, NULL, &regions[i], &memory[i]));
		EXPECT(locked_kib(memory[i]) >= ARENA_SIZE >> 10, "not locked");
	}
	EXPECT_RETURN(0, regio_region_deregister(regions[0]));
	EXPECT(locked_kib(memory[1]) >= ARENA_SIZE >> 10, "unlocked with another");
	EXPECT_RETURN(0, regio_region_deregister(regions[1]));
}
END_TEST

static unsigned int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned int count = 0;
	int byte;

	EXPECT(maps, "%m");
	while ((byte = getc(maps)) != EOF)
		count += byte == '\n';
	fclose(maps);
	return count;
}

/* There are 65,530 to be had by default, and the program's malloc() needs them, too. */
START_TEST(forty_thousand_small_regions_need_no_mapping_each)
{
	enum { COUNT = 40000, FEW = 64 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t *regions = calloc(COUNT, sizeof(*regions));
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	uint8_t *memory = map_arena(COUNT * 2 * page, PROT_READ | PROT_WRITE);
	unsigned int before = mappings();

	ck_assert_ptr_nonnull(regions);
	/* Where the program may lock, nothing else keeps the library from it. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	for (size_t i = 0; i < COUNT; i++)
		regions[i] = register_memory(memory + i * 2 * page, page);
	EXPECT(mappings() < before + FEW, "%u mappings, then %u", before, mappings());
	for (size_t i = 0; i < COUNT; i++)
		EXPECT_RETURN(0, regio_region_deregister(regions[i]));
	EXPECT(mappings() < before + FEW, "%u mappings, then %u", before, mappings());
	free(regions);
}
END_TEST

/*
 * Holds: regio_region_register -EINVAL, regio_region_register -E2BIG, regio_region_opts.size,
 * regio_region_opts.reserved, regio.h what 2, regio.h what 3.
 */
START_TEST(options_of_a_registration_that_say_where_memory_lies_are_refused)
{
	const struct {
		int error;
		struct regio_region_opts opts;
	} rows[] = {
#define OPTS(...) {.size = sizeof(struct regio_region_opts), __VA_ARGS__}
		{0, OPTS(0)},
		{0, {.size = 8}},
		{-EINVAL, OPTS(.flags = REGIO_REGION_HUGE_PAGES)},
		{-EINVAL, OPTS(.flags = REGIO_REGION_NUMA)},
		{-EINVAL, OPTS(.flags = REGIO_REGION_NUMA, .numa_node = 1)},
		{-EINVAL, OPTS(.numa_node = 1)},
		{-EINVAL, OPTS(.flags = 0x4)},
		{-EINVAL, OPTS(.flags = 0x80000000)},
		{-EINVAL, OPTS(.reserved = 1)},
		{-EINVAL, {.size = 0}},
		{-EINVAL, {.size = 7}},
		{-EINVAL, {.size = UINT32_MAX}},
#undef OPTS
	};
	struct {
		struct regio_region_opts opts;
		uint64_t later;
	} newer = {{.size = sizeof(newer)}, 0};
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint64_t region;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		region = 1;
		int result = regio_region_register(memory, 64, &rows[i].opts, &region);

		EXPECT(result == rows[i].error, "row %zu gives %s", i, regio_error_name(result));
		EXPECT((region == 1) == (result < 0), "row %zu", i);
		if (result == 0)
			EXPECT_RETURN(0, regio_region_deregister(region));
	}
	EXPECT_RETURN(-EINVAL, regio_region_register(memory, 64, &rows[2].opts, &region));
	EXPECT(strstr(regio_last_error(), "madvise(2)"), "%s", regio_last_error());
	EXPECT_RETURN(0, regio_region_register(memory, 64, &newer.opts, &region));
	EXPECT_RETURN(0, regio_region_deregister(region));
	newer.later = 1;
	EXPECT_RETURN(-E2BIG, regio_region_register(memory, 64, &newer.opts, &region));
}
END_TEST

/* Holds: regio_region_allocate what, regio_region_register what. */
START_TEST(a_limit_on_locked_memory_stops_nothing)
{
	const struct rlimit none = {0, 0};
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);

	void *allocated = NULL;
	uint64_t region = 0;

	EXPECT(setrlimit(RLIMIT_MEMLOCK, &none) == 0, "%m");
	EXPECT_RETURN(0, regio_region_deregister(register_memory(memory, ARENA_SIZE)));
	EXPECT_RETURN(0, regio_region_allocate(ARENA_SIZE, NULL, &region, &allocated));
	EXPECT_RETURN(0, regio_region_deregister(region));
}
END_TEST

/* Holds: regio_region_register what, regio_receive -EFAULT. */
START_TEST(read_only_memory_may_be_sent_but_not_received_into)
{
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint8_t data[64];
	struct side side;

	fill_message(memory, sizeof(data), 7);
	EXPECT(mprotect(memory, ARENA_SIZE, PROT_READ) == 0, "%m");
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 2, .sends = 2,
		  .slot_size = 64);
	struct regio_buf slice = {register_memory(memory, ARENA_SIZE), 0, sizeof(data)};
	struct regio_buf receive_slice = slot_slice(&side, 0, 64);
	struct regio_extra extra = {.message_flags = {slice.region, 0, 4}};

	EXPECT_RETURN(-EFAULT, regio_receive(side.rq, &slice, 0, 0));
	EXPECT_RETURN(-EFAULT, regio_receive_ex(side.rq, &receive_slice, &extra, 0, 0));
	EXPECT_RETURN(0, regio_send(side.rq, &slice, 0, 9));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, sizeof(data), 9);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), sizeof(data));
	expect_message(data, sizeof(data), 7);
	EXPECT_RETURN(0, regio_region_deregister(slice.region));
	side_close(&side);
}
END_TEST

/* Holds: regio_region_register what. */
START_TEST(read_only_memory_may_hold_what_a_send_reads_and_not_what_it_writes)
{
	const struct regio_control none = {.total_length = sizeof(none)};
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE), data[64];
	struct side side;
	int peer = bound_socket(families[_i]);
	const union address to = own_address(peer);

	memcpy(memory, &to, address_length(&to));
	memcpy(memory + 64, &none, sizeof(none));
	EXPECT(mprotect(memory, ARENA_SIZE, PROT_READ) == 0, "%m");
	uint64_t region = register_memory(memory, ARENA_SIZE);
	const struct regio_extra read = {.remote_address = {region, 0, sizeof(to)},
					 .control = {region, 64, sizeof(none)}};
	const struct regio_extra written = {.message_flags = {region, 128, 4}};

	SIDE_OPEN(&side, .family = families[_i], .sends = 2, .slot_size = 64);
	const struct regio_buf slice = slot_slice(&side, 0, 64);

	EXPECT_RETURN(-EFAULT, regio_send_ex(side.rq, &slice, &written, 0, 0));
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &read, 0, 1));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 64, 1);
	ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), 64);
	side_close(&side);
	EXPECT_RETURN(0, regio_region_deregister(region));
	close(peer);
}
END_TEST

/* Holds: regio_receive -EFAULT, regio_send -EFAULT. */
START_TEST(a_length_without_a_region_is_refused)
{
	const struct regio_buf lost = {.length = 5};
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 1, .sends = 1, .slot_size = 64);
	EXPECT_RETURN(-EFAULT, regio_receive(side.rq, &lost, 0, 0));
	EXPECT_RETURN(-EFAULT, regio_send(side.rq, &lost, 0, 0));
	side_close(&side);
}
END_TEST

/* Holds: regio_region_register -EFAULT, regio.h what 2. */
START_TEST(memory_that_is_not_mapped_or_not_readable_is_refused)
{
	uint8_t *memory = map_arena(2 * (size_t)ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint64_t region = 1;

	EXPECT(munmap(memory + ARENA_SIZE, ARENA_SIZE) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory + ARENA_SIZE, 1, NULL, &region));
	EXPECT_RETURN(-EFAULT, regio_region_register(memory, ARENA_SIZE + 1, NULL, &region));
	EXPECT_RETURN(-EFAULT,
		      regio_region_register((void *)(UINTPTR_MAX - 15), 16, NULL, &region));
	EXPECT_RETURN(-EFAULT,
		      regio_region_register((void *)(UINTPTR_MAX - 15), 64, NULL, &region));
	EXPECT(mprotect(memory, ARENA_SIZE, PROT_NONE) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory, ARENA_SIZE, NULL, &region));
	ck_assert_uint_eq(region, 1);
}
END_TEST

/* Holds: regio_region_register -EFAULT. */
START_TEST(a_hole_in_the_middle_is_found)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *memory = map_arena(3 * page, PROT_READ | PROT_WRITE);
	uint64_t region = 1;

	EXPECT(munmap(memory + page, page) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory, 3 * page, NULL, &region));
	EXPECT(mprotect(memory + 2 * page, page, PROT_NONE) == 0, "%m");
	EXPECT_RETURN(-EFAULT, regio_region_register(memory + 2 * page - 1, 2, NULL, &region));
}
END_TEST

/* Holds: regio_region_register -EINVAL, regio_region_register -EMSGSIZE. */
START_TEST(impossible_lengths_and_missing_arguments_are_refused)
{
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint64_t region = 1;

	EXPECT_RETURN(-EINVAL, regio_region_register(NULL, 1, NULL, &region));
	EXPECT_RETURN(-EINVAL, regio_region_register(memory, 0, NULL, &region));
	EXPECT_RETURN(-EINVAL, regio_region_register(memory, 1, NULL, NULL));
	EXPECT_RETURN(-EMSGSIZE, regio_region_register(memory, SIZE_MAX, NULL, &region));
	EXPECT_RETURN(-EMSGSIZE, regio_region_register(memory, (size_t)1 << 32, NULL, &region));
	ck_assert_uint_eq(region, 1);
}
END_TEST

/* A datagram of 'length' bytes, out of and into the middle of regions of their own. */
static void echo_between(uint8_t *source, uint8_t *target, uint32_t length)
{
	struct regio_buf out = {register_memory(source, length), 0, length};
	struct regio_buf in = {register_memory(target, length), 0, length};
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .receives = 1, .sends = 1,
		  .slot_size = 64);
	fill_message(source, length, UINT64_MAX / 3);
	EXPECT_RETURN(0, regio_receive(side.rq, &in, 0, 1));
	EXPECT_RETURN(0, regio_send(side.rq, &out, 0, 2));
	struct regio_result sent = collect_one(side.send_cq);
	struct regio_result received = collect_one(side.receive_cq);

	expect_result(&sent, 0, length, 2);
	expect_result(&received, 0, length, 1);
	expect_message(target, length, UINT64_MAX / 3);
	EXPECT_RETURN(0, regio_region_deregister(out.region));
	EXPECT_RETURN(0, regio_region_deregister(in.region));
	side_close(&side);
}

/* Holds: regio_region_register what, regio_region_register Returns. */
START_TEST(regions_may_be_tiny_and_begin_anywhere)
{
	uint8_t on_the_stack[64];
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);

	memset(on_the_stack, 0xAA, sizeof(on_the_stack));
	echo_between(on_the_stack + 1, on_the_stack + 33, 2);
	ck_assert_uint_eq(on_the_stack[32], 0xAA);
	ck_assert_uint_eq(on_the_stack[35], 0xAA);
	echo_between(memory + 4095, memory + 8191, 17);
}
END_TEST

/* Holds: regio_region_deregister -EFAULT, regio_region_deregister Returns. */
START_TEST(ten_thousand_registrations_live_together)
{
	enum { COUNT = 10240, STEP = 6007, LENGTH = 64 << 10 };
	uint8_t *memory = map_arena((size_t)COUNT * STEP + LENGTH, PROT_READ | PROT_WRITE);
	uint64_t *regions = calloc(COUNT, sizeof(*regions));

	ck_assert_ptr_nonnull(regions);
	for (size_t i = 0; i < COUNT; i++)
		regions[i] = register_memory(memory + i * STEP, LENGTH);
	for (size_t i = 0; i < COUNT; i += 2)
		EXPECT_RETURN(0, regio_region_deregister(regions[i]));
	for (size_t i = 0; i < COUNT; i += 2)
		EXPECT_RETURN(-EFAULT, regio_region_deregister(regions[i]));
	for (size_t i = 1; i < COUNT; i += 2)
		EXPECT_RETURN(0, regio_region_deregister(regions[i]));
	free(regions);
}
END_TEST

/* Holds: regio_region_register what. */
START_TEST(the_same_memory_may_be_registered_many_times)
{
	uint8_t *memory = map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE);
	uint64_t regions[1000];

	for (size_t i = 0; i < ARRAY_SIZE(regions); i++) {
		regions[i] = register_memory(memory, ARENA_SIZE);
		EXPECT(i == 0 || regions[i] != regions[i - 1], "two regions, one id");
	}
	for (size_t i = 0; i < ARRAY_SIZE(regions); i++)
		EXPECT_RETURN(0, regio_region_deregister(regions[i]));
}
END_TEST

static bool is_mapped(void *address, size_t length)
{
	unsigned char resident[64];

	EXPECT(length <= sizeof(resident) * 4096, "more pages than fit");
	return mincore(address, length, resident) == 0 || errno != ENOMEM;
}

/*
 * Holds: regio_region_allocate what, regio_region_allocate Ownership,
 * regio_region_allocate Returns, regio_region_deregister Ownership.
 */
START_TEST(allocated_memory_is_zero_page_aligned_and_freed)
{
	uint64_t region = 0;
	void *memory = NULL;

	EXPECT_RETURN(0, regio_region_allocate(ARENA_SIZE, NULL, &region, &memory));
	ck_assert_uint_eq((uintptr_t)memory % (uintptr_t)sysconf(_SC_PAGESIZE), 0);
	for (size_t i = 0; i < ARENA_SIZE; i++)
		EXPECT(((uint8_t *)memory)[i] == 0, "byte %zu is not 0", i);
	memset(memory, 0xFF, ARENA_SIZE);
	EXPECT_RETURN(0, regio_region_deregister(region));
	EXPECT(!is_mapped(memory, ARENA_SIZE), "still mapped");
	EXPECT_RETURN(-EFAULT, regio_region_deregister(region));
}
END_TEST

START_TEST(huge_pages_and_a_node_are_asked_for)
{
	struct regio_region_opts opts = {.size = sizeof(opts)};
	const uint32_t flags[] = {REGIO_REGION_HUGE_PAGES, REGIO_REGION_NUMA,
				  REGIO_REGION_HUGE_PAGES | REGIO_REGION_NUMA};
	uint64_t region = 0;
	void *memory = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		opts.flags = flags[i];
		EXPECT_RETURN(0, regio_region_allocate(3u << 20, &opts, &region, &memory));
		memset(memory, 1, 3u << 20);
		EXPECT_RETURN(0, regio_region_deregister(region));
	}
}
END_TEST

/* Kilobytes of huge pages in the mapping that begins at 'address'. */
static long huge_kib(const void *address)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	bool inside = false;
	unsigned long from;
	char line[512];
	long kib = -1;

	EXPECT(file, "%m");
	while (kib < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-", &from) == 1 && strchr(line, '-') && strchr(line, ':'))
			inside = from == (unsigned long)address;
		else if (inside)
			sscanf(line, "AnonHugePages: %ld", &kib);
	}
	fclose(file);
	return kib;
}

/* Holds: REGIO_REGION_HUGE_PAGES. */
START_TEST(memory_of_huge_pages_is_aligned_to_them_and_has_some)
{
	struct regio_region_opts opts = {.size = sizeof(opts), .flags = REGIO_REGION_HUGE_PAGES};
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re");
	const size_t length = (16u << 20) - 4096;
	uint64_t region = 0;
	void *memory = NULL;
	char modes[64] = "[never]";

	if (file) {
		EXPECT(fgets(modes, sizeof(modes), file), "%m");
		fclose(file);
	}
	for (int i = 0; i < 3; i++) {
		EXPECT_RETURN(0, regio_region_allocate(length - 5, &opts, &region, &memory));
		EXPECT((uintptr_t)memory % (2u << 20) == 0, "%p", memory);
		memset(memory, 1, length - 5);
		if (!strstr(modes, "[never]") && !built_with_sanitizer())
			EXPECT(huge_kib(memory) > 0, "%ld", huge_kib(memory));
		EXPECT_RETURN(0, regio_region_deregister(region));
	}
}
END_TEST

/* Says of each page of a range that it is on 'node'. */
static void expect_on_node(uint8_t *memory, size_t length, int node)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	for (size_t at = 0; at < length; at += page) {
		void *address = memory + at;
		int where = -1;
		long result = syscall(SYS_move_pages, 0, 1ul, &address, NULL, &where, 0);

		EXPECT(result == 0, "%m");
		EXPECT(where == node, "page %zu is on node %d and not on %d", at / page, where,
		       node);
	}
}

static bool is_node(uint32_t node)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%u", node);
	return access(path, F_OK) == 0;
}

/* Holds: REGIO_REGION_NUMA, regio_region_allocate -EINVAL. */
START_TEST(every_page_is_on_the_node_that_was_asked_for)
{
	struct regio_region_opts opts = {.size = sizeof(opts), .flags = REGIO_REGION_NUMA};
	const uint32_t flags[] = {REGIO_REGION_NUMA, REGIO_REGION_NUMA | REGIO_REGION_HUGE_PAGES};
	uint64_t region = 0;
	void *memory = NULL;

	if (!is_node(0))
		SKIP("a kernel without NUMA, or no /sys");
	for (; is_node(opts.numa_node); opts.numa_node++) {
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
			opts.flags = flags[i];
			EXPECT_RETURN(0, regio_region_allocate(3u << 20, &opts, &region, &memory));
			memset(memory, 1, 3u << 20);
			expect_on_node(memory, 3u << 20, (int)opts.numa_node);
			EXPECT_RETURN(0, regio_region_deregister(region));
		}
	}
	EXPECT_RETURN(-EINVAL, regio_region_allocate(4096, &opts, &region, &memory));
	EXPECT(strstr(regio_last_error(), "is not there"), "%s", regio_last_error());
}
END_TEST

/*
 * Holds: regio_region_allocate -EINVAL, regio_region_allocate -EMSGSIZE, regio_region_opts.size,
 * regio_region_opts.reserved, regio.h what 2.
 */
START_TEST(bad_allocations_are_refused)
{
	const struct {
		int error;
		size_t length;
		struct regio_region_opts opts;
	} bad[] = {
#define OPTS(...) {.size = sizeof(struct regio_region_opts), __VA_ARGS__}
		{-EINVAL, 0, OPTS(0)},
		{-EMSGSIZE, (size_t)1 << 32, OPTS(0)},
		{-EINVAL, 64, OPTS(.flags = 0x4)},
		{-EINVAL, 64, OPTS(.flags = 0x80000000)},
		{-EINVAL, 64, OPTS(.numa_node = 1)},
		{-EINVAL, 64, OPTS(.flags = REGIO_REGION_NUMA, .numa_node = 1023)},
		{-EINVAL, 64, OPTS(.flags = REGIO_REGION_NUMA, .numa_node = 4095)},
		{-EINVAL, 64, OPTS(.flags = REGIO_REGION_NUMA, .numa_node = UINT32_MAX)},
		{-EINVAL, 64, OPTS(.reserved = 1)},
		{-EINVAL, 64, {.size = 0}},
		{-EINVAL, 64, {.size = 3}},
#undef OPTS
	};
	uint64_t region = 1;
	void *memory = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int result = regio_region_allocate(bad[i].length, &bad[i].opts, &region, &memory);

		EXPECT(result == bad[i].error, "row %zu gives %s", i, regio_error_name(result));
		EXPECT(region == 1 && !memory, "row %zu wrote an output", i);
	}
	EXPECT_RETURN(-EINVAL, regio_region_allocate(64, NULL, NULL, &memory));
	EXPECT_RETURN(-EINVAL, regio_region_allocate(64, NULL, &region, NULL));
}
END_TEST

/* Holds: regio_buf what, regio_receive -EINVAL, regio_send -EINVAL. */
START_TEST(a_slice_lies_within_its_region)
{
	const struct {
		uint32_t offset, length;
		int error;
	} slices[] = {
		{0, 0, 0},
		{0, 1000, 0},
		{999, 1, 0},
		{1000, 0, 0},
		{0, 1001, -EINVAL},
		{1000, 1, -EINVAL},
		{1001, 0, -EINVAL},
		{999, 2, -EINVAL},
		{UINT32_MAX, 1, -EINVAL},
		{UINT32_MAX, UINT32_MAX, -EINVAL},
		{UINT32_MAX - 10, 11, -EINVAL},
		{500, UINT32_MAX - 400, -EINVAL},
		{1, UINT32_MAX, -EINVAL},
	};
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .receives = ARRAY_SIZE(slices),
		  .sends = ARRAY_SIZE(slices), .slot_size = 64);
	uint64_t region = register_memory(map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE), 1000);
	/* What a receive is to fill is not to be sent. */
	uint64_t other = register_memory(map_arena(ARENA_SIZE, PROT_READ | PROT_WRITE), 1000);

	for (size_t i = 0; i < ARRAY_SIZE(slices); i++) {
		struct regio_buf slice = {region, slices[i].offset, slices[i].length};
		struct regio_buf other_slice = {other, slices[i].offset, slices[i].length};
		int received = regio_receive(side.rq, &slice, 0, i);
		int sent = regio_send(side.rq, &other_slice, 0, i);

		EXPECT(received == slices[i].error, "row %zu: %s", i, regio_error_name(received));
		EXPECT(sent == slices[i].error, "row %zu: %s", i, regio_error_name(sent));
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_region_deregister(region));
	EXPECT_RETURN(0, regio_region_deregister(other));
}
END_TEST

START_TEST(many_slices_of_one_region_are_in_flight_at_once)
{
	struct regio_result results[256];
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET6, .peer = PEER_ITSELF, .receives = ARRAY_SIZE(results),
		  .sends = ARRAY_SIZE(results), .slot_size = 33);
	for (uint64_t i = 0; i < ARRAY_SIZE(results); i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < ARRAY_SIZE(results); i++)
		post_message(&side, ARRAY_SIZE(results) + i, 33, i, 0);
	collect(side.receive_cq, results, ARRAY_SIZE(results));
	for (uint64_t i = 0; i < ARRAY_SIZE(results); i++) {
		expect_result(&results[i], 0, 33, i);
		expect_message(slot_memory(&side, i), 33, i);
	}
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(ids_are_never_reused_at_once_nor_0_nor_all_ones),
		CASE(a_stale_id_is_refused_also_when_its_place_is_taken),
		CASE(what_the_program_has_locked_stays_locked),
		CASE(memory_of_the_program_is_faulted_in_and_not_locked),
		CASE(memory_that_is_allocated_is_locked_and_that_of_others_stays),
		CASE(forty_thousand_small_regions_need_no_mapping_each),
		CASE(options_of_a_registration_that_say_where_memory_lies_are_refused),
		CASE(a_limit_on_locked_memory_stops_nothing),
		CASE(read_only_memory_may_be_sent_but_not_received_into),
		CASE_PER_FAMILY(read_only_memory_may_hold_what_a_send_reads_and_not_what_it_writes),
		CASE(a_length_without_a_region_is_refused),
		CASE(memory_that_is_not_mapped_or_not_readable_is_refused),
		CASE(a_hole_in_the_middle_is_found),
		CASE(impossible_lengths_and_missing_arguments_are_refused),
		CASE(regions_may_be_tiny_and_begin_anywhere),
		CASE(ten_thousand_registrations_live_together),
		CASE(the_same_memory_may_be_registered_many_times),
		CASE(allocated_memory_is_zero_page_aligned_and_freed),
		CASE(huge_pages_and_a_node_are_asked_for),
		CASE(memory_of_huge_pages_is_aligned_to_them_and_has_some),
		CASE(every_page_is_on_the_node_that_was_asked_for),
		CASE(bad_allocations_are_refused),
		CASE(a_slice_lies_within_its_region),
		CASE(many_slices_of_one_region_are_in_flight_at_once),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
