/* SPDX-License-Identifier: MIT */
/*
 * allocate.c - memory of an order: in each the same addresses, and none of them used twice
 */
#include "../support/suite.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES (4u << 20)
#define GRANULE 16u
/* Nobody may rely on what is there. */
#define FRESH 0xA5

static _Alignas(4096) uint8_t arena[ARENA_BYTES];
/* The order in which the granule was freed. */
static uint32_t freed[ARENA_BYTES / GRANULE];
static size_t used;

void interleave_memory_reset(void)
{
	used = 0;
}

static bool is_of_an_order(const volatile void *memory)
{
	return (uintptr_t)memory - (uintptr_t)arena < sizeof(arena);
}

static size_t *size_of(void *memory)
{
	return (size_t *)memory - 1;
}

void *interleave_allocate(size_t alignment, size_t size)
{
	size_t start;

	/* What is made between orders stays. */
	if (!interleave_running)
		return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
	if (alignment < GRANULE)
		alignment = GRANULE;
	start = (used + sizeof(size) + alignment - 1) / alignment * alignment;
	used = (start + size + GRANULE - 1) / GRANULE * GRANULE;
	EXPECT(used <= sizeof(arena), "an order allocates too much");
	*size_of(&arena[start]) = size;
	memset(&arena[start], FRESH, size);
	return &arena[start];
}

void *interleave_allocate_zeroed(size_t count, size_t size)
{
	void *memory = interleave_allocate(_Alignof(max_align_t), count * size);

	if (memory)
		memset(memory, 0, count * size);
	return memory;
}

void interleave_free(void *memory)
{
	size_t first, size;

	if (!is_of_an_order(memory)) {
		free(memory);
		return;
	}
	size = *size_of(memory);
	/* Whoever used it must have done so before. */
	interleave_access(memory, size, true, __builtin_return_address(0));
	first = (size_t)((uint8_t *)memory - arena) / GRANULE;
	for (size_t i = first; i < first + (size + GRANULE - 1) / GRANULE; i++)
		freed[i] = interleave_number;
}

void interleave_expect_memory(const volatile void *location)
{
	EXPECT(!is_of_an_order(location) ||
		       freed[((uintptr_t)location - (uintptr_t)arena) / GRANULE] !=
			       interleave_number,
	       "memory that was freed is used, in the order %s", interleave_order());
}
