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

int json_write(const char *command, FILE *file, const cJSON *document)
{
	char *text = cJSON_Print(document);
	int failed = !text || fprintf(file, "%s\n", text) < 0 || fflush(file);

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
