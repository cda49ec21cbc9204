/* SPDX-License-Identifier: MIT */
/*
 * Notes, written and read.
 */
#include "protocol.h"

#include <endian.h>

#define MAGIC 0xFE726567696F4C31u /* as a number, more messages than anybody sends */

struct wire_note {
	uint64_t magic;
	uint8_t kind;
	uint8_t mode;
	uint16_t reserved;
	uint32_t size;
	uint64_t cookie;
	/* Rate, greeting or sent; received, lost, reordered, duplicated. */
	uint64_t values[5];
};

_Static_assert(sizeof(struct wire_note) == NOTE_BYTES, "a note has no padding");

const char *const serve_mode_names[SERVE_MODES] = {"echo", "sink", "source"};

void note_write(void *data, const struct note *note)
{
	struct wire_note wire = {
		.magic = htobe64(MAGIC),
		.kind = (uint8_t)note->kind,
		.mode = (uint8_t)note->mode,
		.size = htobe32(note->size),
		.cookie = htobe64(note->cookie),
		.values = {htobe64(note->kind == NOTE_START   ? note->rate
				   : note->kind == NOTE_READY ? note->greeting
							      : note->sent),
			   htobe64(note->received), htobe64(note->lost), htobe64(note->reordered),
			   htobe64(note->duplicated)},
	};

	memcpy(data, &wire, sizeof(wire));
}

bool note_read(const void *data, uint32_t bytes, struct note *ret_note)
{
	struct wire_note wire;
	uint64_t first;

	if (bytes != sizeof(wire))
		return false;
	memcpy(&wire, data, sizeof(wire));
	if (wire.magic != htobe64(MAGIC) || wire.kind == 0 || wire.kind >= NOTE_KINDS ||
	    wire.mode >= SERVE_MODES)
		return false;
	first = be64toh(wire.values[0]);
	*ret_note = (struct note){
		.kind = wire.kind,
		.mode = wire.mode,
		.size = be32toh(wire.size),
		.cookie = be64toh(wire.cookie),
		.rate = wire.kind == NOTE_START ? first : 0,
		.greeting = wire.kind == NOTE_READY ? first : 0,
		.sent = wire.kind == NOTE_START || wire.kind == NOTE_READY ? 0 : first,
		.received = be64toh(wire.values[1]),
		.lost = be64toh(wire.values[2]),
		.reordered = be64toh(wire.values[3]),
		.duplicated = be64toh(wire.values[4]),
	};
	return true;
}
