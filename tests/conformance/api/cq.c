/* SPDX-License-Identifier: MIT */
/*
 * cq.c - completion queues: limits of create and resize, dequeue, close
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Holds: REGIO_CQ_CAPACITY_MAX, regio_cq_create -EINVAL. */
START_TEST(capacities_outside_the_limits_are_refused)
{
	struct regio_cq *cq = NULL;

	EXPECT_RETURN(-EINVAL, regio_cq_create(0, NULL, &cq));
	EXPECT_RETURN(-EINVAL, regio_cq_create(REGIO_CQ_CAPACITY_MAX + 1, NULL, &cq));
	EXPECT_RETURN(-EINVAL, regio_cq_create(UINT32_MAX, NULL, &cq));
	EXPECT_RETURN(-EINVAL, regio_cq_create(1, NULL, NULL));
	ck_assert_ptr_null(cq);
}
END_TEST

/* Holds: regio_cq_create what, regio_cq_create Returns. */
START_TEST(capacities_from_1_to_2_million_are_granted)
{
	const uint32_t capacities[] = {1, 2, 3, 1000, 163840, 2000000};
	struct regio_cq *cq;

	for (size_t i = 0; i < ARRAY_SIZE(capacities); i++) {
		EXPECT_RETURN(0, regio_cq_create(capacities[i], NULL, &cq));
		expect_empty(cq);
		EXPECT_RETURN(0, regio_cq_close(cq));
	}
}
END_TEST

/* Holds: REGIO_CQ_CAPACITY_MAX, regio_cq_create -ENOMEM. */
START_TEST(the_largest_capacity_is_granted_or_there_is_no_memory)
{
	struct regio_cq *cq = NULL;
	int result = regio_cq_create(REGIO_CQ_CAPACITY_MAX, NULL, &cq);

	EXPECT(result == 0 || result == -ENOMEM, "%s", regio_error_name(result));
	if (result == 0)
		EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_cq_dequeue -EINVAL, regio_cq_dequeue Returns. */
START_TEST(a_dequeue_needs_an_array_only_for_results)
{
	struct regio_cq *cq = cq_of(4, NULL);
	struct regio_result result;

	EXPECT_RETURN(0, regio_cq_dequeue(cq, NULL, 0));
	EXPECT_RETURN(0, regio_cq_dequeue(cq, &result, 0));
	EXPECT_RETURN(-EINVAL, regio_cq_dequeue(cq, NULL, 1));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_cq_dequeue what. */
START_TEST(a_dequeue_of_0_takes_nothing)
{
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .sends = 1, .slot_size = 64);
	post_send(&side, 0, 64, 0);
	EXPECT_RETURN(0, regio_cq_dequeue(side.send_cq, NULL, 0));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 64, 0);
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_dequeue what, regio_cq_dequeue Returns. */
START_TEST(a_dequeue_writes_no_more_than_it_is_asked_for)
{
	struct regio_result results[4] = {[3] = {.status = 77}};
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .sends = 8, .slot_size = 16);
	for (uint64_t i = 0; i < 8; i++)
		post_send(&side, i, 16, 0);
	collect(side.send_cq, results, 3);
	for (uint64_t i = 0; i < 3; i++)
		expect_result(&results[i], 0, 16, i);
	ck_assert_int_eq(results[3].status, 77);
	collect(side.send_cq, results, 4);
	expect_result(&results[0], 0, 16, 3);
	side_close(&side);
}
END_TEST

/*
 * One operation on each socket brings more than there is room for.
 *
 * Holds: regio_cq_dequeue what, regio_cq_dequeue Returns.
 */
START_TEST(a_dequeue_from_many_sockets_writes_no_more_than_it_is_asked_for)
{
	enum { SOCKETS = 8, EACH = 4, ALL = SOCKETS * EACH, ASKED = 5 };
	struct regio_cq *cq = cq_of(ALL, NULL);
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_rq *rqs[SOCKETS];
	int fds[SOCKETS], taken = 0;

	for (uint64_t i = 0; i < SOCKETS; i++) {
		fds[i] = bound_socket(families[_i]);
		int peer = peer_of(fds[i]);

		for (int message = 0; message < EACH; message++)
			send_plain(peer, NULL, 0);
		close(peer);
		EXPECT_RETURN(0, regio_rq_create(fds[i], EACH, 0, cq, cq, i, NULL, &rqs[i]));
		for (uint64_t request = 0; request < EACH; request++)
			EXPECT_RETURN(0, regio_receive(rqs[i], NULL, 0, request));
	}
	while (taken < ALL) {
		struct regio_result results[ALL] = {[ASKED] = {.status = 77}};
		int got = regio_cq_dequeue(cq, results, ASKED);

		EXPECT(got >= 0 && got <= ASKED, "%d results", got);
		ck_assert_int_eq(results[ASKED].status, 77);
		taken += got;
		EXPECT(now_ns() < deadline_ns, "%d of %d completions", taken, ALL);
	}
	for (size_t i = 0; i < SOCKETS; i++)
		EXPECT_RETURN(0, regio_rq_close(rqs[i], REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Holds: regio_cq_resize what, regio_cq_resize Ownership, regio_cq_resize Returns. */
START_TEST(a_resize_keeps_completions_and_their_order)
{
	const uint32_t capacities[] = {64, 9, 8, 1000, 8};
	struct regio_result results[8];
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .sends = 8, .slot_size = 16);
	for (uint64_t round = 0; round < 40; round++) {
		for (uint64_t i = 0; i < 8; i++)
			post_send(&side, i, 16, 0);
		collect(side.send_cq, results, round % 8);
		for (size_t i = 0; i < ARRAY_SIZE(capacities); i++)
			EXPECT_RETURN(0, regio_cq_resize(side.send_cq, capacities[i]));
		collect(side.send_cq, results + round % 8, 8 - round % 8);
		for (uint64_t i = 0; i < 8; i++)
			expect_result(&results[i], 0, 16, i);
	}
	side_close(&side);
}
END_TEST

/*
 * Dequeued in part, it has been listed again by a completion that came with the rest.
 *
 * Holds: regio_rq_close what.
 */
START_TEST(a_closed_queue_gives_its_room_back_with_its_last_completion)
{
	struct regio_result results[8];
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_ITSELF, .sends = 8, .slot_size = 16);
	for (uint64_t i = 0; i < 8; i++)
		post_send(&side, i, 16, 0);
	EXPECT_RETURN(8, regio_cq_wait(side.send_cq, 8, PATIENCE_NS, PATIENCE_NS));
	EXPECT_RETURN(1, regio_cq_dequeue(side.send_cq, results, 1));
	post_send(&side, 0, 16, 0);
	EXPECT_RETURN(8, regio_cq_wait(side.send_cq, 8, PATIENCE_NS, PATIENCE_NS));
	EXPECT_RETURN(8, regio_cq_dequeue(side.send_cq, results, 8));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 1));
	side_close_rest(&side);
}
END_TEST
/* Holds: regio_cq_resize -ETOOMANYREFS, regio_cq_resize -EINVAL, regio_cq_resize Returns. */
START_TEST(a_resize_below_what_is_reserved_changes_nothing)
{
	struct regio_rq *second = NULL;
	struct side side;
	int fd = bound_socket(AF_INET);

	SIDE_OPEN(&side, .family = AF_INET, .sends = 8, .slot_size = 16);
	EXPECT_RETURN(-ETOOMANYREFS, regio_cq_resize(side.send_cq, 7));
	EXPECT_RETURN(-EINVAL, regio_cq_resize(side.send_cq, 0));
	EXPECT_RETURN(-EINVAL, regio_cq_resize(side.send_cq, REGIO_CQ_CAPACITY_MAX + 1));
	EXPECT_RETURN(-ENOBUFS,
		      regio_rq_create(fd, 0, 1, side.receive_cq, side.send_cq, 0, NULL, &second));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 8));
	EXPECT_RETURN(-ENOBUFS,
		      regio_rq_create(fd, 0, 1, side.receive_cq, side.send_cq, 0, NULL, &second));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 9));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 8));
	EXPECT_RETURN(-ENOBUFS,
		      regio_rq_create(fd, 0, 1, side.receive_cq, side.send_cq, 0, NULL, &second));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 9));
	EXPECT_RETURN(0,
		      regio_rq_create(fd, 0, 1, side.receive_cq, side.send_cq, 0, NULL, &second));
	EXPECT_RETURN(0, regio_rq_close(second, REGIO_CLOSE_SOCKET));
	side_close(&side);
}
END_TEST

/* Holds: regio.h what, regio_result what. */
START_TEST(one_cq_serves_many_sockets)
{
	enum { SOCKETS = 100 };
	struct regio_cq *cq = cq_of(SOCKETS, NULL);
	struct side sides[SOCKETS];
	int seen[SOCKETS] = {0};
	struct regio_result results[SOCKETS];

	for (size_t i = 0; i < SOCKETS; i++) {
		SIDE_OPEN(&sides[i], .family = i % 2 ? AF_INET : AF_INET6, .peer = PEER_ONE_WAY,
			  .receives = 1, .cq = cq, .rq_context = i);
		EXPECT_RETURN(0, regio_receive(sides[i].rq, NULL, 0, i + 1000));
	}
	for (size_t i = 0; i < SOCKETS; i++)
		send_plain(sides[i].peer, NULL, 0);
	collect(cq, results, SOCKETS);
	for (size_t i = 0; i < SOCKETS; i++) {
		ck_assert_uint_eq(results[i].request_context, results[i].rq_context + 1000);
		ck_assert_int_eq(results[i].status, 0);
		ck_assert_int_eq(seen[results[i].rq_context]++, 0);
	}
	for (size_t i = 0; i < SOCKETS; i++)
		side_close(&sides[i]);
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/*
 * Holds: regio_cq_close Ownership, regio_cq_close -EBADF, regio_cq_dequeue -EBADF,
 * regio_cq_notify -EBADF, regio_cq_wait -EBADF, regio_cq_fd -EBADF, regio_cq_resize -EBADF,
 * regio_rq_create -EBADF.
 */
START_TEST(a_closed_cq_is_an_error_for_every_call)
{
	struct regio_cq *cq = cq_of(4, NULL);
	struct regio_rq *rq = NULL;
	struct regio_result result;
	int fd = bound_socket(AF_INET);

	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(-EBADF, regio_cq_close(cq));
	EXPECT_RETURN(-EBADF, regio_cq_dequeue(cq, &result, 1));
	EXPECT_RETURN(-EBADF, regio_cq_notify(cq));
	EXPECT_RETURN(-EBADF, regio_cq_wait(cq, 1, 0, 0));
	EXPECT_RETURN(-EBADF, regio_cq_fd(cq));
	EXPECT_RETURN(-EBADF, regio_cq_resize(cq, 8));
	EXPECT_RETURN(-EBADF, regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &rq));
	ck_assert_ptr_null(rq);
	close(fd);
}
END_TEST

/* Holds: regio_cq_fd Returns, regio_cq_fd Ownership, regio_cq_close Ownership. */
START_TEST(the_descriptor_is_the_same_for_the_life_of_the_cq)
{
	struct side side;

	SIDE_OPEN(&side, .family = AF_INET, .receives = 1, .slot_size = 16);
	int fd = regio_cq_fd(side.receive_cq);

	EXPECT(fd >= 0, "%s", regio_error_name(fd));
	EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, 100));
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	ck_assert_int_eq(regio_cq_fd(side.receive_cq), fd);
	side_close(&side);
	EXPECT(fcntl(fd, F_GETFD) < 0 && errno == EBADF, "it is left open");
}
END_TEST

/* Holds: regio_driver_create what, regio_cq_opts.driver. */
START_TEST(thousands_of_cqs_share_one_driver)
{
	enum { COUNT = 5000 };
	static struct regio_cq *cqs[COUNT];
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (size_t i = 0; i < COUNT; i++)
		cqs[i] = cq_of(110, driver);
	for (size_t i = 0; i < COUNT; i++)
		EXPECT_RETURN(0, regio_cq_close(cqs[i]));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

START_TEST(a_busy_socket_does_not_keep_another_from_its_turn)
{
	enum { BUSY = 400, RARE_CONTEXT = 7 };
	static struct regio_result results[BUSY + 1];
	struct side busy, rare;
	struct regio_cq *cq;
	uint32_t rare_at = 0;

	if (driven_by_a_thread())
		SKIP("a driver's thread may be through with one before the other has posted");
	cq = cq_of(BUSY + 1, NULL);
	SIDE_OPEN(&busy, .family = families[_i], .peer = PEER_ONE_WAY, .receives = BUSY, .cq = cq);
	SIDE_OPEN(&rare, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1, .cq = cq,
		  .rq_context = RARE_CONTEXT);
	for (uint64_t i = 0; i < BUSY; i++)
		send_plain(busy.peer, NULL, 0);
	send_plain(rare.peer, NULL, 0);
	for (uint64_t i = 0; i < BUSY; i++)
		EXPECT_RETURN(0, regio_receive(busy.rq, NULL, REGIO_MSG_DEFER, i));
	EXPECT_RETURN(0, regio_receive(rare.rq, NULL, REGIO_MSG_DEFER, 0));
	collect(cq, results, BUSY + 1);
	while (results[rare_at].rq_context != RARE_CONTEXT)
		rare_at++;
	/* A fault may delay the event of the rare one until the busy one is through. */
	if (!faults_injected())
		EXPECT(rare_at < BUSY / 2, "its turn came after %u messages of the busy one",
		       rare_at);
	side_close(&busy);
	side_close(&rare);
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* Two senders on one CQ: what the busy one has sent is sent again as soon as it is dequeued. */
struct rivals {
	struct regio_cq *cq;
	struct side busy;
	struct side rare;
	int sink;
};

enum { RIVAL_SENDS = 64 };

static void rivals_open(struct rivals *rivals, int family)
{
	rivals->cq = cq_of(2 * RIVAL_SENDS + 2, NULL);
	rivals->sink = bound_socket(family);
	for (int i = 0; i < 2; i++) {
		struct side *side = i ? &rivals->rare : &rivals->busy;

		SIDE_OPEN(side, .family = family, .receives = 1, .sends = RIVAL_SENDS,
			  .slot_size = 16, .cq = rivals->cq, .rq_context = (uint64_t)i);
		connect_to(side->fd, rivals->sink);
	}
}

static void rivals_close(struct rivals *rivals)
{
	side_close(&rivals->busy);
	side_close(&rivals->rare);
	EXPECT_RETURN(0, regio_cq_close(rivals->cq));
	close(rivals->sink);
}

/* How many results of the busy side come before the first of the other. */
static uint32_t results_before_the_rare(struct rivals *rivals, uint32_t at_a_time)
{
	enum { MOST = 100000 };
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result results[RIVAL_SENDS];
	uint32_t before = 0;

	while (before < MOST) {
		int got = regio_cq_dequeue(rivals->cq, results, at_a_time);

		EXPECT(now_ns() < deadline_ns, "its turn has not come after %u results", before);
		for (int i = 0; i < got; i++) {
			if (results[i].rq_context)
				return before;
			before++;
			post_send(&rivals->busy, results[i].request_context, 16, 0);
		}
	}
	return before;
}

/* Holds: regio_cq_dequeue what. */
START_TEST(a_half_with_more_than_is_asked_for_lets_another_have_its_turn)
{
	enum { ASKED = 4 };
	struct rivals rivals;
	uint32_t before;

	rivals_open(&rivals, families[_i]);
	for (uint64_t i = 1; i <= RIVAL_SENDS; i++)
		post_send(&rivals.busy, i, 16, 0);
	post_send(&rivals.rare, 1, 16, 0);
	EXPECT_RETURN(RIVAL_SENDS + 1,
		      regio_cq_wait(rivals.cq, RIVAL_SENDS + 1, UINT64_MAX, PATIENCE_NS));
	before = results_before_the_rare(&rivals, ASKED);
	EXPECT(before <= ASKED, "its turn came after %u results of the other", before);
	rivals_close(&rivals);
}
END_TEST

/* Holds: regio_cq_dequeue what. */
START_TEST(a_queue_that_is_never_found_empty_makes_progress)
{
	enum { ASKED = 16, MOST = 4096 };
	struct rivals rivals;
	uint32_t before;

	rivals_open(&rivals, families[_i]);
	post_receive(&rivals.rare, 0);
	expect_empty(rivals.cq);
	for (uint64_t i = 1; i <= RIVAL_SENDS; i++)
		post_send(&rivals.busy, i, 16, 0);
	EXPECT(regio_cq_wait(rivals.cq, 1, 0, PATIENCE_NS) > 0, "no send completed");
	union address rare = own_address(rivals.rare.fd);

	EXPECT(sendto(rivals.sink, "x", 1, 0, &rare.any, address_length(&rare)) == 1, "%m");
	await_arrival(families[_i]);
	before = results_before_the_rare(&rivals, ASKED);
	/* The thread has its own time, and the delays of faults are theirs. */
	if (!driven_by_a_thread() && !faults_injected())
		EXPECT(before <= MOST, "its turn came after %u results of the other", before);
	rivals_close(&rivals);
}
END_TEST

/* One empty dequeue may answer from memory, not two in a row. Holds: regio_cq_dequeue what. */
START_TEST(a_program_that_polls_after_a_wait_finds_a_message_at_its_second_dequeue)
{
	enum { ROUNDS = 100 };
	struct regio_result result;
	struct side side;

	if (driven_by_a_thread())
		SKIP("a driver's thread asks the kernel");
	if (faults_injected())
		SKIP("what is there is hidden now and then");
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1,
		  .slot_size = 16);
	post_receive(&side, 0);
	for (int round = 0; round < ROUNDS; round++) {
		EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, MILLISECOND_NS));
		/* In every other round the one that may not ask comes before the message. */
		if (round % 2)
			EXPECT_RETURN(0, regio_cq_dequeue(side.receive_cq, &result, 1));
		send_plain(side.peer, "y", 1);
		if (regio_cq_dequeue(side.receive_cq, &result, 1) == 0)
			EXPECT_RETURN(1, regio_cq_dequeue(side.receive_cq, &result, 1));
		post_receive(&side, 0);
	}
	side_close(&side);
}
END_TEST

/* Whether one of up to 'dequeues' calls, before each of which it sends, returns a receive. */
static bool receives_while_it_sends(struct side *side, int dequeues)
{
	struct regio_result results[4];

	for (int i = 0; i < dequeues; i++) {
		int count;

		post_send(side, 1, 1, REGIO_MSG_DEFER);
		count = regio_cq_dequeue(side->receive_cq, results, ARRAY_SIZE(results));
		EXPECT(count > 0, "dequeue %d: %d", i, count);
		for (int k = 0; k < count; k++) {
			if (results[k].request_context == 0)
				return true;
		}
	}
	return false;
}

/* Each dequeue has a send to execute, and returns it. Holds: regio_cq_dequeue what. */
START_TEST(a_program_that_sends_after_a_wait_finds_a_message_at_its_fifth_dequeue)
{
	enum { ROUNDS = 100, SENDS = 8 };
	struct side side;

	if (driven_by_a_thread())
		SKIP("a driver's thread asks the kernel");
	if (faults_injected())
		SKIP("what is there is hidden now and then");
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .receives = 1,
		  .sends = SENDS, .slot_size = 16, .cq = cq_of(1 + SENDS, NULL));
	for (int round = 0; round < ROUNDS; round++) {
		post_receive(&side, 0);
		EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, MILLISECOND_NS));
		send_plain(side.peer, "y", 1);
		EXPECT(receives_while_it_sends(&side, 5), "round %d: it was not found", round);
	}
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(capacities_outside_the_limits_are_refused),
		CASE(capacities_from_1_to_2_million_are_granted),
		CASE(the_largest_capacity_is_granted_or_there_is_no_memory),
		CASE(a_dequeue_needs_an_array_only_for_results),
		CASE(a_dequeue_of_0_takes_nothing),
		CASE(a_dequeue_writes_no_more_than_it_is_asked_for),
		CASE_PER_FAMILY(a_dequeue_from_many_sockets_writes_no_more_than_it_is_asked_for),
		CASE(a_resize_keeps_completions_and_their_order),
		CASE(a_closed_queue_gives_its_room_back_with_its_last_completion),
		CASE(a_resize_below_what_is_reserved_changes_nothing),
		CASE(one_cq_serves_many_sockets),
		CASE_PER_FAMILY(a_busy_socket_does_not_keep_another_from_its_turn),
		CASE_PER_FAMILY(a_half_with_more_than_is_asked_for_lets_another_have_its_turn),
		CASE_PER_FAMILY(a_queue_that_is_never_found_empty_makes_progress),
		CASE(a_closed_cq_is_an_error_for_every_call),
		CASE(the_descriptor_is_the_same_for_the_life_of_the_cq),
		CASE(thousands_of_cqs_share_one_driver),
		CASE_PER_FAMILY(
			a_program_that_polls_after_a_wait_finds_a_message_at_its_second_dequeue),
		CASE_PER_FAMILY(
			a_program_that_sends_after_a_wait_finds_a_message_at_its_fifth_dequeue),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
