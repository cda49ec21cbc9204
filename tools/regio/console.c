/* SPDX-License-Identifier: MIT */
/*
 * Speaking in turn.
 */
#include "console.h"

#include <pthread.h>
#include <regio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "output.h"

/* Where the terminal does not say how many it has. */
#define LIVE_COLUMNS 79
/* Of a place, in the failure that is kept. */
#define PLACE_MAX 256

/* The terminal is the process's one and only; so is what is known of it. */
static struct {
	pthread_mutex_t lock;
	const char *command;
	FILE *lines;
	const char *place;
	bool live_shown;
	char failure[512]; /* the first */
} console = {.lock = PTHREAD_MUTEX_INITIALIZER, .command = "regio"};

void console_open(const char *command, const char *json_path)
{
	console.command = command;
	console.lines = json_path && !strcmp(json_path, "-") ? stderr : stdout;
}

const char *console_command(void)
{
	return console.command;
}

void console_place(const char *place)
{
	console.place = place;
}

FILE *console_file(void)
{
	return console.lines ? console.lines : stdout;
}

static void erase_live(void)
{
	if (console.live_shown)
		fputs("\r\033[K", stderr);
	console.live_shown = false;
}

static void say(FILE *file, const char *prefix, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

static void say(FILE *file, const char *prefix, const char *format, va_list arguments)
{
	pthread_mutex_lock(&console.lock);
	erase_live();
	if (prefix)
		fprintf(file, "%s: ", prefix);
	if (prefix && console.place)
		fprintf(file, "%s: ", console.place);
	vfprintf(file, format, arguments);
	fputc('\n', file);
	if (file == stdout)
		output_flush();
	pthread_mutex_unlock(&console.lock);
}

void console_say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(console_file(), NULL, format, arguments);
	va_end(arguments);
}

int console_end(const char *json_path, int status)
{
	if (status == 1)
		json_write_failure(console.command, json_path, console.failure);
	return status;
}

int console_fail(const char *format, ...)
{
	va_list arguments;

	pthread_mutex_lock(&console.lock);
	if (!console.failure[0]) {
		int bytes = 0;

		if (console.place)
			bytes = snprintf(console.failure, PLACE_MAX, "%s: ", console.place);
		if (bytes >= PLACE_MAX)
			bytes = PLACE_MAX - 1;
		va_start(arguments, format);
		vsnprintf(console.failure + bytes, sizeof(console.failure) - (size_t)bytes, format,
			  arguments);
		va_end(arguments);
	}
	pthread_mutex_unlock(&console.lock);
	va_start(arguments, format);
	say(stderr, console.command, format, arguments);
	va_end(arguments);
	return -1;
}

int console_fail_call(const char *call, int error)
{
	return console_fail("%s: %s: %s", call, regio_error_name(error), regio_last_error());
}

/* The columns of the terminal, less one: in the last, some terminals begin a new line. */
static int live_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col < 2)
		return LIVE_COLUMNS;
	return size.ws_col - 1;
}

void console_live(const char *format, ...)
{
	va_list arguments;
	char line[256];

	if (!isatty(STDERR_FILENO))
		return;
	pthread_mutex_lock(&console.lock);
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* A line that is continued on the next could not be taken back. */
	fprintf(stderr, "\r\033[K%.*s", live_columns(), line);
	fflush(stderr);
	console.live_shown = true;
	pthread_mutex_unlock(&console.lock);
}

void console_live_end(void)
{
	pthread_mutex_lock(&console.lock);
	erase_live();
	pthread_mutex_unlock(&console.lock);
}
