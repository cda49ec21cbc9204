/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving, for the functions that do it in several forms.
 */
#ifndef REGIO_WINSOCK_SOCKET_TRANSFER_H
#define REGIO_WINSOCK_SOCKET_TRANSFER_H

#include "winsock/socket/overlapped.h"

/* The data of one call. */
struct regioi_ws_transfer {
	struct msghdr message;
	int flags;
};

/* Returns 0 or a Winsock error. */
int regioi_ws_take_buffers(const WSABUF *buffers, DWORD count, struct iovec *ret_vectors);
/* Checks what Windows requires for receiving. Returns 0 or a Winsock error. */
int regioi_ws_check_receive(struct regioi_ws_socket *socket, const struct sockaddr *from,
			    const int *from_length);

/* Once, without locks. Returns 0 or a Winsock error. */
int regioi_ws_receive_once(struct regioi_ws_socket *socket, struct msghdr *message, int flags,
			   ssize_t *ret_bytes);
/* The same; sets 'ret_gone' if receives have to report that the peer is gone. */
int regioi_ws_send_once(struct regioi_ws_socket *socket, const struct msghdr *message, int flags,
			ssize_t *ret_bytes, bool *ret_gone);

/* Waits if the socket blocks. Returns the bytes, or -1 with the last error set. */
ssize_t regioi_ws_receive_now(struct regioi_ws_socket *socket, struct regioi_ws_transfer *transfer);
/* The same; on a blocking stream everything is sent. */
ssize_t regioi_ws_send_now(struct regioi_ws_socket *socket, struct regioi_ws_transfer *transfer);

/* Starts an overlapped one. Returns 0, or SOCKET_ERROR with the last error set. */
int regioi_ws_transfer_start(struct regioi_ws_operation *operation, LPDWORD ret_bytes);

#endif
