/* SPDX-License-Identifier: MIT */
/*
 * An open-loop schedule: message k is due at a time that nothing can delay, and
 * latency is counted from then, so a sender or receiver that falls behind cannot
 * hide it. The schedule is the same on both sides, so no time travels in the
 * message.
 *
 *	while (pace_next(side)) {
 *		bytes = message_write(side, buffer);
 *		send(side->fds[0], buffer, bytes, 0);
 *		pace_done(side);
 *	}
 */
#ifndef BENCH_PACE_H
#define BENCH_PACE_H

#include "message.h"

/* When message 'number', counted from 0, is due at 'rate' a second. */
uint64_t pace_due_ns(const struct bench_side *side, uint64_t number, uint32_t rate);

/* Returns when the next message is due; false when it is time to return. */
bool pace_next(struct bench_side *side);

/* The message has been sent: the time since it was due to be is what sending cost. */
void pace_done(struct bench_side *side);

/* message_read(), and the latency of the message. */
void pace_read(struct bench_side *side, const void *data, uint32_t bytes);

#endif
