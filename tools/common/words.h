/* SPDX-License-Identifier: MIT */
/*
 * Sentences on a terminal of 80 columns.
 */
#ifndef COMMON_WORDS_H
#define COMMON_WORDS_H

#include <stddef.h>

/*
 * Prints the words of a text to standard output, in lines that all begin at the column where the
 * first of them goes, and ends the last line.
 */
void words_print(const char *text, size_t first_column);

#endif
