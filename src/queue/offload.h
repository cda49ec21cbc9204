/* SPDX-License-Identifier: MIT */
/*
 * Which kinds of trains the kernel supports, found by trying on loopback. Each process does this
 * once, when it first can.
 */
#ifndef REGIO_QUEUE_OFFLOAD_H
#define REGIO_QUEUE_OFFLOAD_H

#include "regio.h"

struct regio_offload_info regioi_offload(void);
/* Called in the child of a fork. */
void regioi_offload_fork_child(void);

#endif
