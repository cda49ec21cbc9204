/* SPDX-License-Identifier: MIT */
/*
 * Counters with one writer that other threads read for information.
 */
#ifndef REGIO_BASE_COUNT_H
#define REGIO_BASE_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

static inline uint64_t regioi_count_read(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/*
 * Not an atomic read-modify-write: there is only one writer, and a locked instruction would cost as
 * much as a message.
 */
static inline void regioi_count_add(_Atomic uint64_t *count, uint64_t more)
{
	atomic_store_explicit(count, regioi_count_read(count) + more, memory_order_relaxed);
}

#endif
