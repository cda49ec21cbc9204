/* SPDX-License-Identifier: MIT */
/*
 * A file that is written whole or not at all: what is written goes to another beside
 * it, which takes its place at the end. A run that fails, is killed, or finds the disk
 * full leaves the file as it was. Devices, pipes, files with several links, files of
 * other users and files in folders that cannot be written to are written in place.
 */
#ifndef COMMON_OUTPUT_FILE_H
#define COMMON_OUTPUT_FILE_H

#include <limits.h>
#include <stdbool.h>

struct output_file {
	bool in_place;
	char target[PATH_MAX];
	char part[PATH_MAX]; /* what is written to; the target itself, in place */
};

/* Tries to open it for writing, and leaves it as it is. Returns 0 or a negative errno. */
int output_file_check(const char *path);

/* Makes the part. Returns a descriptor or a negative errno. */
int output_file_open(struct output_file *file, const char *path);

/* Puts the part in its place, or removes it. Returns 0 or a negative errno. */
int output_file_close(struct output_file *file, bool whole);

#endif
