/* SPDX-License-Identifier: MIT */
/*
 * JSON files, and gnuplot at the end of a pipe.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

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

cJSON *json_make_count(uint64_t count)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, count);
	return cJSON_CreateRaw(digits);
}

void json_add_count(cJSON *object, const char *name, uint64_t count)
{
	cJSON *item = json_make_count(count);

	if (!cJSON_AddItemToObject(object, name, item))
		cJSON_Delete(item);
}

/* The terminals that gnuplot is told of, by how the path ends. */
static const struct plot_kind {
	const char *suffix;
	const char *terminal;
	const char *options; /* after the size */
} plot_kinds[] = {
	{".svg", "svg", "dynamic background 'white' font 'sans,13'"},
	{".png", "pngcairo", "background 'white' font 'sans,10'"},
};

/* NULL where it ends otherwise. */
static const struct plot_kind *plot_kind(const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < sizeof(plot_kinds) / sizeof(plot_kinds[0]); i++) {
		size_t bytes = strlen(plot_kinds[i].suffix);

		if (length > bytes && !strcasecmp(path + length - bytes, plot_kinds[i].suffix))
			return &plot_kinds[i];
	}
	return NULL;
}

/* Tries to; a file that was not there before is not there afterwards. */
static bool can_be_written(const char *path)
{
	bool new = access(path, F_OK) != 0;
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (file < 0)
		return false;
	close(file);
	if (new)
		unlink(path);
	return true;
}

static int check_terminal(const char *command, const char *path, const char *terminal)
{
	char line[96];

	snprintf(line, sizeof(line), "gnuplot -e 'set terminal %s' >/dev/null 2>&1", terminal);
	if (system(line) == 0)
		return 0;
	fprintf(stderr,
		"%s: --plot %s: this gnuplot has no terminal %s (Debian's gnuplot-nox has); "
		"a name that ends in .svg will do\n",
		command, path, terminal);
	return -1;
}

int plot_check(const char *command, const char *path)
{
	const struct plot_kind *kind = plot_kind(path);

	if (!kind) {
		fprintf(stderr, "%s: --plot %s: must end in .svg or .png\n", command, path);
		return -1;
	}
	if (strpbrk(path, "\"\\\n")) {
		fprintf(stderr, "%s: --plot %s: must hold no quotes or backslashes\n", command,
			path);
		return -1;
	}
	if (system("command -v gnuplot >/dev/null 2>&1") != 0) {
		fprintf(stderr,
			"%s: --plot: gnuplot is not installed (on Debian: apt-get install "
			"gnuplot-nox)\n",
			command);
		return -1;
	}
	if (!can_be_written(path)) {
		fprintf(stderr, "%s: --plot %s: cannot be written: %s\n", command, path,
			strerror(errno));
		return -1;
	}
	return check_terminal(command, path, kind->terminal);
}

FILE *plot_open(const char *command, const char *path, unsigned width, unsigned height)
{
	const struct plot_kind *kind = plot_kind(path);
	FILE *gnuplot = kind ? popen("gnuplot", "we") : NULL;

	if (!gnuplot) {
		fprintf(stderr, "%s: --plot %s: gnuplot cannot be started: %s\n", command, path,
			strerror(errno));
		return NULL;
	}
	fprintf(gnuplot, "set encoding utf8\nset terminal %s size %u,%u %s\n", kind->terminal,
		width, height, kind->options);
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
