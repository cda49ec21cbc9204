/* SPDX-License-Identifier: MIT */
/*
 * Structures of the public API that may grow: options, which begin with their size, are read, and
 * descriptions are written in the size that the caller knows.
 */
#ifndef REGIO_BASE_OPTIONS_H
#define REGIO_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the program's options to 'known', which the calling function has zeroed. A shorter
 * structure, of an older header, leaves the rest 0; in a longer one, fields that this version does
 * not know must be 0. Returns 0, -EINVAL or -E2BIG, explained. 'options' may be NULL.
 */
int regioi_options_read(void *known, size_t known_size, const void *options, const char *step);

/* Checks the program's ret_info and its size. Returns 0, or -EINVAL, explained. */
int regioi_info_check(const void *ret_info, uint32_t size, const char *step);

/*
 * Copies the fields that this version knows to the program's structure of 'size' bytes, which has
 * been checked. Fields that the program does not know are left out; fields that this version does
 * not know are set to 0.
 */
void regioi_info_write(void *ret_info, uint32_t size, const void *known, size_t known_size);

#endif
