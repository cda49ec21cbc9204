/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people to read.
 */
#ifndef COMMON_NUMBERS_H
#define COMMON_NUMBERS_H

#include <stdint.h>

struct number_text {
	char text[32];
};

/* 212992 as "212,992"; "unknown" when it is negative. */
struct number_text number_grouped(long long number);

/* The same for counts, which are never unknown. */
struct number_text count_grouped(uint64_t count);

#endif
