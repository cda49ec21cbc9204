/* SPDX-License-Identifier: MIT */
/*
 * Registered memory by its addresses, so that memory is deregistered when it is freed. Windows
 * keeps the pages of registered memory that a program frees; here they are unmapped, and regio must
 * not access other memory that is mapped at their addresses later.
 */
#ifndef REGIO_WINSOCK_WIN32_REGISTERED_H
#define REGIO_WINSOCK_WIN32_REGISTERED_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0 or negative errno. */
int regioi_ws_registered_add(void *address, size_t length, uint64_t *ret_region);
/* Deregisters the region. An invalid id is ignored. */
void regioi_ws_registered_remove(uint64_t region);
/* Called before memory is freed: deregisters every region that overlaps it. */
void regioi_ws_registered_end(const void *address, size_t length);

#endif
