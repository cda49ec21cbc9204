/* SPDX-License-Identifier: MIT */
/*
 * message.c - messages that prove themselves, and repeatable chance
 */
#include "message.h"

#include "suite.h"

#include <string.h>

static uint64_t message_word(uint64_t sequence, size_t index)
{
	uint64_t word = sequence + index * UINT64_C(0x9E3779B97F4A7C15);

	if (index == 0)
		return sequence;
	word ^= word >> 29;
	return word * UINT64_C(0xBF58476D1CE4E5B9);
}

void fill_message(void *ret_data, size_t length, uint64_t sequence)
{
	uint8_t *at = ret_data;

	for (size_t index = 0; length > 0; index++) {
		uint64_t word = message_word(sequence, index);
		size_t part = length < sizeof(word) ? length : sizeof(word);

		memcpy(at, &word, part);
		at += part;
		length -= part;
	}
}

bool message_is(const void *data, size_t length, uint64_t sequence)
{
	const uint8_t *at = data;

	for (size_t index = 0; length > 0; index++) {
		uint64_t word = message_word(sequence, index);
		size_t part = length < sizeof(word) ? length : sizeof(word);

		if (memcmp(at, &word, part))
			return false;
		at += part;
		length -= part;
	}
	return true;
}

void expect_message(const void *data, size_t length, uint64_t sequence)
{
	uint64_t found = 0;

	if (message_is(data, length, sequence))
		return;
	memcpy(&found, data, length < sizeof(found) ? length : sizeof(found));
	ck_abort_msg("message %llu of %zu bytes holds something else; its head says %llu",
		     (unsigned long long)sequence, length, (unsigned long long)found);
}

uint32_t random_below(uint64_t *state, uint32_t limit)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((*state >> 33) % limit);
}
