/* SPDX-License-Identifier: MIT */
/*
 * JSON files, and gnuplot at the end of a pipe.
 */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

FILE *json_open(const char *command, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;

	if (!file)
		fprintf(stderr, "%s: --json %s: cannot be written: %s\n", command, path,
			strerror(errno));
	return file;
}

/* The length of the UTF-8 sequence at 'text', or 0 where there is none. */
static size_t sequence_length(const unsigned char *text)
{
	/* The first code point that needs as many bytes. */
	static const unsigned long least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t length = *text < 0x80	? 1
			: *text < 0xC0	? 0
			: *text < 0xE0	? 2
			: *text < 0xF0	? 3
			: *text <= 0xF4 ? 4
					: 0;
	unsigned long point = length > 1 ? *text & (0x7Fu >> length) : *text;

	for (size_t i = 1; i < length; i++) {
		/* The end of the text is no continuation either. */
		if ((text[i] & 0xC0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3Fu);
	}
	if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
		return 0;
	return length;
}

/* Names that people give may hold any bytes; JSON is UTF-8. */
static void make_utf8(char *text)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = sequence_length(at);

		if (!length)
			*at = '?';
		at += length ? length : 1;
	}
}

int json_write(const char *command, FILE *file, const cJSON *document)
{
	char *text = cJSON_Print(document);
	int failed;

	if (text)
		make_utf8(text);
	failed = !text || fprintf(file, "%s\n", text) < 0 || fflush(file);
	cJSON_free(text);
	if (file != stdout && fclose(file))
		failed = 1;
	if (failed)
		fprintf(stderr, "%s: --json: cannot write: %s\n", command, strerror(errno));
	return failed ? -1 : 0;
}

int plot_check(const char *command, const char *path)
{
	if (strpbrk(path, "\"\\\n")) {
		fprintf(stderr, "%s: --plot %s: must hold no quotes or backslashes\n", command,
			path);
		return -1;
	}
	if (system("command -v gnuplot >/dev/null 2>&1") == 0)
		return 0;
	fprintf(stderr,
		"%s: --plot: gnuplot is not installed (on Debian: apt-get install gnuplot-nox)\n",
		command);
	return -1;
}

FILE *plot_open(const char *command, const char *path, unsigned width, unsigned height)
{
	FILE *gnuplot = popen("gnuplot", "we");

	if (!gnuplot) {
		fprintf(stderr, "%s: --plot %s: gnuplot cannot be started: %s\n", command, path,
			strerror(errno));
		return NULL;
	}
	fprintf(gnuplot, "set terminal svg size %u,%u dynamic background 'white'\n", width, height);
	fprintf(gnuplot, "set output \"%s\"\n", path);
	return gnuplot;
}

int plot_close(const char *command, const char *path, FILE *gnuplot)
{
	if (pclose(gnuplot) == 0)
		return 0;
	fprintf(stderr, "%s: --plot %s: gnuplot failed\n", command, path);
	return -1;
}
