/* SPDX-License-Identifier: MIT */
/*
 * A posted request, and a window of posted requests that one operation may serve.
 *
 * A request stays in its half's ring from the post to the dequeue of its completion, so the ring
 * also stores the result: 'bytes' is the length of the slice until the request completes, and the
 * bytes moved after that; 'status' is 0 unless there was an error. So a successful send is complete
 * without being written again.
 */
#ifndef REGIO_MEM_REQUEST_H
#define REGIO_MEM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "regio.h"

/* In addition to the public flags of a request. */
#define REGIOI_REQUEST_EXTRA 0x100u /* it has a struct regio_extra */

/*
 * Two words are stored and loaded whole where requests are many: a load of both parts of a word
 * would have to wait until separate stores of them have left the store buffer.
 */
struct regioi_request {
	uint64_t region; /* 0: an empty slice */
	union {
		struct {
			uint32_t offset;
			uint32_t flags; /* without DEFER, which concerns the post alone */
		};
		uint64_t place;
	};
	union {
		struct {
			int32_t status;
			uint32_t bytes;
		};
		uint64_t result; /* as in struct regio_result */
	};
	uint64_t context;
};

_Static_assert(sizeof(struct regioi_request) == 32, "two requests share a cache line");

/* The word that has 'first' and then 'second' in memory. */
static inline uint64_t regioi_word(uint32_t first, uint32_t second)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? first | (uint64_t)second << 32
							 : second | (uint64_t)first << 32;
}

/*
 * Accesses to one word of a request. A compiler that joins several needs more instructions to put
 * them together and to take them apart than it saves.
 */
static inline uint64_t regioi_word_load(const uint64_t *word)
{
	return *(const volatile uint64_t *)word;
}

static inline void regioi_word_store(uint64_t *word, uint64_t value)
{
	*(volatile uint64_t *)word = value;
}

/* Stores the result of a request. */
static inline void regioi_request_settle(struct regioi_request *request, int32_t status,
					 uint32_t bytes)
{
	request->result = regioi_word((uint32_t)status, bytes);
}

/* 'count' requests from number 'first' on. Numbers wrap; the ring is a power of two. */
struct regioi_window {
	struct regioi_request *requests;
	struct regio_extra *extras;
	uint32_t mask;
	uint32_t first;
	uint32_t count;
};

static inline struct regioi_request *regioi_window_request(const struct regioi_window *window,
							   uint32_t index)
{
	return &window->requests[(window->first + index) & window->mask];
}

/* The extra slices of a request that has REGIOI_REQUEST_EXTRA. */
static inline struct regio_extra *regioi_window_extra(const struct regioi_window *window,
						      uint32_t index)
{
	return &window->extras[(window->first + index) & window->mask];
}

/*
 * Plain requests in a row, of one region and length. What is done with a run is done once for all
 * of them; few instructions are left that each costs.
 */
struct regioi_run {
	struct regioi_request *first;
	uint32_t count;
	uint32_t bytes; /* of each */
	bool together;	/* each slice lies where the one before it ends */
};

/* The run of at most 'most' requests, and at least one, that begins with request 'index'. */
static inline struct regioi_run regioi_window_run(const struct regioi_window *window,
						  uint32_t index, uint32_t most)
{
	const uint32_t slot = (window->first + index) & window->mask;
	const uint32_t to_end = window->mask + 1 - slot;
	struct regioi_request *first = &window->requests[slot];
	const struct regioi_request *next = first + 1, *end;
	const uint64_t region = first->region, result = first->result;
	const uint64_t step = regioi_word(first->bytes, 0);
	struct regioi_run run = {.first = first, .count = 1, .bytes = first->bytes, true};
	uint64_t place = first->place + step;

	if (most < 2 || first->flags & REGIOI_REQUEST_EXTRA)
		return run;
	end = first + (most < to_end ? most : to_end);
#pragma GCC unroll 4
	for (; next < end; next++, place += step) {
		if (next->place != place || next->region != region || next->result != result)
			break;
	}
	if (next - first == 1) {
		const uint32_t flags = first->flags;

		while (next < end && next->flags == flags && next->region == region &&
		       next->result == result)
			next++;
		run.together = next - first == 1;
	}
	run.count = (uint32_t)(next - first);
	return run;
}

/* Ends a run with the request that reaches 'bytes' bytes. */
static inline void regioi_run_end_at(struct regioi_run *run, size_t bytes)
{
	if ((size_t)run->count * run->bytes > bytes)
		run->count = (uint32_t)((bytes + run->bytes - 1) / run->bytes);
}

/* The number of pieces of memory that a run consists of, and their length. */
static inline uint32_t regioi_run_pieces(const struct regioi_run *run, uint32_t *ret_bytes)
{
	*ret_bytes = run->together ? run->bytes * run->count : run->bytes;
	return run->together ? 1 : run->count;
}

/* The slice of request 'index' of a run, whose first slice is 'data'. */
static inline uint8_t *regioi_run_slice(const struct regioi_run *run, const uint8_t *data,
					uint32_t index)
{
	return (uint8_t *)(uintptr_t)data +
	       ((ptrdiff_t)run->first[index].offset - (ptrdiff_t)run->first->offset);
}

#endif
