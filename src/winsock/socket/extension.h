/* SPDX-License-Identifier: MIT */
/*
 * The extension functions that programs look up one at a time.
 */
#ifndef REGIO_WINSOCK_SOCKET_EXTENSION_H
#define REGIO_WINSOCK_SOCKET_EXTENSION_H

#include "winsock/win32/posix.h"

/* The function with that GUID, or NULL. */
const void *regioi_ws_extension_find(const void *guid);

/* WSARecvMsg */
INT PASCAL regioi_ws_receive_message(SOCKET s, LPWSAMSG message, LPDWORD ret_bytes,
				     LPWSAOVERLAPPED overlapped,
				     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

#endif
