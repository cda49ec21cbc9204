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

#include "base/check.h"
#include "regio.h"

/* In addition to the public flags of a request. */
#define REGIOI_REQUEST_EXTRA 0x100u /* it has a struct regio_extra */
/*
 * The upper half of the flags: how many requests after this one are known to continue it. They have
 * the same region, length and flags, and each slice lies where the one before it ends. Poster and
 * executor note there what they have found, so that these requests are not compared again.
 */
#define REGIOI_REQUEST_FOLLOWED_SHIFT 16u
#define REGIOI_REQUEST_FOLLOWED_MAX 0xFFFFu

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
_Static_assert(offsetof(struct regioi_request, place) == 8 &&
		       offsetof(struct regioi_request, context) ==
			       offsetof(struct regioi_request, result) + 8,
	       "these are pairs of words");

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

/* Two words of a request that are stored at once. */
typedef uint64_t regioi_word_pair __attribute__((vector_size(16), aligned(8), may_alias));

/* Stores the region and the place. */
static inline void regioi_request_store_slice(struct regioi_request *request,
					      regioi_word_pair region_and_place)
{
	*(regioi_word_pair *)(void *)&request->region = region_and_place;
}

/* Stores the result and the context. */
static inline void regioi_request_store_rest(struct regioi_request *request, uint64_t result,
					     uint64_t context)
{
	*(regioi_word_pair *)(void *)&request->result = (regioi_word_pair){result, context};
}

/* Stores the result of a request. */
static inline void regioi_request_settle(struct regioi_request *request, int32_t status,
					 uint32_t bytes)
{
	request->result = regioi_word((uint32_t)status, bytes);
}

static inline uint32_t regioi_request_followed(const struct regioi_request *request)
{
	return request->flags >> REGIOI_REQUEST_FOLLOWED_SHIFT;
}

static inline uint32_t regioi_request_plain_flags(const struct regioi_request *request)
{
	return request->flags & ((1u << REGIOI_REQUEST_FOLLOWED_SHIFT) - 1);
}

/* Notes that 'count' requests after this one continue it. */
static inline void regioi_request_note_followed(struct regioi_request *request, uint32_t count)
{
	if (count > REGIOI_REQUEST_FOLLOWED_MAX)
		count = REGIOI_REQUEST_FOLLOWED_MAX;
	regioi_word_store(
		&request->place,
		regioi_word(request->offset, regioi_request_plain_flags(request) |
						     count << REGIOI_REQUEST_FOLLOWED_SHIFT));
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
 * Plain requests in a row, of one region and length. What is done with a run is done once, which
 * leaves few instructions for each request.
 */
struct regioi_run {
	struct regioi_request *first;
	uint32_t count;
	uint32_t bytes; /* of each */
	bool together;	/* each slice lies where the one before it ends */
};

/*
 * Returns the first request after 'first' that does not continue it, as far as 'end'. The first
 * 'known' are not compared.
 */
static inline struct regioi_request *regioi_run_together(struct regioi_request *first,
							 uint32_t known,
							 const struct regioi_request *end)
{
	const uint64_t region = first->region, result = first->result;
	const uint64_t step = regioi_word(first->bytes, 0);
	struct regioi_request *next = first + known;
	uint64_t place = regioi_word(first->offset + known * first->bytes,
				     regioi_request_plain_flags(first));

#pragma GCC unroll 4
	for (; next < end; next++, place += step) {
		if (next->place != place || next->region != region || next->result != result)
			break;
	}
	return next;
}

/* The same for slices anywhere. */
static inline struct regioi_request *regioi_run_apart(struct regioi_request *first,
						      const struct regioi_request *end)
{
	const uint64_t region = first->region, result = first->result;
	struct regioi_request *next = first + 1;
	const uint32_t flags = first->flags;

	while (next < end && next->flags == flags && next->region == region &&
	       next->result == result)
		next++;
	return next;
}

/*
 * The run that begins with request 'index': at most 'most' requests, which is not 0, and at most
 * 'pieces_most' if their slices do not lie side by side. Only the executor may call it, because it
 * notes what it finds.
 */
static inline struct regioi_run regioi_window_run(const struct regioi_window *window,
						  uint32_t index, uint32_t most,
						  uint32_t pieces_most)
{
	struct regioi_request *const ring_end = &window->requests[window->mask + 1];
	struct regioi_request *first = regioi_window_request(window, index), *next;
	struct regioi_request *end = most < ring_end - first ? first + most : ring_end;
	const uint32_t known = regioi_request_followed(first) + 1;
	struct regioi_run run = {
		.first = first, .count = most, .bytes = first->bytes, .together = true};

	REGIOI_ASSERT(most > 0);
	if (first->flags & REGIOI_REQUEST_EXTRA) {
		run.count = 1;
	} else if (known > end - first) {
		run.count = (uint32_t)(end - first);
		if (end < ring_end)
			regioi_request_note_followed(end, known - run.count - 1);
	} else {
		next = regioi_run_together(first, known, end);
		run.count = (uint32_t)(next - first);
		if (run.count == 1 && next < end) {
			end = pieces_most < end - first ? first + pieces_most : end;
			run.count = (uint32_t)(regioi_run_apart(first, end) - first);
			run.together = run.count == 1;
		} else if (run.count > known) {
			regioi_request_note_followed(first, run.count - 1);
		}
	}
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
