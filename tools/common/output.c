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

#include "output_file.h"

/* A process has one JSON document, one picture, and one standard output. */
static struct output_file json_file, plot_file;
static FILE *json_stream; /* of json_file */
static bool json_written;
static int stdout_error;

/* ---- Standard output ----------------------------------------------------- */

void output_begin(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* The other way round, so that reading and writing fail as they would. */
		const int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		/* The lowest number that is free: this one. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags) < 0)
			return;
	}
}

void output_flush(void)
{
	if (fflush(stdout) && !stdout_error)
		stdout_error = errno;
}

int output_finish(int status)
{
	output_flush();
	if (!stdout_error && !ferror(stdout))
		return status;
	fprintf(stderr, "regio: standard output cannot be written: %s\n",
		stdout_error ? strerror(stdout_error) : "an earlier write failed");
	return status ? status : 1;
}

/* ---- Other files --------------------------------------------------------- */

static int refuse_path(const char *command, const char *option, const char *path, int error)
{
	fprintf(stderr, "%s: %s %s: cannot be written: %s\n", command, option, path,
		strerror(error));
	return -1;
}

int output_check(const char *command, const char *option, const char *path)
{
	int error = output_file_check(path);

	return error ? refuse_path(command, option, path, -error) : 0;
}

FILE *output_open(const char *command, const char *option, const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		refuse_path(command, option, path, errno);
	return file;
}

int output_close(const char *command, const char *option, const char *path, FILE *file)
{
	int failed = ferror(file);

	if (!fclose(file) && !failed)
		return 0;
	return refuse_path(command, option, path, errno ? errno : EIO);
}

/* ---- JSON ---------------------------------------------------------------- */

bool json_to_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

int json_check(const char *command, const char *path)
{
	return json_to_stdout(path) ? 0 : output_check(command, "--json", path);
}

FILE *json_open(const char *command, const char *path)
{
	FILE *file = NULL;
	int fd;

	if (json_to_stdout(path))
		return stdout;
	fd = output_file_open(&json_file, path);
	if (fd < 0) {
		refuse_path(command, "--json", path, -fd);
		return NULL;
	}
	file = fdopen(fd, "w");
	if (!file) {
		refuse_path(command, "--json", path, errno);
		close(fd);
		output_file_close(&json_file, false);
	}
	return json_stream = file;
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
	int failed, error;

	if (text)
		make_utf8(text);
	errno = ENOMEM;
	failed = !text || fprintf(file, "%s\n", text) < 0 || fflush(file) ? errno : 0;
	cJSON_free(text);
	json_written = true;
	if (file == stdout) {
		if (failed && !stdout_error)
			stdout_error = failed;
		return failed ? -1 : 0;
	}
	if (fclose(file) && !failed)
		failed = errno;
	error = file == json_stream ? output_file_close(&json_file, !failed) : 0;
	if (!failed)
		failed = -error;
	if (failed)
		fprintf(stderr, "%s: --json: cannot be written: %s\n", command, strerror(failed));
	return failed ? -1 : 0;
}

void json_write_failure(const char *command, const char *path, const char *reason)
{
	const char *name = strchr(command, ' ');
	cJSON *document;

	if (!json_to_stdout(path) || json_written)
		return;
	document = cJSON_CreateObject();
	cJSON_AddStringToObject(document, "command", name ? name + 1 : command);
	cJSON_AddStringToObject(document, "error", reason);
	json_write(command, stdout, document);
	cJSON_Delete(document);
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
	const char *end;     /* what a whole picture ends with, up to a few bytes */
} plot_kinds[] = {
	{".svg", "svg", "dynamic background 'white' font 'sans,13'", "</svg>"},
	{".png", "pngcairo", "background 'white' font 'sans,10'", "IEND"},
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
	int error;

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
	error = output_file_check(path);
	if (error)
		return refuse_path(command, "--plot", path, -error);
	return check_terminal(command, path, kind->terminal);
}

FILE *plot_open(const char *command, const char *path, unsigned width, unsigned height)
{
	const struct plot_kind *kind = plot_kind(path);
	int fd = output_file_open(&plot_file, path);
	FILE *gnuplot;

	if (fd < 0) {
		refuse_path(command, "--plot", path, -fd);
		return NULL;
	}
	close(fd);
	gnuplot = kind ? popen("gnuplot", "we") : NULL;
	if (!gnuplot) {
		fprintf(stderr, "%s: --plot %s: gnuplot cannot be started: %s\n", command, path,
			strerror(errno));
		output_file_close(&plot_file, false);
		return NULL;
	}
	fprintf(gnuplot, "set encoding utf8\nset terminal %s size %u,%u %s\n", kind->terminal,
		width, height, kind->options);
	fprintf(gnuplot, "set output \"%s\"\n", plot_file.part);
	return gnuplot;
}

/* gnuplot says nothing of a full disk. */
static bool is_whole(const char *path, const char *picture)
{
	const struct plot_kind *kind = plot_kind(path);
	char tail[65] = {0};
	FILE *file = fopen(picture, "re");
	size_t bytes = 0;

	if (file && (!fseek(file, -64, SEEK_END) || !fseek(file, 0, SEEK_SET)))
		bytes = fread(tail, 1, sizeof(tail) - 1, file);
	if (file)
		fclose(file);
	return kind && memmem(tail, bytes, kind->end, strlen(kind->end)) != NULL;
}

int plot_close(const char *command, const char *path, FILE *gnuplot)
{
	bool failed = pclose(gnuplot) != 0;
	bool whole = !failed && is_whole(path, plot_file.part);
	int error = output_file_close(&plot_file, whole);

	if (failed)
		fprintf(stderr, "%s: --plot %s: gnuplot failed\n", command, path);
	else if (!whole)
		fprintf(stderr, "%s: --plot %s: the picture is not whole; is there room for it?\n",
			command, path);
	else if (error)
		refuse_path(command, "--plot", path, -error);
	return whole && !error ? 0 : -1;
}
