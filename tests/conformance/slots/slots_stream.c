/* SPDX-License-Identifier: MIT */
/*
 * slots_stream.c - streams on a pool: echo of more than the sockets hold, the end, resets, few
 * slots for many connections
 */
#include "../../support/pool.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Takes what is there, and answers it; counts ends. Returns how many bytes there were. */
static size_t echo_once(struct pool *pool, unsigned int *ends)
{
	struct regio_slot slots[16];
	int count = regio_slots_dequeue(pool->slots, slots, ARRAY_SIZE(slots));
	size_t bytes = 0;

	EXPECT(count >= 0, "%d", count);
	for (int i = 0; i < count; i++) {
		EXPECT(slots[i].status == 0 && slots[i].rq, "status %d", slots[i].status);
		bytes += slots[i].length;
		if (slots[i].length) {
			EXPECT_RETURN(0,
				      regio_slots_reply(pool->slots, &slots[i], slots[i].length));
			continue;
		}
		++*ends;
		EXPECT_RETURN(0, regio_slots_free(pool->slots, &slots[i]));
		EXPECT_RETURN(0, regio_rq_close(slots[i].rq, REGIO_CLOSE_SOCKET));
	}
	if (count == 0)
		regio_cq_wait(pool->cq, 1, 0, MILLISECOND_NS);
	return bytes;
}

static void expect_end_of(struct pool *pool, unsigned int wanted)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	unsigned int ends = 0;

	while (ends < wanted) {
		EXPECT(now_ns() < deadline_ns, "%u of %u ends", ends, wanted);
		echo_once(pool, &ends);
	}
	while (pool_info(pool).free < pool->count) {
		EXPECT(now_ns() < deadline_ns, "slots do not come back");
		echo_once(pool, &ends);
	}
	ck_assert_uint_eq(ends, wanted);
}

/* As much as goes without waiting, from or to the stream at 'offset'. Returns how much. */
static size_t write_some(int fd, size_t length, uint64_t offset)
{
	uint8_t data[4096];
	size_t chunk = length < sizeof(data) ? length : sizeof(data);
	ssize_t bytes;

	fill_stream(data, chunk, offset);
	bytes = send(fd, data, chunk, MSG_DONTWAIT | MSG_NOSIGNAL);
	EXPECT(bytes >= 0 || errno == EAGAIN, "%m");
	return bytes > 0 ? (size_t)bytes : 0;
}

static size_t read_some(int fd, size_t length, uint64_t offset)
{
	uint8_t data[4096];
	ssize_t bytes = recv(fd, data, length < sizeof(data) ? length : sizeof(data), MSG_DONTWAIT);

	EXPECT(bytes > 0 || (bytes < 0 && errno == EAGAIN), "%zd: %m", bytes);
	if (bytes > 0)
		expect_stream(data, (size_t)bytes, offset);
	return bytes > 0 ? (size_t)bytes : 0;
}

/* ---- Echo ---------------------------------------------------------------------- */

/* Holds: regio_slots_reply what, regio_slot.data. */
START_TEST(more_than_the_sockets_hold_comes_back_in_order)
{
	const size_t total = scaled(4 << 20);
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	size_t written = 0, stuck = 0, read = 0;
	unsigned int ends = 0;
	struct pool pool;
	int fds[2];

	stream_pair(stream_families[_i], fds);
	set_option(fds[0], SOL_SOCKET, SO_SNDBUF, 4096);
	pool_open(&pool, 4, 3000);
	pool_add(&pool, fds[0], 4);
	/* Until neither end takes any more: each slot waits to be sent. */
	while (written < total && stuck < 1000) {
		size_t bytes = write_some(fds[1], total - written, written);

		written += bytes;
		stuck = bytes || echo_once(&pool, &ends) ? 0 : stuck + 1;
	}
	while (read < total) {
		EXPECT(now_ns() < deadline_ns, "%zu of %zu", read, total);
		written += write_some(fds[1], total - written, written);
		read += read_some(fds[1], total - read, read);
		echo_once(&pool, &ends);
	}
	ck_assert_uint_eq(ends, 0);
	EXPECT(shutdown(fds[1], SHUT_WR) == 0, "%m");
	expect_end_of(&pool, 1);
	pool_close(&pool);
	close(fds[1]);
}
END_TEST

/* Holds: regio_slots_attach what. */
START_TEST(few_slots_serve_many_connections_in_turn)
{
	enum { CONNECTIONS = 20, ROUNDS = 5, BYTES = 500 };
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	unsigned int ends = 0;
	int peers[CONNECTIONS];
	struct pool pool;

	pool_open(&pool, 3, 100);
	for (int i = 0; i < CONNECTIONS; i++) {
		int fds[2];

		stream_pair(stream_families[_i], fds);
		peers[i] = fds[1];
		pool_add(&pool, fds[0], 2);
	}
	pool_expect(&pool, 0, 3, 0, 2 * CONNECTIONS - 3);
	/* Whoever has a slot has something to receive, or the others would wait for good. */
	for (uint64_t round = 0; round < ROUNDS; round++) {
		size_t bytes = 0;

		for (int i = 0; i < CONNECTIONS; i++)
			write_stream(peers[i], BYTES, round * BYTES);
		while (bytes < (size_t)CONNECTIONS * BYTES) {
			EXPECT(now_ns() < deadline_ns, "round %d: %zu bytes", (int)round, bytes);
			bytes += echo_once(&pool, &ends);
		}
		pool_settle(&pool);
		for (int i = 0; i < CONNECTIONS; i++)
			read_stream(peers[i], BYTES, round * BYTES);
	}
	for (int i = 0; i < CONNECTIONS; i++)
		EXPECT(shutdown(peers[i], SHUT_WR) == 0, "%m");
	expect_end_of(&pool, CONNECTIONS);
	for (int i = 0; i < CONNECTIONS; i++)
		close(peers[i]);
	pool_close(&pool);
}
END_TEST

/* ---- Addresses ----------------------------------------------------------------- */

/* Holds: regio_slot.sender, regio_slot.local. */
START_TEST(a_message_has_the_addresses_of_its_connection)
{
	int family = stream_families[_i], listener = stream_listener(family);
	int fd = stream_socket(family);
	struct pool pool;

	pool_open(&pool, 2, 100);
	/* Attached before it is connected, when it has none. */
	struct regio_rq *rq = pool_add(&pool, fd, 1);
	int peer = connect_stream(fd, listener);

	for (int i = 0; i < 3; i++) {
		write_stream(peer, 100, 100 * (uint64_t)i);
		struct regio_slot slot = pool_next(&pool);

		expect_stream(slot.data, slot.length, 100 * (uint64_t)i);
		ck_assert_uint_eq(slot.length, 100);
		if (family == AF_UNIX) {
			EXPECT(!slot.sender && !slot.local, "a unix socket has no such address");
		} else {
			union address own = own_address(fd), theirs = own_address(peer);

			expect_name(slot.sender, &theirs, "sender");
			expect_name(slot.local, &own, "local");
		}
		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
	close(listener);
}
END_TEST

/* ---- The end ------------------------------------------------------------------- */

/* Holds: regio_slots_dequeue what 2, regio_slots_attach what 3. */
START_TEST(the_end_is_handed_out_once_and_can_be_answered)
{
	struct regio_slot slot;
	struct pool pool;
	int fds[2];

	stream_pair(stream_families[_i], fds);
	pool_open(&pool, 8, 100);
	struct regio_rq *rq = pool_add(&pool, fds[0], 6);

	write_stream(fds[1], 10, 0);
	EXPECT(shutdown(fds[1], SHUT_WR) == 0, "%m");
	slot = pool_next(&pool);
	expect_stream(slot.data, slot.length, 0);
	ck_assert_uint_eq(slot.length, 10);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 10));
	slot = pool_next(&pool);
	EXPECT(slot.status == 0 && slot.length == 0 && slot.data && slot.rq == rq, "status %d",
	       slot.status);
	fill_stream(slot.data, 5, 10);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 5));
	pool_settle(&pool);
	read_stream(fds[1], 15, 0);
	/* The five others have found the end as well. */
	while (pool_info(&pool).receiving)
		EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, &slot, 1));
	pool_expect(&pool, 8, 0, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, &slot, 1));
	pool_close(&pool);
	close(fds[1]);
}
END_TEST

/* Holds: regio_slots_dequeue what 2, regio_slots_reply -EINVAL. */
START_TEST(a_reset_is_handed_out_once)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_slot slot;
	struct pool pool;
	int fds[2];

	stream_pair(stream_families[_i], fds);
	pool_open(&pool, 8, 100);
	struct regio_rq *rq = pool_add(&pool, fds[0], 6);

	reset_stream(fds[1]);
	slot = pool_next(&pool);
	if (stream_families[_i] == AF_UNIX)
		EXPECT(slot.status == 0 || slot.status == -ECONNRESET, "status %d", slot.status);
	else
		ck_assert_int_eq(slot.status, -ECONNRESET);
	ck_assert_uint_eq(slot.length, 0);
	EXPECT_RETURN(slot.status ? -EINVAL : 0, slot.status
							 ? regio_slots_reply(pool.slots, &slot, 1)
							 : regio_slots_free(pool.slots, &slot));
	while (pool_info(&pool).free < 8) {
		EXPECT(now_ns() < deadline_ns, "slots do not come back");
		EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, &slot, 1));
	}
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_attach what 2. */
START_TEST(after_another_socket_an_RQ_is_attached_again)
{
	struct regio_slot slot;
	struct pool pool;
	int first[2], second[2];

	stream_pair(stream_families[_i], first);
	stream_pair(stream_families[_i], second);
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_add(&pool, first[0], 1);

	EXPECT(shutdown(first[1], SHUT_WR) == 0, "%m");
	slot = pool_next(&pool);
	ck_assert_uint_eq(slot.length, 0);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	pool_expect(&pool, 4, 0, 0, 0);
	EXPECT_RETURN(0, regio_rq_replace_socket(rq, second[0]));
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rq, 1));
	write_stream(second[1], 50, 0);
	slot = pool_next(&pool);
	expect_stream(slot.data, slot.length, 0);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, slot.length));
	pool_settle(&pool);
	read_stream(second[1], 50, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(first[1]);
	close(second[0]);
	close(second[1]);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_STREAM(more_than_the_sockets_hold_comes_back_in_order),
		CASE_PER_STREAM(few_slots_serve_many_connections_in_turn),
		CASE_PER_STREAM(a_message_has_the_addresses_of_its_connection),
		CASE_PER_STREAM(the_end_is_handed_out_once_and_can_be_answered),
		CASE_PER_STREAM(a_reset_is_handed_out_once),
		CASE_PER_STREAM(after_another_socket_an_RQ_is_attached_again),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
