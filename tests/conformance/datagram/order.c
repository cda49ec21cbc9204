/* SPDX-License-Identifier: MIT */
/*
 * order.c - the k-th datagram in the k-th receive posted, whatever it travelled in
 *
 * A plain socket sends datagrams one by one and in trains of every length. It never has more
 * in flight than a socket buffer holds, so nothing is dropped and every number must come.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <stdlib.h>
#include <string.h>

#define SLOT_SIZE 256u

struct source {
	int fd;
	unsigned int train_limit;
	uint64_t next;
	uint64_t random;
};

/* A length that follows from the sequence number and the train it is in. */
static uint32_t train_message_length(uint64_t first)
{
	uint64_t state = first + 17;

	return 8 + random_below(&state, SLOT_SIZE - 8);
}

static void send_one(struct source *source)
{
	uint8_t data[SLOT_SIZE];
	uint32_t length = train_message_length(source->next);

	fill_message(data, length, source->next++);
	send_plain(source->fd, data, length);
}

/* The last message of a train may be shorter; here each second train has such a one. */
static void send_one_train(struct source *source, uint32_t count)
{
	uint8_t data[TRAIN_MESSAGES_MAX * SLOT_SIZE];
	uint32_t length = train_message_length(source->next), last = length;

	if (source->next % 2)
		last = 8 + length % (length - 7);
	for (uint32_t i = 0; i < count; i++)
		fill_message(data + (size_t)i * length, i + 1 < count ? length : last,
			     source->next++);
	send_train(source->fd, data, (size_t)(count - 1) * length + last, length);
}

/* Sends at most 'limit' messages, one by one or as a train; returns how many. */
static uint32_t send_some(struct source *source, uint32_t limit)
{
	uint64_t before = source->next;
	uint32_t count = 1 + random_below(&source->random, source->train_limit);

	if (count > limit)
		count = limit;
	if (source->train_limit > 1 && random_below(&source->random, 2))
		send_one_train(source, count);
	else
		for (uint32_t i = 0; i < count; i++)
			send_one(source);
	return (uint32_t)(source->next - before);
}

/* Checks the head of each message against its number; the fill proves the rest. */
static void expect_slot(const struct side *side, const struct regio_result *result,
			uint64_t sequence)
{
	uint64_t slot = sequence % side->receives;

	EXPECT(result->request_context == slot && result->status == 0 && result->bytes >= 8,
	       "message %llu: context %llu, %u bytes, %s", (unsigned long long)sequence,
	       (unsigned long long)result->request_context, result->bytes,
	       regio_error_name(result->status));
	expect_message(slot_memory(side, slot), result->bytes, sequence);
}

/* 'receives' stay posted until 'total' messages have come. */
static void run_mixed_traffic(int family, uint32_t receives, uint64_t total)
{
	static struct regio_result results[TRAIN_MESSAGES_MAX];
	struct source source = {.train_limit = train_limit(), .random = receives};
	uint64_t received = 0, posted = 0;
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = receives,
		  .slot_size = SLOT_SIZE);
	source.fd = side.peer;
	while (posted < receives)
		post_receive(&side, posted++);
	while (received < total) {
		uint32_t count = send_some(&source, TRAIN_MESSAGES_MAX);

		while (count > 0) {
			uint32_t part = count < receives ? count : receives;

			collect(side.receive_cq, results, part);
			for (uint32_t i = 0; i < part; i++)
				expect_slot(&side, &results[i], received++);
			for (uint32_t i = 0; i < part; i++)
				post_receive(&side, posted++ % receives);
			count -= part;
		}
	}
	expect_empty(side.receive_cq);
	side_close(&side);
}

/* Holds: regio_receive what. */
START_TEST(one_posted_receive_sees_every_datagram_in_order)
{
	run_mixed_traffic(families[_i], 1, scaled(20000));
}
END_TEST

/* Holds: regio_receive what. */
START_TEST(a_thousand_posted_receives_see_every_datagram_in_order)
{
	run_mixed_traffic(families[_i], 1000, scaled(100000));
}
END_TEST

START_TEST(a_hundred_and_fifty_thousand_posted_receives_see_every_datagram_in_order)
{
	run_mixed_traffic(families[_i], 150000, 150000 + scaled(250000));
}
END_TEST

/*
 * What a ring of slots does that advances by count: take one completion, post its slot again
 * and only then copy the data out. The burst is longer than the ring, so messages wait in the
 * socket, or in the library, for the very slot that is posted.
 */
static void run_early_reposts(int family, uint32_t ring, uint32_t burst)
{
	struct source source = {.train_limit = train_limit(), .random = ring};
	uint64_t received = 0, total = scaled(20000);
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = ring,
		  .slot_size = SLOT_SIZE);
	source.fd = side.peer;
	for (uint64_t slot = 0; slot < ring; slot++)
		post_receive(&side, slot);
	while (received < total) {
		uint32_t queued = 0;

		while (queued < burst)
			queued += send_some(&source, burst - queued);
		for (; queued > 0; queued--, received++) {
			struct regio_result result = collect_one(side.receive_cq);

			post_receive(&side, received % ring);
			expect_slot(&side, &result, received);
		}
	}
	side_close(&side);
}

static const char posted_is_shut[] = "the address build reports who touches a posted slice";

START_TEST(a_slot_posted_again_before_it_is_copied_out_is_not_overwritten_early)
{
	if (built_with_address_sanitizer())
		SKIP("%s", posted_is_shut);
	run_early_reposts(families[_i], 64, 48);
}
END_TEST

START_TEST(a_slot_posted_again_early_survives_a_burst_longer_than_the_ring)
{
	if (built_with_address_sanitizer())
		SKIP("%s", posted_is_shut);
	if (driven_by_a_thread())
		SKIP("a driver's thread may fill a receive as soon as it is posted");
	run_early_reposts(families[_i], 32, 120);
}
END_TEST

/*
 * Results of one half come in posting order on a CQ it shares with others, too.
 *
 * Holds: regio_cq_dequeue what.
 */
START_TEST(sends_complete_in_posting_order)
{
	enum { SENDS = 100, ROUNDS = 200 };
	struct regio_result results[SENDS];
	uint64_t random = 3;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = SENDS,
		  .slot_size = SLOT_SIZE);
	for (uint64_t round = 0; round < scaled(ROUNDS); round++) {
		uint32_t lengths[SENDS];

		for (uint64_t i = 0; i < SENDS; i++) {
			lengths[i] = random_below(&random, 4) * 64;
			post_message(&side, i, lengths[i], i,
				     random_below(&random, 2) ? REGIO_MSG_DEFER : 0);
		}
		collect(side.send_cq, results, SENDS);
		for (uint64_t i = 0; i < SENDS; i++) {
			uint8_t data[SLOT_SIZE];

			expect_result(&results[i], 0, lengths[i], i);
			ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), lengths[i]);
			expect_message(data, lengths[i], i);
		}
	}
	side_close(&side);
}
END_TEST

/*
 * Handed over at once, where there is room: not before those for which there was none.
 *
 * Holds: regio_cq_dequeue what.
 */
START_TEST(results_keep_their_order_where_not_all_fit)
{
	static uint8_t memory[64];
	struct regio_result results[2];
	struct regio_buf gone = {.length = sizeof(memory)};
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 4,
		  .slot_size = 64);
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &gone.region));
	for (uint64_t i = 0; i < 3; i++)
		EXPECT_RETURN(0, regio_send(side.rq, &gone, REGIO_MSG_DEFER, i));
	EXPECT_RETURN(0, regio_region_deregister(gone.region));
	post_send(&side, 3, 64, REGIO_MSG_DEFER);
	for (uint64_t done = 0; done < 4;) {
		int got = regio_cq_dequeue(side.send_cq, results, ARRAY_SIZE(results));

		EXPECT(got >= 0 && now_ns() < deadline_ns, "%d after %d results", got, (int)done);
		for (int i = 0; i < got; i++, done++) {
			ck_assert_uint_eq(results[i].request_context, done);
			if (!driven_by_a_thread())
				ck_assert_int_eq(results[i].status, done < 3 ? -EFAULT : 0);
		}
	}
	side_close(&side);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(one_posted_receive_sees_every_datagram_in_order),
		CASE_PER_FAMILY(a_thousand_posted_receives_see_every_datagram_in_order),
		CASE_PER_FAMILY(
			a_hundred_and_fifty_thousand_posted_receives_see_every_datagram_in_order),
		CASE_PER_FAMILY(
			a_slot_posted_again_before_it_is_copied_out_is_not_overwritten_early),
		CASE_PER_FAMILY(a_slot_posted_again_early_survives_a_burst_longer_than_the_ring),
		CASE_PER_FAMILY(sends_complete_in_posting_order),
		CASE_PER_FAMILY(results_keep_their_order_where_not_all_fit),
	};

	return run_ordered_cases(cases, ARRAY_SIZE(cases));
}
