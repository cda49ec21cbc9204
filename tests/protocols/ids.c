/* SPDX-License-Identifier: MIT */
/*
 * ids.c - the library's table of ids, which begins anew in each order
 *
 * What follows is the library's own file, included for what is static in it.
 */
/* NOLINTNEXTLINE(bugprone-suspicious-include): its static counters are reset below. */
#include "../../src/base/table.c"

#include "kernel.h"

void ids_reset(void)
{
	atomic_store_explicit(&regioi_table_chunks[0], NULL, memory_order_relaxed);
	free_head = 0;
	index_next = 0;
}
