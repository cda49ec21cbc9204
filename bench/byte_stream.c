/* SPDX-License-Identifier: MIT */
/*
 * Messages that came in pieces.
 */
#include "byte_stream.h"

void byte_stream_open(struct byte_stream *stream, struct bench_side *side)
{
	*stream = (struct byte_stream){
		.side = side,
		.size = side->params.size,
		.kept = side->params.verify ? side->params.size : MESSAGE_BYTES_MIN,
	};
	stream->message = side_alloc(side, stream->kept);
}

uint32_t byte_stream_hold(struct byte_stream *stream, const uint8_t *data, uint32_t bytes)
{
	uint32_t held = stream->held;
	uint32_t taken = stream->size - held < bytes ? stream->size - held : bytes;

	if (held < stream->kept) {
		uint32_t room = stream->kept - held;

		memcpy(stream->message + held, data, taken < room ? taken : room);
	}
	stream->held += taken;
	if (stream->held == stream->size) {
		message_read(stream->side, stream->message, stream->size);
		stream->held = 0;
	}
	return taken;
}

void byte_stream_ended(struct bench_side *side)
{
	side_fail(side, "the connection ended");
}
