/* SPDX-License-Identifier: MIT */
/*
 * Ids of a process that watches its forks.
 */
#ifndef REGIO_API_FORK_H
#define REGIO_API_FORK_H

#include "base/table.h"

/* regioi_table_add(), or -ENOMEM where there was none to have forks watched. */
int regioi_id_add(enum regioi_kind kind, void *object, uint32_t length, uint32_t flags,
		  uint64_t *ret_id);

#endif
