/* SPDX-License-Identifier: MIT */
/*
 * Messages on a byte stream: one after the other, all of params.size, cut by the
 * kernel wherever it likes. What a receiver gets is put together again here, at
 * the same price for every implementation: only a message that came in pieces is
 * copied, and of that only what is looked at.
 */
#ifndef BENCH_BYTE_STREAM_H
#define BENCH_BYTE_STREAM_H

#include "message.h"

struct byte_stream {
	struct bench_side *side;
	uint32_t size;
	uint32_t held; /* bytes of the next message that have come */
	uint32_t kept; /* of a message, how many are looked at */
	uint8_t *message;
};

void byte_stream_open(struct byte_stream *stream, struct bench_side *side);

/* What byte_stream_read() does where a message is in pieces; returns how much it took. */
uint32_t byte_stream_hold(struct byte_stream *stream, const uint8_t *data, uint32_t bytes);

/* Ends the run: nobody closes a connection before its end. */
_Noreturn void byte_stream_ended(struct bench_side *side);

/* Accounts for bytes that arrived; returns how many messages they completed. */
static inline uint32_t byte_stream_read(struct byte_stream *stream, const uint8_t *data,
					uint32_t bytes)
{
	uint32_t completed = 0;

	if (stream->held > 0) {
		uint32_t taken = byte_stream_hold(stream, data, bytes);

		completed = stream->held == 0;
		data += taken;
		bytes -= taken;
	}
	for (; bytes >= stream->size; bytes -= stream->size, data += stream->size, completed++)
		message_read(stream->side, data, stream->size);
	if (bytes > 0)
		byte_stream_hold(stream, data, bytes);
	return completed;
}

/* Makes the messages of a commit, one after the other; returns how many bytes they are. */
static inline uint32_t byte_stream_write(struct bench_side *side, uint8_t *data)
{
	uint8_t *next = data;

	for (uint32_t i = 0; i < side->params.batch; i++)
		next += message_write(side, next);
	return (uint32_t)(next - data);
}

#endif
