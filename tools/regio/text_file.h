/* SPDX-License-Identifier: MIT */
/*
 * A file that a person or a script has written, a line for each thing. '#' begins a
 * comment, and lines without anything else are skipped. Failures have been said, with
 * option, file and line, when a call returns -1.
 */
#ifndef REGIO_TOOL_TEXT_FILE_H
#define REGIO_TOOL_TEXT_FILE_H

#include <stdio.h>

#define TEXT_LINE_BYTES 512u

struct text_file {
	const char *option; /* "--list" */
	const char *path;
	FILE *file;
	unsigned long number;	     /* of the line, from 1 */
	char line[TEXT_LINE_BYTES];  /* without comment, and blanks at both ends */
	char place[TEXT_LINE_BYTES]; /* of that line, for failures */
};

/* Returns 0 or -1. */
int text_file_open(struct text_file *text, const char *option, const char *path);

/*
 * Reads the next line that has something. Returns 1, 0 at the end, or -1. Until the next call,
 * failures are said to be at that line.
 */
int text_file_next(struct text_file *text);

void text_file_close(struct text_file *text);

#endif
