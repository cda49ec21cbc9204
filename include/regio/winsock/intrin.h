/* SPDX-License-Identifier: MIT */
/*
 * intrin.h - compiler intrinsics with Microsoft's names
 */
#ifndef REGIO_WINSOCK_INTRIN_H
#define REGIO_WINSOCK_INTRIN_H

#include "interlocked.h"
#include "windef.h"
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

static inline unsigned char _BitScanForward(ULONG *ret_index, ULONG mask)
{
	if (!mask)
		return 0;
	*ret_index = (ULONG)__builtin_ctz(mask);
	return 1;
}

static inline unsigned char _BitScanReverse(ULONG *ret_index, ULONG mask)
{
	if (!mask)
		return 0;
	*ret_index = 31u - (ULONG)__builtin_clz(mask);
	return 1;
}

static inline unsigned char _BitScanForward64(ULONG *ret_index, uint64_t mask)
{
	if (!mask)
		return 0;
	*ret_index = (ULONG)__builtin_ctzll(mask);
	return 1;
}

static inline unsigned char _BitScanReverse64(ULONG *ret_index, uint64_t mask)
{
	if (!mask)
		return 0;
	*ret_index = 63u - (ULONG)__builtin_clzll(mask);
	return 1;
}

#define __debugbreak() __builtin_trap()
#define __assume(condition)                                                                        \
	do {                                                                                       \
		if (!(condition))                                                                  \
			__builtin_unreachable();                                                   \
	} while (0)

#endif
