/* SPDX-License-Identifier: MIT */
/*
 * stream_traffic.c - a great many bytes through streams, in pieces of random length, each byte and
 * the order of all completions checked
 *
 * With REGIO_TEST_SCALE=1600 a case moves 1 GiB.
 */
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#define TOTAL (UINT64_C(64) << 20)
#define RECEIVES 8u
#define SENDS 64u

/* A plain far end on a thread of its own. */
struct far_end {
	int fd;
	uint64_t total;
	uint32_t piece_max;
	pthread_t thread;
};

static void *write_randomly(void *argument)
{
	struct far_end *end = argument;
	uint64_t state = 1, offset = 0;

	while (offset < end->total) {
		uint64_t piece = 1 + random_below(&state, end->piece_max);

		piece = piece < end->total - offset ? piece : end->total - offset;
		write_stream(end->fd, piece, offset);
		offset += piece;
	}
	shutdown(end->fd, SHUT_WR);
	return NULL;
}

static void *read_slowly(void *argument)
{
	struct far_end *end = argument;
	uint64_t state = 2, offset = 0;

	while (offset < end->total) {
		uint64_t piece = 1 + random_below(&state, end->piece_max);

		piece = piece < end->total - offset ? piece : end->total - offset;
		read_stream(end->fd, piece, offset);
		offset += piece;
		for (uint32_t i = random_below(&state, 4); i > 0; i--)
			sched_yield();
	}
	expect_end(end->fd);
	return NULL;
}

static void start(struct far_end *end, void *(*run)(void *))
{
	ck_assert_int_eq(pthread_create(&end->thread, NULL, run, end), 0);
}

static void await_room(struct regio_cq *cq)
{
	int queued = regio_cq_wait(cq, 1, 0, PATIENCE_NS);

	EXPECT(queued > 0, "%s", regio_error_name(queued));
}

/* Takes what came; returns how many receives ended. */
static uint32_t take_receives(struct side *side, uint32_t first, const uint32_t *lengths,
			      uint64_t *offset, uint64_t total)
{
	struct regio_result results[RECEIVES];
	int got = regio_cq_dequeue(side->receive_cq, results, RECEIVES);

	EXPECT(got >= 0, "%s", regio_error_name(got));
	if (got == 0)
		await_room(side->receive_cq);
	for (int i = 0; i < got; i++) {
		uint32_t slot = (first + (uint32_t)i) % RECEIVES;

		expect_result(&results[i], 0, results[i].bytes, slot);
		EXPECT(results[i].bytes <= lengths[slot] &&
			       (results[i].bytes > 0 || *offset == total),
		       "%u of %u bytes at %llu", results[i].bytes, lengths[slot],
		       (unsigned long long)*offset);
		expect_stream(slot_memory(side, slot), results[i].bytes, *offset);
		*offset += results[i].bytes;
	}
	return (uint32_t)got;
}

/* Eight receives are always posted, until the end; 'flags' are those of every other one. */
static void receive_randomly(int family, uint32_t slice_max, uint32_t piece_max, uint32_t flags)
{
	struct far_end end = {.total = scaled(TOTAL), .piece_max = piece_max};
	uint32_t lengths[RECEIVES], posted = 0, done = 0;
	uint64_t state = 3, offset = 0;
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_STREAM, .receives = RECEIVES,
		  .slot_size = slice_max);
	end.fd = side.peer;
	start(&end, write_randomly);
	while (offset < end.total || done < posted) {
		for (; offset < end.total && posted < done + RECEIVES; posted++) {
			uint32_t slot = posted % RECEIVES;
			struct regio_buf slice;

			lengths[slot] = 1 + random_below(&state, slice_max);
			slice = slot_slice(&side, slot, lengths[slot]);
			EXPECT_RETURN(0,
				      regio_receive(side.rq, &slice, posted % 2 ? flags : 0, slot));
		}
		done += take_receives(&side, done % RECEIVES, lengths, &offset, end.total);
	}
	ck_assert_uint_eq(offset, end.total);
	pthread_join(end.thread, NULL);
	expect_empty(side.receive_cq);
	side_close(&side);
}

START_TEST(random_writes_come_through_random_slices)
{
	receive_randomly(stream_families[_i], 60000, 100000, 0);
}
END_TEST

START_TEST(small_random_writes_come_through_small_random_slices)
{
	receive_randomly(stream_families[_i], 1500, 4000, 0);
}
END_TEST

START_TEST(every_other_slice_is_filled_with_WAITALL)
{
	receive_randomly(stream_families[_i], 20000, 30000, REGIO_MSG_WAITALL);
}
END_TEST

static void send_randomly(int family, uint64_t total, uint32_t message_max, int send_buffer)
{
	struct far_end end = {.total = total, .piece_max = 50000};
	uint32_t lengths[SENDS] = {0}, posted = 0, done = 0;
	uint64_t state = 4, offset = 0;
	struct regio_result results[SENDS];
	struct side side;
	int fds[2];

	stream_pair(family, fds);
	if (send_buffer)
		set_option(fds[0], SOL_SOCKET, SO_SNDBUF, send_buffer);
	SIDE_OPEN(&side, .fd = fds[0], .sends = SENDS, .slot_size = message_max);
	end.fd = fds[1];
	start(&end, read_slowly);
	while (offset < end.total || done < posted) {
		int got;

		for (; offset < end.total && posted < done + SENDS; posted++) {
			uint32_t slot = posted % SENDS, length = random_below(&state, message_max);

			length = length < end.total - offset ? length
							     : (uint32_t)(end.total - offset);
			lengths[slot] = length;
			fill_stream(slot_memory(&side, slot), length, offset);
			post_send(&side, slot, length, posted % 16 < 15 ? REGIO_MSG_DEFER : 0);
			offset += length;
		}
		got = regio_cq_dequeue(side.send_cq, results, SENDS);
		EXPECT(got >= 0, "%s", regio_error_name(got));
		if (got == 0)
			await_room(side.send_cq);
		for (int i = 0; i < got; i++, done++)
			expect_result(&results[i], 0, lengths[done % SENDS], done % SENDS);
	}
	shutdown(fds[0], SHUT_WR);
	pthread_join(end.thread, NULL);
	side_close(&side);
	close(fds[1]);
}

/*
 * Not scaled: once such a buffer is full of the first part of a long write, TCP waits for delayed
 * acknowledgements, 40 ms each, whoever writes.
 */
START_TEST(long_random_sends_reach_a_slow_reader_through_a_send_buffer_of_4_KiB)
{
	send_randomly(stream_families[_i], 4 << 20, 60000, 4096);
}
END_TEST

START_TEST(random_sends_reach_a_slow_reader_through_a_send_buffer_of_4_KiB)
{
	send_randomly(stream_families[_i], scaled(TOTAL), 1500, 4096);
}
END_TEST

START_TEST(random_sends_reach_a_slow_reader)
{
	send_randomly(stream_families[_i], scaled(TOTAL), 100000, 0);
}
END_TEST

/* One end of a connection, with a thread that posts and one that dequeues for each half. */
struct end {
	struct side side;
	uint64_t total;		 /* messages each way */
	uint64_t sent, received; /* dequeued */
};

enum { MESSAGE = 200, APART_SLOTS = 64 };

static uint64_t peek(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void await_above(const uint64_t *counter, uint64_t value)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (peek(counter) <= value) {
		EXPECT(now_ns() < deadline_ns, "the other thread makes no progress");
		sched_yield();
	}
}

static void *post_sends(void *argument)
{
	struct end *end = argument;

	for (uint64_t i = 0; i < end->total; i++) {
		uint64_t slot = APART_SLOTS + i % APART_SLOTS;

		if (i >= APART_SLOTS)
			await_above(&end->sent, i - APART_SLOTS);
		fill_stream(slot_memory(&end->side, slot), MESSAGE, i * MESSAGE);
		post_send(&end->side, slot, MESSAGE, i % 8 < 7 ? REGIO_MSG_DEFER : 0);
	}
	EXPECT_RETURN(0, regio_send(end->side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	return NULL;
}

static void *post_receives(void *argument)
{
	struct end *end = argument;

	for (uint64_t i = 0; i < end->total; i++) {
		struct regio_buf slice = slot_slice(&end->side, i % APART_SLOTS, MESSAGE);

		if (i >= APART_SLOTS)
			await_above(&end->received, i - APART_SLOTS);
		EXPECT_RETURN(
			0, regio_receive(end->side.rq, &slice, REGIO_MSG_WAITALL, i % APART_SLOTS));
	}
	return NULL;
}

/* Takes the completions of one half until all have come. */
static void take_all(struct end *end, struct regio_cq *cq, uint64_t *done, uint32_t first_slot)
{
	struct regio_result results[APART_SLOTS];
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (*done < end->total) {
		int got = regio_cq_dequeue(cq, results, APART_SLOTS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++) {
			uint64_t number = *done + (uint64_t)i;

			expect_result(&results[i], 0, MESSAGE, first_slot + number % APART_SLOTS);
			if (cq == end->side.receive_cq)
				expect_stream(slot_memory(&end->side, number % APART_SLOTS),
					      MESSAGE, number * MESSAGE);
		}
		__atomic_fetch_add(done, (uint64_t)got, __ATOMIC_RELEASE);
		if (got > 0)
			deadline_ns = now_ns() + PATIENCE_NS;
		EXPECT(now_ns() < deadline_ns, "%llu completions came", (unsigned long long)*done);
		if (got == 0)
			sched_yield();
	}
}

static void *take_sends(void *argument)
{
	struct end *end = argument;

	take_all(end, end->side.send_cq, &end->sent, APART_SLOTS);
	return NULL;
}

static void *take_all_receives(void *argument)
{
	struct end *end = argument;

	take_all(end, end->side.receive_cq, &end->received, 0);
	return NULL;
}

/* Holds: regio.h what 5, regio_receive Threads, regio_send Threads, regio_cq_dequeue Threads. */
START_TEST(threads_that_post_and_dequeue_apart_lose_nothing)
{
	void *(*const work[])(void *) = {post_sends, post_receives, take_sends, take_all_receives};
	pthread_t threads[2][ARRAY_SIZE(work)];
	struct end ends[2];
	int fds[2];

	stream_pair(stream_families[_i], fds);
	for (int i = 0; i < 2; i++) {
		ends[i] = (struct end){.total = scaled(20000)};
		SIDE_OPEN(&ends[i].side, .fd = fds[i], .receives = APART_SLOTS,
			  .sends = APART_SLOTS, .slot_size = MESSAGE);
	}
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < ARRAY_SIZE(work); k++)
			ck_assert_int_eq(pthread_create(&threads[i][k], NULL, work[k], &ends[i]),
					 0);
	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < ARRAY_SIZE(work); k++)
			pthread_join(threads[i][k], NULL);
	for (int i = 0; i < 2; i++)
		side_close(&ends[i].side);
}
END_TEST

#define CASE_LONG(test)                                                                            \
	{                                                                                          \
		test, stream_family_names, STREAM_FAMILIES, 5 * CASE_TIMEOUT_S                     \
	}

int main(void)
{
	const struct test_case cases[] = {
		CASE_LONG(random_writes_come_through_random_slices),
		CASE_LONG(small_random_writes_come_through_small_random_slices),
		CASE_LONG(every_other_slice_is_filled_with_WAITALL),
		CASE_LONG(long_random_sends_reach_a_slow_reader_through_a_send_buffer_of_4_KiB),
		CASE_LONG(random_sends_reach_a_slow_reader_through_a_send_buffer_of_4_KiB),
		CASE_LONG(random_sends_reach_a_slow_reader),
		CASE_LONG(threads_that_post_and_dequeue_apart_lose_nothing),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
