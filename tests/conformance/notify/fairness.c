/* SPDX-License-Identifier: MIT */
/*
 * fairness.c - after how many dequeues a message is delivered, among silent queues and busy ones
 *
 * Counted in dequeues: the bounds of docs/SCHEDULING.md hold on every engine, and on a simulated
 * network, at any speed of the machine.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many queues a case has. */
static const uint32_t crowds[] = {1, 10, 100, 1000, 10000};

/* A simulated network keeps a message for up to 200 us; each dequeue takes 2 us of it, on average.
 */
enum { SIMULATED_DELAY = 300 };

/* Many times as many dequeues as any bound here. */
enum { LOST_AFTER = 10000 };

/* A driver's thread has its own time. */
#define SKIP_UNLESS_DEQUEUES_COUNT()                                                               \
	do {                                                                                       \
		if (driven_by_a_thread())                                                          \
			SKIP("a driver's thread does not count in dequeues");                      \
	} while (0)

static uint32_t with_delay(uint32_t dequeues)
{
	const char *engine = getenv("REGIO_ENGINE");

	return dequeues + (engine && strcmp(engine, "sim") == 0 ? SIMULATED_DELAY : 0);
}

/* Many sockets on one CQ, and what to send to them with. */
struct crowd {
	struct regio_cq *cq;
	struct side *sides;
	uint32_t count;
	int sender;
};

/* Each has posted so many receives. */
static void crowd_open(struct crowd *crowd, int family, uint32_t count, uint32_t receives)
{
	*crowd = (struct crowd){.cq = cq_of((receives + 1) * count, NULL),
				.sides = calloc(count, sizeof(struct side)),
				.count = count,
				.sender = udp_socket(family)};
	for (uint32_t i = 0; i < count; i++) {
		SIDE_OPEN(&crowd->sides[i], .family = family, .receives = receives + 1,
			  .cq = crowd->cq, .rq_context = i);
		for (uint32_t k = 0; k < receives; k++)
			EXPECT_RETURN(0, regio_receive(crowd->sides[i].rq, NULL, 0, k));
	}
}

static void crowd_send(const struct crowd *crowd, uint32_t to)
{
	const union address address = own_address(crowd->sides[to].fd);

	EXPECT(sendto(crowd->sender, NULL, 0, 0, &address.any, address_length(&address)) == 0,
	       "%m");
}

/*
 * Dequeues one, and has its queue receive again. Returns which. Only a message that many dequeues
 * have not found is lost: a thread may be off its processor until the time is over.
 */
static uint32_t crowd_take(const struct crowd *crowd, uint32_t *ret_empty_dequeues)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result result;

	*ret_empty_dequeues = 0;
	while (regio_cq_dequeue(crowd->cq, &result, 1) == 0) {
		EXPECT(now_ns() < deadline_ns || *ret_empty_dequeues < LOST_AFTER,
		       "no message came");
		++*ret_empty_dequeues;
	}
	EXPECT_RETURN(0, regio_receive(crowd->sides[result.rq_context].rq, NULL, 0, 0));
	return (uint32_t)result.rq_context;
}

static void crowd_close(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->count; i++)
		side_close(&crowd->sides[i]);
	EXPECT_RETURN(0, regio_cq_close(crowd->cq));
	close(crowd->sender);
	free(crowd->sides);
}

/* Has them all receive so often that none needs to be watched. Returns the last that did. */
static uint32_t crowd_busy(const struct crowd *crowd)
{
	uint32_t empty, last = 0;

	for (uint32_t round = 0; round < 60; round++) {
		for (uint32_t i = 0; i < crowd->count; i++)
			crowd_send(crowd, i);
		for (uint32_t i = 0; i < crowd->count; i++)
			last = crowd_take(crowd, &empty);
	}
	return last;
}

START_TEST(the_one_of_many_busy_queues_that_goes_on_is_found_soon)
{
	enum { QUEUES = 200, REPETITIONS = 4 };
	uint32_t empty = 0, last = 0;
	struct crowd crowd;

	SKIP_UNLESS_DEQUEUES_COUNT();
	crowd_open(&crowd, families[_i], QUEUES, 1);
	for (uint32_t repetition = 0; repetition < REPETITIONS; repetition++) {
		last = crowd_busy(&crowd);
		crowd_send(&crowd, last);
		ck_assert_uint_eq(crowd_take(&crowd, &empty), last);
		EXPECT(empty < with_delay(QUEUES / 4), "it took %u empty dequeues", empty);
	}
	crowd_close(&crowd);
}
END_TEST

/* Each that fell silent is tried a few times in all, however long the others go on. */
START_TEST(busy_queues_that_fall_silent_cost_the_others_few_dequeues)
{
	enum { QUEUES = 200, ROUNDS = 100 };
	uint32_t empty, empty_all = 0, last;
	struct crowd crowd;

	SKIP_UNLESS_DEQUEUES_COUNT();
	crowd_open(&crowd, families[_i], QUEUES, 1);
	last = crowd_busy(&crowd);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		crowd_send(&crowd, last);
		crowd_send(&crowd, (last + QUEUES / 2) % QUEUES);
		for (int i = 0; i < 2; i++) {
			crowd_take(&crowd, &empty);
			empty_all += empty;
		}
	}
	/* One in each round is not theirs. */
	EXPECT(empty_all < ROUNDS * with_delay(1) + QUEUES / 4, "they cost %u empty dequeues",
	       empty_all);
	crowd_close(&crowd);
}
END_TEST

/* Until nothing is left that might be there. */
static void crowd_settle(const struct crowd *crowd)
{
	struct regio_result result;

	for (uint32_t i = 0; i < 64 + crowd->count; i++)
		EXPECT_RETURN(0, regio_cq_dequeue(crowd->cq, &result, 1));
}

/* Holds: regio_cq_dequeue what. */
START_TEST(a_message_among_silent_queues_is_found_however_many_they_are)
{
	enum { ROUNDS = 64, MOST = 40 };
	const uint32_t count = crowds[_i];
	uint32_t empty;
	struct crowd crowd;

	SKIP_UNLESS_DEQUEUES_COUNT();
	if (!descriptors_for(count + 64))
		SKIP("a process may not have %u descriptors here; see ulimit -n", count + 64);
	/* So many ports get what other programs send to ports that they have closed. */
	enter_own_network();
	crowd_open(&crowd, AF_INET, count, 1);
	crowd_settle(&crowd);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		const uint32_t to = round * 7919 % count;

		crowd_send(&crowd, to);
		ck_assert_uint_eq(crowd_take(&crowd, &empty), to);
		EXPECT(empty <= with_delay(MOST), "it took %u empty dequeues", empty);
	}
	crowd_close(&crowd);
}
END_TEST

/* Each has more than one turn takes, and the caller's array is of any size. */
START_TEST(each_of_many_ready_queues_has_its_turn)
{
	enum { QUEUES = 24, MESSAGES = 200, TURN = 128 };
	const int sizes[] = {1, 7, 4096};
	static struct regio_result results[4096];
	uint32_t delivered = 0, queues_seen = 0, seen[QUEUES] = {0};
	struct crowd crowd;

	SKIP_UNLESS_DEQUEUES_COUNT();
	crowd_open(&crowd, AF_INET, QUEUES, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		for (uint32_t to = 0; to < QUEUES; to++)
			crowd_send(&crowd, to);
		if ((i + 1) % (ON_THE_WAY_MAX / 4 / QUEUES) == 0)
			await_arrival(AF_INET);
	}
	for (uint32_t dequeues = 0; queues_seen < QUEUES; dequeues++) {
		int got = regio_cq_dequeue(crowd.cq, results, (uint32_t)sizes[_i]);

		EXPECT(dequeues < with_delay(QUEUES * TURN), "%u queues are not served",
		       QUEUES - queues_seen);
		for (int k = 0; k < got; k++)
			queues_seen += seen[results[k].rq_context]++ == 0;
		delivered += (uint32_t)got;
	}
	EXPECT(delivered <= QUEUES * TURN, "the last had its turn after %u results", delivered);
	crowd_close(&crowd);
}
END_TEST

static uint64_t crowd_received(const struct crowd *crowd)
{
	struct regio_rq_info info;
	uint64_t received = 0;

	for (uint32_t i = 0; i < crowd->count; i++) {
		EXPECT_RETURN(0, regio_rq_get_info(crowd->sides[i].rq, &info, sizeof(info)));
		received += info.messages_received;
	}
	return received;
}

/* No message waits in memory while the program is busy with others; and each queue has its turn. */
START_TEST(busy_queues_receive_no_more_than_fills_the_array)
{
	enum { QUEUES = 3, TURNS = 3, ROUNDS = 40, WARM_UP = 20 };
	uint32_t empty, seen = 0;
	uint64_t received;
	struct crowd crowd;

	SKIP_UNLESS_DEQUEUES_COUNT();
	crowd_open(&crowd, families[_i], QUEUES, 1);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		for (uint32_t i = 0; i < TURNS * QUEUES; i++)
			crowd_send(&crowd, i % QUEUES);
		received = crowd_received(&crowd);
		for (uint32_t i = 0; i < TURNS * QUEUES; i++) {
			seen = (i % QUEUES ? seen : 0) | 1u << crowd_take(&crowd, &empty);
			if (round < WARM_UP)
				continue;
			ck_assert_uint_eq(crowd_received(&crowd) - received, i + 1);
			/* A simulated network has not delivered all of them by then. */
			EXPECT(with_delay(0) || i % QUEUES < QUEUES - 1 ||
				       seen == (1u << QUEUES) - 1,
			       "one was served twice, before another");
		}
	}
	crowd_close(&crowd);
}
END_TEST

/* A queue that always has more than a dequeue takes, and one that is silent. */
struct flood {
	struct regio_cq *cq;
	struct side busy;
	struct side silent;
	int sender;
};

static void flood_send(const struct flood *flood, const struct side *to)
{
	const union address address = own_address(to->fd);

	EXPECT(sendto(flood->sender, "message", 7, 0, &address.any, address_length(&address)) == 7,
	       "%m");
}

static void flood_open(struct flood *flood, int family)
{
	enum { MESSAGES = 200 };
	/* For the longest turns. */
	const struct regio_rq_opts opts = {.size = sizeof(opts), .trains = REGIO_TRAINS_OFF};

	flood->cq = cq_of(2 * MESSAGES, NULL);
	flood->sender = udp_socket(family);
	SIDE_OPEN(&flood->busy, .family = family, .receives = MESSAGES, .slot_size = 64,
		  .cq = flood->cq, .rq_context = 0, .rq_opts = &opts);
	SIDE_OPEN(&flood->silent, .family = family, .receives = 1, .slot_size = 64, .cq = flood->cq,
		  .rq_context = 1);
	for (uint64_t i = 0; i < MESSAGES; i++)
		post_receive(&flood->busy, i);
	post_receive(&flood->silent, 0);
	for (uint32_t i = 0; i < MESSAGES; i++)
		flood_send(flood, &flood->busy);
}

/*
 * What is taken of the busy queue is posted and sent again. Returns how many that were, and whether
 * there was one of the other.
 */
static uint32_t flood_take(struct flood *flood, bool *ret_other)
{
	static struct regio_result results[256];
	int got = regio_cq_dequeue(flood->cq, results, ARRAY_SIZE(results));
	uint32_t taken = 0;

	EXPECT(got >= 0, "%s", regio_error_name(got));
	*ret_other = false;
	for (int i = 0; i < got; i++) {
		if (results[i].rq_context) {
			*ret_other = true;
			continue;
		}
		post_receive(&flood->busy, results[i].request_context);
		flood_send(flood, &flood->busy);
		taken++;
	}
	return taken;
}

static void flood_close(struct flood *flood)
{
	side_close(&flood->busy);
	side_close(&flood->silent);
	EXPECT_RETURN(0, regio_cq_close(flood->cq));
	close(flood->sender);
}

/*
 * However much each dequeue finds, the engine is asked for events after about one turn. A queue
 * that has received before may be tried without.
 */
START_TEST(the_first_message_beside_a_flood_is_found_soon)
{
	enum { ROUNDS = 11, TURN = 128 };

	SKIP_UNLESS_DEQUEUES_COUNT();
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t before = 0;
		bool found = false;
		struct flood flood;

		flood_open(&flood, families[_i]);
		/* In another phase each time. */
		for (uint32_t i = 0; i < 50 + round; i++) {
			flood_take(&flood, &found);
			EXPECT(!found, "a message before it was sent");
		}
		flood_send(&flood, &flood.silent);
		while (!found) {
			before += flood_take(&flood, &found);
			EXPECT(before <= with_delay(3) * TURN, "%u others were first", before);
		}
		flood_close(&flood);
	}
}
END_TEST

int main(void)
{
	static const char *const crowd_names[] = {"1", "10", "100", "1,000", "10,000"};
	static const char *const size_names[] = {"1 at a time", "7 at a time", "4,096 at a time"};
	const struct test_case cases[] = {
		{a_message_among_silent_queues_is_found_however_many_they_are, crowd_names,
		 ARRAY_SIZE(crowds), 4 * CASE_TIMEOUT_S},
		{each_of_many_ready_queues_has_its_turn, size_names, ARRAY_SIZE(size_names),
		 CASE_TIMEOUT_S},
		CASE_PER_FAMILY(busy_queues_receive_no_more_than_fills_the_array),
		CASE_PER_FAMILY(the_first_message_beside_a_flood_is_found_soon),
		CASE_PER_FAMILY(the_one_of_many_busy_queues_that_goes_on_is_found_soon),
		CASE_PER_FAMILY(busy_queues_that_fall_silent_cost_the_others_few_dequeues),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
