/* SPDX-License-Identifier: MIT */
/*
 * Messages that do not arrive in turn.
 */
#include "sequence.h"

void sequence_expect(struct sequence *sequence, uint64_t next, uint64_t now_ns)
{
	if (next <= sequence->next)
		return;
	sequence->lost += next - sequence->next;
	gaps_add(&sequence->gaps, sequence->next, next, now_ns);
	sequence->next = next;
}

bool sequence_take_odd(struct sequence *sequence, uint64_t number, uint64_t now_ns)
{
	if (number >= sequence->next) {
		sequence_expect(sequence, number, now_ns);
		sequence->next++;
	} else if (gaps_fill(&sequence->gaps, number)) {
		sequence->lost--;
		sequence->reordered++;
	} else {
		sequence->duplicated++;
		return false;
	}
	sequence->received++;
	return true;
}
