/* SPDX-License-Identifier: MIT */
/*
 * Seals, sizes, and what becomes of a message that does not arrive in turn.
 *
 * A jump ahead counts as lost what was jumped over, and remembers the gap. A
 * message from before either fills a remembered gap, and was reordered and not
 * lost, or arrives for the second time.
 */
#include "message.h"

#include <stdlib.h>

#include "gaps.h"

#define MIXED_BYTES_MIN 32u

static uint64_t mix(uint64_t value)
{
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

/* Sizes from 32 to params.size, evenly spread; the same on both sides and in every run. */
static const uint16_t *draw_sizes(struct bench_side *side)
{
	uint16_t *sizes = side_alloc(side, MESSAGE_SIZES * sizeof(*sizes));
	uint32_t least = side->params.size < MIXED_BYTES_MIN ? side->params.size : MIXED_BYTES_MIN;
	uint32_t span = side->params.size - least + 1;

	for (uint32_t i = 0; i < MESSAGE_SIZES; i++)
		sizes[i] = (uint16_t)(least + mix(i + 1) % span);
	return sizes;
}

void message_init(struct bench_side *side)
{
	side->track.gaps = side_alloc(side, sizeof(*side->track.gaps));
	if (side->params.sizes_vary)
		side->sizes = draw_sizes(side);
}

struct message_track *message_tracks(struct bench_side *side)
{
	struct message_track *tracks = side_alloc(side, side->fd_count * sizeof(*tracks));

	for (uint32_t i = 0; i < side->fd_count; i++)
		tracks[i].gaps = side_alloc(side, sizeof(*tracks[i].gaps));
	return tracks;
}

static uint64_t seal_of(const void *data, uint32_t size)
{
	const struct message_header *header = data;
	const uint8_t *rest = (const uint8_t *)(header + 1);
	uint32_t left = size - MESSAGE_BYTES_MIN;
	uint64_t sequence;
	uint64_t seal;

	memcpy(&sequence, &header->sequence, sizeof(sequence));
	seal = mix(sequence + size);
	while (left > 0) {
		uint64_t word = 0;
		uint32_t bytes = left < sizeof(word) ? left : (uint32_t)sizeof(word);

		memcpy(&word, rest, bytes);
		seal = mix(seal ^ word);
		rest += bytes;
		left -= bytes;
	}
	return seal;
}

void message_fill(void *data, uint32_t size)
{
	struct message_header *header = data;
	uint8_t *rest = (uint8_t *)(header + 1);
	uint64_t word;

	memcpy(&word, &header->sequence, sizeof(word));
	for (uint32_t done = 0; done < size - MESSAGE_BYTES_MIN; done += sizeof(word)) {
		uint32_t left = size - MESSAGE_BYTES_MIN - done;

		word = mix(word + done);
		memcpy(rest + done, &word, left < sizeof(word) ? left : sizeof(word));
	}
}

void message_close(void *data, uint32_t size)
{
	struct message_header *header = data;
	uint64_t seal = seal_of(data, size);

	memcpy(&header->seal, &seal, sizeof(seal));
}

void message_seal(void *data, uint32_t size)
{
	message_fill(data, size);
	message_close(data, size);
}

bool message_intact(const struct bench_side *side, const void *data, uint32_t bytes)
{
	struct message_header header;

	memcpy(&header, data, sizeof(header));
	return bytes == message_size(side, header.sequence) && header.seal == seal_of(data, bytes);
}

void message_odd(struct bench_side *side, uint32_t bytes)
{
	if (bytes != MESSAGE_BYTES_WAKE)
		side->corrupted++;
}

void message_out_of_turn(struct bench_side *side, struct message_track *track, uint64_t sequence)
{
	if (sequence > track->expected_sequence) {
		side->lost += sequence - track->expected_sequence;
		gaps_add(track->gaps, track->expected_sequence, sequence, 0);
		track->expected_sequence = sequence + 1;
		side->received++;
	} else if (gaps_fill(track->gaps, sequence)) {
		side->lost--;
		side->reordered++;
		side->received++;
	} else {
		side->duplicated++;
	}
}
