/* SPDX-License-Identifier: MIT */
/*
 * early.c - loads that a processor, or the compiler, executes early
 *
 * In the weak memory a load that is not sequentially consistent may return what was there before
 * the last store of another actor, unless that store comes before it: by a release and an acquire,
 * or because the actor has seen it, or had a barrier since.
 */
#include "../support/suite.h"
#include "state.h"

/* A power of two. */
#define HISTORIES 4096u

struct history {
	const volatile void *location;
	uint32_t order;
	unsigned int writer;
	uint32_t release; /* of the writer, at the store */
	uint32_t number;  /* of the store, among all */
	uint64_t before;  /* the value, and what an acquire got with it */
	struct clock clock;
	uint32_t seen[INTERLEAVE_ACTORS_MAX]; /* the last store that each has seen */
};

static struct history histories[HISTORIES];
static uint32_t stores;
static uint32_t fresh[INTERLEAVE_ACTORS_MAX]; /* the last store before a barrier of each */

static struct history *find_history(const volatile void *location)
{
	unsigned int i = (unsigned int)((uintptr_t)location / 2 % HISTORIES);

	while (histories[i].order == interleave_number && histories[i].location != location)
		i = (i + 1) % HISTORIES;
	if (histories[i].order != interleave_number)
		histories[i] = (struct history){.location = location, .order = interleave_number};
	return &histories[i];
}

void interleave_early_reset(void)
{
	stores = 0;
	for (unsigned int i = 0; i < INTERLEAVE_ACTORS_MAX; i++)
		fresh[i] = 0;
}

void interleave_note_store(const volatile void *location, const struct actor *actor,
			   uint32_t release, uint64_t before, const struct clock *clock)
{
	struct history *history = find_history(location);

	history->writer = actor->number;
	history->release = release;
	history->number = ++stores;
	history->before = before;
	history->clock = *clock;
	history->seen[actor->number] = history->number;
}

void interleave_note_seen(const struct actor *self, const volatile void *location)
{
	struct history *history = find_history(location);

	history->seen[self->number] = history->number;
}

void interleave_note_barrier(const struct actor *self)
{
	fresh[self->number] = stores;
}

bool interleave_load_early(struct actor *self, const volatile void *location, uint64_t *ret_value,
			   struct clock *ret_clock)
{
	const struct history *history = find_history(location);

	if (interleave_delays_left == 0 || history->number <= history->seen[self->number] ||
	    history->number <= fresh[self->number] ||
	    history->release <= self->clock.at[history->writer] || interleave_choose(2) == 0)
		return false;
	interleave_delays_left--;
	*ret_value = history->before;
	*ret_clock = history->clock;
	return true;
}
