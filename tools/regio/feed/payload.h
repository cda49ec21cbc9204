/* SPDX-License-Identifier: MIT */
/*
 * What the messages of `regio feed publish` carry: a mark that tells them from
 * other people's, the time of day they were made, and filling.
 */
#ifndef REGIO_FEED_PAYLOAD_H
#define REGIO_FEED_PAYLOAD_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define PAYLOAD_MARK 0x5247494Fu /* "RGIO" */

/* As it is sent, big-endian, without padding. */
struct payload_head {
	uint32_t mark;
	uint32_t made_high;
	uint32_t made_low;
};

#define PAYLOAD_BYTES_MIN ((uint32_t)sizeof(struct payload_head))

/* Writes a message of at least PAYLOAD_BYTES_MIN bytes. */
static inline void payload_write(uint8_t *message, uint32_t bytes, uint64_t made_ns)
{
	const struct payload_head head = {
		htobe32(PAYLOAD_MARK),
		htobe32((uint32_t)(made_ns >> 32)),
		htobe32((uint32_t)made_ns),
	};

	memcpy(message, &head, sizeof(head));
	memset(message + PAYLOAD_BYTES_MIN, '.', bytes - PAYLOAD_BYTES_MIN);
}

/* When a message was made; false when it does not say. */
static inline bool payload_read(const uint8_t *message, uint32_t bytes, uint64_t *ret_made_ns)
{
	struct payload_head head;

	if (bytes < sizeof(head))
		return false;
	memcpy(&head, message, sizeof(head));
	*ret_made_ns = (uint64_t)be32toh(head.made_high) << 32 | be32toh(head.made_low);
	return be32toh(head.mark) == PAYLOAD_MARK;
}

#endif
