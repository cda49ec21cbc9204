/* SPDX-License-Identifier: MIT */
/*
 * What the kernel lets a train do, found by trying it on loopback once in a process that can.
 */
#ifndef REGIO_QUEUE_OFFLOAD_H
#define REGIO_QUEUE_OFFLOAD_H

#include "regio.h"

struct regio_offload_info regioi_offload(void);
/* In the child of a fork. */
void regioi_offload_fork_child(void);

#endif
