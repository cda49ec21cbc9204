/* SPDX-License-Identifier: MIT */
/*
 * interleave.c - every order in which a few threads may take their steps
 *
 * Only the thread with the baton runs. It decides who is next; where there is a choice, the choice
 * is written down. The next order has the last choice that is not exhausted taken differently.
 */
#include "interleave.h"
#include "suite.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

#define CHOICES_MAX 512u

struct actor {
	void (*run)(void);
	pthread_t thread;
	sem_t baton;
	bool finished;
	pthread_mutex_t *lock;	 /* it waits for */
	bool (*condition)(void); /* it waits for */
};

struct choice {
	uint8_t taken;
	uint8_t count;
};

static struct actor actors[INTERLEAVE_ACTORS_MAX];
static unsigned int actors_count;
static sem_t all_finished;
static struct choice choices[CHOICES_MAX];
static unsigned int choices_made, choices_known;
static unsigned int preemptions_left;
static _Thread_local struct actor *self;

/* ---- Choices ------------------------------------------------------------------- */

static unsigned int choose(unsigned int count)
{
	if (count == 1)
		return 0;
	EXPECT(choices_made < CHOICES_MAX, "an actor takes steps without end");
	if (choices_made == choices_known)
		choices[choices_known++] = (struct choice){.count = (uint8_t)count};
	EXPECT(choices[choices_made].count == count, "the same order is not the same run");
	return choices[choices_made++].taken;
}

/* False when every order has been run. */
static bool next_order(void)
{
	while (choices_known > 0) {
		struct choice *last = &choices[choices_known - 1];

		if (++last->taken < last->count)
			return true;
		choices_known--;
	}
	return false;
}

const char *interleave_order(void)
{
	static char text[CHOICES_MAX + 1];

	for (unsigned int i = 0; i < choices_made; i++)
		text[i] = (char)('0' + choices[i].taken);
	text[choices_made] = '\0';
	return text;
}

/* ---- The baton ----------------------------------------------------------------- */

static bool can_go(const struct actor *actor)
{
	return !actor->finished && !actor->lock && (!actor->condition || actor->condition());
}

/* Those that can go on, this one first. */
static unsigned int find_candidates(struct actor *ret_candidates[INTERLEAVE_ACTORS_MAX])
{
	unsigned int count = 0;

	if (self && can_go(self))
		ret_candidates[count++] = self;
	for (unsigned int i = 0; i < actors_count; i++) {
		if (&actors[i] != self && can_go(&actors[i]))
			ret_candidates[count++] = &actors[i];
	}
	return count;
}

/* Where none can go on: one that waits for what will not come. */
static struct actor *find_stranded(void)
{
	for (unsigned int i = 0; i < actors_count; i++) {
		if (!actors[i].finished && actors[i].condition)
			return &actors[i];
	}
	return NULL;
}

static bool all_have_finished(void)
{
	for (unsigned int i = 0; i < actors_count; i++) {
		if (!actors[i].finished)
			return false;
	}
	return true;
}

static void hand_on(struct actor *next)
{
	if (next == self)
		return;
	if (next)
		sem_post(&next->baton);
	else
		sem_post(&all_finished);
	if (self && !self->finished)
		sem_wait(&self->baton);
}

static struct actor *next_actor(void)
{
	struct actor *candidates[INTERLEAVE_ACTORS_MAX];
	const unsigned int count = find_candidates(candidates);
	struct actor *stranded;

	if (count)
		return candidates[choose(count)];
	stranded = find_stranded();
	EXPECT(stranded || all_have_finished(), "a deadlock, in the order %s", interleave_order());
	if (stranded)
		stranded->condition = NULL;
	return stranded;
}

void interleave_yield(void)
{
	if (self)
		hand_on(next_actor());
}

void interleave_step(void)
{
	struct actor *next;

	if (!self || preemptions_left == 0)
		return;
	next = next_actor();
	preemptions_left -= next != self;
	hand_on(next);
}

bool interleave_wait(bool (*condition)(void))
{
	bool stranded;

	self->condition = condition;
	hand_on(next_actor());
	stranded = !self->condition;
	self->condition = NULL;
	return !stranded;
}

int interleave_lock(pthread_mutex_t *mutex)
{
	if (!self)
		return pthread_mutex_lock(mutex);
	interleave_step();
	while (pthread_mutex_trylock(mutex) != 0) {
		self->lock = mutex;
		hand_on(next_actor());
	}
	return 0;
}

int interleave_unlock(pthread_mutex_t *mutex)
{
	int error = pthread_mutex_unlock(mutex);

	for (unsigned int i = 0; self && i < actors_count; i++) {
		if (actors[i].lock == mutex)
			actors[i].lock = NULL;
	}
	return error;
}

/* ---- One order ----------------------------------------------------------------- */

static void *act(void *context)
{
	struct actor *actor = context;

	sem_wait(&actor->baton);
	self = actor;
	actor->run();
	actor->finished = true;
	hand_on(next_actor());
	return NULL;
}

static void run_order(const struct interleave_plan *plan)
{
	plan->prepare();
	choices_made = 0;
	preemptions_left = plan->preemptions_max;
	for (unsigned int i = 0; i < actors_count; i++) {
		actors[i] = (struct actor){.run = plan->actors[i]};
		sem_init(&actors[i].baton, 0, 0);
		EXPECT(pthread_create(&actors[i].thread, NULL, act, &actors[i]) == 0, "%m");
	}
	hand_on(next_actor());
	sem_wait(&all_finished);
	for (unsigned int i = 0; i < actors_count; i++)
		pthread_join(actors[i].thread, NULL);
	plan->finish();
}

uint64_t interleave_all(const struct interleave_plan *plan)
{
	uint64_t orders = 0;

	actors_count = 0;
	while (actors_count < INTERLEAVE_ACTORS_MAX && plan->actors[actors_count])
		actors_count++;
	sem_init(&all_finished, 0, 0);
	choices_known = 0;
	do {
		run_order(plan);
		orders++;
	} while (next_order());
	return orders;
}
