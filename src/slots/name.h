/* SPDX-License-Identifier: MIT */
/*
 * Addresses: those of a socket, and the one that a reply is to leave from.
 */
#ifndef REGIO_SLOTS_NAME_H
#define REGIO_SLOTS_NAME_H

#include "slots/pool.h"

/* Finds out which addresses the messages of a socket have, and what its receives ask for. */
void regioi_member_name(const struct regioi_pool *pool, struct regioi_member *member, int fd);

/*
 * Writes the control message that makes a reply leave from the address that the slot's message was
 * sent to. False if it needs none, or if nothing can be sent from that address.
 */
bool regioi_name_source(struct regioi_pool *pool, struct regioi_slot_head *head);

#endif
