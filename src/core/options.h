/* SPDX-License-Identifier: MIT */
/*
 * Reading option structures that begin with their size.
 */
#ifndef REGIO_CORE_OPTIONS_H
#define REGIO_CORE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the caller's options over 'known', which the caller of this has zeroed. A shorter
 * structure, of an older header, leaves the rest 0; a longer one must be 0 where this version
 * knows nothing. Returns 0, -EINVAL or -E2BIG, explained. 'options' may be NULL.
 */
int regioi_options_read(void *known, size_t known_size, const void *options, const char *step);

#endif
