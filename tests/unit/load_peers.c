/* SPDX-License-Identifier: MIT */
/*
 * load_peers.c - notes and the table of peers of a server hold whatever clients send
 */
#include "../support/suite.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "load/cookie.h"
#include "load/peers.h"
#include "load/protocol.h"

#define LIMIT 1024u

static struct peers peers;

static struct sockaddr_in6 name_v4(uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 name;

	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	/* What lies behind a shorter address does not count. */
	memset(&name, rand(), sizeof(name));
	memcpy(&name, &v4, sizeof(v4));
	return name;
}

static struct peer *open_peer(uint16_t port, uint64_t cookie, uint64_t now)
{
	struct sockaddr_in6 name = name_v4(port);
	bool new;

	peers.limit = LIMIT;
	return peers_open(&peers, &name, cookie, true, now, &new);
}

static struct peer *find_peer(uint16_t port)
{
	struct sockaddr_in6 name = name_v4(port);

	return peers_find(&peers, &name);
}

START_TEST(a_note_is_read_as_it_was_written)
{
	struct note note = {.kind = NOTE_COUNTS,
			    .mode = SERVE_SINK,
			    .size = 1400,
			    .cookie = 7,
			    .sent = 6,
			    .received = 5,
			    .lost = 4,
			    .reordered = 3,
			    .duplicated = 2};
	uint8_t data[NOTE_BYTES];
	struct note read;

	note_write(data, &note);
	ck_assert(note_read(data, sizeof(data), &read));
	ck_assert_int_eq(read.kind, NOTE_COUNTS);
	ck_assert_int_eq(read.mode, SERVE_SINK);
	ck_assert_uint_eq(read.size, 1400);
	ck_assert_uint_eq(read.cookie, 7);
	ck_assert_uint_eq(read.sent, 6);
	ck_assert_uint_eq(read.received, 5);
	ck_assert_uint_eq(read.lost, 4);
	ck_assert_uint_eq(read.reordered, 3);
	ck_assert_uint_eq(read.duplicated, 2);
	note = (struct note){.kind = NOTE_START, .mode = SERVE_SOURCE, .rate = 9};
	note_write(data, &note);
	ck_assert(note_read(data, sizeof(data), &read));
	ck_assert_uint_eq(read.rate, 9);
	note = (struct note){.kind = NOTE_READY, .cookie = 7, .greeting = 8};
	note_write(data, &note);
	ck_assert(note_read(data, sizeof(data), &read));
	ck_assert_uint_eq(read.cookie, 7);
	ck_assert_uint_eq(read.greeting, 8);
	ck_assert_uint_eq(read.sent, 0);
}
END_TEST

START_TEST(what_is_no_note_is_refused)
{
	struct note note = {.kind = NOTE_HELLO};
	uint8_t data[NOTE_BYTES + 1] = {0};

	note_write(data, &note);
	ck_assert(!note_read(data, NOTE_BYTES - 1, &note));
	ck_assert(!note_read(data, NOTE_BYTES + 1, &note));
	data[8] = NOTE_KINDS;
	ck_assert(!note_read(data, NOTE_BYTES, &note));
	data[8] = 0;
	ck_assert(!note_read(data, NOTE_BYTES, &note));
	data[8] = NOTE_HELLO;
	data[9] = SERVE_MODES;
	ck_assert(!note_read(data, NOTE_BYTES, &note));
	data[9] = SERVE_ECHO;
	ck_assert(note_read(data, NOTE_BYTES, &note));
	/* No message can pass for one: no sender gets to this number. */
	message_write_head(data, UINT64_C(1) << 62, 0);
	ck_assert(!note_read(data, NOTE_BYTES, &note));
}
END_TEST

/* The example of the paper, and those around a whole word. */
START_TEST(cookies_are_siphash)
{
	const struct cookie_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
	uint8_t data[16];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	ck_assert_uint_eq(cookie_make(&key, data, 15), 0xa129ca6149be45e5);
	ck_assert_uint_eq(cookie_make(&key, data, 0), 0x726fdb47dd0e0e31);
	ck_assert_uint_ne(cookie_make(&key, data, 8), cookie_make(&key, data, 7));
}
END_TEST

START_TEST(peers_are_found_by_address_and_port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(1)};
	struct peer *one = open_peer(1, 11, 0), *two = open_peer(2, 22, 0);

	ck_assert_ptr_ne(one, two);
	ck_assert_ptr_eq(find_peer(1), one);
	ck_assert_ptr_eq(find_peer(2), two);
	ck_assert_ptr_eq(find_peer(3), NULL);
	ck_assert_ptr_eq(peers_find(&peers, &v6), NULL);
	ck_assert_uint_eq(find_peer(2)->cookie, 22);
}
END_TEST

START_TEST(a_cookie_that_was_returned_twice_is_one)
{
	struct sockaddr_in6 name = name_v4(1);
	struct peer *peer = open_peer(1, 11, 0);
	bool new = true;

	sequence_take(peer->sequence, 5, 0);
	ck_assert_ptr_eq(peers_open(&peers, &name, 11, true, 1, &new), peer);
	ck_assert(!new);
	ck_assert_uint_eq(peer->cookie, 11);
	ck_assert_uint_eq(peer->sequence->lost, 5);
}
END_TEST

START_TEST(another_cookie_is_another_session)
{
	struct peer *peer = open_peer(1, 11, 0);

	sequence_take(peer->sequence, 5, 0);
	peer->sending = true;
	ck_assert_ptr_eq(open_peer(1, 12, 1), peer);
	ck_assert_uint_eq(peer->cookie, 12);
	ck_assert_uint_eq(peer->sequence->lost, 0);
	ck_assert(!peer->sending);
	ck_assert_uint_eq(peers.count, 1);
}
END_TEST

START_TEST(a_full_table_forgets_whoever_was_silent_for_the_longest)
{
	for (uint32_t i = 0; i < LIMIT; i++)
		open_peer((uint16_t)(i + 1), i, 1000 + i);
	find_peer(1)->heard_ns = 100000;
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_ptr_ne(open_peer((uint16_t)(60000 + i), i, 200000), NULL);
	ck_assert_uint_eq(peers.count, LIMIT);
	ck_assert_ptr_ne(find_peer(1), NULL);
	for (uint16_t port = 2; port < 12; port++)
		ck_assert_ptr_eq(find_peer(port), NULL);
	for (uint32_t port = 12; port <= LIMIT; port++)
		ck_assert_uint_eq(find_peer((uint16_t)port)->cookie, port - 1);
	peers_free(&peers);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_note_is_read_as_it_was_written),
		CASE(what_is_no_note_is_refused),
		CASE(cookies_are_siphash),
		CASE(peers_are_found_by_address_and_port),
		CASE(a_cookie_that_was_returned_twice_is_one),
		CASE(another_cookie_is_another_session),
		CASE(a_full_table_forgets_whoever_was_silent_for_the_longest),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
