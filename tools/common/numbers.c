/* SPDX-License-Identifier: MIT */
/*
 * Numbers for people to read.
 */
#include "numbers.h"

#include <stdio.h>

struct number_text number_grouped(long long number)
{
	struct number_text grouped = {"unknown"};
	char digits[24];
	int length, out = 0;

	if (number < 0)
		return grouped;
	length = snprintf(digits, sizeof(digits), "%lld", number);
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			grouped.text[out++] = ',';
		grouped.text[out++] = digits[i];
	}
	grouped.text[out] = '\0';
	return grouped;
}
