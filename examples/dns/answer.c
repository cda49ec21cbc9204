/* SPDX-License-Identifier: MIT */
/*
 * Answers to DNS queries from a few records in memory: A and AAAA of the class IN. What follows the
 * question, such as EDNS options, is ignored.
 */
#include "dns.h"

#include <ctype.h>
#include <string.h>

enum { HEADER_BYTES = 12, NAME_BYTES_MAX = 255, LABEL_BYTES_MAX = 63 };
enum { TYPE_A = 1, TYPE_AAAA = 28, TYPE_ANY = 255, CLASS_IN = 1, TTL_S = 300 };
enum { OK, FORMAT_ERROR, NAME_ERROR = 3, NOT_IMPLEMENTED, REFUSED };

struct record {
	const char *name; /* labels, each after its length */
	uint16_t type;
	uint16_t length;
	uint8_t data[16];
};

static const struct record records[] = {
	{"\7example", TYPE_A, 4, {192, 0, 2, 1}},
	{"\3www\7example", TYPE_A, 4, {192, 0, 2, 2}},
	{"\3www\7example", TYPE_A, 4, {192, 0, 2, 3}},
	{"\3www\7example", TYPE_AAAA, 16, {0x20, 0x01, 0x0D, 0xB8, [15] = 2}},
	{"\4mail\7example", TYPE_A, 4, {192, 0, 2, 4}},
	{"\2ns\7example", TYPE_AAAA, 16, {0x20, 0x01, 0x0D, 0xB8, [15] = 5}},
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/*
 * Copies the name at message[HEADER_BYTES], in lower case. Returns where it ends, or 0 if it does
 * not end in the message. The name of a question is never compressed.
 */
static uint32_t read_name(const uint8_t *message, uint32_t length,
			  char ret_name[NAME_BYTES_MAX + 1])
{
	uint32_t at = HEADER_BYTES, end;

	while (at < length && message[at]) {
		end = at + 1 + message[at];
		if (message[at] > LABEL_BYTES_MAX || end >= length || end > HEADER_BYTES + 254)
			return 0;
		ret_name[at - HEADER_BYTES] = (char)message[at];
		for (at++; at < end; at++)
			ret_name[at - HEADER_BYTES] = (char)tolower(message[at]);
	}
	if (at >= length)
		return 0;
	ret_name[at - HEADER_BYTES] = 0;
	return at + 1;
}

/* The header of a response with so many answers; their authority is this server. */
static uint32_t finish(uint8_t *message, uint32_t length, uint32_t questions, uint32_t answers,
		       uint32_t code)
{
	message[2] = (uint8_t)(0x80 | 0x04 | (message[2] & 0x79));
	message[3] = (uint8_t)code;
	put16(message + 4, questions);
	put16(message + 6, answers);
	memset(message + 8, 0, 4);
	return length;
}

/* Appends a record, whose name is that of the question. */
static uint32_t add_record(uint8_t *message, uint32_t length, const struct record *record)
{
	uint8_t *at = message + length;

	at = put16(at, 0xC000 | HEADER_BYTES);
	at = put16(at, record->type);
	at = put16(at, CLASS_IN);
	at = put16(at, 0);
	at = put16(at, TTL_S);
	at = put16(at, record->length);
	memcpy(at, record->data, record->length);
	return length + 12 + record->length;
}

uint32_t dns_answer(uint8_t *message, uint32_t length)
{
	char name[NAME_BYTES_MAX + 1];
	uint32_t end, type, answers = 0;
	int known = 0;

	if (length < HEADER_BYTES || message[2] & 0x80)
		return 0;
	if (message[2] & 0x78)
		return finish(message, HEADER_BYTES, 0, 0, NOT_IMPLEMENTED);
	end = get16(message + 4) == 1 ? read_name(message, length, name) : 0;
	if (!end || length - end < 4)
		return finish(message, HEADER_BYTES, 0, 0, FORMAT_ERROR);
	type = get16(message + end);
	length = end + 4;
	if (get16(message + end + 2) != CLASS_IN)
		return finish(message, length, 1, 0, REFUSED);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		if (strcmp(records[i].name, name) != 0)
			continue;
		known = 1;
		if (records[i].type != type && type != TYPE_ANY)
			continue;
		length = add_record(message, length, &records[i]);
		answers++;
	}
	return finish(message, length, 1, answers, known ? OK : NAME_ERROR);
}
