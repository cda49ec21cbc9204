/* SPDX-License-Identifier: MIT */
/*
 * stepped.h - what the compiler reads before a source whose steps interleave.h is to order
 */
#ifndef REGIO_TESTS_STEPPED_H
#define REGIO_TESTS_STEPPED_H

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "interleave.h"

#define pthread_mutex_lock(mutex) interleave_lock(mutex)
#define pthread_mutex_trylock(mutex) interleave_trylock(mutex)
#define pthread_mutex_unlock(mutex) interleave_unlock(mutex)
#define pthread_join(thread, result) interleave_join(thread, result)
#define sched_getcpu() interleave_cpu()
#define syscall(...) interleave_syscall(__VA_ARGS__)
#define read(fd, data, length) (interleave_system_call(), read(fd, data, length))
#define write(fd, data, length) (interleave_system_call(), write(fd, data, length))
#define malloc(size) interleave_allocate(_Alignof(max_align_t), size)
#define aligned_alloc(alignment, size) interleave_allocate(alignment, size)
#define calloc(count, size) interleave_allocate_zeroed(count, size)
#define free(memory) interleave_free(memory)

/* A thread that waits yields at once: a second look finds nothing that the first has not. */
#define REGIOI_BACK_OFF_LOOKS 1u

#endif
