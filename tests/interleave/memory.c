/* SPDX-License-Identifier: MIT */
/*
 * memory.c - atomic accesses of actors, with a store buffer for each
 *
 * A store is put in the buffer, and has left it, or has not, when another actor comes to the same
 * location: before that it is not known.
 */
#include "../support/suite.h"
#include "state.h"

#include <string.h>

static bool acquires(int order)
{
	return order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static uint64_t read_word(const volatile void *location, uint32_t size)
{
	switch (size) {
	case 1:
		return __atomic_load_n((const volatile uint8_t *)location, __ATOMIC_SEQ_CST);
	case 2:
		return __atomic_load_n((const volatile uint16_t *)location, __ATOMIC_SEQ_CST);
	case 4:
		return __atomic_load_n((const volatile uint32_t *)location, __ATOMIC_SEQ_CST);
	default:
		return __atomic_load_n((const volatile uint64_t *)location, __ATOMIC_SEQ_CST);
	}
}

static void write_word(volatile void *location, uint32_t size, uint64_t value)
{
	switch (size) {
	case 1:
		__atomic_store_n((volatile uint8_t *)location, (uint8_t)value, __ATOMIC_SEQ_CST);
		break;
	case 2:
		__atomic_store_n((volatile uint16_t *)location, (uint16_t)value, __ATOMIC_SEQ_CST);
		break;
	case 4:
		__atomic_store_n((volatile uint32_t *)location, (uint32_t)value, __ATOMIC_SEQ_CST);
		break;
	default:
		__atomic_store_n((volatile uint64_t *)location, value, __ATOMIC_SEQ_CST);
		break;
	}
}

/* ---- The buffers --------------------------------------------------------------- */

static unsigned int let_leave(struct actor *actor, unsigned int index);

static int find_first(const struct actor *actor, const volatile void *location)
{
	for (unsigned int i = 0; i < actor->buffer_count; i++) {
		if (actor->buffer[i].location == location)
			return (int)i;
	}
	return -1;
}

/* What others have changed here and not stored yet: before anybody else writes. */
static void let_changes_leave(const struct actor *self, const volatile void *location)
{
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];
		int index;

		while (actor != self && (index = find_first(actor, location)) >= 0 &&
		       actor->buffer[index].changes)
			let_leave(actor, (unsigned int)index);
	}
}

static void leave(struct actor *actor, unsigned int index)
{
	struct buffered store = actor->buffer[index];

	memmove(&actor->buffer[index], &actor->buffer[index + 1],
		(actor->buffer_count - index - 1) * sizeof(store));
	actor->buffer_count--;
	if (!store.changes)
		let_changes_leave(actor, store.location);
	interleave_note_store(store.location, actor, store.clock.at[actor->number],
			      read_word(store.location, store.size),
			      interleave_clock_of(store.location));
	write_word(store.location, store.size, store.value);
	if (!store.changes)
		interleave_publish(store.location, actor, store.releases ? &store.clock : NULL);
	else if (store.releases)
		interleave_publish_more(store.location, &store.clock);
}

/* Lets the store leave, after those that must leave before it. Returns how many have left. */
static unsigned int let_leave(struct actor *actor, unsigned int index)
{
	bool all_before = interleave_memory == INTERLEAVE_TSO || actor->buffer[index].releases;
	const volatile void *location = actor->buffer[index].location;
	unsigned int left = 0;

	for (unsigned int i = 0; i < index - left;) {
		if (all_before || actor->buffer[i].location == location)
			left += let_leave(actor, i);
		else
			i++;
	}
	leave(actor, index - left);
	return left + 1;
}

void interleave_drain(struct actor *actor)
{
	while (actor->buffer_count > 0)
		leave(actor, 0);
}

void interleave_drain_everywhere(void)
{
	struct actor *self = interleave_self();

	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];
		unsigned int k = 0;

		while (k < actor->buffer_count) {
			if (actor == self || actor->buffer[k].compiled)
				k = k + 1 - let_leave(actor, k);
			else
				k++;
		}
	}
	for (unsigned int i = 0; i < interleave_actors_count; i++)
		interleave_note_barrier(&interleave_actors[i]);
}

void interleave_compiler_fence(void)
{
	struct actor *self = interleave_self();

	for (unsigned int i = 0; self && i < self->buffer_count; i++)
		self->buffer[i].compiled = true;
}

/* Whether the store has not left yet. One that another actor has missed once may be so for long. */
static bool is_missed(struct buffered *store)
{
	if (!store->delayed && interleave_delays_left == 0)
		return false;
	if (interleave_choose(2) == 0)
		return false;
	if (!store->delayed)
		interleave_delays_left--;
	store->delayed = true;
	return true;
}

/* What others have stored here leaves their buffers, or not. */
static void settle_location(struct actor *self, const volatile void *location)
{
	for (unsigned int i = 0; i < interleave_actors_count; i++) {
		struct actor *actor = &interleave_actors[i];
		int index;

		if (actor == self)
			continue;
		while ((index = find_first(actor, location)) >= 0) {
			if (is_missed(&actor->buffer[index]))
				break;
			let_leave(actor, (unsigned int)index);
		}
	}
}

/* In the weak memory: such a load comes after the stores of its thread that are like it. */
static void drain_sequential(struct actor *self)
{
	for (unsigned int i = 0; i < self->buffer_count;) {
		if (self->buffer[i].sequential)
			i = i + 1 - let_leave(self, i);
		else
			i++;
	}
}

/* ---- Accesses ------------------------------------------------------------------ */

const void *interleave_code;

/* An atomic access, of any kind, races with a plain write: with the end of its memory, for one. */
static struct actor *begin(const volatile void *location, uint32_t size, bool write)
{
	struct actor *self = interleave_self();
	const void *code = interleave_code;

	if (!self)
		return NULL;
	/* A write may empty the buffer: before that is the last time to miss what is in it. */
	if (interleave_is_contended(location, write) || (write && self->buffer_count > 0))
		interleave_step();
	interleave_access(location, size, false, code);
	return self;
}

uint64_t interleave_load(const volatile void *location, uint32_t size, int order)
{
	struct actor *self = begin(location, size, false);
	struct clock clock;
	uint64_t value;

	if (!self)
		return read_word(location, size);
	if (interleave_memory == INTERLEAVE_WEAK && order == __ATOMIC_SEQ_CST)
		drain_sequential(self);
	for (unsigned int i = self->buffer_count; i > 0; i--) {
		if (self->buffer[i - 1].location == location)
			return self->buffer[i - 1].value;
	}
	settle_location(self, location);
	if (interleave_memory == INTERLEAVE_WEAK && order != __ATOMIC_SEQ_CST &&
	    interleave_load_early(self, location, &value, &clock)) {
		if (acquires(order))
			interleave_acquire_clock(&clock);
		return value;
	}
	interleave_note_seen(self, location);
	if (acquires(order))
		interleave_acquire(location);
	return read_word(location, size);
}

static struct buffered *put(struct actor *self, volatile void *location, uint32_t size,
			    uint64_t value, int order)
{
	struct buffered *store;

	if (self->buffer_count == BUFFER_MAX)
		leave(self, 0);
	store = &self->buffer[self->buffer_count++];
	*store = (struct buffered){
		.location = location,
		.value = value,
		.size = size,
		.releases = releases(order),
		.sequential = order == __ATOMIC_SEQ_CST,
		.clock = self->clock,
	};
	if (releases(order))
		interleave_clock_advance(self);
	return store;
}

void interleave_store(volatile void *location, uint32_t size, uint64_t value, int order)
{
	struct actor *self = begin(location, size, true);

	if (!self) {
		write_word(location, size, value);
		return;
	}
	put(self, location, size, value, order);
	if (interleave_memory == INTERLEAVE_TSO && order == __ATOMIC_SEQ_CST) {
		settle_location(self, location);
		interleave_drain(self);
	}
}

/*
 * A read-modify-write reads what is in memory. What its thread has stored there has left before,
 * and so has all of it where it releases; and what others have changed there.
 */
static void begin_change(struct actor *self, const volatile void *location, int order)
{
	int index;

	settle_location(self, location);
	let_changes_leave(self, location);
	interleave_note_seen(self, location);
	if (interleave_memory == INTERLEAVE_TSO || releases(order))
		interleave_drain(self);
	while ((index = find_first(self, location)) >= 0)
		let_leave(self, (unsigned int)index);
}

/* Its store stays in the buffer in the weak memory: later loads may come before it. */
static void end_change(struct actor *self, volatile void *location, uint32_t size, uint64_t value,
		       int order)
{
	if (acquires(order))
		interleave_acquire(location);
	put(self, location, size, value, order)->changes = true;
	if (interleave_memory == INTERLEAVE_TSO)
		interleave_drain(self);
}

uint64_t interleave_change(volatile void *location, uint32_t size, int order,
			   uint64_t (*change)(uint64_t before, uint64_t operand), uint64_t operand)
{
	struct actor *self = begin(location, size, true);
	uint64_t before;

	if (self)
		begin_change(self, location, order);
	before = read_word(location, size);
	if (self)
		end_change(self, location, size, change(before, operand), order);
	else
		write_word(location, size, change(before, operand));
	return before;
}

bool interleave_compare_exchange(volatile void *location, uint32_t size, uint64_t *expected,
				 uint64_t desired, int order, int order_failed)
{
	struct actor *self = begin(location, size, true);
	uint64_t before;

	if (self)
		begin_change(self, location, order);
	before = read_word(location, size);
	if (before != *expected) {
		*expected = before;
		if (self && acquires(order_failed))
			interleave_acquire(location);
		return false;
	}
	if (self)
		end_change(self, location, size, desired, order);
	else
		write_word(location, size, desired);
	return true;
}
