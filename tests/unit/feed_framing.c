/* SPDX-License-Identifier: MIT */
/*
 * feed_framing.c - packets of MoldUDP64 are written as the format says, and read with suspicion
 */
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>

#include "feed/framing.h"

static const char session[FRAMING_SESSION_BYTES] = {'S', 'E', 'S', 'S', 'I',
						    'O', 'N', '0', '0', '1'};
static uint8_t data[2048];
static struct framing_writer writer;
static struct framing_packet packet;

static void add(const char *text)
{
	uint8_t *message = framing_add(&writer, (uint32_t)strlen(text));

	ck_assert_ptr_ne(message, NULL);
	for (size_t i = 0; i < strlen(text); i++)
		message[i] = (uint8_t)text[i];
}

START_TEST(the_bytes_are_those_of_the_format)
{
	static const uint8_t expected[] = {'S', 'E', 'S', 'S', 'I', 'O', 'N', '0', '0', '1',
					   1,	2,   3,	  4,   5,   6,	 7,   8,   0,	2,
					   0,	3,   'a', 'b', 'c', 0,	 1,   'd'};

	framing_begin(&writer, data, sizeof(data), session, 0x0102030405060708);
	add("abc");
	add("d");
	framing_finish(&writer);
	ck_assert_uint_eq(writer.bytes, sizeof(expected));
	ck_assert_mem_eq(data, expected, sizeof(expected));
}
END_TEST

START_TEST(what_was_written_is_read)
{
	const uint8_t *cursor, *message;
	uint32_t bytes;

	framing_begin(&writer, data, sizeof(data), session, 1000);
	add("first");
	add("");
	add("third message");
	framing_finish(&writer);
	ck_assert(framing_read(data, writer.bytes, &packet));
	ck_assert_mem_eq(packet.session, session, sizeof(session));
	ck_assert_uint_eq(packet.number, 1000);
	ck_assert_uint_eq(packet.count, 3);
	ck_assert(!packet.end);
	cursor = packet.messages;
	message = framing_next(&cursor, &bytes);
	ck_assert_uint_eq(bytes, 5);
	ck_assert_mem_eq(message, "first", 5);
	framing_next(&cursor, &bytes);
	ck_assert_uint_eq(bytes, 0);
	message = framing_next(&cursor, &bytes);
	ck_assert_uint_eq(bytes, 13);
	ck_assert_mem_eq(message, "third message", 13);
	ck_assert_ptr_eq(cursor, data + writer.bytes);
}
END_TEST

START_TEST(heartbeats_and_ends_have_no_message)
{
	framing_begin(&writer, data, sizeof(data), session, 7);
	framing_finish(&writer);
	ck_assert_uint_eq(writer.bytes, FRAMING_HEADER_BYTES);
	ck_assert(framing_read(data, writer.bytes, &packet));
	ck_assert_uint_eq(packet.count, 0);
	ck_assert(!packet.end);
	framing_finish_session(&writer);
	ck_assert(framing_read(data, writer.bytes, &packet));
	ck_assert_uint_eq(packet.count, 0);
	ck_assert(packet.end);
	ck_assert_uint_eq(packet.number, 7);
	/* Padded. */
	ck_assert(framing_read(data, writer.bytes + 6, &packet));
	ck_assert(packet.end);
	ck_assert_uint_eq(packet.trailing, 6);
}
END_TEST

START_TEST(a_full_packet_takes_no_more)
{
	framing_begin(&writer, data, FRAMING_HEADER_BYTES + 12, session, 1);
	ck_assert_ptr_eq(framing_add(&writer, 11), NULL);
	ck_assert_ptr_ne(framing_add(&writer, 4), NULL);
	ck_assert_ptr_eq(framing_add(&writer, 5), NULL);
	ck_assert_ptr_ne(framing_add(&writer, 4), NULL);
	ck_assert_ptr_eq(framing_add(&writer, 0), NULL);
	ck_assert_uint_eq(writer.count, 2);
	ck_assert_uint_eq(writer.bytes, FRAMING_HEADER_BYTES + 12);
}
END_TEST

START_TEST(every_cut_of_a_packet_is_malformed)
{
	framing_begin(&writer, data, sizeof(data), session, 1);
	add("one");
	add("two");
	framing_finish(&writer);
	for (uint32_t bytes = 0; bytes < writer.bytes; bytes++)
		ck_assert(!framing_read(data, bytes, &packet));
	ck_assert(framing_read(data, writer.bytes, &packet));
}
END_TEST

START_TEST(bytes_after_the_last_message_are_an_oddity)
{
	framing_begin(&writer, data, sizeof(data), session, 1);
	add("one");
	framing_finish(&writer);
	ck_assert(framing_read(data, writer.bytes, &packet));
	ck_assert_uint_eq(packet.trailing, 0);
	for (uint32_t trailing = 1; trailing < 9; trailing++) {
		data[writer.bytes + trailing - 1] = 0xff;
		ck_assert(framing_read(data, writer.bytes + trailing, &packet));
		ck_assert_uint_eq(packet.count, 1);
		ck_assert_uint_eq(packet.trailing, trailing);
	}
}
END_TEST

/* As long as UDP allows, of one message or of the most that fit. */
START_TEST(the_largest_datagram_is_a_packet)
{
	static uint8_t large[65507];
	uint32_t most = (sizeof(large) - FRAMING_HEADER_BYTES) / FRAMING_LENGTH_BYTES;

	framing_begin(&writer, large, sizeof(large), session, 1);
	ck_assert_ptr_ne(framing_add(&writer, 65485), NULL);
	framing_finish(&writer);
	ck_assert_uint_eq(writer.bytes, sizeof(large));
	ck_assert(framing_read(large, writer.bytes, &packet));
	framing_begin(&writer, large, sizeof(large), session, 1);
	for (uint32_t i = 0; i < most; i++)
		ck_assert_ptr_ne(framing_add(&writer, 0), NULL);
	ck_assert_ptr_eq(framing_add(&writer, 0), NULL);
	framing_finish(&writer);
	ck_assert(framing_read(large, writer.bytes, &packet));
	ck_assert_uint_eq(packet.count, most);
	ck_assert_uint_eq(packet.trailing, 0);
}
END_TEST

START_TEST(numbers_that_would_pass_the_last_are_malformed)
{
	framing_begin(&writer, data, sizeof(data), session, UINT64_MAX - 1);
	add("x");
	framing_finish(&writer);
	ck_assert(framing_read(data, writer.bytes, &packet));
	add("y");
	framing_finish(&writer);
	ck_assert(!framing_read(data, writer.bytes, &packet));
}
END_TEST

/* Of whatever is accepted every message lies inside the packet; the memory ends with it. */
START_TEST(noise_is_refused_or_lies_inside)
{
	srand(11);
	for (int round = 0; round < 20000; round++) {
		uint32_t length = (uint32_t)(rand() % 80), bytes;
		uint8_t *noise = malloc(length ? length : 1);
		const uint8_t *cursor;

		for (uint32_t i = 0; i < length; i++)
			noise[i] = (uint8_t)(rand() % 4 ? rand() % 3 : rand());
		if (framing_read(noise, length, &packet)) {
			cursor = packet.messages;
			for (uint32_t i = 0; i < packet.count; i++)
				framing_next(&cursor, &bytes);
			ck_assert_ptr_eq(cursor, noise + length - packet.trailing);
		}
		free(noise);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(the_bytes_are_those_of_the_format),
		CASE(what_was_written_is_read),
		CASE(heartbeats_and_ends_have_no_message),
		CASE(a_full_packet_takes_no_more),
		CASE(every_cut_of_a_packet_is_malformed),
		CASE(bytes_after_the_last_message_are_an_oddity),
		CASE(the_largest_datagram_is_a_packet),
		CASE(numbers_that_would_pass_the_last_are_malformed),
		CASE(noise_is_refused_or_lies_inside),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
