/* SPDX-License-Identifier: MIT */
/*
 * interleave.h - every order in which a few threads may take their steps
 *
 * A race of a few instructions shows in one run of a billion. Here the threads hand a baton on at
 * each step, and a search runs them in every order with few preemptions, as CHESS does (Musuvathi
 * and Qadeer, PLDI 2007). Sources that are compiled with stepped.h take a step before each
 * sequentially consistent access and each lock.
 */
#ifndef REGIO_TESTS_INTERLEAVE_H
#define REGIO_TESTS_INTERLEAVE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERLEAVE_ACTORS_MAX 4u

struct interleave_plan {
	void (*prepare)(void);
	void (*actors[INTERLEAVE_ACTORS_MAX])(void); /* NULL behind the last */
	void (*finish)(void);
	unsigned int preemptions_max;
};

/* Runs the plan in every order. Returns how many there were. */
uint64_t interleave_all(const struct interleave_plan *plan);

/* The order that is being run, for a message; static. */
const char *interleave_order(void);

/* Another actor may go first, which counts as a preemption. Elsewhere than in actors: nothing. */
void interleave_step(void);
/* Another actor may go first. */
void interleave_yield(void);
/* Others go until 'condition' holds: true; or until none can go on: false. */
bool interleave_wait(bool (*condition)(void));

int interleave_lock(pthread_mutex_t *mutex);
int interleave_unlock(pthread_mutex_t *mutex);

#endif
