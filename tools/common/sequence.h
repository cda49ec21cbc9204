/* SPDX-License-Identifier: MIT */
/*
 * What became of a row of numbered messages: received, lost, out of order, twice.
 *
 * A jump ahead counts as lost what was jumped over, and remembers the gap. A
 * message from before either fills a remembered gap, and was reordered and not
 * lost, or arrives for the second time.
 */
#ifndef COMMON_SEQUENCE_H
#define COMMON_SEQUENCE_H

#include "gaps.h"

struct sequence {
	uint64_t next;	   /* the number that is due */
	uint64_t received; /* distinct messages */
	uint64_t lost;
	uint64_t reordered;
	uint64_t duplicated;
	struct gaps gaps;
};

/* The same for a number that is not the one due. */
bool sequence_take_odd(struct sequence *sequence, uint64_t number, uint64_t now_ns);

/* Accounts for a message; true for its first copy. */
static inline bool sequence_take(struct sequence *sequence, uint64_t number, uint64_t now_ns)
{
	if (__builtin_expect(number != sequence->next, 0))
		return sequence_take_odd(sequence, number, now_ns);
	sequence->next++;
	sequence->received++;
	return true;
}

/* 'next' is known to be the number that is due: what lies before it has been sent. */
void sequence_expect(struct sequence *sequence, uint64_t next, uint64_t now_ns);

#endif
