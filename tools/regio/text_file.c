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

/* Of the line just read: 0, or -1 after saying why. */
static int check(const struct text_file *text)
{
	size_t bytes = strlen(text->line);

	if (bytes > 0 && (text->line[bytes - 1] == '\n' || feof(text->file)))
		return 0;
	if (bytes == TEXT_LINE_BYTES - 1)
		return console_fail("the line is longer than %u characters", TEXT_LINE_BYTES - 2);
	return console_fail("has a character with the number 0: it is no text file");
}

int text_file_next(struct text_file *text)
{
	console_place(NULL);
	while (fgets(text->line, sizeof(text->line), text->file)) {
		text->number++;
		snprintf(text->place, sizeof(text->place), "%s %s, line %lu", text->option,
			 text->path, text->number);
		console_place(text->place);
		if (check(text))
			return -1;
		trim(text->line);
		if (text->line[0])
			return 1;
		console_place(NULL);
	}
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
