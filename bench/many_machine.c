/* SPDX-License-Identifier: MIT */
/*
 * The machine alone: the receiving side leaves its messages where they are, and reads the clock
 * until each of them is due. How late it sees that is the work of whoever takes the processor away,
 * the host of a virtual machine perhaps, and comes on top of what any implementation needs.
 */
#include "impl.h"
#include "many.h"
#include "pace.h"

static void machine_many_rx(struct bench_side *side)
{
	const struct bench_params *params = &side->params;
	uint64_t due_ns, now_ns;

	side_start(side);
	due_ns = pace_due_ns(side, side->received, params->rate);
	while (side_running(side)) {
		now_ns = clock_now_ns();
		if (now_ns < due_ns) {
			side_relax(side);
			continue;
		}
		histogram_record(&side->record->latency, now_ns - due_ns);
		side->received++;
		due_ns = pace_due_ns(side, side->received, params->rate);
	}
}

const struct bench_impl bench_impl_machine = {
	.name = "machine",
	.about = "receives nothing: reads the clock when messages are due",
	.no_messages = true,
	.sides =
		{
			[SHAPE_MANY] = {NULL, machine_many_rx},
		},
};
