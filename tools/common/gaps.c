/* SPDX-License-Identifier: MIT */
/*
 * Gaps as an array in order, searched by halves.
 */
#include "gaps.h"

#include <string.h>

/* Forgotten together, so that a storm of losses does not move the list for each. */
#define FORGOTTEN_AT_ONCE (GAPS_MAX / 4)

static void forget_oldest(struct gaps *gaps)
{
	gaps->count -= FORGOTTEN_AT_ONCE;
	gaps->forgotten += FORGOTTEN_AT_ONCE;
	memmove(gaps->list, gaps->list + FORGOTTEN_AT_ONCE, gaps->count * sizeof(gaps->list[0]));
}

void gaps_add(struct gaps *gaps, uint64_t first, uint64_t end, uint64_t now_ns)
{
	if (first >= end)
		return;
	if (gaps->count == GAPS_MAX)
		forget_oldest(gaps);
	gaps->list[gaps->count++] = (struct gap){first, end, now_ns};
}

/* The first gap that ends after the number. */
static uint32_t find(const struct gaps *gaps, uint64_t number)
{
	uint32_t low = 0, high = gaps->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (gaps->list[middle].end <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void remove_at(struct gaps *gaps, uint32_t index)
{
	gaps->count--;
	memmove(&gaps->list[index], &gaps->list[index + 1],
		(gaps->count - index) * sizeof(gaps->list[0]));
}

static void split_at(struct gaps *gaps, uint32_t index, uint64_t number)
{
	struct gap *gap = &gaps->list[index];

	memmove(gap + 1, gap, (gaps->count - index) * sizeof(*gap));
	gaps->count++;
	gap[0].end = number;
	gap[1].first = number + 1;
}

bool gaps_fill(struct gaps *gaps, uint64_t number)
{
	uint32_t index = find(gaps, number);
	struct gap *gap = &gaps->list[index];

	if (index == gaps->count || number < gap->first)
		return false;
	if (gap->end - gap->first == 1) {
		remove_at(gaps, index);
	} else if (number == gap->first) {
		gap->first++;
	} else if (number == gap->end - 1) {
		gap->end--;
	} else {
		if (gaps->count == GAPS_MAX) {
			/* The gap itself may be among the forgotten. */
			forget_oldest(gaps);
			return gaps_fill(gaps, number);
		}
		split_at(gaps, index, number);
	}
	return true;
}
