/* SPDX-License-Identifier: MIT */
/*
 * Creating ids in a process that handles its forks.
 */
#ifndef REGIO_API_FORK_H
#define REGIO_API_FORK_H

#include "base/table.h"

/*
 * As regioi_table_add(), explained; -ENOMEM also if there was no memory to register the handlers of
 * forks.
 */
int regioi_id_add(const char *step, enum regioi_kind kind, void *object, uint32_t length,
		  uint32_t flags, uint64_t *ret_id);

#endif
