/* SPDX-License-Identifier: MIT */
/*
 * entry.c - the functions that code compiled with -fsanitize=thread calls, and system calls
 */
#include "state.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---- System calls -------------------------------------------------------------- */

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *timeout)
{
	if ((operation & FUTEX_CMD_MASK) == FUTEX_WAKE)
		return interleave_futex_wake(word);
	if (interleave_load(word, sizeof(*word), __ATOMIC_SEQ_CST) != value) {
		errno = EAGAIN;
		return -1;
	}
	interleave_futex_wait(
		word, value, timeout ? timeout->tv_sec * 1000000000 + timeout->tv_nsec : INT64_MAX);
	return 0;
}

long interleave_syscall(long number, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		arguments[i] = va_arg(list, long);
	va_end(list);
	if (interleave_self())
		interleave_system_call();
	/* Between the actors' turns nothing is in a buffer, and a real barrier costs much. */
	if (number == SYS_membarrier && interleave_running) {
		if (interleave_self() && !interleave_barrier_refused)
			interleave_drain_everywhere();
		return 0;
	}
	if (number == SYS_futex && interleave_self())
		return futex((uint32_t *)arguments[0], (int)arguments[1], (uint32_t)arguments[2],
			     (const struct timespec *)arguments[3]);
	return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		       arguments[5]);
}

/* ---- Plain accesses ------------------------------------------------------------ */

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

#define ACCESS(name, bytes, write)                                                                 \
	void __tsan_##name(void *location);                                                        \
	void __tsan_##name(void *location)                                                         \
	{                                                                                          \
		interleave_access(location, bytes, write, __builtin_return_address(0));            \
	}
#define ACCESSES(bytes)                                                                            \
	ACCESS(read##bytes, bytes, false)                                                          \
	ACCESS(write##bytes, bytes, true)                                                          \
	ACCESS(unaligned_read##bytes, bytes, false)                                                \
	ACCESS(unaligned_write##bytes, bytes, true)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)

void __tsan_read_range(void *start, unsigned long size);
void __tsan_read_range(void *start, unsigned long size)
{
	interleave_access(start, size, false, __builtin_return_address(0));
}

void __tsan_write_range(void *start, unsigned long size);
void __tsan_write_range(void *start, unsigned long size)
{
	interleave_access(start, size, true, __builtin_return_address(0));
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	interleave_access(from, size, false, __builtin_return_address(0));
	interleave_access(to, size, true, __builtin_return_address(0));
	return memcpy(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size)
{
	interleave_access(from, size, false, __builtin_return_address(0));
	interleave_access(to, size, true, __builtin_return_address(0));
	return memmove(to, from, size);
}

void *__tsan_memset(void *start, int value, size_t size);
void *__tsan_memset(void *start, int value, size_t size)
{
	interleave_access(start, size, true, __builtin_return_address(0));
	return memset(start, value, size);
}

/* ---- Atomic accesses ----------------------------------------------------------- */

static uint64_t exchange(uint64_t before, uint64_t operand)
{
	return operand;
}

static uint64_t fetch_add(uint64_t before, uint64_t operand)
{
	return before + operand;
}

static uint64_t fetch_sub(uint64_t before, uint64_t operand)
{
	return before - operand;
}

static uint64_t fetch_and(uint64_t before, uint64_t operand)
{
	return before & operand;
}

static uint64_t fetch_or(uint64_t before, uint64_t operand)
{
	return before | operand;
}

static uint64_t fetch_xor(uint64_t before, uint64_t operand)
{
	return before ^ operand;
}

#define CHANGE(bits, name)                                                                         \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *location,             \
						    uint##bits##_t operand, int order);            \
	uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *location,             \
						    uint##bits##_t operand, int order)             \
	{                                                                                          \
		interleave_code = __builtin_return_address(0);                                     \
		return (uint##bits##_t)interleave_change(location, sizeof(operand), order, name,   \
							 operand);                                 \
	}

#define COMPARE_EXCHANGE(bits, name)                                                               \
	int __tsan_atomic##bits##_##name(volatile uint##bits##_t *location,                        \
					 uint##bits##_t *expected, uint##bits##_t desired,         \
					 int order, int order_failed);                             \
	int __tsan_atomic##bits##_##name(volatile uint##bits##_t *location,                        \
					 uint##bits##_t *expected, uint##bits##_t desired,         \
					 int order, int order_failed)                              \
	{                                                                                          \
		uint64_t value = *expected;                                                        \
		bool done;                                                                         \
                                                                                                   \
		interleave_code = __builtin_return_address(0);                                     \
		done = interleave_compare_exchange(location, sizeof(desired), &value, desired,     \
						   order, order_failed);                           \
		*expected = (uint##bits##_t)value;                                                 \
		return done;                                                                       \
	}

#define ATOMICS(bits)                                                                              \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *location,         \
						  int order);                                      \
	uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *location,         \
						  int order)                                       \
	{                                                                                          \
		interleave_code = __builtin_return_address(0);                                     \
		return (uint##bits##_t)interleave_load(location, sizeof(*location), order);        \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *location, uint##bits##_t value,  \
					 int order);                                               \
	void __tsan_atomic##bits##_store(volatile uint##bits##_t *location, uint##bits##_t value,  \
					 int order)                                                \
	{                                                                                          \
		interleave_code = __builtin_return_address(0);                                     \
		interleave_store(location, sizeof(value), value, order);                           \
	}                                                                                          \
	CHANGE(bits, exchange)                                                                     \
	CHANGE(bits, fetch_add)                                                                    \
	CHANGE(bits, fetch_sub)                                                                    \
	CHANGE(bits, fetch_and)                                                                    \
	CHANGE(bits, fetch_or)                                                                     \
	CHANGE(bits, fetch_xor)                                                                    \
	COMPARE_EXCHANGE(bits, compare_exchange_strong)                                            \
	COMPARE_EXCHANGE(bits, compare_exchange_weak)                                              \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                 \
		volatile uint##bits##_t *location, uint##bits##_t expected,                        \
		uint##bits##_t desired, int order, int order_failed);                              \
	uint##bits##_t __tsan_atomic##bits##_compare_exchange_val(                                 \
		volatile uint##bits##_t *location, uint##bits##_t expected,                        \
		uint##bits##_t desired, int order, int order_failed)                               \
	{                                                                                          \
		uint64_t value = expected;                                                         \
                                                                                                   \
		interleave_code = __builtin_return_address(0);                                     \
		interleave_compare_exchange(location, sizeof(desired), &value, desired, order,     \
					    order_failed);                                         \
		return (uint##bits##_t)value;                                                      \
	}

ATOMICS(8)
ATOMICS(16)
ATOMICS(32)
ATOMICS(64)

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	interleave_compiler_fence();
}

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	interleave_compiler_fence();
	/* Of weaker ones the library has none. */
	if (order != __ATOMIC_SEQ_CST || !interleave_self())
		return;
	interleave_drain(interleave_self());
	interleave_note_barrier(interleave_self());
}
