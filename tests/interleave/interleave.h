/* SPDX-License-Identifier: MIT */
/*
 * interleave.h - every order in which a few threads may take their steps
 *
 * A race of a few instructions shows in one run of a billion. Here the threads hand a baton on at
 * each step, and a search runs them in every order with few preemptions, as CHESS does (Musuvathi
 * and Qadeer, PLDI 2007). A step comes before each atomic access to a location that several threads
 * use and one of them writes, before each lock, and before each system call.
 *
 * Sources that take part are compiled with stepped.h and -fsanitize=thread. The compiler then calls
 * a function at each access to memory; those functions are in this directory, not in the library of
 * the sanitizer. So an order also has
 *
 *	store buffers   A store that is not sequentially consistent stays in the buffer of its
 *			thread. Whether it has left is decided when another thread comes to the same
 *			location, and in each order at most 'delays_max' stores have not.
 *	happens-before  A plain access that is not ordered after one of another thread to the same
 *			bytes, by a release and an acquire or by a lock, ends the case: a data race.
 *	ended memory	So does any access to memory that was freed.
 */
#ifndef REGIO_TESTS_INTERLEAVE_H
#define REGIO_TESTS_INTERLEAVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERLEAVE_ACTORS_MAX 4u
#define INTERLEAVE_TICK_MIN_NS 1000000
#define INTERLEAVE_TICK_MAX_NS 10000000

enum interleave_memory {
	/*
	 * x86: stores leave a buffer in their order; a sequentially consistent store, each
	 * read-modify-write and each lock empty it.
	 */
	INTERLEAVE_TSO,
	/*
	 * Relaxed stores leave a buffer in any order, and those that release after what comes
	 * before them. Sequentially consistent stores, and those of read-modify-writes, are put in
	 * the buffer as well, until the next sequentially consistent load of their thread.
	 */
	INTERLEAVE_WEAK,
};

struct interleave_plan {
	void (*enter)(void); /* once in each actor's thread, before the first order */
	void (*prepare)(void);
	void (*actors[INTERLEAVE_ACTORS_MAX])(void); /* NULL after the last */
	void (*finish)(void);
	unsigned int preemptions_max;
	unsigned int delays_max;
	enum interleave_memory memory;
	bool barrier_refused; /* membarrier(2) does nothing */
	/*
	 * A wait of INTERLEAVE_TICK_MIN_NS to INTERLEAVE_TICK_MAX_NS may end at any time. Without:
	 * its time is never over.
	 */
	bool ticks;
	unsigned int cpus[INTERLEAVE_ACTORS_MAX]; /* where the actors run */
};

/* Runs the plan in every order. Returns how many there were. */
uint64_t interleave_all(const struct interleave_plan *plan);

/* The order that is being run, for a message; static. */
const char *interleave_order(void);

/* A system call of the calling actor, before it: a step, and a barrier. Elsewhere: nothing. */
void interleave_system_call(void);
/* Another actor may go first. */
void interleave_yield(void);
/*
 * Others go until 'condition' holds: true; or until none can go on: false. The condition reads what
 * is in memory, not what is in a buffer.
 */
bool interleave_wait(bool (*condition)(void));
/* The same for ever: that none can go on is a deadlock. */
void interleave_sleep(bool (*condition)(void));

/* What stepped.h puts in the place of the functions with these names. */
int interleave_lock(pthread_mutex_t *mutex);
int interleave_trylock(pthread_mutex_t *mutex);
int interleave_unlock(pthread_mutex_t *mutex);
/* In an actor: nothing. The thread may be another actor. */
int interleave_join(pthread_t thread, void **ret_result);
/* The CPU of the calling actor. */
int interleave_cpu(void);
long interleave_syscall(long number, ...);
void *interleave_allocate(size_t alignment, size_t size);
void *interleave_allocate_zeroed(size_t count, size_t size);
void interleave_free(void *memory);

#endif
