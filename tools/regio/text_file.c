/* SPDX-License-Identifier: MIT */
/*
 * Text, line by line. A line has a bound, so that no file is held in memory because
 * it has no lines.
 */
#include "text_file.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "console.h"

int text_file_open(struct text_file *text, const char *option, const char *path)
{
	*text = (struct text_file){.option = option, .path = path, .file = fopen(path, "re")};
	if (!text->file)
		return console_fail("%s %s: %s", option, path, strerror(errno));
	return 0;
}

/* Without what is no part of it, from its first character on. */
static void trim(char *line)
{
	size_t bytes = strcspn(line, "#\r\n");
	size_t blanks = strspn(line, " \t");

	if (blanks > bytes)
		blanks = bytes;
	bytes -= blanks;
	memmove(line, line + blanks, bytes);
	while (bytes > 0 && isspace((unsigned char)line[bytes - 1]))
		bytes--;
	line[bytes] = '\0';
}

/* What stands before the end of the line: 1, 0 at the end of the file, or -1 after saying why. */
static int read_line(struct text_file *text)
{
	size_t bytes = 0;
	int letter;

	while ((letter = getc(text->file)) != EOF && letter != '\n') {
		if (letter == '\0')
			return console_fail("has a character with the number 0: it is no text "
					    "file");
		if (bytes == TEXT_LINE_BYTES - 2)
			return console_fail("the line is longer than %u characters",
					    TEXT_LINE_BYTES - 2);
		text->line[bytes++] = (char)letter;
	}
	text->line[bytes] = '\0';
	return letter != EOF || bytes > 0;
}

int text_file_next(struct text_file *text)
{
	int status;

	do {
		text->number++;
		snprintf(text->place, sizeof(text->place), "%s %s, line %lu", text->option,
			 text->path, text->number);
		console_place(text->place);
		status = read_line(text);
		if (status > 0)
			trim(text->line);
	} while (status > 0 && !text->line[0]);
	if (status)
		return status;
	console_place(NULL);
	if (ferror(text->file))
		return console_fail("%s %s: %s", text->option, text->path, strerror(errno));
	return 0;
}

void text_file_close(struct text_file *text)
{
	console_place(NULL);
	if (text->file)
		fclose(text->file);
	text->file = NULL;
}
