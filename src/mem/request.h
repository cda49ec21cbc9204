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

#endif
