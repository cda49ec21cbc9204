/* SPDX-License-Identifier: MIT */
/*
 * Breaking sentences between words.
 */
#include "words.h"

#include <stdio.h>
#include <string.h>

#define COLUMNS 80

void words_print(const char *text, size_t first_column)
{
	size_t column = first_column;

	for (size_t bytes; *text; text += bytes + strspn(text + bytes, " ")) {
		bytes = strcspn(text, " ");
		if (column > first_column && column + 1 + bytes > COLUMNS) {
			printf("\n%*s", (int)first_column, "");
			column = first_column;
		}
		column += (size_t)printf("%s%.*s", column > first_column ? " " : "", (int)bytes,
					 text);
	}
	putchar('\n');
}
