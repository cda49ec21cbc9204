/* SPDX-License-Identifier: MIT */
/*
 * Whether the calling thread is in a read section (driver.h): asserted in checked builds, wherever
 * a slice becomes an address.
 */
#ifndef REGIO_CORE_SECTION_H
#define REGIO_CORE_SECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/check.h"

/* Sections that the thread is in; sections of several drivers may nest. */
extern _Thread_local uint32_t regioi_sections
	__attribute__((tls_model("initial-exec"), visibility("hidden")));

static inline void regioi_section_begin(void)
{
	if (REGIOI_CHECKED)
		regioi_sections++;
}

static inline void regioi_section_end(void)
{
	if (REGIOI_CHECKED)
		regioi_sections--;
}

static inline bool regioi_section_is_open(void)
{
	return !REGIOI_CHECKED || regioi_sections > 0;
}

#endif
