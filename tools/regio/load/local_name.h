/* SPDX-License-Identifier: MIT */
/*
 * Answers from the address that was asked. A socket bound to all addresses of a host
 * sends from the one that the kernel picks for the way back; a client that is
 * connected to another does not get that answer. So the server has the kernel say
 * with each message which address it was sent to, and says it with the answer.
 */
#ifndef REGIO_LOAD_LOCAL_NAME_H
#define REGIO_LOAD_LOCAL_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"

/* A control slice: its head, and packet information of both families. */
#define LOCAL_NAME_BYTES 96u

/* Has the socket report it, if it is bound to all addresses. Returns 1, 0, or a negative errno. */
int local_name_request(int fd, const struct address *bound);

/*
 * Turns the control data of a message into that of its answer. Nothing is left of a
 * multicast group, which no answer may come from: the kernel picks the address then.
 */
void local_name_turn(void *control);

#endif
