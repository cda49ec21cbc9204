/* SPDX-License-Identifier: MIT */
/*
 * Settings of the kernel that are a number in a file.
 */
#ifndef REGIO_BASE_FILE_NUMBER_H
#define REGIO_BASE_FILE_NUMBER_H

#include <stdbool.h>
#include <stdio.h>

#include "base/uncancelled.h"

/* The number, or 'otherwise' if it cannot be read. */
static inline unsigned long regioi_file_number(const char *path, unsigned long otherwise)
{
	REGIOI_UNCANCELLED;
	FILE *file = fopen(path, "re");
	unsigned long number;
	bool read = file && fscanf(file, "%lu", &number) == 1;

	if (file)
		fclose(file);
	return read ? number : otherwise;
}

#endif
