/* SPDX-License-Identifier: MIT */
/*
 * A count that one thread writes and others look at while it goes on.
 */
#ifndef COMMON_COUNTER_H
#define COMMON_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t counter;

static inline uint64_t counter_read(const counter *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

static inline void counter_set(counter *count, uint64_t value)
{
	atomic_store_explicit(count, value, memory_order_relaxed);
}

/* By the one writer, so no locked instruction is spent. */
static inline void counter_add(counter *count, uint64_t more)
{
	counter_set(count, counter_read(count) + more);
}

#endif
