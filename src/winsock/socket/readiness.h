/* SPDX-License-Identifier: MIT */
/*
 * What select and WSAPoll have in common: the state of sockets, and waiting for it.
 */
#ifndef REGIO_WINSOCK_SOCKET_READINESS_H
#define REGIO_WINSOCK_SOCKET_READINESS_H

#include "winsock/socket/socket.h"

enum regioi_ws_state {
	REGIOI_WS_READABLE = 1,
	REGIOI_WS_URGENT = 2, /* out-of-band data */
	REGIOI_WS_WRITABLE = 4,
	REGIOI_WS_ENDED = 8, /* the peer has ended the connection, in order or by a reset */
	REGIOI_WS_RESET = 16,
	REGIOI_WS_CONNECT_FAILED = 32,
};

struct regioi_ws_look {
	struct regioi_ws_socket *socket; /* entered, or NULL: not looked at */
	unsigned int wanted;		 /* states that end the wait; others are found too */
	unsigned int found;
};

/*
 * Waits until a socket is in a state that is wanted of it, or the deadline has passed. Returns 0 or
 * a Winsock error.
 */
int regioi_ws_look(struct regioi_ws_look *looks, uint32_t count, uint64_t deadline_ns);

/* Leaves the sockets and frees the array. */
void regioi_ws_look_free(struct regioi_ws_look *looks, uint32_t count);

#endif
