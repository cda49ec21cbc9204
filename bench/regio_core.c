/* SPDX-License-Identifier: MIT */
/*
 * core-cost: streams on an engine that does nothing, and nothing else: the
 * messages are not touched, so that what is left is the cost of posting,
 * completing and dequeuing.
 */
#include "regio_side.h"

#define SLOTS 2048u

void regio_core_tx(struct bench_side *side)
{
	uint32_t batch = side->params.batch < SLOTS ? side->params.batch : SLOTS;
	uint32_t next = 0, outstanding = 0;
	struct regio_side regio;
	struct regio_rq *rq;

	regio_side_open(&regio, side, SLOTS, 0, SLOTS);
	rq = regio_side_add_rq(&regio, 0, 0, SLOTS);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = SLOTS - outstanding < batch ? SLOTS - outstanding : batch;

		for (uint32_t i = 1; i <= count; i++) {
			uint32_t slot = next++ % SLOTS;
			struct regio_buf slice = regio_side_slice(&regio, slot, side->params.size);

			regio_side_check(
				&regio, "regio_send",
				regio_send(rq, &slice, i < count ? REGIO_MSG_DEFER : 0, slot));
		}
		side_count(side, count);
		outstanding += count;
		outstanding -= regio_side_dequeue(&regio);
	}
}

void regio_core_rx(struct bench_side *side)
{
	struct regio_side regio;
	struct regio_rq *rq;

	regio_side_open(&regio, side, SLOTS, 0, SLOTS);
	rq = regio_side_add_rq(&regio, 0, SLOTS, 0);
	for (uint32_t slot = 0; slot < SLOTS; slot++)
		regio_side_post_receive(&regio, rq, slot, REGIO_MSG_DEFER);
	side_start(side);
	while (side_running(side)) {
		uint32_t count = regio_side_dequeue(&regio);

		for (uint32_t i = 0; i < count; i++)
			regio_side_post_receive(&regio, rq, regio.results[i].request_context,
						REGIO_MSG_DEFER);
		side_count(side, count);
	}
}
