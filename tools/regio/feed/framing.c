/* SPDX-License-Identifier: MIT */
/*
 * Packets of MoldUDP64.
 */
#include "framing.h"

#include <endian.h>
#include <string.h>

#define NUMBER_OFFSET 10u
#define COUNT_OFFSET 18u

static uint32_t read_16(const uint8_t *data)
{
	uint16_t value;

	memcpy(&value, data, sizeof(value));
	return be16toh(value);
}

static void write_16(uint8_t *data, uint32_t value)
{
	uint16_t big = htobe16((uint16_t)value);

	memcpy(data, &big, sizeof(big));
}

/* True when 'bytes' bytes begin with 'count' messages; 'ret_trailing' is what follows them. */
static bool messages_fit(const uint8_t *data, uint32_t bytes, uint32_t count,
			 uint32_t *ret_trailing)
{
	while (count-- > 0) {
		uint32_t message_bytes;

		if (bytes < FRAMING_LENGTH_BYTES)
			return false;
		message_bytes = FRAMING_LENGTH_BYTES + read_16(data);
		if (message_bytes > bytes)
			return false;
		data += message_bytes;
		bytes -= message_bytes;
	}
	*ret_trailing = bytes;
	return true;
}

bool framing_read(const void *data, uint32_t bytes, struct framing_packet *ret_packet)
{
	const uint8_t *packet = data;
	uint64_t number;
	uint32_t count;

	if (bytes < FRAMING_HEADER_BYTES)
		return false;
	memcpy(&number, packet + NUMBER_OFFSET, sizeof(number));
	number = be64toh(number);
	count = read_16(packet + COUNT_OFFSET);
	ret_packet->end = count == FRAMING_END;
	if (ret_packet->end)
		count = 0;
	if (number > UINT64_MAX - count)
		return false;
	memcpy(ret_packet->session, packet, FRAMING_SESSION_BYTES);
	ret_packet->number = number;
	ret_packet->count = count;
	ret_packet->messages = packet + FRAMING_HEADER_BYTES;
	return messages_fit(ret_packet->messages, bytes - FRAMING_HEADER_BYTES, count,
			    &ret_packet->trailing);
}

const uint8_t *framing_next(const uint8_t **cursor, uint32_t *ret_bytes)
{
	const uint8_t *message = *cursor + FRAMING_LENGTH_BYTES;

	*ret_bytes = read_16(*cursor);
	*cursor = message + *ret_bytes;
	return message;
}

void framing_begin(struct framing_writer *writer, void *data, uint32_t capacity,
		   const char session[FRAMING_SESSION_BYTES], uint64_t number)
{
	uint64_t big = htobe64(number);

	*writer = (struct framing_writer){
		.data = data, .capacity = capacity, .bytes = FRAMING_HEADER_BYTES};
	memcpy(writer->data, session, FRAMING_SESSION_BYTES);
	memcpy(writer->data + NUMBER_OFFSET, &big, sizeof(big));
}

uint8_t *framing_add(struct framing_writer *writer, uint32_t message_bytes)
{
	uint8_t *at = writer->data + writer->bytes;

	if (message_bytes > FRAMING_MESSAGE_BYTES_MAX || writer->count == FRAMING_MESSAGES_MAX ||
	    writer->capacity - writer->bytes < FRAMING_LENGTH_BYTES + message_bytes)
		return NULL;
	write_16(at, message_bytes);
	writer->bytes += FRAMING_LENGTH_BYTES + message_bytes;
	writer->count++;
	return at + FRAMING_LENGTH_BYTES;
}

void framing_finish(struct framing_writer *writer)
{
	write_16(writer->data + COUNT_OFFSET, writer->count);
}

void framing_finish_session(struct framing_writer *writer)
{
	write_16(writer->data + COUNT_OFFSET, FRAMING_END);
}
