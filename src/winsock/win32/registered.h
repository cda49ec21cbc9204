/* SPDX-License-Identifier: MIT */
/*
 * Registered memory by its addresses, so that what is freed is registered no longer. Windows keeps
 * the pages of registered memory that a program frees; here they are gone, and regio may not touch
 * what comes to their addresses.
 */
#ifndef REGIO_WINSOCK_WIN32_REGISTERED_H
#define REGIO_WINSOCK_WIN32_REGISTERED_H

#include <stddef.h>
#include <stdint.h>

/* Returns 0 or negative errno. */
int regioi_ws_registered_add(void *address, size_t length, uint64_t *ret_region);
/* Ends the region. An id that is none is ignored. */
void regioi_ws_registered_remove(uint64_t region);
/* Before memory is freed: ends every region that has a part of it. */
void regioi_ws_registered_end(const void *address, size_t length);

#endif
