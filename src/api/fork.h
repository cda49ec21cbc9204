/* SPDX-License-Identifier: MIT */
/*
 * Creating ids in a process that handles its forks.
 */
#ifndef REGIO_API_FORK_H
#define REGIO_API_FORK_H

#include "base/table.h"

/* As regioi_table_add(); -ENOMEM if there was no memory to register the handlers of forks. */
int regioi_id_add(enum regioi_kind kind, void *object, uint32_t length, uint32_t flags,
		  uint64_t *ret_id);

#endif
