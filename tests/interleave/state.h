/* SPDX-License-Identifier: MIT */
/*
 * state.h - what the files of the interleaver share
 */
#ifndef REGIO_TESTS_INTERLEAVE_STATE_H
#define REGIO_TESTS_INTERLEAVE_STATE_H

#include <semaphore.h>

#include "interleave.h"

#define BUFFER_MAX 64u

/* What each actor is known to have done, in numbers of its releases. */
struct clock {
	uint32_t at[INTERLEAVE_ACTORS_MAX];
};

/* A store that has not left its thread's buffer. */
struct buffered {
	volatile void *location;
	uint64_t value;
	uint32_t size;
	bool releases;
	bool sequential;
	bool changes;  /* of a read-modify-write: nobody writes between the two */
	bool compiled; /* a fence of the compiler came after it */
	bool delayed;  /* another actor has missed it */
	struct clock clock;
};

struct actor {
	unsigned int number;
	void (*run)(void);
	pthread_t thread;
	sem_t baton;
	bool finished;
	/* What it waits for; at most one of these. */
	pthread_mutex_t *lock;
	bool (*condition)(void);
	const uint32_t *futex;
	/* How a wait ends where none can go on: with a result, or as a deadlock. */
	bool patient;
	bool ticks; /* it may end at any time */
	uint32_t futex_value;
	bool futex_woken;

	struct clock clock;
	struct buffered buffer[BUFFER_MAX];
	unsigned int buffer_count;
};

extern struct actor interleave_actors[INTERLEAVE_ACTORS_MAX];
extern unsigned int interleave_actors_count;
extern unsigned int interleave_delays_left;
extern enum interleave_memory interleave_memory;
extern bool interleave_barrier_refused;
/* Of the order that is run, from 1. */
extern uint32_t interleave_number;
/* Between its preparation and its end. */
extern bool interleave_running;

/* The calling thread's; NULL elsewhere, and while the scheduler looks at conditions. */
struct actor *interleave_self(void);
/* One of 'count' ways, each in an order of its own. */
unsigned int interleave_choose(unsigned int count);
/* Another actor may go first, which counts as a preemption. */
void interleave_step(void);
/* The search begins anew: it has learned that a location needs steps. */
void interleave_begin_anew(void);
/* Ends the wait of those that sleep on the word. Returns how many there were. */
long interleave_futex_wake(const void *word);
void interleave_futex_wait(const void *word, uint32_t value, int64_t timeout_ns);

/* memory.c */
/* Where the atomic access is that follows. */
extern const void *interleave_code;
void interleave_memory_reset(void);
uint64_t interleave_load(const volatile void *location, uint32_t size, int order);
void interleave_store(volatile void *location, uint32_t size, uint64_t value, int order);
/* Returns the value before; 'change' computes the new one. */
uint64_t interleave_change(volatile void *location, uint32_t size, int order,
			   uint64_t (*change)(uint64_t before, uint64_t operand), uint64_t operand);
bool interleave_compare_exchange(volatile void *location, uint32_t size, uint64_t *expected,
				 uint64_t desired, int order, int order_failed);
void interleave_compiler_fence(void);
/* Empties the buffer of the actor. */
void interleave_drain(struct actor *actor);
/* A barrier on every thread: of what the compiler has had to store by now. */
void interleave_drain_everywhere(void);

/* early.c */
void interleave_early_reset(void);
/* 'before' and 'clock': the value that was there, and what an acquire got with it. */
void interleave_note_store(const volatile void *location, const struct actor *actor,
			   uint32_t release, uint64_t before, const struct clock *clock);
void interleave_note_seen(const struct actor *self, const volatile void *location);
void interleave_note_barrier(const struct actor *self);
/* Whether the load returns what was there before the last store. */
bool interleave_load_early(struct actor *self, const volatile void *location, uint64_t *ret_value,
			   struct clock *ret_clock);

/* races.c */
void interleave_races_reset(void);
void interleave_access(const volatile void *start, size_t size, bool write, const void *code);
/* allocate.c: fails where the memory was freed. */
void interleave_expect_memory(const volatile void *location);
/* Whether several actors use the location and one writes it. Begins anew where that is new. */
bool interleave_is_contended(const volatile void *location, bool write);
void interleave_acquire(const volatile void *location);
void interleave_acquire_clock(const struct clock *clock);
const struct clock *interleave_clock_of(const volatile void *location);
/* 'clock' NULL: a relaxed store, which ends what another actor's release has begun. */
void interleave_publish(const volatile void *location, const struct actor *actor,
			const struct clock *clock);
/* As interleave_publish(), of a read-modify-write: what came before stays published. */
void interleave_publish_more(const volatile void *location, const struct clock *clock);
void interleave_clock_advance(struct actor *actor);

#endif
