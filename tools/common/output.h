/* SPDX-License-Identifier: MIT */
/*
 * Where results go beside the terminal: JSON, and pictures by gnuplot. Whatever
 * fails has been said on stderr when a call returns; 'command' is who says it.
 */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Whether a file that 'option' names, such as "--log", can be written: 0, or -1 with the reason
 * printed. It is left as it is.
 */
int output_check(const char *command, const char *option, const char *path);

/* Opens a file that 'option' names, such as "--log"; NULL when it cannot be written. */
FILE *output_open(const char *command, const char *option, const char *path);

/* Closes it. Returns 0, or -1 when not all of it could be written. */
int output_close(const char *command, const char *option, const char *path, FILE *file);

/* Whether what --json names can be written, before a run: 0 or -1. It is left as it is. */
int json_check(const char *command, const char *path);

/* True for "-", standard output; 'path' may be NULL. */
bool json_to_stdout(const char *path);

/* Opens it, after the run. A file is written whole or not at all. NULL when it cannot be. */
FILE *json_open(const char *command, const char *path);

/* Writes the document, and closes the file unless it is standard output. Returns 0 or -1. */
int json_write(const char *command, FILE *file, const cJSON *document);

/*
 * For a run that has failed before it had a result: where standard output is to be JSON, it is an
 * object with the reason. Files are left as they are. 'command' is "regio load".
 */
void json_write_failure(const char *command, const char *path, const char *reason);

/* Adds a count with all its digits; a double holds no more than 53 bits. */
void json_add_count(cJSON *object, const char *name, uint64_t count);
cJSON *json_make_count(uint64_t count);

/*
 * Whether a picture can be made: a path that ends in .svg or .png and can be written, and a
 * gnuplot that makes such pictures. 0 or -1.
 */
int plot_check(const char *command, const char *path);

/*
 * The first step of every command. Standard descriptors that are closed stay unusable: no socket
 * or file gets their numbers, which would then be written to by what prints.
 */
void output_begin(void);

/* Flushes standard output; what fails is remembered. */
void output_flush(void);

/*
 * The last step of every command: output that could not be written makes it fail. Returns the exit
 * status, 'status' where everything was written.
 */
int output_finish(int status);

/* A gnuplot that reads commands and has been told terminal and output, or NULL. */
FILE *plot_open(const char *command, const char *path, unsigned width, unsigned height);

/* Returns 0, or -1 when gnuplot failed. */
int plot_close(const char *command, const char *path, FILE *gnuplot);

#endif
