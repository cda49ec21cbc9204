/* SPDX-License-Identifier: MIT */
/*
 * accounting.c - what is charged against an RQ and against its CQs, and when it is released
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <sys/mman.h>
#include <unistd.h>

/*
 * Holds: regio_receive -ENOBUFS, regio_receive Blocking, regio_cq_dequeue what,
 * regio_rq_create what.
 */
START_TEST(a_receive_counts_until_its_completion_is_dequeued)
{
	struct side side;
	struct regio_buf slice;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 3,
		  .slot_size = 64);
	slice = slot_slice(&side, 0, 64);
	for (uint64_t i = 0; i < 3; i++)
		post_receive(&side, i);
	EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, &slice, 0, 3));
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
	EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, &slice, 0, 3));
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, 0, 3));
	EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, &slice, 0, 4));
	side_close(&side);
}
END_TEST

/* Holds: regio_send -ENOBUFS, regio_cq_dequeue what, regio_rq_create what. */
START_TEST(a_send_counts_until_its_completion_is_dequeued)
{
	struct regio_result results[2];
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ITSELF, .sends = 4, .slot_size = 64);
	struct regio_buf slice = slot_slice(&side, 0, 64);

	for (uint64_t i = 0; i < 4; i++)
		post_send(&side, i, 64, i == 0 ? REGIO_MSG_DEFER : 0);
	EXPECT_RETURN(4, regio_cq_wait(side.send_cq, 4, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(-ENOBUFS, regio_send(side.rq, &slice, 0, 4));
	EXPECT_RETURN(-ENOBUFS, regio_send(side.rq, &slice, REGIO_MSG_DEFER, 4));
	collect(side.send_cq, results, 2);
	EXPECT_RETURN(0, regio_send(side.rq, &slice, 0, 4));
	EXPECT_RETURN(0, regio_send(side.rq, &slice, 0, 5));
	EXPECT_RETURN(-ENOBUFS, regio_send(side.rq, &slice, 0, 6));
	side_close(&side);
}
END_TEST

/*
 * Posting there takes a shorter way.
 *
 * Holds: regio_receive -EFAULT, regio_receive -EINVAL, regio_receive -ENOBUFS, regio_send -EINVAL,
 * regio_send -EBADF.
 */
START_TEST(a_queue_in_full_swing_refuses_what_an_idle_one_does)
{
	enum { LIMIT = 128, BYTES = 64 };
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *memory = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct regio_buf read_only = {.length = BYTES}, slice;
	struct side side;

	EXPECT(memory != MAP_FAILED, "%m");
	EXPECT_RETURN(0, regio_region_register(memory, page, NULL, &read_only.region));
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ITSELF, .receives = LIMIT,
		  .sends = LIMIT, .slot_size = BYTES);
	for (uint64_t i = 0; i < LIMIT - 1; i++) {
		post_receive(&side, i);
		post_send(&side, LIMIT + i, BYTES, REGIO_MSG_DEFER);
	}
	slice = slot_slice(&side, 2 * LIMIT - 1, BYTES + 1);
	EXPECT_RETURN(-EFAULT, regio_receive(side.rq, &read_only, 0, 0));
	EXPECT_RETURN(-EINVAL, regio_receive(side.rq, &slice, 0, 0));
	EXPECT_RETURN(-EINVAL, regio_send(side.rq, &slice, REGIO_MSG_DEFER, 0));
	slice.length = BYTES;
	post_receive(&side, LIMIT - 1);
	EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, &slice, 0, 0));
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(-EBADF, regio_send(side.rq, &slice, REGIO_MSG_DEFER, 0));
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	EXPECT_RETURN(0, regio_region_deregister(read_only.region));
	munmap(memory, page);
}
END_TEST

/*
 * The shorter way is for the region that was named last, which is another one each time, and for
 * what is not refused.
 *
 * Holds: regio_send what, regio_send Returns.
 */
START_TEST(a_queue_in_full_swing_takes_slices_of_several_regions)
{
	enum { LIMIT = 128, BYTES = 64 };
	struct regio_result results[LIMIT];
	struct side side;
	uint64_t other;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = LIMIT,
		  .slot_size = BYTES);
	EXPECT_RETURN(0, regio_region_register(side.memory, LIMIT * BYTES, NULL, &other));
	for (uint64_t i = 0; i < LIMIT; i++) {
		struct regio_buf slice = slot_slice(&side, i, BYTES);
		const struct regio_buf outside = {other, LIMIT * BYTES, 1};

		if (i % 2)
			slice.region = other;
		fill_message(slot_memory(&side, i), BYTES, i);
		EXPECT_RETURN(0, regio_send(side.rq, &slice, REGIO_MSG_DEFER, i));
		EXPECT_RETURN(-EINVAL, regio_send(side.rq, &outside, REGIO_MSG_DEFER, LIMIT));
	}
	collect(side.send_cq, results, LIMIT);
	for (uint64_t i = 0; i < LIMIT; i++) {
		uint8_t data[BYTES];

		expect_result(&results[i], 0, BYTES, i);
		ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), BYTES);
		expect_message(data, BYTES, i);
	}
	expect_empty(side.send_cq);
	EXPECT_RETURN(0, regio_region_deregister(other));
	side_close(&side);
}
END_TEST

/* Holds: regio_receive Returns, regio_send Returns. */
START_TEST(a_refused_request_gives_no_completion)
{
	struct regio_result result;
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .receives = 1, .sends = 1,
		  .slot_size = 64);
	struct regio_buf slice = slot_slice(&side, 0, 64);

	post_receive(&side, 0);
	EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, &slice, 0, 1));
	post_send(&side, 1, 64, 0);
	EXPECT_RETURN(-ENOBUFS, regio_send(side.rq, &slice, 0, 2));
	result = collect_one(side.send_cq);
	expect_result(&result, 0, 64, 1);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 64, 0);
	expect_empty(side.send_cq);
	expect_empty(side.receive_cq);
	side_close(&side);
}
END_TEST

static int create_rq(uint32_t receives, uint32_t sends, struct regio_cq *receive_cq,
		     struct regio_cq *send_cq, struct regio_rq **ret_rq)
{
	int fd = bound_socket(AF_INET);
	int result = regio_rq_create(fd, receives, sends, receive_cq, send_cq, 0, NULL, ret_rq);

	if (result < 0)
		close(fd);
	return result;
}

/* Holds: regio_rq_create Returns, regio_rq_create -ENOBUFS, regio_cq_create what. */
START_TEST(an_rq_fits_exactly_or_not_at_all)
{
	struct regio_cq *receive_cq = cq_of(5, NULL), *send_cq = cq_of(3, NULL);
	struct regio_rq *rq = NULL;

	EXPECT_RETURN(-ENOBUFS, create_rq(6, 3, receive_cq, send_cq, &rq));
	EXPECT_RETURN(-ENOBUFS, create_rq(5, 4, receive_cq, send_cq, &rq));
	ck_assert_ptr_null(rq);
	EXPECT_RETURN(0, create_rq(5, 3, receive_cq, send_cq, &rq));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(receive_cq));
	EXPECT_RETURN(0, regio_cq_close(send_cq));
}
END_TEST

/* Holds: regio_rq_create what, regio_rq_create -ENOBUFS, regio_cq_create what. */
START_TEST(one_cq_for_both_halves_counts_the_sum)
{
	struct regio_rq *rqs[3];
	struct regio_cq *cq = cq_of(10, NULL);

	EXPECT_RETURN(-ENOBUFS, create_rq(6, 5, cq, cq, &rqs[0]));
	EXPECT_RETURN(-ENOBUFS, create_rq(100000, 100000, cq, cq, &rqs[0]));
	EXPECT_RETURN(0, create_rq(4, 3, cq, cq, &rqs[0]));
	EXPECT_RETURN(-ENOBUFS, create_rq(2, 2, cq, cq, &rqs[1]));
	EXPECT_RETURN(0, create_rq(1, 1, cq, cq, &rqs[1]));
	EXPECT_RETURN(0, create_rq(1, 0, cq, cq, &rqs[2]));
	for (size_t i = 0; i < ARRAY_SIZE(rqs); i++)
		EXPECT_RETURN(0, regio_rq_close(rqs[i], REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, create_rq(5, 5, cq, cq, &rqs[0]));
	EXPECT_RETURN(0, regio_rq_close(rqs[0], REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_rq_close what. */
START_TEST(room_returns_after_close_and_drain_and_not_before)
{
	struct regio_result results[3];
	struct regio_rq *rq;
	struct regio_cq *cq = cq_of(4, NULL);

	for (int round = 0; round < 20; round++) {
		EXPECT_RETURN(0, create_rq(4, 0, cq, cq, &rq));
		for (uint64_t i = 0; i < 3; i++)
			EXPECT_RETURN(0, regio_receive(rq, NULL, 0, i));
		EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
		EXPECT_RETURN(-ENOBUFS, create_rq(4, 0, cq, cq, &rq));
		EXPECT_RETURN(2, regio_cq_dequeue(cq, results, 2));
		EXPECT_RETURN(-ENOBUFS, create_rq(4, 0, cq, cq, &rq));
		EXPECT_RETURN(1, regio_cq_dequeue(cq, results, 2));
	}
	EXPECT_RETURN(0, create_rq(4, 0, cq, cq, &rq));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_rq_create what, regio_receive -ENOBUFS, regio_send -ENOBUFS. */
START_TEST(a_half_of_size_0_refuses_requests)
{
	struct side receiver, sender;
	struct regio_buf slice;

	SIDE_OPEN(&receiver, .family = AF_INET, .receives = 1, .slot_size = 64);
	SIDE_OPEN(&sender, .family = AF_INET, .sends = 1, .slot_size = 64);
	connect_to(sender.fd, receiver.fd);
	connect_to(receiver.fd, sender.fd);
	slice = slot_slice(&receiver, 0, 64);
	EXPECT_RETURN(-ENOBUFS, regio_send(receiver.rq, &slice, 0, 0));
	slice = slot_slice(&sender, 0, 64);
	EXPECT_RETURN(-ENOBUFS, regio_receive(sender.rq, &slice, 0, 0));
	post_receive(&receiver, 0);
	post_message(&sender, 0, 64, 5, 0);
	struct regio_result result = collect_one(sender.send_cq);

	expect_result(&result, 0, 64, 0);
	result = collect_one(receiver.receive_cq);
	expect_result(&result, 0, 64, 0);
	expect_message(receiver.memory, 64, 5);
	side_close(&receiver);
	side_close(&sender);
}
END_TEST

/*
 * Holds: REGIO_RQ_REQUESTS_MAX, regio_rq_create -EINVAL, regio_rq_resize -EINVAL,
 * regio_rq_resize -ENOBUFS.
 */
START_TEST(maxima_outside_the_limits_are_refused)
{
	struct regio_cq *cq = cq_of(4, NULL);
	struct regio_rq *rq = NULL;

	EXPECT_RETURN(-EINVAL, create_rq(0, 0, cq, cq, &rq));
	EXPECT_RETURN(-EINVAL, create_rq(REGIO_RQ_REQUESTS_MAX + 1, 1, cq, cq, &rq));
	EXPECT_RETURN(-EINVAL, create_rq(1, REGIO_RQ_REQUESTS_MAX + 1, cq, cq, &rq));
	EXPECT_RETURN(-EINVAL, create_rq(UINT32_MAX, UINT32_MAX, cq, cq, &rq));
	ck_assert_ptr_null(rq);
	EXPECT_RETURN(0, create_rq(2, 2, cq, cq, &rq));
	EXPECT_RETURN(-EINVAL, regio_rq_resize(rq, 0, 0));
	EXPECT_RETURN(-EINVAL, regio_rq_resize(rq, REGIO_RQ_REQUESTS_MAX + 1, 1));
	EXPECT_RETURN(-EINVAL, regio_rq_resize(rq, 1, REGIO_RQ_REQUESTS_MAX + 1));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 3, 2));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_rq_resize what, regio_rq_resize Returns. */
START_TEST(a_resize_moves_room_from_one_half_to_the_other)
{
	struct regio_cq *cq = cq_of(10, NULL);
	struct regio_rq *rq;

	EXPECT_RETURN(0, create_rq(6, 4, cq, cq, &rq));
	EXPECT_RETURN(0, regio_rq_resize(rq, 4, 6));
	EXPECT_RETURN(0, regio_rq_resize(rq, 10, 0));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 10, 1));
	for (uint64_t i = 0; i < 10; i++)
		EXPECT_RETURN(0, regio_receive(rq, NULL, 0, i));
	EXPECT_RETURN(-ENOBUFS, regio_receive(rq, NULL, 0, 10));
	EXPECT_RETURN(-ENOBUFS, regio_send(rq, NULL, 0, 0));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/*
 * The half that shrinks is changed first, and back when the other finds no room.
 *
 * Holds: regio_rq_resize Returns, regio_rq_resize -ENOBUFS.
 */
START_TEST(a_resize_that_is_refused_keeps_what_was_reserved)
{
	struct regio_cq *receive_cq = cq_of(6, NULL), *send_cq = cq_of(6, NULL);
	struct regio_rq *rq, *second;

	EXPECT_RETURN(0, create_rq(6, 6, receive_cq, send_cq, &rq));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 2, 7));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 7, 2));
	EXPECT_RETURN(-ENOBUFS, create_rq(1, 0, receive_cq, send_cq, &second));
	EXPECT_RETURN(-ENOBUFS, create_rq(0, 1, receive_cq, send_cq, &second));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(receive_cq));
	EXPECT_RETURN(0, regio_cq_close(send_cq));
}
END_TEST

/* Holds: regio_rq_resize Returns, regio_rq_resize -ENOBUFS. */
START_TEST(a_resize_that_is_refused_takes_nothing)
{
	struct regio_cq *receive_cq = cq_of(8, NULL), *send_cq = cq_of(6, NULL);
	struct regio_rq *rq, *second;

	EXPECT_RETURN(0, create_rq(6, 6, receive_cq, send_cq, &rq));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 7, 7));
	EXPECT_RETURN(0, create_rq(2, 0, receive_cq, send_cq, &second));
	EXPECT_RETURN(0, regio_rq_close(second, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(receive_cq));
	EXPECT_RETURN(0, regio_cq_close(send_cq));
}
END_TEST

/* Holds: regio_rq_resize -ETOOMANYREFS, regio_rq_resize Returns. */
START_TEST(a_resize_below_what_is_outstanding_changes_nothing)
{
	struct regio_result result;
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .receives = 8, .sends = 8,
		  .slot_size = 16);
	for (uint64_t i = 0; i < 4; i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < 3; i++)
		post_message(&side, 8 + i, 16, i, 0);
	EXPECT_RETURN(3, regio_cq_wait(side.receive_cq, 3, UINT64_MAX, PATIENCE_NS));
	EXPECT_RETURN(-ETOOMANYREFS, regio_rq_resize(side.rq, 3, 8));
	EXPECT_RETURN(-ETOOMANYREFS, regio_rq_resize(side.rq, 8, 2));
	EXPECT_RETURN(0, regio_rq_resize(side.rq, 4, 3));
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 16, 0);
	EXPECT_RETURN(-ETOOMANYREFS, regio_rq_resize(side.rq, 2, 3));
	EXPECT_RETURN(0, regio_rq_resize(side.rq, 3, 3));
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_resize -ENOBUFS. */
START_TEST(an_rq_cannot_grow_into_a_closed_cq)
{
	struct regio_cq *receive_cq = cq_of(8, NULL), *send_cq = cq_of(8, NULL);
	struct regio_rq *rq;

	EXPECT_RETURN(0, create_rq(4, 4, receive_cq, send_cq, &rq));
	EXPECT_RETURN(0, regio_cq_close(receive_cq));
	EXPECT_RETURN(-ENOBUFS, regio_rq_resize(rq, 5, 4));
	EXPECT_RETURN(0, regio_rq_resize(rq, 4, 5));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(send_cq));
}
END_TEST

/*
 * Keeps receives posted while the limits go up and down between batches.
 *
 * Holds: regio_rq_resize what, regio_cq_resize what.
 */
START_TEST(resizing_under_traffic_loses_nothing)
{
	enum { MAX = 64, ROUNDS = 2000 };
	static struct regio_result results[MAX];
	uint64_t posted = 0, received = 0, sent = 0, random = 1;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = MAX,
		  .slot_size = 64);
	for (uint64_t round = 0; round < scaled(ROUNDS); round++) {
		uint32_t outstanding = (uint32_t)(posted - received);
		uint32_t limit = outstanding + random_below(&random, MAX + 1 - outstanding);
		uint8_t message[64];

		limit = limit ? limit : 1;
		EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, MAX + round % 3));
		EXPECT_RETURN(0, regio_rq_resize(side.rq, limit, 0));
		EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, limit + round % 3));
		for (; posted - received < limit; posted++)
			post_receive(&side, posted % MAX);
		EXPECT_RETURN(-ENOBUFS, regio_receive(side.rq, NULL, 0, 0));
		uint32_t burst = random_below(&random, limit) + 1;

		for (uint32_t i = 0; i < burst; i++) {
			fill_message(message, sizeof(message), sent++);
			send_plain(side.peer, message, sizeof(message));
		}
		collect(side.receive_cq, results, burst);
		for (uint32_t i = 0; i < burst; i++, received++) {
			expect_result(&results[i], 0, 64, received % MAX);
			expect_message(slot_memory(&side, received % MAX), 64, received);
		}
	}
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_receive_counts_until_its_completion_is_dequeued),
		CASE_PER_FAMILY(a_send_counts_until_its_completion_is_dequeued),
		CASE_PER_FAMILY(a_queue_in_full_swing_refuses_what_an_idle_one_does),
		CASE_PER_FAMILY(a_queue_in_full_swing_takes_slices_of_several_regions),
		CASE(a_refused_request_gives_no_completion),
		CASE(an_rq_fits_exactly_or_not_at_all),
		CASE(one_cq_for_both_halves_counts_the_sum),
		CASE(room_returns_after_close_and_drain_and_not_before),
		CASE(a_half_of_size_0_refuses_requests),
		CASE(maxima_outside_the_limits_are_refused),
		CASE(a_resize_moves_room_from_one_half_to_the_other),
		CASE(a_resize_that_is_refused_keeps_what_was_reserved),
		CASE(a_resize_that_is_refused_takes_nothing),
		CASE(a_resize_below_what_is_outstanding_changes_nothing),
		CASE(an_rq_cannot_grow_into_a_closed_cq),
		CASE_PER_FAMILY(resizing_under_traffic_loses_nothing),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
