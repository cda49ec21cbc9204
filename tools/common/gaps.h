/* SPDX-License-Identifier: MIT */
/*
 * The gaps in a row of sequence numbers: what was jumped over and has not come
 * yet. They are kept in order; when there are too many the oldest are forgotten.
 */
#ifndef COMMON_GAPS_H
#define COMMON_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#define GAPS_MAX 4096u

/* From 'first' up to, and without, 'end'; noticed at 'since_ns'. */
struct gap {
	uint64_t first;
	uint64_t end;
	uint64_t since_ns;
};

struct gaps {
	uint32_t count;
	uint64_t forgotten;
	struct gap list[GAPS_MAX];
};

/* A gap after all others. */
void gaps_add(struct gaps *gaps, uint64_t first, uint64_t end, uint64_t now_ns);

/* Takes a number out of the gap it is in; false when it is in none. */
bool gaps_fill(struct gaps *gaps, uint64_t number);

#endif
