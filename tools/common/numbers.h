/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people to read.
 */
#ifndef COMMON_NUMBERS_H
#define COMMON_NUMBERS_H

struct number_text {
	char text[32];
};

/* 212992 as "212,992"; "unknown" when it is negative. */
struct number_text number_grouped(long long number);

#endif
