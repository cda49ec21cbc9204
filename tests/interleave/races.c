/* SPDX-License-Identifier: MIT */
/*
 * races.c - which accesses are ordered, and which memory is there
 *
 * Vector clocks, as in FastTrack (Flanagan and Freund, PLDI 2009): each actor counts its releases,
 * and knows how many of each other actor come before its next access.
 */
#include "../support/suite.h"
#include "state.h"

#include <string.h>

/* Powers of two, several times what an order uses. */
#define CELLS 65536u
#define LOCATIONS 4096u

/* The last access of one actor to eight bytes. */
struct last {
	uint32_t release;
	uint8_t bytes; /* a bit for each */
	const void *code;
};

struct cell {
	uintptr_t start;
	uint32_t order;
	struct last reads[INTERLEAVE_ACTORS_MAX], writes[INTERLEAVE_ACTORS_MAX];
};

struct location {
	uintptr_t start;
	uint32_t order; /* of 'clock' */
	uint8_t actors; /* a bit for each that has used it, in any order */
	bool written;
	bool contended;
	unsigned int publisher; /* the number of the actor whose release it was */
	struct clock clock;	/* what an acquire gets */
};

static struct cell cells[CELLS];
static struct location locations[LOCATIONS];
static unsigned int cells_used, locations_used;

static unsigned int hash(uintptr_t word)
{
	return (unsigned int)((uint64_t)word * UINT64_C(0x9E3779B97F4A7C15) >> 40);
}

static struct cell *find_cell(uintptr_t start)
{
	unsigned int i = hash(start) % CELLS;

	while (cells[i].order == interleave_number && cells[i].start != start)
		i = (i + 1) % CELLS;
	if (cells[i].order != interleave_number) {
		EXPECT(++cells_used < CELLS * 3 / 4, "an order uses too much memory");
		cells[i] = (struct cell){.start = start, .order = interleave_number};
	}
	return &cells[i];
}

static struct location *find_location(const volatile void *at)
{
	const uintptr_t start = (uintptr_t)at;
	unsigned int i = hash(start) % LOCATIONS;

	while (locations[i].start && locations[i].start != start)
		i = (i + 1) % LOCATIONS;
	if (!locations[i].start) {
		EXPECT(++locations_used < LOCATIONS * 3 / 4, "too many atomic locations");
		locations[i].start = start;
	}
	if (locations[i].order != interleave_number) {
		locations[i].order = interleave_number;
		locations[i].clock = (struct clock){0};
	}
	return &locations[i];
}

void interleave_races_reset(void)
{
	cells_used = 0;
	interleave_early_reset();
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];

		actor->buffer_count = 0;
		actor->clock = (struct clock){0};
		actor->clock.at[i] = 1;
	}
}

/* ---- Clocks -------------------------------------------------------------------- */

static void join(struct clock *clock, const struct clock *other)
{
	for (unsigned int i = 0; i < INTERLEAVE_ACTORS_MAX; i++) {
		if (clock->at[i] < other->at[i])
			clock->at[i] = other->at[i];
	}
}

void interleave_clock_advance(struct actor *actor)
{
	actor->clock.at[actor->number]++;
}

const struct clock *interleave_clock_of(const volatile void *location)
{
	return &find_location(location)->clock;
}

void interleave_acquire_clock(const struct clock *clock)
{
	join(&interleave_self()->clock, clock);
}

void interleave_acquire(const volatile void *location)
{
	interleave_acquire_clock(interleave_clock_of(location));
}

void interleave_publish(const volatile void *at, const struct actor *actor,
			const struct clock *clock)
{
	struct location *location = find_location(at);

	/* C17, 5.1.2.4: later stores of the same thread belong to its release. */
	if (!clock && location->publisher == actor->number)
		return;
	location->publisher = actor->number;
	location->clock = clock ? *clock : (struct clock){0};
}

void interleave_publish_more(const volatile void *location, const struct clock *clock)
{
	join(&find_location(location)->clock, clock);
}

/* ---- Accesses ------------------------------------------------------------------ */

bool interleave_is_contended(const volatile void *at, bool write)
{
	struct location *location = find_location(at);
	const uint8_t actor = (uint8_t)(1u << interleave_self()->number);

	location->actors |= actor;
	location->written |= write;
	if (!location->contended && location->written &&
	    location->actors & (location->actors - 1)) {
		location->contended = true;
		interleave_begin_anew();
	}
	return location->contended;
}

extern const char __executable_start[];

/* As addr2line takes it. */
static unsigned long place(const void *code)
{
	return (unsigned long)((uintptr_t)code - (uintptr_t)__executable_start);
}

static void compare(const struct actor *self, const struct last *lasts, uint8_t bytes,
		    const char *did, const void *code)
{
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		const struct last *last = &lasts[i];

		EXPECT(i == self->number || !(last->bytes & bytes) ||
			       last->release <= self->clock.at[i],
		       "a data race: actor %u %s at %#lx what actor %u uses at %#lx (addr2line), "
		       "in the order %s",
		       i, did, place(last->code), self->number, place(code), interleave_order());
	}
}

static void access_bytes(struct actor *self, uintptr_t start, uint8_t bytes, bool write,
			 const void *code)
{
	struct cell *cell = find_cell(start);
	struct last *last = write ? &cell->writes[self->number] : &cell->reads[self->number];

	compare(self, cell->writes, bytes, "wrote", code);
	if (write)
		compare(self, cell->reads, bytes, "read", code);
	if (last->release != self->clock.at[self->number])
		last->bytes = 0;
	last->release = self->clock.at[self->number];
	last->bytes |= bytes;
	last->code = code;
}

void interleave_access(const volatile void *start, size_t size, bool write, const void *code)
{
	struct actor *self = interleave_self();
	uintptr_t at = (uintptr_t)start;
	const uintptr_t end = at + size;

	if (!self)
		return;
	interleave_expect_memory(start);
	while (at < end) {
		const uintptr_t word = at & ~(uintptr_t)7;
		const uintptr_t stop = end - word < 8 ? end - word : 8;
		const unsigned int bytes = (1u << stop) - (1u << (at - word));

		access_bytes(self, word, (uint8_t)bytes, write, code);
		at = word + 8;
	}
}
