/* SPDX-License-Identifier: MIT */
/*
 * What each module with process-wide state does in a forked child: forget the parent's, and make
 * its lock anew, since a thread that does not exist in the child may have held it. Called by
 * fork.c, while the child has one thread.
 */
#ifndef REGIO_CORE_FORK_H
#define REGIO_CORE_FORK_H

#include "base/table.h"

/* regioi_table_add(), or -ENOMEM where there was none to have forks watched. */
int regioi_id_add(enum regioi_kind kind, void *object, uint32_t length, uint32_t flags,
		  uint64_t *ret_id);

void regioi_drivers_fork_child(void);
void regioi_offload_fork_child(void);
void regioi_sockets_fork_child(void);

#endif
