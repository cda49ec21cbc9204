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

#define PAYLOAD_MARK "RGIO"
#define PAYLOAD_MARK_BYTES 4u
#define PAYLOAD_BYTES_MIN (PAYLOAD_MARK_BYTES + (uint32_t)sizeof(uint64_t))

/* Writes a message of at least PAYLOAD_BYTES_MIN bytes. */
static inline void payload_write(uint8_t *message, uint32_t bytes, uint64_t made_ns)
{
	uint64_t big = htobe64(made_ns);

	memcpy(message, PAYLOAD_MARK, PAYLOAD_MARK_BYTES);
	memcpy(message + PAYLOAD_MARK_BYTES, &big, sizeof(big));
	memset(message + PAYLOAD_BYTES_MIN, '.', bytes - PAYLOAD_BYTES_MIN);
}

/* When a message was made; false when it does not say. */
static inline bool payload_read(const uint8_t *message, uint32_t bytes, uint64_t *ret_made_ns)
{
	if (bytes < PAYLOAD_BYTES_MIN || memcmp(message, PAYLOAD_MARK, PAYLOAD_MARK_BYTES))
		return false;
	memcpy(ret_made_ns, message + PAYLOAD_MARK_BYTES, sizeof(*ret_made_ns));
	*ret_made_ns = be64toh(*ret_made_ns);
	return true;
}

#endif
