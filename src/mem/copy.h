/* SPDX-License-Identifier: MIT */
/*
 * Copying one small message. A call of memcpy(3) costs as much as copying 64 bytes, the length of
 * most messages; these few lines are inlined into the loops over a train.
 */
#ifndef REGIO_MEM_COPY_H
#define REGIO_MEM_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REGIOI_COPY_INLINE_MAX 128u
/* Measured: up to about 512 bytes a copy is cheaper than a vector. */
#define REGIOI_COPY_TOGETHER_MAX 512u

static inline void regioi_copy(uint8_t *to, const uint8_t *from, size_t length)
{
	typedef uint8_t block __attribute__((vector_size(32), aligned(1), may_alias));

	if (length > REGIOI_COPY_INLINE_MAX || length < 32) {
		memcpy(to, from, length);
		return;
	}
	/* Whole blocks, and a last one that overlaps the block before it. */
	for (size_t i = 0; i + 32 < length; i += 32)
		*(block *)(to + i) = *(const block *)(from + i);
	*(block *)(to + length - 32) = *(const block *)(from + length - 32);
}

#endif
