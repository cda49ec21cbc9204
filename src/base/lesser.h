/* SPDX-License-Identifier: MIT */
/*
 * The lesser of two counts.
 */
#ifndef REGIO_BASE_LESSER_H
#define REGIO_BASE_LESSER_H

#include <stdint.h>

static inline uint32_t regioi_lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

#endif
