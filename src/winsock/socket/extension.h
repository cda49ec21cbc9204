/* SPDX-License-Identifier: MIT */
/*
 * The extension functions that programs look up one at a time.
 */
#ifndef REGIO_WINSOCK_SOCKET_EXTENSION_H
#define REGIO_WINSOCK_SOCKET_EXTENSION_H

/* The function with that GUID, or NULL. */
const void *regioi_ws_extension_find(const void *guid);

#endif
