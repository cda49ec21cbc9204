/* SPDX-License-Identifier: MIT */
/*
 * What each module with process-wide state does in a forked child: forget the parent's, and make
 * its lock anew, since a thread that does not exist in the child may have held it. Called by
 * table.c, while the child has one thread.
 */
#ifndef REGIO_CORE_FORK_H
#define REGIO_CORE_FORK_H

void regioi_drivers_fork_child(void);
void regioi_offload_fork_child(void);
void regioi_sockets_fork_child(void);

#endif
