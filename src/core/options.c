/* SPDX-License-Identifier: MIT */
/*
 * Reading option structures that begin with their size.
 */
#include <errno.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"

/* No option structure was ever smaller than its size and one more word. */
#define OPTIONS_SIZE_MIN 8u
/* Far above any real one: a wild size must not send us reading through memory. */
#define OPTIONS_SIZE_MAX 4096u

int regioi_options_read(void *known, size_t known_size, const void *options, const char *step)
{
	uint32_t size;

	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size < OPTIONS_SIZE_MIN || size > OPTIONS_SIZE_MAX)
		return regioi_fail(-EINVAL,
				   "%s: options.size is %u; set it to sizeof the structure", step,
				   size);
	for (uint32_t i = (uint32_t)known_size; i < size; i++) {
		if (((const uint8_t *)options)[i] != 0)
			return regioi_fail(
				-E2BIG,
				"%s: options are set that this version of regio does not "
				"know; install a newer one or leave them 0",
				step);
	}
	memcpy(known, options, size < known_size ? size : known_size);
	return 0;
}
