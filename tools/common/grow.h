/* SPDX-License-Identifier: MIT */
/*
 * Arrays that grow by doubling.
 */
#ifndef COMMON_GROW_H
#define COMMON_GROW_H

#include <stddef.h>
#include <stdlib.h>

/*
 * Room for one more item after 'count', in 'array' or a longer copy of it, which replaces it. It is
 * reallocated where the count is a power of two. NULL, and 'array' stays valid, without memory.
 */
static inline void *grow(void *array, size_t count, size_t item_bytes)
{
	if (count & (count - 1))
		return array;
	return reallocarray(array, count ? 2 * count : 1, item_bytes);
}

#endif
