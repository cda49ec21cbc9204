/* SPDX-License-Identifier: MIT */
/*
 * A connection that echoes what it receives, for the two TCP examples: one buffer, which is
 * received into, sent back, and received into again.
 */
#ifndef REGIO_EXAMPLES_WINSOCK_TCP_ECHO_H
#define REGIO_EXAMPLES_WINSOCK_TCP_ECHO_H

#include "common.h"

struct connection {
	SOCKET s;
	RIO_RQ queue;
	DWORD slot;
	DWORD length; /* what is being sent; 0 while receiving */
};

extern RIO_BUFFERID tcp_buffer_id;
extern long tcp_echoed; /* bytes */

/* Makes the request queue of a connection, whose socket is there. */
void connection_open(struct connection *connection, RIO_CQ completions);
void connection_receive(struct connection *connection);
/* Takes one completion. Returns FALSE when the connection has ended, and is closed. */
BOOL connection_complete(const RIORESULT *result);

#endif
