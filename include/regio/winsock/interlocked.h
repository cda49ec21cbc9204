/* SPDX-License-Identifier: MIT */
/*
 * interlocked.h - atomic operations, on LONG and on other types that programs use them for
 *
 * LONG is not long here, and programs mix them, so these are templates in C++ and macros in C.
 */
#ifndef REGIO_WINSOCK_INTERLOCKED_H
#define REGIO_WINSOCK_INTERLOCKED_H

#if defined(__x86_64__)
#include <immintrin.h>
#define YieldProcessor _mm_pause
#define MemoryBarrier() _mm_mfence()
#else
#if defined(__aarch64__)
#define YieldProcessor() __asm__ __volatile__("yield" ::: "memory")
#else
#define YieldProcessor() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif
#define MemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#define _ReadWriteBarrier() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define _ReadBarrier _ReadWriteBarrier
#define _WriteBarrier _ReadWriteBarrier

#if defined(__cplusplus)

template <typename T> inline T InterlockedIncrement(volatile T *at)
{
	return __atomic_add_fetch(at, 1, __ATOMIC_SEQ_CST);
}
template <typename T> inline T InterlockedDecrement(volatile T *at)
{
	return __atomic_sub_fetch(at, 1, __ATOMIC_SEQ_CST);
}
template <typename T, typename V> inline T InterlockedAdd(volatile T *at, V value)
{
	return __atomic_add_fetch(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T, typename V> inline T InterlockedExchangeAdd(volatile T *at, V value)
{
	return __atomic_fetch_add(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T, typename V> inline T InterlockedExchange(volatile T *at, V value)
{
	return __atomic_exchange_n(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T, typename V, typename W>
inline T InterlockedCompareExchange(volatile T *at, V value, W comparand)
{
	T expected = (T)comparand;

	__atomic_compare_exchange_n(at, &expected, (T)value, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return expected;
}
template <typename T, typename V> inline T InterlockedAnd(volatile T *at, V value)
{
	return __atomic_fetch_and(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T, typename V> inline T InterlockedOr(volatile T *at, V value)
{
	return __atomic_fetch_or(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T, typename V> inline T InterlockedXor(volatile T *at, V value)
{
	return __atomic_fetch_xor(at, (T)value, __ATOMIC_SEQ_CST);
}
template <typename T> inline void *InterlockedExchangePointer(T *volatile *at, void *value)
{
	return (void *)__atomic_exchange_n(at, (T *)value, __ATOMIC_SEQ_CST);
}
template <typename T>
inline void *InterlockedCompareExchangePointer(T *volatile *at, void *value, const void *comparand)
{
	T *expected = (T *)const_cast<void *>(comparand);

	__atomic_compare_exchange_n(at, &expected, (T *)value, false, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return (void *)expected;
}

#else

#define InterlockedIncrement(at) __atomic_add_fetch((at), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(at) __atomic_sub_fetch((at), 1, __ATOMIC_SEQ_CST)
#define InterlockedAdd(at, value) __atomic_add_fetch((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(at, value) __atomic_fetch_add((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedExchange(at, value) __atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedCompareExchange(at, value, comparand)                                           \
	__extension__({                                                                            \
		__typeof__(*(at) + 0) regio_expected = (comparand);                                \
		__atomic_compare_exchange_n((at), &regio_expected, (value), 0, __ATOMIC_SEQ_CST,   \
					    __ATOMIC_SEQ_CST);                                     \
		regio_expected;                                                                    \
	})
#define InterlockedAnd(at, value) __atomic_fetch_and((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedOr(at, value) __atomic_fetch_or((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedXor(at, value) __atomic_fetch_xor((at), (value), __ATOMIC_SEQ_CST)
#define InterlockedExchangePointer(at, value)                                                      \
	((void *)__atomic_exchange_n((at), (value), __ATOMIC_SEQ_CST))
#define InterlockedCompareExchangePointer(at, value, comparand)                                    \
	__extension__({                                                                            \
		void *regio_expected = (comparand);                                                \
		__atomic_compare_exchange_n((void *volatile *)(at), &regio_expected, (value), 0,   \
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                   \
		regio_expected;                                                                    \
	})

#endif

#define InterlockedIncrement16 InterlockedIncrement
#define InterlockedDecrement16 InterlockedDecrement
#define InterlockedIncrement64 InterlockedIncrement
#define InterlockedDecrement64 InterlockedDecrement
#define InterlockedAdd64 InterlockedAdd
#define InterlockedExchangeAdd64 InterlockedExchangeAdd
#define InterlockedExchange64 InterlockedExchange
#define InterlockedExchange8 InterlockedExchange
#define InterlockedCompareExchange64 InterlockedCompareExchange
#define InterlockedAnd64 InterlockedAnd
#define InterlockedOr64 InterlockedOr
#define InterlockedXor64 InterlockedXor
#define InterlockedIncrementAcquire InterlockedIncrement
#define InterlockedIncrementRelease InterlockedIncrement
#define InterlockedIncrementNoFence InterlockedIncrement
#define InterlockedDecrementAcquire InterlockedDecrement
#define InterlockedDecrementRelease InterlockedDecrement
#define InterlockedDecrementNoFence InterlockedDecrement
#define InterlockedCompareExchangeAcquire InterlockedCompareExchange
#define InterlockedCompareExchangeRelease InterlockedCompareExchange
#define InterlockedExchangeSubtract(at, value) InterlockedExchangeAdd((at), 0u - (value))
#define _InterlockedIncrement InterlockedIncrement
#define _InterlockedDecrement InterlockedDecrement
#define _InterlockedIncrement64 InterlockedIncrement
#define _InterlockedDecrement64 InterlockedDecrement
#define _InterlockedExchange InterlockedExchange
#define _InterlockedExchange64 InterlockedExchange
#define _InterlockedExchangeAdd InterlockedExchangeAdd
#define _InterlockedExchangeAdd64 InterlockedExchangeAdd
#define _InterlockedCompareExchange InterlockedCompareExchange
#define _InterlockedCompareExchange64 InterlockedCompareExchange
#define _InterlockedAnd InterlockedAnd
#define _InterlockedOr InterlockedOr

#endif
