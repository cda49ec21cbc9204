/* SPDX-License-Identifier: MIT */
/*
 * What a running command says: lines that stay, failures, and on a terminal one
 * live line that the next overwrites. Any thread may speak.
 */
#ifndef REGIO_TOOL_CONSOLE_H
#define REGIO_TOOL_CONSOLE_H

#include <stdbool.h>
#include <stdio.h>

/*
 * 'command' is "regio load". Lines go to standard output, unless --json, with
 * 'json_path', writes there; then to standard error.
 */
void console_open(const char *command, const char *json_path);

const char *console_command(void);

/* Where lines that stay go, for those who print tables. */
FILE *console_file(void);

void console_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Where what is read next stands, as "--list FILE, line 7": failures are said to be there.
 * Borrowed, until it is set to NULL.
 */
void console_place(const char *place);

/* A failure: step, cause, remedy. Returns -1. */
int console_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The end of a command that has --json: a failure before there was a result becomes the result.
 * Returns 'status'.
 */
int console_end(const char *json_path, int status);

/* The same for a call of the library that is not a request, with its own explanation. */
int console_fail_call(const char *call, int error);

/* The live line; nothing without a terminal. Overwritten by whatever is said next. */
void console_live(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Removes the live line. */
void console_live_end(void);

#endif
