/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving, for the functions that do it in several forms.
 */
#ifndef REGIO_WINSOCK_SOCKET_TRANSFER_H
#define REGIO_WINSOCK_SOCKET_TRANSFER_H

#include "winsock/socket/overlapped.h"

/*
 * Puts the buffers into 'transfer', and enters the socket. NULL, with the last error set, on
 * failure.
 */
struct regioi_ws_socket *regioi_ws_transfer_begin(SOCKET s, const WSABUF *buffers, DWORD count,
						  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
						  struct regioi_ws_transfer *transfer);

/*
 * Without an OVERLAPPED receives or sends now, and waits if the socket blocks; on a blocking stream
 * everything is sent. With one starts it. Leaves the socket. Returns 0, or SOCKET_ERROR with the
 * last error set.
 */
int regioi_ws_transfer_run(struct regioi_ws_socket *socket,
			   const struct regioi_ws_transfer *transfer, enum regioi_ws_side side,
			   int flags_known, OVERLAPPED *overlapped, LPDWORD ret_bytes);

#endif
