/* SPDX-License-Identifier: MIT */
/*
 * The schedule of paced senders. The sender spins until a message is due, as
 * sleeping is far less exact than the interval is long; its CPU time is
 * therefore counted inside the calls that send only.
 */
#include "pace.h"

uint64_t pace_due_ns(const struct bench_side *side, uint64_t number, uint32_t rate)
{
	uint64_t start_ns =
		atomic_load_explicit(&side->shared->pace_start_ns, memory_order_relaxed);

	return start_ns + (uint64_t)((double)number * 1e9 / rate);
}

bool pace_next(struct bench_side *side)
{
	uint64_t wanted_ns = pace_due_ns(side, side->next_sequence, side->params.rate);

	while (side_running(side)) {
		uint64_t now_ns = clock_now_ns();

		if (now_ns >= wanted_ns) {
			side->busy_ns -= now_ns;
			return true;
		}
		side_relax(side);
	}
	return false;
}

void pace_done(struct bench_side *side)
{
	side->busy_ns += clock_now_ns();
}

void pace_read(struct bench_side *side, const void *data, uint32_t bytes)
{
	uint64_t before = side->received;
	uint64_t sequence, due_ns;
	uint64_t now_ns = clock_now_ns();

	message_read(side, data, bytes);
	if (side->received == before)
		return;
	memcpy(&sequence, data, sizeof(sequence));
	due_ns = pace_due_ns(side, sequence, side->params.rate);
	if (now_ns > due_ns)
		histogram_record(&side->record->latency, now_ns - due_ns);
}
