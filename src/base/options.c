/* SPDX-License-Identifier: MIT */
/*
 * Structures of the public API that may grow: options are read, descriptions are written.
 */
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/options.h"

/* No option structure was ever smaller than its size field and one more word. */
#define OPTIONS_SIZE_MIN 8u
/*
 * Far above any real size: a wrong size must not make the library read or write beyond the
 * structure.
 */
#define STRUCTURE_SIZE_MAX 4096u
/* Less than the size of any structure that is filled in, and more than that of a pointer. */
#define INFO_SIZE_MIN 16u

int regioi_options_read(void *known, size_t known_size, const void *options, const char *step)
{
	uint32_t size;

	if (!options)
		return 0;
	memcpy(&size, options, sizeof(size));
	if (size < OPTIONS_SIZE_MIN || size > STRUCTURE_SIZE_MAX)
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

int regioi_info_check(const void *ret_info, uint32_t size, const char *step)
{
	if (!ret_info)
		return regioi_fail(-EINVAL, "%s: ret_info is NULL", step);
	if (size < INFO_SIZE_MIN || size > STRUCTURE_SIZE_MAX)
		return regioi_fail(-EINVAL, "%s: size is %u; set it to sizeof the structure", step,
				   size);
	return 0;
}

void regioi_info_write(void *ret_info, uint32_t size, const void *known, size_t known_size)
{
	size_t common = size < known_size ? size : known_size;

	memcpy(ret_info, known, common);
	memset((uint8_t *)ret_info + common, 0, size - common);
}
