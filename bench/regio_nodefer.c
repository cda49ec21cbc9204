/* SPDX-License-Identifier: MIT */
/*
 * udp-nodefer on regio: post until there is no room, take completions, go on.
 * No request is deferred, so a driver without a thread executes each in the call
 * that posts it; a driver's thread joins what has gathered behind its back.
 */
#include <errno.h>

#include "regio_side.h"

#define SENDS 1024u
/* One more than can be outstanding: a message is made before there is room for it. */
#define SLOTS (SENDS + 1)

struct sender {
	struct regio_side regio;
	struct regio_rq *rq;
	uint32_t slot; /* of the message made last, which is not posted yet */
	uint32_t bytes;
};

static void make_next(struct sender *sender)
{
	sender->slot = sender->slot + 1 == SLOTS ? 0 : sender->slot + 1;
	sender->bytes =
		message_write(sender->regio.side, regio_side_slot(&sender->regio, sender->slot));
}

static void post_until_full(struct sender *sender)
{
	struct regio_side *regio = &sender->regio;

	for (;;) {
		struct regio_buf slice = regio_side_slice(regio, sender->slot, sender->bytes);
		int result = regio_send(sender->rq, &slice, 0, sender->slot);

		if (result == -ENOBUFS)
			return;
		regio_side_check(regio, "regio_send", result);
		make_next(sender);
	}
}

void regio_nodefer_tx(struct bench_side *side)
{
	struct sender sender = {.slot = 0};
	uint64_t completed = 0;

	regio_side_open(&sender.regio, side, SLOTS, 0, SENDS);
	sender.rq = regio_side_add_rq(&sender.regio, 0, 0, SENDS);
	side_start(side);
	make_next(&sender);
	while (side_running(side)) {
		uint32_t count;

		post_until_full(&sender);
		count = regio_side_dequeue(&sender.regio);
		completed += count;
		side->pending = side->next_sequence - completed;
		if (count == 0)
			regio_side_idle(&sender.regio);
	}
}
