/* SPDX-License-Identifier: MIT */
/*
 * Structures of the public API that may grow: options, which begin with their size, are read, and
 * what calls describe is written in the size that the caller knows.
 */
#ifndef REGIO_BASE_OPTIONS_H
#define REGIO_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the caller's options over 'known', which the caller of this has zeroed. A shorter
 * structure, of an older header, leaves the rest 0; a longer one must be 0 where this version
 * knows nothing. Returns 0, -EINVAL or -E2BIG, explained. 'options' may be NULL.
 */
int regioi_options_read(void *known, size_t known_size, const void *options, const char *step);

/* Returns 0 or -EINVAL, explained, where a caller's ret_info or its size cannot be. */
int regioi_info_check(const void *ret_info, uint32_t size, const char *step);

/*
 * Copies what this version knows into the caller's structure of 'size' bytes, which has been
 * checked. What the caller does not know is left out; what this version does not know is 0.
 */
void regioi_info_write(void *ret_info, uint32_t size, const void *known, size_t known_size);

#endif
