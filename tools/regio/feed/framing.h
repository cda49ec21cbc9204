/* SPDX-License-Identifier: MIT */
/*
 * The framing of MoldUDP64, read and written. Pure: no sockets, no memory of its
 * own, no trust in what is read.
 *
 *	 0        10        18      20
 *	 +---------+---------+-------+--------+---------+--------+------ - -
 *	 | session | number  | count | length | message | length | message
 *	 +---------+---------+-------+--------+---------+--------+------ - -
 *
 * Numbers are big-endian; 'number' is that of the first message, the others
 * follow on. A count of 0 is a heartbeat and 0xFFFF the end of the session: no
 * message follows, and 'number' is the next to be sent. Two things that real
 * servers do are read as well: bytes after the last message, and heartbeats
 * numbered 0, which is no number of a message.
 */
#ifndef REGIO_FEED_FRAMING_H
#define REGIO_FEED_FRAMING_H

#include <stdbool.h>
#include <stdint.h>

#define FRAMING_SESSION_BYTES 10u
#define FRAMING_HEADER_BYTES 20u
#define FRAMING_LENGTH_BYTES 2u
#define FRAMING_HEARTBEAT 0u
#define FRAMING_END 0xFFFFu
#define FRAMING_MESSAGES_MAX 0xFFFEu
#define FRAMING_MESSAGE_BYTES_MAX 0xFFFFu

struct framing_packet {
	char session[FRAMING_SESSION_BYTES]; /* padded, without an end */
	uint64_t number;
	uint32_t count; /* of messages; 0 at the end of a session, too */
	bool end;
	uint32_t trailing; /* bytes after the last message */
	const uint8_t *messages;
};

/*
 * Reads a packet. False when it does not hold all the messages it says it has, or
 * their numbers would pass the last there is. The packet refers to 'data'.
 */
bool framing_read(const void *data, uint32_t bytes, struct framing_packet *ret_packet);

/* True when the packet shows which number is next. */
static inline bool framing_is_numbered(const struct framing_packet *packet)
{
	return packet->number > 0 || packet->count > 0;
}

/* Takes the next of the packet's 'count' messages; 'cursor' starts as packet->messages. */
const uint8_t *framing_next(const uint8_t **cursor, uint32_t *ret_bytes);

/* Written step by step; 'bytes' is what the packet has so far. */
struct framing_writer {
	uint8_t *data;
	uint32_t capacity;
	uint32_t bytes;
	uint32_t count;
};

/* Starts a packet in 'data', which holds at least a header. */
void framing_begin(struct framing_writer *writer, void *data, uint32_t capacity,
		   const char session[FRAMING_SESSION_BYTES], uint64_t number);

/* Room for one more message, or NULL when there is none. */
uint8_t *framing_add(struct framing_writer *writer, uint32_t message_bytes);

/* The packet is complete: a heartbeat if it has no message. */
void framing_finish(struct framing_writer *writer);

/* The packet is complete and ends the session; it has no message. */
void framing_finish_session(struct framing_writer *writer);

#endif
