/* SPDX-License-Identifier: MIT */
/*
 * What the uring engine keeps for each thread, seen from outside.
 */
#ifndef REGIO_ENGINE_URING_H
#define REGIO_ENGINE_URING_H

/* In a forked child: forgets the ring of the thread that forked, which is the parent's. */
void regioi_uring_fork_child(void);

#endif
