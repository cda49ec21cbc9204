/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people to read.
 */
#include "numbers.h"

#include <inttypes.h>
#include <stdio.h>

struct number_text number_grouped(long long number)
{
	struct number_text unknown = {"unknown"};

	return number < 0 ? unknown : count_grouped((uint64_t)number);
}

struct number_text count_grouped(uint64_t count)
{
	struct number_text grouped;
	char digits[24];
	int length, out = 0;

	length = snprintf(digits, sizeof(digits), "%" PRIu64, count);
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			grouped.text[out++] = ',';
		grouped.text[out++] = digits[i];
	}
	grouped.text[out] = '\0';
	return grouped;
}
