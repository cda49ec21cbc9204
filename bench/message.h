/* SPDX-License-Identifier: MIT */
/*
 * The messages of the benchmark: a sequence number, a seal, and filling. Every
 * implementation writes the number into each message it sends and reads it from
 * each message it receives, so that all do the same work and losses show in
 * every run. Filling and seal are written and checked in verify runs only.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include <string.h>

#include "side.h"

struct message_header {
	uint64_t sequence;
	uint64_t seal; /* over everything else, in verify runs */
};

#define MESSAGE_BYTES_MIN ((uint32_t)sizeof(struct message_header))
/* The most a datagram holds over IPv4. */
#define MESSAGE_BYTES_MAX 65507u
/* The most a message on a stream may have. */
#define MESSAGE_BYTES_LIMIT (16u << 20)
/* What a side that sleeps is woken with; never a message. */
#define MESSAGE_BYTES_WAKE 1u
/* How many sizes are drawn before they repeat; a power of two. */
#define MESSAGE_SIZES 4096u

/* Gives a side its table of sizes and its memory of gaps. */
void message_init(struct bench_side *side);

/* A track for each of the side's sockets, where each gets every message. */
struct message_track *message_tracks(struct bench_side *side);

/* The two steps of message_seal(), for messages that carry something else besides. */
void message_fill(void *data, uint32_t size);
void message_close(void *data, uint32_t size);

/* What message_write() and message_read() do off their fast path. */
void message_seal(void *data, uint32_t size);
bool message_intact(const struct bench_side *side, const void *data, uint32_t bytes);
void message_odd(struct bench_side *side, uint32_t bytes);
void message_out_of_turn(struct bench_side *side, struct message_track *track, uint64_t sequence);

/* Both sides know the size of each message. */
static inline uint32_t message_size(const struct bench_side *side, uint64_t sequence)
{
	if (likely(!side->sizes))
		return side->params.size;
	return side->sizes[sequence & (MESSAGE_SIZES - 1)];
}

/* Makes the next message in 'data'; returns its size. */
static inline uint32_t message_write(struct bench_side *side, void *data)
{
	uint64_t sequence = side->next_sequence++;
	uint32_t size = message_size(side, sequence);

	memcpy(data, &sequence, sizeof(sequence));
	if (unlikely(side->params.verify))
		message_seal(data, size);
	return size;
}

/* Accounts for a message that arrived on one of several paths. */
static inline void message_read_on(struct bench_side *side, struct message_track *track,
				   const void *data, uint32_t bytes)
{
	uint64_t sequence;

	if (unlikely(bytes < MESSAGE_BYTES_MIN)) {
		message_odd(side, bytes);
		return;
	}
	if (unlikely(side->params.verify) && !message_intact(side, data, bytes)) {
		side->corrupted++;
		return;
	}
	memcpy(&sequence, data, sizeof(sequence));
	if (likely(sequence == track->expected_sequence)) {
		track->expected_sequence++;
		side->received++;
	} else {
		message_out_of_turn(side, track, sequence);
	}
}

/* Accounts for a message that arrived. */
static inline void message_read(struct bench_side *side, const void *data, uint32_t bytes)
{
	message_read_on(side, &side->track, data, bytes);
}

#endif
