/* SPDX-License-Identifier: MIT */
/*
 * The sockets of a server: one for each address it listens on.
 */
#ifndef REGIO_LOAD_SERVE_SOCKET_H
#define REGIO_LOAD_SERVE_SOCKET_H

#include "serve.h"

/* Opens those of --bind and --port, or --list. Returns 0, or -1 after saying why. */
int serve_sockets_open(struct server *server);

/* Packets that found a datagram socket full. */
uint64_t serve_sockets_drops(const struct server *server);

void serve_sockets_close(struct server *server);

#endif
