/* SPDX-License-Identifier: MIT */
/*
 * Copying one small message. A call of memcpy(3) costs as much as copying 64 bytes, the length of
 * most messages; these few lines are inlined into the loops over a train.
 */
#ifndef REGIO_MEM_COPY_H
#define REGIO_MEM_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define REGIOI_COPY_INLINE_MAX 128u
/* Measured: up to about 512 bytes a copy is cheaper than a vector. */
#define REGIOI_COPY_TOGETHER_MAX 512u

/*
 * As much as one load and one store move where the compiler may assume only what each processor of
 * the kind can do. It would put a larger one together on the stack, and copy everything twice.
 */
typedef uint8_t regioi_block __attribute__((vector_size(16), aligned(1), may_alias));

#define REGIOI_BLOCK ((size_t)sizeof(regioi_block))

/*
 * Copies a message of 'blocks' to twice as many blocks: so many from its start, and so many up to
 * its end. 'blocks' is 1, 2 or 4, and a constant.
 */
static inline __attribute__((always_inline)) void regioi_copy_ends(uint8_t *to, const uint8_t *from,
								   size_t length, size_t blocks)
{
	regioi_block *const start = (regioi_block *)to;
	regioi_block *const end = (regioi_block *)(to + length) - blocks;
	const regioi_block *const from_start = (const regioi_block *)from;
	const regioi_block *const from_end = (const regioi_block *)(from + length) - blocks;

	for (size_t i = 0; i < blocks; i++)
		start[i] = from_start[i];
	for (size_t i = 0; i < blocks; i++)
		end[i] = from_end[i];
}

/* Whether regioi_copy_ends() with 2 blocks copies so much. */
static inline bool regioi_copy_is_short(size_t length)
{
	return length >= 2 * REGIOI_BLOCK && length <= 4 * REGIOI_BLOCK;
}

static inline void regioi_copy(uint8_t *to, const uint8_t *from, size_t length)
{
	if (length < REGIOI_BLOCK || length > REGIOI_COPY_INLINE_MAX)
		memcpy(to, from, length);
	else if (length < 2 * REGIOI_BLOCK)
		regioi_copy_ends(to, from, length, 1);
	else if (length <= 4 * REGIOI_BLOCK)
		regioi_copy_ends(to, from, length, 2);
	else
		regioi_copy_ends(to, from, length, 4);
}

#endif
