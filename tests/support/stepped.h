/* SPDX-License-Identifier: MIT */
/*
 * stepped.h - what the compiler reads before a source whose steps interleave.h is to order
 */
#ifndef REGIO_TESTS_STEPPED_H
#define REGIO_TESTS_STEPPED_H

#include <stdatomic.h>

#include "interleave.h"

#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_fetch_xor

#define REGIO_STEPPED(operation, ...)                                                              \
	(interleave_step(), atomic_##operation##_explicit(__VA_ARGS__, memory_order_seq_cst))

#define atomic_load(object) REGIO_STEPPED(load, object)
#define atomic_store(object, value) REGIO_STEPPED(store, object, value)
#define atomic_exchange(object, value) REGIO_STEPPED(exchange, object, value)
#define atomic_fetch_add(object, value) REGIO_STEPPED(fetch_add, object, value)
#define atomic_fetch_sub(object, value) REGIO_STEPPED(fetch_sub, object, value)
#define atomic_fetch_or(object, value) REGIO_STEPPED(fetch_or, object, value)
#define atomic_fetch_and(object, value) REGIO_STEPPED(fetch_and, object, value)
#define atomic_fetch_xor(object, value) REGIO_STEPPED(fetch_xor, object, value)

#define pthread_mutex_lock(mutex) interleave_lock(mutex)
#define pthread_mutex_unlock(mutex) interleave_unlock(mutex)

#endif
