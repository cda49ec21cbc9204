/* SPDX-License-Identifier: MIT */
/*
 * hostile_sockets.c - buffers that are too small, peers that do not read, descriptors that change
 * their meaning
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

#define MESSAGE_SIZE 200u

static uint32_t dropped_by_kernel(int fd)
{
	uint32_t counts[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(counts);

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts, &length) == 0, "%m");
	return counts[SK_MEMINFO_DROPS];
}

/* ---- Datagrams ----------------------------------------------------------------- */

static uint64_t sequence_at(const struct side *side, uint64_t slot)
{
	uint64_t sequence;

	memcpy(&sequence, slot_memory(side, slot), sizeof(sequence));
	return sequence;
}

/* Takes what is there; each message is newer than the one before, and whole. */
static uint32_t receive_some(struct side *side, uint64_t *next)
{
	struct regio_result result;
	uint32_t count = 0;

	while (regio_cq_wait(side->receive_cq, 1, 0, 20 * MILLISECOND_NS) > 0) {
		uint64_t sequence;

		EXPECT_RETURN(1, regio_cq_dequeue(side->receive_cq, &result, 1));
		EXPECT(result.status == 0 && result.bytes == MESSAGE_SIZE, "%s, %u bytes",
		       regio_error_name(result.status), result.bytes);
		sequence = sequence_at(side, result.request_context);
		EXPECT(sequence >= *next, "message %llu behind %llu", (unsigned long long)sequence,
		       (unsigned long long)*next);
		expect_message(slot_memory(side, result.request_context), MESSAGE_SIZE, sequence);
		*next = sequence + 1;
		post_receive(side, result.request_context);
		count++;
	}
	return count;
}

START_TEST(what_a_tiny_receive_buffer_loses_the_kernel_has_counted)
{
	const struct regio_rq_opts single = {.size = sizeof(single), .trains = REGIO_TRAINS_OFF};
	uint32_t sent = 0, received = 0, dropped;
	uint8_t message[MESSAGE_SIZE];
	uint64_t next = 0;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 4,
		  .slot_size = 256, .rq_opts = &single);
	/* Afterwards: a queue raises it towards its receives. */
	set_option(side.fd, SOL_SOCKET, SO_RCVBUF, 1);
	for (uint64_t i = 0; i < 4; i++)
		post_receive(&side, i);
	for (int burst = 0; burst < 50; burst++) {
		for (int i = 0; i < 64; i++, sent++) {
			fill_message(message, sizeof(message), sent);
			send_plain(side.peer, message, sizeof(message));
		}
		/* What is lost before the socket is not counted there. */
		await_arrival(families[_i]);
		received += receive_some(&side, &next);
	}
	/* A driver's thread may be slower than a wait. */
	for (int64_t deadline_ns = now_ns() + PATIENCE_NS;
	     received + dropped_by_kernel(side.fd) < sent && now_ns() < deadline_ns;)
		received += receive_some(&side, &next);
	dropped = dropped_by_kernel(side.fd);
	EXPECT(received + dropped == sent, "%u sent, %u received, %u dropped by the kernel", sent,
	       received, dropped);
	/* A driver's thread may keep up. */
	EXPECT(dropped > 0 || driven_by_a_thread(), "nothing was dropped");
	side_close(&side);
}
END_TEST

START_TEST(sends_to_a_peer_that_does_not_read_complete_and_others_get_theirs)
{
	enum { COUNT = 2000, SENDS = 32 };
	struct regio_result results[SENDS];
	uint8_t data[MESSAGE_SIZE];
	int deaf = bound_socket(families[_i]), peer = bound_socket(families[_i]);
	struct side sides[2];

	set_option(deaf, SOL_SOCKET, SO_RCVBUF, 1);
	for (int i = 0; i < 2; i++) {
		SIDE_OPEN(&sides[i], .family = families[_i], .sends = SENDS, .slot_size = 256);
		set_option(sides[i].fd, SOL_SOCKET, SO_SNDBUF, 1);
		connect_to(sides[i].fd, i ? peer : deaf);
	}
	for (uint64_t number = 0; number < COUNT; number += SENDS) {
		for (uint64_t i = 0; i < SENDS; i++)
			post_message(&sides[0], i, MESSAGE_SIZE, number + i,
				     i + 1 < SENDS ? REGIO_MSG_DEFER : 0);
		post_message(&sides[1], 0, MESSAGE_SIZE, number, 0);
		collect(sides[0].send_cq, results, SENDS);
		for (uint64_t i = 0; i < SENDS; i++)
			expect_result(&results[i], 0, MESSAGE_SIZE, i);
		collect(sides[1].send_cq, results, 1);
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), MESSAGE_SIZE);
		expect_message(data, MESSAGE_SIZE, number);
	}
	side_close(&sides[0]);
	side_close(&sides[1]);
	close(deaf);
	close(peer);
}
END_TEST

/* ---- Streams ------------------------------------------------------------------- */

enum { CHUNKS = 64, CHUNK = 4000 };

static void post_chunks(struct side *side, bool sends)
{
	for (uint64_t i = 0; i < CHUNKS; i++) {
		struct regio_buf slice = slot_slice(side, sends ? CHUNKS + i : i, CHUNK);

		if (!sends) {
			EXPECT_RETURN(0, regio_receive(side->rq, &slice, REGIO_MSG_WAITALL, i));
			continue;
		}
		fill_stream(slot_memory(side, CHUNKS + i), CHUNK, i * CHUNK);
		EXPECT_RETURN(0, regio_send(side->rq, &slice, 0, i));
	}
}

/* Both ends fill all there is to fill before either reads: each one's sends wait for the other. */
START_TEST(two_ends_that_both_send_before_they_read_get_everything)
{
	struct regio_result results[CHUNKS];
	struct side sides[2];
	int fds[2];

	stream_pair(stream_families[_i], fds);
	for (int i = 0; i < 2; i++) {
		/* Smaller ones make TCP wait for its timers. */
		set_option(fds[i], SOL_SOCKET, SO_SNDBUF, 16384);
		set_option(fds[i], SOL_SOCKET, SO_RCVBUF, 16384);
		SIDE_OPEN(&sides[i], .fd = fds[i], .receives = CHUNKS, .sends = CHUNKS,
			  .slot_size = CHUNK);
		post_chunks(&sides[i], true);
	}
	for (int i = 0; i < 2; i++)
		EXPECT(regio_cq_dequeue(sides[i].send_cq, results, CHUNKS) < CHUNKS,
		       "the buffers hold everything");
	/* What is posted later is not held up by what waits in the other direction. */
	for (int i = 0; i < 2; i++)
		post_chunks(&sides[i], false);
	for (unsigned int have[2] = {0}; have[0] < CHUNKS || have[1] < CHUNKS;) {
		for (int i = 0; i < 2; i++) {
			int got = regio_cq_dequeue(sides[i].receive_cq, results, CHUNKS);

			EXPECT(got >= 0, "dequeue: %s", regio_error_name(got));
			for (int j = 0; j < got; j++, have[i]++) {
				expect_result(&results[j], 0, CHUNK, have[i]);
				expect_stream(slot_memory(&sides[i], have[i]), CHUNK,
					      (uint64_t)have[i] * CHUNK);
			}
			if (got == 0)
				regio_cq_wait(sides[i].receive_cq, 1, 0, MILLISECOND_NS);
		}
	}
	side_close(&sides[0]);
	side_close(&sides[1]);
}
END_TEST

/* ---- Descriptors that change their meaning ------------------------------------- */

/* Nothing of a socket, and nothing that may be read or written in its place. */
static int other_descriptor(int kind)
{
	int pair[2];

	if (kind == 0)
		return eventfd(7, EFD_CLOEXEC | EFD_NONBLOCK);
	EXPECT(pipe2(pair, O_CLOEXEC | O_NONBLOCK) == 0, "%m");
	EXPECT(write(pair[1], "pipe", 4) == 4, "%m");
	close(pair[1]);
	return pair[0];
}

/* Holds: regio_rq_create what 2. */
START_TEST(a_number_that_is_no_socket_any_more_fails_requests_and_is_left_alone)
{
	struct regio_result results[8];
	struct side side;
	uint64_t value = 0;
	int other = other_descriptor(_i);
	const char *refused = closing_refused();

	if (refused)
		SKIP("%s", refused);
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 4, .sends = 4,
		  .slot_size = 64);
	post_receive(&side, 0);
	EXPECT(dup2(other, side.fd) == side.fd, "%m");
	for (uint64_t i = 0; i < 4; i++) {
		int error = regio_send(side.rq, NULL, 0, i);

		EXPECT(error == 0 || error == -EBADF, "%s", regio_error_name(error));
		EXPECT(regio_cq_dequeue(side.send_cq, results, 8) >= 0, "dequeue failed");
		EXPECT(regio_cq_dequeue(side.receive_cq, results, 8) >= 0, "dequeue failed");
	}
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	/* Also by the close, which was asked to close the socket. */
	EXPECT(read(side.fd, &value, sizeof(value)) == (_i ? 4 : 8), "%m");
	side_close_rest(&side);
	close(side.fd);
	close(other);
}
END_TEST

int main(void)
{
	static const char *const kinds[] = {"eventfd", "pipe"};
	const struct test_case cases[] = {
		CASE_PER_FAMILY(what_a_tiny_receive_buffer_loses_the_kernel_has_counted),
		CASE_PER_FAMILY(sends_to_a_peer_that_does_not_read_complete_and_others_get_theirs),
		CASE_PER_STREAM(two_ends_that_both_send_before_they_read_get_everything),
		{a_number_that_is_no_socket_any_more_fails_requests_and_is_left_alone, kinds, 2,
		 CASE_TIMEOUT_S},
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
