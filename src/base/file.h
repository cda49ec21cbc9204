/* SPDX-License-Identifier: MIT */
/*
 * Files that are read at once, as those of the kernel.
 */
#ifndef REGIO_BASE_FILE_H
#define REGIO_BASE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/uncancelled.h"

static inline void regioi_file_close(FILE *const *file)
{
	if (*file)
		fclose(*file);
}

/* A declaration: opens 'file', or NULL, for reading, and closes it at the end of its block. */
#define REGIOI_FILE(file, path)                                                                    \
	__attribute__((cleanup(regioi_file_close))) FILE *const file = fopen(path, "re")

/* Reads the first line of a file. False if there is none. */
static inline bool regioi_file_line(const char *path, char *ret_line, int size)
{
	REGIOI_FILE(file, path);

	return file && fgets(ret_line, size, file);
}

/* A setting of the kernel that is a number, or 'otherwise' if it cannot be read. */
static inline unsigned long regioi_file_number(const char *path, unsigned long otherwise)
{
	REGIOI_UNCANCELLED;
	REGIOI_FILE(file, path);
	unsigned long number;

	return file && fscanf(file, "%lu", &number) == 1 ? number : otherwise;
}

#endif
