/* SPDX-License-Identifier: MIT */
/*
 * Rules that no caller may break, asserted in builds with the option 'checked'. In other builds
 * nothing of this is left.
 */
#ifndef REGIO_CORE_CHECK_H
#define REGIO_CORE_CHECK_H

#include <assert.h>

#ifndef REGIOI_CHECKED
#define REGIOI_CHECKED 0
#endif

#define REGIOI_CHECK(condition)                                                                    \
	do {                                                                                       \
		if (REGIOI_CHECKED)                                                                \
			assert(condition);                                                         \
	} while (0)

#endif
