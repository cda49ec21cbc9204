/* SPDX-License-Identifier: MIT */
/*
 * SipHash-2-4, as Aumasson and Bernstein describe it: short, and a sender who does not
 * know the key cannot find the hash of anything.
 */
#include "cookie.h"

#include <endian.h>
#include <string.h>

#define WORD_BYTES 8u

static uint64_t rotate(uint64_t word, unsigned bits)
{
	return word << bits | word >> (64 - bits);
}

static void rounds(uint64_t v[4], unsigned count)
{
	while (count-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

static void take_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	rounds(v, 2);
	v[0] ^= word;
}

uint64_t cookie_make(const struct cookie_key *key, const void *data, size_t bytes)
{
	uint64_t v[4] = {
		key->words[0] ^ 0x736f6d6570736575u,
		key->words[1] ^ 0x646f72616e646f6du,
		key->words[0] ^ 0x6c7967656e657261u,
		key->words[1] ^ 0x7465646279746573u,
	};
	const uint8_t *next = data;
	uint64_t word, last = 0;
	size_t left = bytes;

	for (; left >= WORD_BYTES; left -= WORD_BYTES, next += WORD_BYTES) {
		memcpy(&word, next, WORD_BYTES);
		take_word(v, le64toh(word));
	}
	memcpy(&last, next, left);
	take_word(v, le64toh(last) | (uint64_t)bytes << 56);
	v[2] ^= 0xff;
	rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
