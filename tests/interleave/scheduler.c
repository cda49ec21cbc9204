/* SPDX-License-Identifier: MIT */
/*
 * scheduler.c - every order in which a few threads may take their steps
 *
 * Only the thread with the baton runs. It decides who is next; where there is a choice, the choice
 * is written down. The next order has the last choice that is not exhausted taken differently.
 */
#include "../support/suite.h"
#include "state.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>

#define CHOICES_MAX 1024u
/* An actor that takes more waits for something in a loop that the scheduler does not see. */
#define STEPS_MAX 200000u
/* Longer waits are for ever: what they wait for must come. */
#define PATIENT_NS 1000000000

struct choice {
	uint8_t taken;
	uint8_t count;
};

struct actor interleave_actors[INTERLEAVE_ACTORS_MAX];
unsigned int interleave_actors_count;
unsigned int interleave_delays_left;
enum interleave_memory interleave_memory;
bool interleave_barrier_refused;
uint32_t interleave_number;
bool interleave_running;

static sem_t all_finished;
static struct choice choices[CHOICES_MAX];
static unsigned int choices_made, choices_known;
static unsigned int preemptions_left;
static unsigned int steps;
static bool anew, over, ticks;
static unsigned int cpus[INTERLEAVE_ACTORS_MAX];
static _Thread_local struct actor *self;
static _Thread_local bool looking;

struct actor *interleave_self(void)
{
	return looking ? NULL : self;
}

/* ---- Choices ------------------------------------------------------------------- */

unsigned int interleave_choose(unsigned int count)
{
	/* The rest of this order does not count. */
	if (count == 1 || anew)
		return 0;
	EXPECT(choices_made < CHOICES_MAX, "an actor takes steps without end");
	if (choices_made == choices_known)
		choices[choices_known++] = (struct choice){.count = (uint8_t)count};
	EXPECT(choices[choices_made].count == count, "the same order is not the same run");
	return choices[choices_made++].taken;
}

void interleave_begin_anew(void)
{
	anew = true;
}

/* False when every order has been run. */
static bool next_order(void)
{
	if (anew) {
		anew = false;
		choices_known = 0;
		return true;
	}
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
	bool can = true;

	if (actor->finished || actor->lock)
		return false;
	looking = true;
	if (actor->condition)
		can = actor->condition();
	else if (actor->futex)
		can = actor->futex_woken || actor->ticks ||
		      (actor->patient &&
		       __atomic_load_n(actor->futex, __ATOMIC_RELAXED) != actor->futex_value);
	looking = false;
	return can;
}

/* Those that can go on, this one first. */
static unsigned int find_candidates(struct actor *ret_candidates[INTERLEAVE_ACTORS_MAX])
{
	unsigned int count = 0;

	if (self && can_go(self))
		ret_candidates[count++] = self;
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];

		if (actor != self && can_go(actor))
			ret_candidates[count++] = actor;
	}
	return count;
}

/* Where none can go on: one whose wait ends nevertheless. */
static struct actor *find_stranded(void)
{
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];

		if (!actor->finished && actor->patient && (actor->futex || actor->condition))
			return actor;
	}
	return NULL;
}

static bool all_have_finished(void)
{
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		if (!interleave_actors[i].finished)
			return false;
	}
	return true;
}

/* NULL: to the thread that runs the orders. */
static void give_baton(struct actor *next)
{
	sem_post(next ? &next->baton : &all_finished);
}

static void hand_on(struct actor *next)
{
	if (next == self)
		return;
	give_baton(next);
	while (sem_wait(&self->baton) < 0)
		continue;
}

static struct actor *next_actor(void)
{
	struct actor *candidates[INTERLEAVE_ACTORS_MAX];
	unsigned int count = find_candidates(candidates);
	struct actor *stranded;

	/* Time goes by, and a buffer does not keep a store for ever. */
	for (unsigned int i = 0; !count && i < interleave_actors_count; i++)
		interleave_drain(&interleave_actors[i]);
	if (!count)
		count = find_candidates(candidates);
	if (count)
		return candidates[interleave_choose(count)];
	stranded = find_stranded();
	EXPECT(stranded || all_have_finished(), "none can go on, in the order %s",
	       interleave_order());
	if (stranded) {
		stranded->condition = NULL;
		stranded->futex_woken = true;
		stranded->patient = false;
	}
	return stranded;
}

void interleave_yield(void)
{
	if (interleave_self())
		hand_on(next_actor());
}

void interleave_step(void)
{
	struct actor *next;

	if (!interleave_self())
		return;
	EXPECT(++steps < STEPS_MAX, "an actor takes steps without end, in the order %s",
	       interleave_order());
	if (preemptions_left == 0)
		return;
	next = next_actor();
	preemptions_left -= next != self;
	hand_on(next);
}

void interleave_system_call(void)
{
	if (!interleave_self())
		return;
	interleave_step();
	interleave_drain(self);
	interleave_note_barrier(self);
}

/* ---- Waiting ------------------------------------------------------------------- */

static bool wait_for(bool (*condition)(void), bool patient)
{
	bool met;

	self->condition = condition;
	self->patient = patient;
	hand_on(next_actor());
	interleave_note_barrier(self);
	met = self->condition;
	self->condition = NULL;
	self->patient = false;
	return met;
}

bool interleave_wait(bool (*condition)(void))
{
	return wait_for(condition, true);
}

void interleave_sleep(bool (*condition)(void))
{
	wait_for(condition, false);
}

void interleave_futex_wait(const void *word, uint32_t value, int64_t timeout_ns)
{
	const bool is_tick =
		timeout_ns >= INTERLEAVE_TICK_MIN_NS && timeout_ns <= INTERLEAVE_TICK_MAX_NS;

	self->futex = word;
	self->futex_value = value;
	self->futex_woken = false;
	self->patient = !is_tick && timeout_ns < PATIENT_NS;
	self->ticks = is_tick && ticks;
	hand_on(next_actor());
	interleave_note_barrier(self);
	self->futex = NULL;
	self->patient = self->ticks = false;
}

int interleave_join(pthread_t thread, void **ret_result)
{
	return interleave_self() ? 0 : pthread_join(thread, ret_result);
}

int interleave_cpu(void)
{
	const struct actor *actor = interleave_self();

	return actor ? (int)cpus[actor->number] : 0;
}

long interleave_futex_wake(const void *word)
{
	long woken = 0;

	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		if (interleave_actors[i].futex != word || interleave_actors[i].futex_woken)
			continue;
		interleave_actors[i].futex_woken = true;
		woken++;
	}
	return woken;
}

int interleave_lock(pthread_mutex_t *mutex)
{
	if (!interleave_self())
		return pthread_mutex_lock(mutex);
	interleave_step();
	while (interleave_trylock(mutex) != 0) {
		self->lock = mutex;
		hand_on(next_actor());
	}
	return 0;
}

int interleave_trylock(pthread_mutex_t *mutex)
{
	int error = pthread_mutex_trylock(mutex);

	if (!interleave_self() || error)
		return error;
	interleave_acquire(mutex);
	if (interleave_memory == INTERLEAVE_TSO)
		interleave_drain(self);
	return 0;
}

int interleave_unlock(pthread_mutex_t *mutex)
{
	if (!interleave_self())
		return pthread_mutex_unlock(mutex);
	if (self->buffer_count > 0)
		interleave_step();
	interleave_drain(self);
	interleave_publish_more(mutex, &self->clock);
	interleave_clock_advance(self);
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		if (interleave_actors[i].lock == mutex)
			interleave_actors[i].lock = NULL;
	}
	return pthread_mutex_unlock(mutex);
}

/* ---- One order ----------------------------------------------------------------- */

static void (*enter)(void);

/* The threads stay, for what the library keeps for each, and because a new one costs more. */
static void *act(void *context)
{
	struct actor *actor = context, *next;

	if (enter)
		enter();
	sem_post(&all_finished);
	for (;;) {
		while (sem_wait(&actor->baton) < 0)
			continue;
		if (over)
			return NULL;
		self = actor;
		actor->run();
		actor->finished = true;
		next = next_actor();
		self = NULL;
		/* From here on the next order may have begun. */
		give_baton(next);
	}
}

static void await_all_finished(void)
{
	while (sem_wait(&all_finished) < 0)
		continue;
}

static void start(const struct interleave_plan *plan)
{
	enter = plan->enter;
	over = false;
	sem_init(&all_finished, 0, 0);
	interleave_actors_count = 0;
	for (unsigned int i = 0; i < INTERLEAVE_ACTORS_MAX && plan->actors[i]; i++) {
		struct actor *actor = &interleave_actors[i];

		*actor = (struct actor){.number = i, .run = plan->actors[i]};
		sem_init(&actor->baton, 0, 0);
		EXPECT(pthread_create(&actor->thread, NULL, act, actor) == 0, "%m");
		await_all_finished();
		interleave_actors_count++;
	}
}

static void stop(void)
{
	over = true;
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		sem_post(&interleave_actors[i].baton);
		pthread_join(interleave_actors[i].thread, NULL);
		sem_destroy(&interleave_actors[i].baton);
	}
	interleave_actors_count = 0;
	sem_destroy(&all_finished);
}

static void run_order(const struct interleave_plan *plan)
{
	interleave_number++;
	interleave_running = true;
	interleave_memory_reset();
	plan->prepare();
	interleave_races_reset();
	choices_made = 0;
	steps = 0;
	preemptions_left = plan->preemptions_max;
	interleave_delays_left = plan->delays_max;
	for (unsigned int i = 0; i < interleave_actors_count; i++)
		interleave_actors[i].finished = false;
	give_baton(next_actor());
	await_all_finished();
	for (unsigned int i = 0; i < interleave_actors_count; i++)
		interleave_drain(&interleave_actors[i]);
	plan->finish();
	interleave_running = false;
}

/* A baton is handed on faster where the two threads share a processor. */
static void stay_on_this_cpu(void)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(sched_getcpu(), &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
}

uint64_t interleave_all(const struct interleave_plan *plan)
{
	uint64_t orders = 0;

	stay_on_this_cpu();
	interleave_memory = plan->memory;
	interleave_barrier_refused = plan->barrier_refused;
	ticks = plan->ticks;
	memcpy(cpus, plan->cpus, sizeof(cpus));
	start(plan);
	choices_known = 0;
	anew = false;
	do {
		run_order(plan);
		orders = anew ? 0 : orders + 1;
	} while (next_order());
	stop();
	return orders;
}
