/* SPDX-License-Identifier: MIT */
/*
 * shrink.c - leaving out calls, then repetitions, flags and sizes, for as long as that helps
 */
#include "shrink.h"

#include <string.h>

struct shrinking {
	struct program *program;
	shrink_fails fails;
	void *context;
};

static bool keep_if_fails(struct shrinking *shrinking, const struct program *candidate)
{
	if (!shrinking->fails(shrinking->context, candidate))
		return false;
	*shrinking->program = *candidate;
	return true;
}

static void cut(struct program *program, uint32_t first, uint32_t count)
{
	memmove(&program->calls[first], &program->calls[first + count],
		(program->calls_count - first - count) * sizeof(program->calls[0]));
	program->calls_count -= count;
}

/* Long pieces first. Returns whether something was left out. */
static bool leave_out_calls(struct shrinking *shrinking)
{
	bool shorter = false;

	for (uint32_t count = shrinking->program->calls_count / 2; count > 0; count /= 2) {
		uint32_t first = 0;

		while (first + count <= shrinking->program->calls_count) {
			struct program candidate = *shrinking->program;

			cut(&candidate, first, count);
			if (keep_if_fails(shrinking, &candidate))
				shorter = true;
			else
				first += count;
		}
	}
	return shorter;
}

static void simplify_call(struct shrinking *shrinking, uint32_t index)
{
	struct program candidate;

	for (uint32_t repeat = 1; repeat < shrinking->program->calls[index].repeat; repeat *= 2) {
		candidate = *shrinking->program;
		candidate.calls[index].repeat = (uint8_t)repeat;
		if (keep_if_fails(shrinking, &candidate))
			break;
	}
	for (uint32_t bit = 0; bit < 4; bit++) {
		candidate = *shrinking->program;
		if (!(candidate.calls[index].flags & 1u << bit) ||
		    candidate.calls[index].kind < CALL_RECEIVE)
			continue;
		candidate.calls[index].flags &= ~(1u << bit);
		keep_if_fails(shrinking, &candidate);
	}
	candidate = *shrinking->program;
	if (!candidate.calls[index].extra && candidate.calls[index].wrong == WRONG_NOTHING)
		return;
	candidate.calls[index].extra = 0;
	candidate.calls[index].wrong = WRONG_NOTHING;
	keep_if_fails(shrinking, &candidate);
}

void shrink(struct program *program, shrink_fails fails, void *context)
{
	struct shrinking shrinking = {program, fails, context};

	while (leave_out_calls(&shrinking))
		continue;
	for (uint32_t i = 0; i < program->calls_count; i++)
		simplify_call(&shrinking, i);
	while (leave_out_calls(&shrinking))
		continue;
}
