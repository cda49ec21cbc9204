/* SPDX-License-Identifier: MIT */
/*
 * What the kernel lets a train do, found by trying it on loopback once in a process that can.
 */
#ifndef REGIO_CORE_OFFLOAD_H
#define REGIO_CORE_OFFLOAD_H

#include "regio.h"

struct regio_offload_info regioi_offload(void);

#endif
