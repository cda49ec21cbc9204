/* SPDX-License-Identifier: MIT */
/*
 * Counted page locks. mlock(2) does not nest, so the pages of overlapping regions are counted here
 * and unlocked when the last region over them ends.
 */
#ifndef REGIO_CORE_LOCKED_PAGES_H
#define REGIO_CORE_LOCKED_PAGES_H

#include <stdbool.h>
#include <stddef.h>

/* Returns false, with nothing changed, where the limit or memory does not allow it. */
bool regioi_pages_lock(void *address, size_t length);
/* For a range that regioi_pages_lock() took. */
void regioi_pages_unlock(void *address, size_t length);

#endif
