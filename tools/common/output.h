/* SPDX-License-Identifier: MIT */
/*
 * Where results go beside the terminal: JSON, and pictures by gnuplot. Whatever
 * fails has been said on stderr when a call returns; 'command' is who says it.
 */
#ifndef COMMON_OUTPUT_H
#define COMMON_OUTPUT_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdio.h>

/* Opens what --json names, "-" being standard output; NULL when it cannot be written. */
FILE *json_open(const char *command, const char *path);

/* Writes the document, and closes the file unless it is standard output. Returns 0 or -1. */
int json_write(const char *command, FILE *file, const cJSON *document);

/* Adds a count with all its digits; a double holds no more than 53 bits. */
void json_add_count(cJSON *object, const char *name, uint64_t count);
cJSON *json_make_count(uint64_t count);

/*
 * Whether a picture can be made: a path that ends in .svg or .png and can be written, and a
 * gnuplot that makes such pictures. 0 or -1.
 */
int plot_check(const char *command, const char *path);

/* A gnuplot that reads commands and has been told terminal and output, or NULL. */
FILE *plot_open(const char *command, const char *path, unsigned width, unsigned height);

/* Returns 0, or -1 when gnuplot failed. */
int plot_close(const char *command, const char *path, FILE *gnuplot);

#endif
