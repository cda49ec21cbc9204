/* SPDX-License-Identifier: MIT */
/*
 * trains.c - messages joined on the way out and taken apart on the way in
 *
 * A far end with UDP_GRO on sees a train as it was sent; one without sees datagrams.
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 256u
#define SLOT_SIZE 2048u

#define REQUIRE_TRAINS()                                                                           \
	do {                                                                                       \
		if (train_limit() == 1)                                                            \
			SKIP("the kernel has no UDP_SEGMENT");                                     \
	} while (0)

/* For what a receiver sees of trains. */
#define REQUIRE_JOINING()                                                                          \
	do {                                                                                       \
		const char *not_joined = trains_not_joined();                                      \
		if (not_joined)                                                                    \
			SKIP("%s", not_joined);                                                    \
	} while (0)

#define REQUIRE_BATCHES()                                                                          \
	do {                                                                                       \
		if (driven_by_a_thread())                                                          \
			SKIP("a driver's thread does not wait for the end of a batch");            \
	} while (0)

/* A plan with SLOTS of SLOT_SIZE for each half. */
static void open_side(struct side *side, struct side_plan plan)
{
	plan.receives = SLOTS;
	plan.sends = SLOTS;
	plan.slot_size = SLOT_SIZE;
	side_open(side, &plan);
}

/* Connected both ways; the peer sees trains as trains. */
static void open_with_train_peer(struct side *side, struct side_plan plan)
{
	plan.peer = PEER_BOTH_WAYS;
	open_side(side, plan);
	set_option(side->peer, SOL_UDP, UDP_GRO, 1);
}

static struct regio_rq_info info_of(const struct side *side)
{
	struct regio_rq_info info;

	EXPECT_RETURN(0, regio_rq_get_info(side->rq, &info, sizeof(info)));
	return info;
}

/* Commits messages first, first + 1, ... of the given lengths together. */
static void commit_lengths(struct side *side, const uint32_t *lengths, uint32_t count,
			   uint64_t first)
{
	for (uint32_t i = 0; i < count; i++)
		post_message(side, SLOTS + i, lengths[i], first + i,
			     i + 1 < count ? REGIO_MSG_DEFER : 0);
}

static void commit_equal(struct side *side, uint32_t count, uint32_t length, uint64_t first)
{
	uint32_t lengths[SLOTS];

	for (uint32_t i = 0; i < count; i++)
		lengths[i] = length;
	commit_lengths(side, lengths, count, first);
}

static void collect_sends(struct side *side, uint32_t count)
{
	static struct regio_result results[SLOTS];

	collect(side->send_cq, results, count);
	for (uint32_t i = 0; i < count; i++)
		EXPECT(results[i].status == 0 && results[i].request_context == SLOTS + i,
		       "send %u: %s, context %llu", i, regio_error_name(results[i].status),
		       (unsigned long long)results[i].request_context);
}

/* Checks the messages of the next arrival; returns how many there are. */
static uint32_t expect_arrival(int peer, uint64_t first)
{
	static uint8_t data[65536];
	size_t message_size, length = receive_train(peer, data, sizeof(data), &message_size);
	uint32_t count = 0;

	for (size_t at = 0; at < length || count == 0; at += message_size) {
		size_t part = length - at < message_size ? length - at : message_size;

		expect_message(data + at, part, first + count);
		count++;
		if (part == 0)
			break;
	}
	return count;
}

/* Takes 'count' messages and returns the most that came in one train. */
static uint32_t longest_arrival(int peer, uint32_t count, uint64_t first)
{
	uint32_t longest = 0;

	for (uint32_t have = 0; have < count;) {
		uint32_t messages = expect_arrival(peer, first + have);

		have += messages;
		longest = messages > longest ? messages : longest;
	}
	EXPECT(nothing_queued(peer), "more than %u messages", count);
	return longest;
}

/* Holds: regio_rq_info.messages_sent. */
START_TEST(equal_sends_arrive_as_single_datagrams_at_a_plain_socket)
{
	uint8_t data[SLOT_SIZE];
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_BOTH_WAYS});
	commit_equal(&side, 200, 64, 0);
	collect_sends(&side, 200);
	for (uint64_t i = 0; i < 200; i++) {
		ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
		expect_message(data, 64, i);
	}
	EXPECT(nothing_queued(side.peer), "more than 200 datagrams");
	ck_assert_uint_eq(info_of(&side).messages_sent, 200);
	side_close(&side);
}
END_TEST

/*
 * Holds: regio_send what, REGIO_TRAINS what, REGIO_TRAINS_AUTO, regio_rq_opts.train_max_messages,
 * regio_rq_info.send_trains_on.
 */
START_TEST(equal_sends_travel_together)
{
	struct side side;

	REQUIRE_JOINING();
	REQUIRE_BATCHES();
	open_with_train_peer(&side, (struct side_plan){.family = families[_i]});
	commit_equal(&side, 200, 64, 0);
	collect_sends(&side, 200);
	uint32_t longest = longest_arrival(side.peer, 200, 0);

	EXPECT(longest == train_limit(), "the longest train has %u messages", longest);
	ck_assert_uint_eq(info_of(&side).trains_sent, (200 + longest - 1) / longest);
	ck_assert_uint_eq(info_of(&side).send_trains_on, 1);
	side_close(&side);
}
END_TEST

START_TEST(the_last_message_of_a_train_may_be_shorter_but_not_empty)
{
	const uint32_t lengths[] = {64, 64, 64, 10, 64, 64, 0, 64, 64};
	const uint32_t arrivals[] = {4, 2, 1, 2};
	uint64_t sequence = 0;
	struct side side;

	REQUIRE_JOINING();
	REQUIRE_BATCHES();
	open_with_train_peer(&side, (struct side_plan){.family = families[_i]});
	commit_lengths(&side, lengths, ARRAY_SIZE(lengths), 0);
	collect_sends(&side, ARRAY_SIZE(lengths));
	for (size_t i = 0; i < ARRAY_SIZE(arrivals); i++) {
		uint32_t count = expect_arrival(side.peer, sequence);

		EXPECT(count == arrivals[i], "arrival %zu has %u messages", i, count);
		sequence += count;
	}
	EXPECT(nothing_queued(side.peer), "more messages");
	side_close(&side);
}
END_TEST

START_TEST(mixed_sizes_keep_order_and_length)
{
	uint32_t lengths[SLOTS];
	uint64_t random = 5, sequence = 0;
	uint8_t data[SLOT_SIZE];
	struct side side;

	if (faults_injected())
		SKIP("a delayed send waits for the next call, and this case makes none");
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_BOTH_WAYS});
	for (int round = 0; round < 50; round++) {
		uint32_t count = 1 + random_below(&random, 128);

		for (uint32_t i = 0; i < count; i++)
			lengths[i] = 100 * random_below(&random, round % 2 ? 15 : 2);
		commit_lengths(&side, lengths, count, sequence);
		for (uint32_t i = 0; i < count; i++) {
			ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), lengths[i]);
			expect_message(data, lengths[i], sequence++);
		}
		collect_sends(&side, count);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_opts.train_max_messages, regio_rq_opts.train_max_bytes, REGIO_TRAINS_OFF. */
START_TEST(a_train_has_no_more_messages_and_bytes_than_allowed)
{
	const struct {
		struct regio_rq_opts opts;
		uint32_t size, longest;
	} limits[] = {
#define OPTS(...) {.size = sizeof(struct regio_rq_opts), __VA_ARGS__}
		{OPTS(.train_max_messages = 10), 64, 10},
		{OPTS(.train_max_messages = 1), 64, 1},
		{OPTS(.train_max_bytes = 1000), 100, 10},
		{OPTS(.train_max_bytes = 1000), 600, 1},
		{OPTS(.train_max_bytes = 640, .train_max_messages = 7), 64, 7},
		{OPTS(.trains = REGIO_TRAINS_OFF), 64, 1},
		{OPTS(0), 1400, 46},
		{OPTS(0), 1258, 51},
#undef OPTS
	};

	REQUIRE_JOINING();
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct side side;

		open_with_train_peer(&side, (struct side_plan){.family = families[_i],
							       .rq_opts = &limits[i].opts});
		commit_equal(&side, 100, limits[i].size, 0);
		collect_sends(&side, 100);
		uint32_t longest = longest_arrival(side.peer, 100, 0);

		EXPECT(longest == limits[i].longest ||
			       (driven_by_a_thread() && longest < limits[i].longest),
		       "row %zu: a train of %u messages", i, longest);
		if (longest == 1)
			ck_assert_uint_eq(info_of(&side).trains_sent, 0);
		side_close(&side);
	}
}
END_TEST

/* Holds: REGIO_TRAINS_AUTO, regio_rq_close what. */
START_TEST(receive_trains_turn_on_with_bursts_and_closing_turns_them_off)
{
	struct side side;

	REQUIRE_TRAINS();
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	int fd = dup(side.fd);

	ck_assert_int_eq(get_option(fd, SOL_UDP, UDP_GRO), 0);
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	ck_assert_int_eq(get_option(fd, SOL_UDP, UDP_GRO), 1);
	side_close(&side);
	ck_assert_int_eq(get_option(fd, SOL_UDP, UDP_GRO), 0);
	close(fd);
}
END_TEST

/* Holds: regio_rq_close what. */
START_TEST(closing_leaves_no_merged_data_behind)
{
	static uint8_t data[10 * 64];
	uint8_t found[sizeof(data)];
	struct side side;

	REQUIRE_TRAINS();
	open_side(&side, (struct side_plan){.family = families[_i]});
	int peer = peer_of(side.fd), fd = dup(side.fd);

	EXPECT(turn_trains_on(&side, peer), "bursts did not turn UDP_GRO on");
	send_train(peer, data, sizeof(data), 64);
	side_close(&side);
	EXPECT(nothing_queued(fd), "a train is left on the socket");
	send_plain(peer, "single", 6);
	ck_assert_uint_eq(receive_plain(fd, found, sizeof(found)), 6);
	close(peer);
	close(fd);
}
END_TEST

/* Holds: REGIO_TRAINS_AUTO, regio_rq_info.receive_trains_on. */
START_TEST(single_datagrams_leave_receive_trains_off)
{
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	for (uint64_t i = 0; i < 2000; i++) {
		post_receive(&side, i % SLOTS);
		send_plain(side.peer, "x", 1);
		collect_one(side.receive_cq);
	}
	ck_assert_uint_eq(info_of(&side).receive_trains_on, 0);
	ck_assert_int_eq(get_option(side.fd, SOL_UDP, UDP_GRO), 0);
	side_close(&side);
}
END_TEST

/* Holds: REGIO_TRAINS_SEND_ONLY, REGIO_TRAINS_OFF, regio_rq_info.send_trains_on. */
START_TEST(receive_trains_stay_off_when_asked_to)
{
	const uint32_t modes[] = {REGIO_TRAINS_SEND_ONLY, REGIO_TRAINS_OFF};

	REQUIRE_TRAINS();
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		const struct regio_rq_opts opts = {.size = sizeof(opts), .trains = modes[i]};
		struct side side;

		open_side(&side, (struct side_plan){.family = families[_i],
						    .peer = PEER_ONE_WAY,
						    .rq_opts = &opts});
		EXPECT(!turn_trains_on(&side, side.peer), "mode %u", modes[i]);
		ck_assert_int_eq(get_option(side.fd, SOL_UDP, UDP_GRO), 0);
		ck_assert_uint_eq(info_of(&side).send_trains_on,
				  modes[i] == REGIO_TRAINS_SEND_ONLY);
		side_close(&side);
	}
}
END_TEST

/* Times are asked for under a name for each width, before the RQ is made or afterwards. */
START_TEST(receive_trains_stay_off_where_arrival_times_are_wanted)
{
	const int stamping = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	const struct {
		int name, value;
	} wishes[] = {
		{SO_TIMESTAMP_OLD, 1},		 {SO_TIMESTAMP_NEW, 1},
		{SO_TIMESTAMPNS_OLD, 1},	 {SO_TIMESTAMPNS_NEW, 1},
		{SO_TIMESTAMPING_OLD, stamping}, {SO_TIMESTAMPING_NEW, stamping},
	};

	REQUIRE_TRAINS();
	for (size_t i = 0; i < 2 * ARRAY_SIZE(wishes); i++) {
		int fd = bound_socket(families[_i]), name = wishes[i / 2].name;
		struct side side;

		if (i % 2 == 0)
			set_option(fd, SOL_SOCKET, name, wishes[i / 2].value);
		open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_ONE_WAY});
		if (i % 2 == 1)
			set_option(fd, SOL_SOCKET, name, wishes[i / 2].value);
		EXPECT(!turn_trains_on(&side, side.peer),
		       "option %d: the times of a train's messages are lost", name);
		side_close(&side);
	}
}
END_TEST

START_TEST(receive_trains_stay_off_where_a_filter_looks_at_datagrams)
{
	struct sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	const struct sock_fprog program = {.len = 1, .filter = &accept_all};

	REQUIRE_TRAINS();
	for (int i = 0; i < 2; i++) {
		int fd = bound_socket(families[_i]);
		struct side side;

		if (i == 1)
			open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_ONE_WAY});
		EXPECT(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0,
		       "%m");
		if (i == 0)
			open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_ONE_WAY});
		EXPECT(!turn_trains_on(&side, side.peer), "the filter sees trains");
		side_close(&side);
	}
}
END_TEST

/*
 * Holds: REGIO_TRAINS what, REGIO_TRAINS_AUTO, regio_rq_info what, regio_rq_info.messages_received,
 * regio_rq_info.trains_received, regio_rq_info.receive_calls.
 */
START_TEST(trains_are_taken_apart_and_counted)
{
	static uint8_t data[100 * 64];
	struct regio_result results[100];
	struct side side;

	REQUIRE_JOINING();
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	struct regio_rq_info before = info_of(&side);

	for (uint64_t i = 0; i < 60; i++)
		fill_message(data + i * 64, i < 59 ? 64 : 9, i);
	for (uint64_t i = 0; i < 60; i++)
		post_receive(&side, i);
	send_train(side.peer, data, 59 * 64 + 9, 64);
	collect(side.receive_cq, results, 60);
	for (uint64_t i = 0; i < 60; i++) {
		expect_result(&results[i], 0, i < 59 ? 64 : 9, i);
		expect_message(slot_memory(&side, i), results[i].bytes, i);
	}
	ck_assert_uint_eq(info_of(&side).trains_received - before.trains_received, 1);
	ck_assert_uint_eq(info_of(&side).messages_received - before.messages_received, 60);
	EXPECT(info_of(&side).receive_calls > before.receive_calls, "no call is counted");
	side_close(&side);
}
END_TEST

START_TEST(a_train_longer_than_the_posted_receives_waits_for_later_ones)
{
	static uint8_t data[64 * 64];
	struct regio_result result;
	struct side side;
	uint64_t slot = 0;

	REQUIRE_TRAINS();
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	for (uint64_t i = 0; i < 64; i++)
		fill_message(data + i * 64, 64, i);
	send_train(side.peer, data, sizeof(data), 64);
	send_plain(side.peer, "behind", 6);
	for (uint64_t posts = 1; slot < 64; posts = posts % 7 + 1) {
		uint64_t end = slot + posts < 64 ? slot + posts : 64;

		for (uint64_t i = slot; i < end; i++)
			post_receive(&side, i);
		for (; slot < end; slot++) {
			result = collect_one(side.receive_cq);
			expect_result(&result, 0, 64, slot);
			expect_message(slot_memory(&side, slot), 64, slot);
		}
		expect_empty(side.receive_cq);
	}
	post_receive(&side, slot);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 6, slot);
	side_close(&side);
}
END_TEST

/* Opens a queue, has it receive trains, leaves messages of one waiting, and closes it. */
static void hold_a_train(struct regio_driver *driver, int family)
{
	static const uint8_t data[16 * 64];
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_ONE_WAY, .receives = 64, .slot_size = 64,
		  .driver = driver);
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	post_receive(&side, 0);
	send_train(side.peer, data, sizeof(data), 64);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 64, 0);
	side_close(&side);
}

/* Pages, used or not. */
static unsigned long address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	EXPECT(file && fscanf(file, "%lu", &pages) == 1, "/proc/self/statm");
	fclose(file);
	return pages;
}

/* A driver has few areas for them: kept by those that are gone, soon there would be none. */
START_TEST(queues_that_held_trains_leave_their_memory_to_others)
{
	enum { ROUNDS = 16, WARM = 4, SPARE_BYTES = 4 << 20 };
	struct regio_driver *driver;
	unsigned long before = 0, after;

	REQUIRE_TRAINS();
	/* Each thread may get another, of 64 MiB. */
	mallopt(M_ARENA_MAX, 1);
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int round = 0; round < ROUNDS; round++) {
		hold_a_train(driver, families[_i]);
		if (round == WARM)
			before = address_space();
	}
	after = address_space();
	if (!built_with_sanitizer())
		EXPECT((after - before) * (unsigned long)sysconf(_SC_PAGESIZE) < SPARE_BYTES ||
			       after < before,
		       "%lu pages, then %lu", before, after);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* So long that it is tried without events; the wait has it watched again. */
static void receive_one_by_one(struct side *side)
{
	struct regio_result result;

	for (int round = 0; round < 2000; round++) {
		post_receive(side, 0);
		send_plain(side->peer, "x", 1);
		while (regio_cq_dequeue(side->receive_cq, &result, 1) == 0)
			continue;
	}
}

START_TEST(messages_that_wait_for_receives_are_kept_when_a_busy_queue_cools_down)
{
	static uint8_t data[8 * 64];
	struct regio_driver *driver;
	struct regio_result result;
	struct side side;

	REQUIRE_TRAINS();
	/* A queue with two drivers is always watched. */
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 64,
		  .slot_size = 64, .driver = driver);
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	for (uint64_t i = 0; i < 8; i++)
		fill_message(data + i * 64, 64, i);
	for (int round = 0; round < 3; round++) {
		receive_one_by_one(&side);
		post_receive(&side, 0);
		send_train(side.peer, data, sizeof(data), 64);
		result = poll_one(side.receive_cq);
		expect_result(&result, 0, 64, 0);
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
		for (uint64_t i = 1; i < 8; i++)
			post_receive(&side, i);
		for (uint64_t i = 1; i < 8; i++) {
			result = collect_one(side.receive_cq);
			expect_result(&result, 0, 64, i);
			expect_message(slot_memory(&side, i), 64, i);
		}
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_rq_cancel what. */
START_TEST(messages_already_read_survive_a_cancel)
{
	static uint8_t data[8 * 64];
	struct regio_result result;
	struct side side;

	REQUIRE_TRAINS();
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	for (uint64_t i = 0; i < 8; i++)
		fill_message(data + i * 64, 64, i);
	send_train(side.peer, data, sizeof(data), 64);
	for (uint64_t i = 0; i < 8; i++) {
		post_receive(&side, i);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 64, i);
		expect_message(slot_memory(&side, i), 64, i);
		EXPECT_RETURN(0, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	}
	side_close(&side);
}
END_TEST

START_TEST(a_flood_of_tiny_datagrams_arrives_whole)
{
	enum { BURST = 128 };
	uint64_t total = scaled(50000), received = 0, sent = 0, random = 9;
	unsigned int limit = train_limit();
	struct regio_result results[BURST];
	uint8_t data[BURST];
	struct side side;

	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_ONE_WAY});
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&side, i);
	while (received < total) {
		uint32_t count = 1 + random_below(&random, limit > 1 ? limit : BURST);

		for (uint32_t i = 0; i < count; i++)
			data[i] = (uint8_t)(sent++ % 251);
		if (limit > 1 && count > 1 && random_below(&random, 2))
			send_train(side.peer, data, count, 1);
		else
			for (uint32_t i = 0; i < count; i++)
				send_plain(side.peer, data + i, 1);
		collect(side.receive_cq, results, count);
		for (uint32_t i = 0; i < count; i++, received++) {
			expect_result(&results[i], 0, 1, received % SLOTS);
			EXPECT(*slot_memory(&side, received % SLOTS) == received % 251,
			       "message %llu is another one", (unsigned long long)received);
			post_receive(&side, received % SLOTS);
		}
	}
	side_close(&side);
}
END_TEST

/* Sends 20 equal messages on 'fd' as its owner set it up; all must arrive alone. */
static void expect_singles(int fd, const struct regio_rq_opts *opts)
{
	struct side side;

	open_with_train_peer(&side, (struct side_plan){.fd = fd, .rq_opts = opts});
	commit_equal(&side, 20, 64, 0);
	collect_sends(&side, 20);
	uint32_t longest = longest_arrival(side.peer, 20, 0);

	EXPECT(longest == 1, "%u messages joined", longest);
	ck_assert_uint_eq(info_of(&side).trains_sent, 0);
	ck_assert_uint_eq(info_of(&side).send_trains_on, 0);
	side_close(&side);
}

/* Holds: regio_rq_info.send_trains_on. */
START_TEST(sends_are_not_joined_where_departure_times_are_wanted)
{
	const int names[] = {SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_NEW};

	REQUIRE_TRAINS();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int fd = bound_socket(families[_i]);

		set_option(fd, SOL_SOCKET, names[i],
			   SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE);
		expect_singles(fd, NULL);
	}
}
END_TEST

START_TEST(sends_are_not_joined_where_departure_times_are_set)
{
	const struct sock_txtime txtime = {.clockid = CLOCK_MONOTONIC};
	int fd = bound_socket(families[_i]);

	REQUIRE_TRAINS();
	if (setsockopt(fd, SOL_SOCKET, SO_TXTIME, &txtime, sizeof(txtime)) < 0)
		SKIP("SO_TXTIME: %s", strerror(errno));
	expect_singles(fd, NULL);
}
END_TEST

START_TEST(a_segment_size_the_user_set_on_the_socket_is_left_to_the_user)
{
	uint8_t data[SLOT_SIZE];
	struct side side;
	int fd = bound_socket(families[_i]);

	REQUIRE_TRAINS();
	set_option(fd, SOL_UDP, UDP_SEGMENT, 100);
	open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_BOTH_WAYS});
	commit_equal(&side, 2, 250, 0);
	collect_sends(&side, 2);
	for (uint64_t message = 0; message < 2; message++) {
		uint8_t whole[250];
		size_t have = 0;

		for (size_t part = 0; part < 3; part++) {
			size_t length = receive_plain(side.peer, data, sizeof(data));

			ck_assert_uint_eq(length, part < 2 ? 100 : 50);
			memcpy(whole + have, data, length);
			have += length;
		}
		expect_message(whole, sizeof(whole), message);
	}
	ck_assert_uint_eq(info_of(&side).trains_sent, 0);
	side_close(&side);
}
END_TEST

START_TEST(a_segment_size_in_the_control_data_is_left_to_the_user)
{
	const uint16_t segment = 50;
	struct regio_result results[4];
	uint8_t data[SLOT_SIZE];
	struct extra extra;
	struct side side;

	REQUIRE_TRAINS();
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_BOTH_WAYS});
	extra_open(&extra);
	add_control(&extra, SOL_UDP, UDP_SEGMENT, &segment, sizeof(segment));
	const struct regio_extra slices = {.control = extra.slices.control};

	for (uint64_t i = 0; i < 4; i++) {
		struct regio_buf slice = slot_slice(&side, SLOTS + i, 100);

		fill_message(slot_memory(&side, SLOTS + i), 100, i);
		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, i % 2 ? &slices : NULL,
					       i < 3 ? REGIO_MSG_DEFER : 0, i));
	}
	collect(side.send_cq, results, 4);
	for (uint64_t i = 0; i < 4; i++) {
		expect_result(&results[i], 0, 100, i);
		size_t length = receive_plain(side.peer, data, sizeof(data));

		ck_assert_uint_eq(length, i % 2 ? 50 : 100);
		if (i % 2)
			length += receive_plain(side.peer, data + 50, sizeof(data) - 50);
		ck_assert_uint_eq(length, 100);
		expect_message(data, 100, i);
	}
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/*
 * With receive trains left to it, the program gets them as it asked for them.
 *
 * Holds: REGIO_TRAINS_SEND_ONLY, REGIO_TRAINS_OFF.
 */
START_TEST(trains_the_user_asked_for_arrive_whole_with_their_control_message)
{
	const struct regio_rq_opts opts = {
		.size = sizeof(opts), .trains = _i / 2 ? REGIO_TRAINS_OFF : REGIO_TRAINS_SEND_ONLY};
	static uint8_t data[10 * 64];
	struct extra extra;
	struct side side;
	int fd = bound_socket(families[_i % 2]);

	REQUIRE_JOINING();
	set_option(fd, SOL_UDP, UDP_GRO, 1);
	open_side(&side, (struct side_plan){.fd = fd, .peer = PEER_ONE_WAY, .rq_opts = &opts});
	int copy = dup(fd);

	extra_open(&extra);
	const struct regio_extra slices = {.control = extra.slices.control};

	for (uint64_t i = 0; i < 20; i++) {
		struct regio_buf slice = slot_slice(&side, i, SLOT_SIZE);

		fill_message(data, sizeof(data), i);
		EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, &slices, 0, i));
		send_train(side.peer, data, sizeof(data), 64);
		struct regio_result result = collect_one(side.receive_cq);
		const int *size = find_control(&extra, SOL_UDP, UDP_GRO, sizeof(*size));

		expect_result(&result, 0, sizeof(data), i);
		expect_message(slot_memory(&side, i), sizeof(data), i);
		EXPECT(size && *size == 64, "no UDP_GRO message");
	}
	ck_assert_uint_eq(info_of(&side).receive_trains_on, 0);
	extra_close(&extra);
	side_close(&side);
	ck_assert_int_eq(get_option(copy, SOL_UDP, UDP_GRO), 1);
	close(copy);
}
END_TEST

/* Trains of 50 messages; each receive gets one message, from the first on. */
static void expect_messages_of_trains(struct side *side, int peer)
{
	static uint8_t data[50 * 64];
	struct regio_result results[50];

	for (uint64_t round = 0; round < 8; round++) {
		for (uint64_t i = 0; i < 50; i++) {
			fill_message(data + i * 64, 64, 50 * round + i);
			post_receive(side, i);
		}
		send_train(peer, data, sizeof(data), 64);
		collect(side->receive_cq, results, 50);
		for (uint64_t i = 0; i < 50; i++) {
			expect_result(&results[i], 0, 64, i);
			expect_message(slot_memory(side, i), 64, 50 * round + i);
		}
	}
}

/*
 * What is queued when the process begins, it finds joined.
 *
 * Holds: regio_rq_create what 2, regio_rq_close what, regio_rq_info.receive_trains_on.
 */
START_TEST(trains_found_on_a_socket_are_taken_apart)
{
	static uint8_t data[50 * 64];
	struct regio_result results[50];
	struct side side;
	int fd = bound_socket(families[_i]), peer = peer_of(fd), copy = dup(fd);

	REQUIRE_TRAINS();
	set_option(fd, SOL_UDP, UDP_GRO, 1);
	for (uint64_t i = 0; i < 50; i++)
		fill_message(data + i * 64, 64, i);
	send_train(peer, data, sizeof(data), 64);
	open_side(&side, (struct side_plan){.fd = fd});
	ck_assert_uint_eq(info_of(&side).receive_trains_on, 1);
	for (uint64_t i = 0; i < 50; i++)
		post_receive(&side, i);
	collect(side.receive_cq, results, 50);
	for (uint64_t i = 0; i < 50; i++) {
		expect_result(&results[i], 0, 64, i);
		expect_message(slot_memory(&side, i), 64, i);
	}
	expect_messages_of_trains(&side, peer);
	side_close(&side);
	ck_assert_int_eq(get_option(copy, SOL_UDP, UDP_GRO), 0);
	close(copy);
	close(peer);
}
END_TEST

/* In a process of its own, which ends as 'life' says. */
static void live(int fd, int peer, int life)
{
	struct side side;

	open_side(&side, (struct side_plan){.fd = fd});
	EXPECT(turn_trains_on(&side, peer), "bursts did not turn UDP_GRO on");
	expect_messages_of_trains(&side, peer);
	switch (life) {
	case 0:
		raise(SIGKILL);
		break;
	case 1:
		close(fd);
		break;
	case 2:
		EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
		break;
	default:
		break;
	}
	/* Without what the test program does at its end. */
	_exit(0);
}

/* Holds: regio_rq_create what 2. */
START_TEST(a_socket_outlives_the_processes_that_use_it)
{
	int fd = bound_socket(families[_i]), peer = peer_of(fd);

	REQUIRE_TRAINS();
	for (int life = 0; life < 5; life++) {
		pid_t child = fork();
		int status = 0;

		ck_assert_int_ge(child, 0);
		if (child == 0)
			live(fd, peer, life);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		EXPECT(life == 0 ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL
				 : WIFEXITED(status) && WEXITSTATUS(status) == 0,
		       "life %d ended with %#x", life, (unsigned int)status);
		EXPECT(get_option(fd, SOL_UDP, UDP_GRO) == (life != 2), "life %d left UDP_GRO",
		       life);
	}
	close(peer);
	close(fd);
}
END_TEST

/* Somebody else reads it. Holds: regio_rq_create what 2. */
START_TEST(a_queue_for_sends_leaves_received_trains_alone)
{
	static uint8_t data[10 * 64];
	struct regio_cq *cq = cq_of(16, NULL);
	struct regio_rq *rq;
	int fd = bound_socket(families[_i]), peer = peer_of(fd);
	size_t size;

	REQUIRE_JOINING();
	set_option(fd, SOL_UDP, UDP_GRO, 1);
	EXPECT_RETURN(0, regio_rq_create(fd, 0, 8, cq, cq, 0, NULL, &rq));
	send_train(peer, data, sizeof(data), 64);
	EXPECT_RETURN(0, regio_rq_close(rq, 0));
	ck_assert_uint_eq(receive_train(fd, data, sizeof(data), &size), sizeof(data));
	ck_assert_uint_eq(size, 64);
	/* Until it receives. */
	EXPECT_RETURN(0, regio_rq_create(fd, 0, 8, cq, cq, 0, NULL, &rq));
	EXPECT_RETURN(0, regio_rq_resize(rq, 8, 8));
	EXPECT_RETURN(0, regio_rq_close(rq, 0));
	ck_assert_int_eq(get_option(fd, SOL_UDP, UDP_GRO), 0);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(fd);
	close(peer);
}
END_TEST

/* Holds: regio_rq_create -ENOSPC. */
START_TEST(a_queue_that_could_not_be_made_leaves_received_trains_on)
{
	static uint8_t data[10 * 64];
	/* With two drivers the socket is watched at once, here in vain. */
	struct regio_cq *cqs[2] = {cq_of(16, NULL), cq_of(16, NULL)};
	const int watching = SYS_epoll_ctl;
	struct regio_rq *rq;
	int fd = bound_socket(families[_i]), peer = peer_of(fd);
	size_t size;

	REQUIRE_JOINING();
	set_option(fd, SOL_UDP, UDP_GRO, 1);
	send_train(peer, data, sizeof(data), 64);
	refuse_calls(&watching, 1, ENOSPC);
	EXPECT_RETURN(-ENOSPC, regio_rq_create(fd, 8, 8, cqs[0], cqs[1], 0, NULL, &rq));
	ck_assert_uint_eq(receive_train(fd, data, sizeof(data), &size), sizeof(data));
	ck_assert_uint_eq(size, 64);
	EXPECT_RETURN(0, regio_cq_close(cqs[0]));
	EXPECT_RETURN(0, regio_cq_close(cqs[1]));
	close(fd);
	close(peer);
}
END_TEST

/* Holds: regio_send what. */
START_TEST(sends_to_two_destinations_in_turn_stay_apart)
{
	struct regio_result results[60];
	struct extra extras[2];
	uint8_t data[SLOT_SIZE];
	struct side side;
	int peers[2];

	open_side(&side, (struct side_plan){.family = families[_i]});
	for (size_t i = 0; i < 2; i++) {
		extra_open(&extras[i]);
		peers[i] = bound_socket(families[_i]);
		extras[i].memory.remote_address = own_address(peers[i]);
	}
	for (uint64_t i = 0; i < 60; i++) {
		/* Runs of 1, then of 4. */
		size_t to = i < 20 ? i % 2 : i / 4 % 2;
		const struct regio_extra slices = {.remote_address =
							   extras[to].slices.remote_address};
		struct regio_buf slice = slot_slice(&side, SLOTS + i, 64);

		fill_message(slot_memory(&side, SLOTS + i), 64, i);
		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &slices,
					       i < 59 ? REGIO_MSG_DEFER : 0, i));
	}
	collect(side.send_cq, results, 60);
	for (uint64_t i = 0; i < 60; i++) {
		int peer = peers[i < 20 ? i % 2 : i / 4 % 2];

		expect_result(&results[i], 0, 64, i);
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), 64);
		expect_message(data, 64, i);
	}
	for (size_t i = 0; i < 2; i++) {
		EXPECT(nothing_queued(peers[i]), "more messages");
		extra_close(&extras[i]);
		close(peers[i]);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_info.trains_refused. */
START_TEST(messages_over_the_path_MTU_go_singly)
{
	enum { BATCHES_MAX = 100 };
	const char *refused = enter_own_network();
	uint8_t data[SLOT_SIZE];
	struct side side;

	if (refused)
		SKIP("%s", refused);
	REQUIRE_TRAINS();
	set_loopback_mtu(1280);
	open_side(&side, (struct side_plan){.family = families[_i], .peer = PEER_BOTH_WAYS});
	for (uint64_t round = 0; round < 3; round++) {
		commit_equal(&side, 40, 1400, round * 100);
		collect_sends(&side, 40);
		for (uint64_t i = 0; i < 40; i++) {
			ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 1400);
			expect_message(data, 1400, round * 100 + i);
		}
	}
	EXPECT(info_of(&side).trains_refused > 0, "no train was refused");
	EXPECT(info_of(&side).trains_refused <= 2, "%llu trains were tried in vain",
	       (unsigned long long)info_of(&side).trains_refused);
	/* A driver's thread that runs beside the posts may send them one by one. */
	for (int batches = driven_by_a_thread() ? BATCHES_MAX : 1;
	     batches > 0 && info_of(&side).trains_sent == 0; batches--) {
		commit_equal(&side, 40, 1000, 0);
		collect_sends(&side, 40);
	}
	ck_assert_uint_gt(info_of(&side).trains_sent, 0);
	side_close(&side);
}
END_TEST

/*
 * Holds: regio_rq_create -EINVAL, regio_rq_opts.size, regio_rq_opts.trains,
 * regio_rq_opts.train_max_bytes, regio_rq_opts.reserved.
 */
START_TEST(bad_train_options_are_refused)
{
	const struct regio_rq_opts bad[] = {
		{.size = sizeof(bad[0]), .trains = 3},
		{.size = sizeof(bad[0]), .trains = UINT32_MAX},
		{.size = sizeof(bad[0]), .train_max_bytes = 65401},
		{.size = sizeof(bad[0]), .flags = 0x2},
		{.size = sizeof(bad[0]), .flags = 0x80000000},
		{.size = sizeof(bad[0]), .reserved = 1},
		{.size = 0},
		{.size = 5},
	};
	struct regio_cq *cq = cq_of(8, NULL);
	struct regio_rq *rq = NULL;
	int fd = bound_socket(families[_i]);

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int result = regio_rq_create(fd, 1, 1, cq, cq, 0, &bad[i], &rq);

		EXPECT(result == -EINVAL && !rq, "row %zu: %s", i, regio_error_name(result));
	}
	EXPECT_RETURN(0, regio_rq_create(fd, 4, 4, cq, cq, 0, NULL, &rq));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

static const char *const whose_trains[] = {"IPv4, send only", "IPv6, send only", "IPv4, off",
					   "IPv6, off"};

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(equal_sends_arrive_as_single_datagrams_at_a_plain_socket),
		CASE_PER_FAMILY(equal_sends_travel_together),
		CASE_PER_FAMILY(the_last_message_of_a_train_may_be_shorter_but_not_empty),
		CASE_PER_FAMILY(mixed_sizes_keep_order_and_length),
		CASE_PER_FAMILY(a_train_has_no_more_messages_and_bytes_than_allowed),
		CASE_PER_FAMILY(receive_trains_turn_on_with_bursts_and_closing_turns_them_off),
		CASE_PER_FAMILY(closing_leaves_no_merged_data_behind),
		CASE_PER_FAMILY(single_datagrams_leave_receive_trains_off),
		CASE_PER_FAMILY(receive_trains_stay_off_when_asked_to),
		CASE_PER_FAMILY(receive_trains_stay_off_where_arrival_times_are_wanted),
		CASE_PER_FAMILY(receive_trains_stay_off_where_a_filter_looks_at_datagrams),
		CASE_PER_FAMILY(trains_are_taken_apart_and_counted),
		CASE_PER_FAMILY(a_train_longer_than_the_posted_receives_waits_for_later_ones),
		CASE_PER_FAMILY(queues_that_held_trains_leave_their_memory_to_others),
		CASE_PER_FAMILY(
			messages_that_wait_for_receives_are_kept_when_a_busy_queue_cools_down),
		CASE_PER_FAMILY(messages_already_read_survive_a_cancel),
		CASE_PER_FAMILY(a_flood_of_tiny_datagrams_arrives_whole),
		CASE_PER_FAMILY(sends_are_not_joined_where_departure_times_are_wanted),
		CASE_PER_FAMILY(sends_are_not_joined_where_departure_times_are_set),
		CASE_PER_FAMILY(a_segment_size_the_user_set_on_the_socket_is_left_to_the_user),
		CASE_PER_FAMILY(a_segment_size_in_the_control_data_is_left_to_the_user),
		{trains_the_user_asked_for_arrive_whole_with_their_control_message, whose_trains, 4,
		 CASE_TIMEOUT_S},
		CASE_PER_FAMILY(trains_found_on_a_socket_are_taken_apart),
		CASE_PER_FAMILY(a_socket_outlives_the_processes_that_use_it),
		CASE_PER_FAMILY(a_queue_for_sends_leaves_received_trains_alone),
		CASE_PER_FAMILY(a_queue_that_could_not_be_made_leaves_received_trains_on),
		CASE_PER_FAMILY(sends_to_two_destinations_in_turn_stay_apart),
		CASE_PER_FAMILY(messages_over_the_path_MTU_go_singly),
		CASE(bad_train_options_are_refused),
	};

	return run_ordered_cases(cases, ARRAY_SIZE(cases));
}
