/* SPDX-License-Identifier: MIT */
/*
 * post.c - many requests posted in one call: as so many calls would, up to the first refused
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT 8u
#define SLOT 64u

static void open_pair(struct side *side, int family)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = COUNT, .sends = COUNT,
		  .slot_size = SLOT);
}

static struct regio_request request_of(const struct side *side, uint64_t slot, uint32_t flags)
{
	return (struct regio_request){
		.data = slot_slice(side, slot, SLOT), .flags = flags, .context = slot};
}

/* Sends of messages 0 to 'count' - 1 from the slots of the sends. */
static void make_sends(struct side *side, struct regio_request *ret_requests, uint32_t count,
		       uint32_t flags)
{
	for (uint32_t i = 0; i < count; i++) {
		ret_requests[i] = request_of(side, COUNT + i % COUNT, flags);
		fill_message(slot_memory(side, COUNT + i % COUNT), SLOT, i % COUNT);
	}
}

static void make_receives(struct side *side, struct regio_request *ret_requests, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		ret_requests[i] = request_of(side, i % COUNT, 0);
}

/* At the peer, in order, and nothing behind them. */
static void expect_arrived(int peer, uint32_t count)
{
	uint8_t data[SLOT];

	for (uint32_t i = 0; i < count; i++) {
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), SLOT);
		expect_message(data, SLOT, i);
	}
	EXPECT(nothing_queued(peer), "more than was accepted");
}

static void expect_sent(struct side *side, uint32_t count)
{
	struct regio_result results[COUNT];

	collect(side->send_cq, results, count);
	for (uint32_t i = 0; i < count; i++)
		expect_result(&results[i], 0, SLOT, COUNT + i);
	expect_empty(side->send_cq);
}

static void expect_all(struct side *side, uint32_t count)
{
	expect_sent(side, count);
	expect_arrived(side->peer, count);
}

/* They have been started: nothing else here makes progress, but an engine may be late. */
static void expect_started(struct side *side, uint32_t count)
{
	if (faults_injected()) {
		expect_all(side, count);
		return;
	}
	expect_arrived(side->peer, count);
	expect_sent(side, count);
}

/* Holds: regio_post what, regio_post Returns. */
START_TEST(sends_go_in_order_and_each_has_its_completion)
{
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	for (int round = 0; round < 10; round++) {
		make_sends(&side, requests, COUNT, 0);
		EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
		expect_all(&side, COUNT);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, regio_post Returns, regio_post Blocking. */
START_TEST(receives_are_filled_in_order)
{
	struct regio_request requests[COUNT];
	struct regio_result results[COUNT];
	struct side side;
	uint8_t data[SLOT];

	open_pair(&side, families[_i]);
	for (int round = 0; round < 10; round++) {
		make_receives(&side, requests, COUNT);
		EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
		for (uint64_t i = 0; i < COUNT; i++) {
			fill_message(data, sizeof(data), i);
			send_plain(side.peer, data, sizeof(data));
		}
		collect(side.receive_cq, results, COUNT);
		for (uint64_t i = 0; i < COUNT; i++) {
			expect_result(&results[i], 0, SLOT, i);
			expect_message(slot_memory(&side, i), SLOT, i);
		}
	}
	side_close(&side);
}
END_TEST

START_TEST(what_was_there_before_the_receives_is_received)
{
	struct regio_request requests[COUNT];
	struct regio_result results[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	for (uint32_t i = 0; i < COUNT; i++)
		send_plain(side.peer, "x", 1);
	make_receives(&side, requests, COUNT);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
	collect(side.receive_cq, results, COUNT);
	for (uint64_t i = 0; i < COUNT; i++)
		expect_result(&results[i], 0, 1, i);
	side_close(&side);
}
END_TEST

/*
 * The kernel is given them together, as it would be what was deferred.
 *
 * Holds: regio_post what, regio_rq_info what.
 */
START_TEST(sends_start_once_for_all_of_them)
{
	struct regio_request requests[COUNT];
	struct regio_rq_info info;
	struct side side;

	open_pair(&side, families[_i]);
	if (faults_injected() || train_limit() < COUNT)
		SKIP("no train can be counted on here");
	make_sends(&side, requests, COUNT, 0);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	expect_arrived(side.peer, COUNT);
	/* A driver's thread counts a send after the peer has it. */
	expect_sent(&side, COUNT);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.messages_sent, COUNT);
	ck_assert_uint_eq(info.trains_sent, 1);
	ck_assert_uint_eq(info.send_calls, 1);
	side_close(&side);
}
END_TEST

/* Holds: regio_post Returns. */
START_TEST(none_are_posted_by_a_count_of_0)
{
	const struct regio_request wrong = {.flags = UINT32_MAX};
	struct side side;

	open_pair(&side, families[_i]);
	for (uint32_t half = REGIO_HALF_RECEIVE; half <= REGIO_HALF_SEND; half++) {
		EXPECT_RETURN(0, regio_post(side.rq, half, NULL, 0));
		EXPECT_RETURN(0, regio_post(side.rq, half, &wrong, 0));
	}
	expect_empty(side.send_cq);
	expect_empty(side.receive_cq);
	EXPECT(nothing_queued(side.peer), "something was sent");
	side_close(&side);
}
END_TEST

/* What is wrong with one of many. */
static const struct wrong {
	const char *name;
	int error;
	struct regio_request change; /* what is not 0 counts */
} wrongs[] = {
	{"an unknown flag", -EINVAL, {.flags = 0x10}},
	{"WAITALL", -EINVAL, {.flags = REGIO_MSG_WAITALL}},
	{"a commit with a slice", -EINVAL, {.flags = REGIO_MSG_COMMIT_ONLY}},
	{"a reserved field", -EINVAL, {.reserved = 1}},
	{"a slice that is too long", -EINVAL, {.data.length = UINT32_MAX}},
	{"a region that is none", -EFAULT, {.data.region = UINT32_MAX}},
};

static void spoil(struct regio_request *request, const struct wrong *wrong)
{
	request->flags |= wrong->change.flags;
	request->reserved |= wrong->change.reserved;
	if (wrong->change.data.length)
		request->data.length = wrong->change.data.length;
	if (wrong->change.data.region)
		request->data.region = wrong->change.data.region;
}

/* Holds: regio_post what, regio_post Returns. */
START_TEST(the_first_refused_ends_it_and_those_before_are_posted)
{
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	for (size_t row = 0; row < ARRAY_SIZE(wrongs); row++) {
		for (uint32_t at = 1; at < COUNT; at += 3) {
			make_sends(&side, requests, COUNT, 0);
			spoil(&requests[at], &wrongs[row]);
			int accepted = regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT);

			EXPECT(accepted == (int)at, "%s at %u: %d", wrongs[row].name, at, accepted);
			expect_all(&side, at);
			/* Nothing of the refused one is left: the rest are posted as ever. */
			make_sends(&side, requests, COUNT, 0);
			EXPECT_RETURN((int)COUNT,
				      regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
			expect_all(&side, COUNT);
		}
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_post Returns, regio_post -EINVAL, regio_request.reserved. */
START_TEST(where_the_first_is_refused_its_error_is_returned_and_nothing_posted)
{
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	for (size_t row = 0; row < ARRAY_SIZE(wrongs); row++) {
		for (uint32_t half = REGIO_HALF_RECEIVE; half <= REGIO_HALF_SEND; half++) {
			if (half == REGIO_HALF_SEND)
				make_sends(&side, requests, COUNT, 0);
			else
				make_receives(&side, requests, COUNT);
			spoil(&requests[0], &wrongs[row]);
			int result = regio_post(side.rq, half, requests, COUNT);

			EXPECT(result == wrongs[row].error, "%s: %s", wrongs[row].name,
			       regio_error_name(result));
		}
	}
	expect_empty(side.send_cq);
	EXPECT(nothing_queued(side.peer), "something was sent");
	send_plain(side.peer, "x", 1);
	expect_empty(side.receive_cq);
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, regio_post Returns. */
START_TEST(the_limit_takes_as_many_as_there_is_room_for)
{
	struct regio_request requests[COUNT + 3];
	struct regio_result results[COUNT];
	struct side side;
	uint8_t data[SLOT];

	open_pair(&side, families[_i]);
	make_sends(&side, requests, COUNT + 3, 0);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT + 3));
	EXPECT_RETURN(-ENOBUFS, regio_post(side.rq, REGIO_HALF_SEND, requests, 1));
	collect(side.send_cq, results, 3);
	EXPECT_RETURN(3, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	collect(side.send_cq, results, COUNT);
	for (uint32_t i = 0; i < COUNT + 3; i++) {
		ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), SLOT);
		expect_message(data, SLOT, i % COUNT);
	}
	make_receives(&side, requests, COUNT + 3);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT + 3));
	EXPECT_RETURN(-ENOBUFS, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, REGIO_MSG_COMMIT_ONLY. */
START_TEST(a_commit_among_them_starts_those_before_it)
{
	struct regio_request requests[COUNT + 1];
	struct side side;

	open_pair(&side, families[_i]);
	for (uint32_t at = 0; at <= COUNT; at += 4) {
		make_sends(&side, requests, COUNT, REGIO_MSG_DEFER);
		memmove(&requests[at + 1], &requests[at], (COUNT - at) * sizeof(requests[0]));
		requests[at] = (struct regio_request){.flags = REGIO_MSG_COMMIT_ONLY};
		/* It is counted, and has no completion and needs no room. */
		EXPECT_RETURN((int)COUNT + 1,
			      regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT + 1));
		if (at == COUNT)
			expect_started(&side, COUNT);
		else
			expect_all(&side, COUNT);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, REGIO_MSG_COMMIT_ONLY. */
START_TEST(a_commit_starts_what_other_calls_have_deferred)
{
	const struct regio_request commit = {.flags = REGIO_MSG_COMMIT_ONLY};
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	make_sends(&side, requests, COUNT, REGIO_MSG_DEFER);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	EXPECT_RETURN(1, regio_post(side.rq, REGIO_HALF_SEND, &commit, 1));
	expect_started(&side, COUNT);
	make_sends(&side, requests, COUNT, REGIO_MSG_DEFER);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	expect_started(&side, COUNT);
	EXPECT_RETURN(1, regio_post(side.rq, REGIO_HALF_RECEIVE, &commit, 1));
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, regio_request.reserved, REGIO_MSG_COMMIT_ONLY. */
START_TEST(a_commit_has_nothing_else)
{
	const struct regio_extra extra = {0};
	const struct regio_request mixed[] = {
		{.flags = REGIO_MSG_COMMIT_ONLY, .data.region = 1},
		{.flags = REGIO_MSG_COMMIT_ONLY, .data.offset = 1},
		{.flags = REGIO_MSG_COMMIT_ONLY, .data.length = 1},
		{.flags = REGIO_MSG_COMMIT_ONLY, .extra = &extra},
		{.flags = REGIO_MSG_COMMIT_ONLY, .context = 1},
		{.flags = REGIO_MSG_COMMIT_ONLY, .reserved = 1},
		{.flags = REGIO_MSG_COMMIT_ONLY | REGIO_MSG_DEFER},
		{.flags = REGIO_MSG_COMMIT_ONLY | REGIO_MSG_DONT_NOTIFY},
	};
	struct side side;

	open_pair(&side, families[_i]);
	for (size_t i = 0; i < ARRAY_SIZE(mixed); i++) {
		EXPECT_RETURN(-EINVAL, regio_post(side.rq, REGIO_HALF_SEND, &mixed[i], 1));
		EXPECT_RETURN(-EINVAL, regio_post(side.rq, REGIO_HALF_RECEIVE, &mixed[i], 1));
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_request what, REGIO_MSG_DONT_NOTIFY. */
START_TEST(flags_count_for_their_own_request)
{
	struct regio_request requests[COUNT];
	struct regio_result results[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	make_sends(&side, requests, COUNT, REGIO_MSG_DONT_NOTIFY);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.send_cq, 1, 0, 20 * MILLISECOND_NS));
	for (uint32_t i = 0; i < COUNT; i++)
		results[i] = poll_one(side.send_cq);
	expect_arrived(side.peer, COUNT);
	make_sends(&side, requests, COUNT, REGIO_MSG_DONT_NOTIFY);
	requests[COUNT - 1].flags = 0;
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	EXPECT(regio_cq_wait(side.send_cq, 1, 0, PATIENCE_NS) > 0, "nothing ended the wait");
	collect(side.send_cq, results, COUNT);
	expect_arrived(side.peer, COUNT);
	side_close(&side);
}
END_TEST

/* Holds: regio_request what, regio_post Ownership. */
START_TEST(each_may_have_addresses_of_its_own)
{
	struct regio_request requests[2];
	struct regio_result results[2];
	struct extra extras[2];
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .receives = 2, .sends = 2, .slot_size = SLOT);
	int peers[2] = {peer_of(side.fd), peer_of(side.fd)};
	struct regio_extra slices[2];
	uint8_t data[SLOT];

	for (uint32_t i = 0; i < 2; i++) {
		extra_open(&extras[i]);
		slices[i] = (struct regio_extra){.remote_address =
							 EXTRA_SLICE(&extras[i], remote_address)};
		requests[i] = request_of(&side, i, 0);
		requests[i].extra = &slices[i];
	}
	EXPECT_RETURN(2, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, 2));
	/* Read during the call only. */
	memset(slices, 0xFF, sizeof(slices));
	for (uint32_t i = 0; i < 2; i++)
		send_plain(peers[i], &i, sizeof(i));
	collect(side.receive_cq, results, 2);
	for (uint32_t i = 0; i < 2; i++) {
		union address address = own_address(peers[i]);

		expect_result(&results[i], 0, sizeof(i), i);
		ck_assert_uint_eq(address_port(&extras[i].memory.remote_address),
				  address_port(&address));
		slices[i] = (struct regio_extra){.remote_address =
							 EXTRA_SLICE(&extras[i], remote_address)};
		requests[i] = request_of(&side, 2 + i, 0);
		requests[i].extra = &slices[i];
		fill_message(slot_memory(&side, 2 + i), SLOT, i);
	}
	EXPECT_RETURN(2, regio_post(side.rq, REGIO_HALF_SEND, requests, 2));
	for (uint32_t i = 0; i < 2; i++) {
		ck_assert_uint_eq(receive_plain(peers[i], data, sizeof(data)), SLOT);
		expect_message(data, SLOT, i);
		close(peers[i]);
	}
	collect(side.send_cq, results, 2);
	side_close(&side);
	extra_close(&extras[0]);
	extra_close(&extras[1]);
}
END_TEST

/* Holds: regio_post what, regio_extra.local_address. */
START_TEST(a_local_address_of_a_send_is_refused_among_many)
{
	struct regio_request requests[COUNT];
	struct extra extra;
	struct side side;

	open_pair(&side, families[_i]);
	extra_open(&extra);
	make_sends(&side, requests, COUNT, 0);
	requests[2].extra = &extra.slices;
	EXPECT_RETURN(2, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	expect_all(&side, 2);
	side_close(&side);
	extra_close(&extra);
}
END_TEST

/* Holds: regio_post -EINVAL. */
START_TEST(arguments_that_are_none_are_refused)
{
	const uint32_t halves[] = {0, REGIO_HALF_RECEIVE | REGIO_HALF_SEND, 4, 0x80000000,
				   UINT32_MAX};
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	make_sends(&side, requests, COUNT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		EXPECT_RETURN(-EINVAL, regio_post(side.rq, halves[i], requests, COUNT));
		EXPECT_RETURN(-EINVAL, regio_post(side.rq, halves[i], NULL, 0));
	}
	EXPECT_RETURN(-EINVAL, regio_post(side.rq, REGIO_HALF_SEND, NULL, 1));
	EXPECT_RETURN(-EINVAL,
		      regio_post(side.rq, REGIO_HALF_SEND, requests, (uint32_t)INT32_MAX + 1));
	EXPECT_RETURN(-EINVAL, regio_post(side.rq, REGIO_HALF_SEND, requests, UINT32_MAX));
	expect_empty(side.send_cq);
	EXPECT(nothing_queued(side.peer), "something was sent");
	side_close(&side);
}
END_TEST

/* Holds: regio_post Returns. */
START_TEST(a_queue_whose_completion_queue_is_closed_takes_none)
{
	struct regio_request requests[COUNT];
	struct side side;

	open_pair(&side, families[_i]);
	make_sends(&side, requests, COUNT, 0);
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(-EBADF, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	EXPECT_RETURN(-EBADF, regio_post(side.rq, REGIO_HALF_SEND, NULL, 0));
	make_receives(&side, requests, COUNT);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(-EBADF, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	EXPECT(nothing_queued(side.peer), "something was sent");
	peer_close(&side);
}
END_TEST

/* Holds: regio_post what. */
START_TEST(on_a_stream_they_are_bytes_in_order)
{
	enum { BYTES = COUNT * SLOT };
	struct regio_request requests[COUNT];
	struct regio_result results[COUNT];
	struct side side;

	SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .receives = COUNT,
		  .sends = COUNT, .slot_size = SLOT);
	make_sends(&side, requests, COUNT, 0);
	fill_stream(slot_memory(&side, COUNT), BYTES, 0);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
	read_stream(side.peer, BYTES, 0);
	expect_sent(&side, COUNT);
	make_receives(&side, requests, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		requests[i].flags = REGIO_MSG_WAITALL;
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
	write_stream(side.peer, BYTES, 0);
	collect(side.receive_cq, results, COUNT);
	for (uint64_t i = 0; i < COUNT; i++)
		expect_result(&results[i], 0, SLOT, i);
	expect_stream(side.memory, BYTES, 0);
	/* An empty slice is one here: it completes as soon as something is there. */
	requests[0] = (struct regio_request){.context = 7};
	EXPECT_RETURN(1, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, 1));
	write_stream(side.peer, 1, BYTES);
	results[0] = collect_one(side.receive_cq);
	expect_result(&results[0], 0, 0, 7);
	side_close(&side);
}
END_TEST

#define ROWS 48u

/*
 * Slices that lie side by side in rows of any length, some of them longer or shorter, with what is
 * to be at 'offset' of a stream and after it. Returns their bytes.
 */
static uint32_t make_rows(struct side *side, struct regio_request *ret_requests, uint64_t *random,
			  uint64_t offset)
{
	uint32_t length = SLOT, at = 0, bytes = 0;

	for (uint32_t i = 0; i < ROWS; i++) {
		if (random_below(random, 12) == 0)
			length = 1 + random_below(random, SLOT);
		if (random_below(random, 12) == 0)
			at += 1 + random_below(random, SLOT);
		fill_stream(side->memory + at, length, offset + bytes);
		ret_requests[i] = (struct regio_request){
			.data = {side->region, at, length},
			.context = i,
			.flags = random_below(random, 2) ? REGIO_MSG_DEFER : 0,
		};
		at += length;
		bytes += length;
	}
	return bytes;
}

/* In calls of any number. */
static void post_in_parts(struct side *side, const struct regio_request *requests, uint64_t *random)
{
	uint32_t count;

	for (uint32_t at = 0; at < ROWS; at += count) {
		count = 1 + random_below(random, ROWS - at);
		EXPECT_RETURN((int)count,
			      regio_post(side->rq, REGIO_HALF_SEND, &requests[at], count));
	}
}

/* Holds: regio_post what. */
START_TEST(rows_of_slices_are_sent_in_order_wherever_each_lies)
{
	const struct regio_request commit = {.flags = REGIO_MSG_COMMIT_ONLY};
	struct regio_request requests[ROWS];
	struct regio_result results[ROWS];
	uint64_t random = 11, offset = 0;
	struct side side;

	SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .sends = ROWS,
		  .slot_size = 2 * SLOT);
	for (int round = 0; round < 100; round++) {
		uint32_t bytes = make_rows(&side, requests, &random, offset);

		post_in_parts(&side, requests, &random);
		EXPECT_RETURN(1, regio_post(side.rq, REGIO_HALF_SEND, &commit, 1));
		collect(side.send_cq, results, ROWS);
		for (uint32_t i = 0; i < ROWS; i++)
			expect_result(&results[i], 0, requests[i].data.length, i);
		read_stream(side.peer, bytes, offset);
		offset += bytes;
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_post what, REGIO_MSG_DEFER. */
START_TEST(one_of_a_row_that_is_not_deferred_starts_all)
{
	struct regio_request requests[COUNT];
	struct side side;

	/* Twice as many as a row, which ends where the ring does. */
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .receives = COUNT,
		  .sends = 2 * COUNT, .slot_size = SLOT);
	for (uint32_t at = 0; at < COUNT; at++) {
		make_sends(&side, requests, COUNT, REGIO_MSG_DEFER);
		/* Side by side, as slots need not be. */
		for (uint32_t i = 0; i < COUNT; i++) {
			requests[i].data.offset = i * SLOT;
			fill_message(side.memory + i * SLOT, SLOT, i);
		}
		requests[at].flags = 0;
		EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, COUNT));
		expect_started(&side, COUNT);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_request what, REGIO_MSG_DONT_NOTIFY. */
START_TEST(one_of_a_row_that_is_muted_is_so_alone)
{
	struct regio_request requests[COUNT];
	struct regio_result results[COUNT];
	uint8_t data[SLOT] = {0};
	struct side side;

	/* Twice as many as a row, which ends where the ring does. */
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .receives = 2 * COUNT,
		  .sends = COUNT, .slot_size = SLOT);
	for (int round = 0; round < 3; round++) {
		make_receives(&side, requests, COUNT);
		requests[COUNT - 1].flags = REGIO_MSG_DONT_NOTIFY;
		EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, COUNT));
		for (uint32_t i = 0; i < COUNT - 1; i++)
			send_plain(side.peer, data, sizeof(data));
		collect(side.receive_cq, results, COUNT - 1);
		send_plain(side.peer, data, sizeof(data));
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		results[0] = poll_one(side.receive_cq);
		expect_result(&results[0], 0, SLOT, COUNT - 1);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_post Returns. */
START_TEST(a_row_of_slices_ends_with_their_region)
{
	struct regio_request requests[2 * COUNT];
	uint64_t gone;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .receives = 2 * COUNT,
		  .sends = 2 * COUNT, .slot_size = SLOT);
	EXPECT_RETURN(0, regio_region_register(side.memory, 2 * COUNT * SLOT, NULL, &gone));
	EXPECT_RETURN(0, regio_region_deregister(gone));
	/* The slices of the second half would be outside the region, or are in none. */
	for (uint32_t i = 0; i < 2 * COUNT; i++)
		requests[i] = request_of(&side, 3 * COUNT + i, 0);
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_RECEIVE, requests, 2 * COUNT));
	for (uint32_t i = 0; i < 2 * COUNT; i++) {
		requests[i] = request_of(&side, i, 0);
		requests[i].data.region = i < COUNT ? side.region : gone;
	}
	EXPECT_RETURN((int)COUNT, regio_post(side.rq, REGIO_HALF_SEND, requests, 2 * COUNT));
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(sends_go_in_order_and_each_has_its_completion),
		CASE_PER_FAMILY(receives_are_filled_in_order),
		CASE_PER_FAMILY(what_was_there_before_the_receives_is_received),
		CASE_PER_FAMILY(sends_start_once_for_all_of_them),
		CASE_PER_FAMILY(none_are_posted_by_a_count_of_0),
		CASE_PER_FAMILY(the_first_refused_ends_it_and_those_before_are_posted),
		CASE_PER_FAMILY(
			where_the_first_is_refused_its_error_is_returned_and_nothing_posted),
		CASE_PER_FAMILY(the_limit_takes_as_many_as_there_is_room_for),
		CASE_PER_FAMILY(a_commit_among_them_starts_those_before_it),
		CASE_PER_FAMILY(a_commit_starts_what_other_calls_have_deferred),
		CASE_PER_FAMILY(a_commit_has_nothing_else),
		CASE_PER_FAMILY(flags_count_for_their_own_request),
		CASE_PER_FAMILY(each_may_have_addresses_of_its_own),
		CASE_PER_FAMILY(a_local_address_of_a_send_is_refused_among_many),
		CASE_PER_FAMILY(arguments_that_are_none_are_refused),
		CASE_PER_FAMILY(a_queue_whose_completion_queue_is_closed_takes_none),
		CASE_PER_STREAM(on_a_stream_they_are_bytes_in_order),
		CASE_PER_FAMILY(one_of_a_row_that_is_not_deferred_starts_all),
		CASE_PER_FAMILY(one_of_a_row_that_is_muted_is_so_alone),
		CASE_PER_FAMILY(a_row_of_slices_ends_with_their_region),
		CASE_PER_STREAM(rows_of_slices_are_sent_in_order_wherever_each_lies),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
