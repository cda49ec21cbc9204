/* SPDX-License-Identifier: MIT */
/*
 * datagram.c - what one datagram carries: lengths, empty ones, truncation, destinations, and
 * ICMP errors that must not cost a message
 */
#include "../../support/extra.h"
#include "../../support/net.h"
#include "../../support/refuse.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

#define RECEIVES 64u

/* A side with slots of 'slot_size', and a plain peer; both are connected. */
static void open_pair(struct side *side, int family, uint32_t slot_size)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = RECEIVES, .sends = 8,
		  .slot_size = slot_size);
}

/* Holds: regio_result what. */
START_TEST(datagrams_of_every_kind_of_length_go_both_ways)
{
	const uint32_t lengths[] = {1, 2, 7, 8, 512, 513, 1400, 1472, 1473, 9000, 65000, 65507};
	static uint8_t data[65536];
	struct side side;

	open_pair(&side, families[_i], sizeof(data));
	for (uint32_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		post_receive(&side, 0);
		fill_message(data, lengths[i], i);
		send_plain(side.peer, data, lengths[i]);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, lengths[i], 0);
		expect_message(slot_memory(&side, 0), lengths[i], i);
		post_message(&side, RECEIVES, lengths[i], i + 100, 0);
		result = collect_one(side.send_cq);
		expect_result(&result, 0, lengths[i], RECEIVES);
		ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), lengths[i]);
		expect_message(data, lengths[i], i + 100);
	}
	side_close(&side);
}
END_TEST

START_TEST(a_send_too_long_for_a_datagram_completes_with_EMSGSIZE)
{
	struct side side;

	open_pair(&side, families[_i], 70000);
	post_send(&side, RECEIVES, 70000, 0);
	post_message(&side, RECEIVES + 1, 100, 1, 0);
	struct regio_result results[2];
	uint8_t data[128];

	collect(side.send_cq, results, 2);
	expect_result(&results[0], -EMSGSIZE, 0, RECEIVES);
	expect_result(&results[1], 0, 100, RECEIVES + 1);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 100);
	expect_message(data, 100, 1);
	side_close(&side);
}
END_TEST

/* Holds: regio_send what. */
START_TEST(empty_datagrams_are_messages_both_ways)
{
	struct regio_result results[3];
	struct side side;
	char byte;

	open_pair(&side, families[_i], 64);
	for (uint64_t i = 0; i < 3; i++)
		post_receive(&side, i);
	send_plain(side.peer, NULL, 0);
	send_plain(side.peer, "x", 1);
	send_plain(side.peer, NULL, 0);
	collect(side.receive_cq, results, 3);
	expect_result(&results[0], 0, 0, 0);
	expect_result(&results[1], 0, 1, 1);
	expect_result(&results[2], 0, 0, 2);
	post_send(&side, RECEIVES, 0, REGIO_MSG_DEFER);
	EXPECT_RETURN(0, regio_send(side.rq, NULL, 0, 9));
	collect(side.send_cq, results, 2);
	expect_result(&results[0], 0, 0, RECEIVES);
	expect_result(&results[1], 0, 0, 9);
	ck_assert_uint_eq(receive_plain(side.peer, &byte, 1), 0);
	ck_assert_uint_eq(receive_plain(side.peer, &byte, 1), 0);
	EXPECT(nothing_queued(side.peer), "a third datagram");
	side_close(&side);
}
END_TEST

/* Holds: regio_receive what. */
START_TEST(no_data_receives_an_empty_slice)
{
	struct regio_result results[2];
	struct side side;

	open_pair(&side, families[_i], 64);
	EXPECT_RETURN(0, regio_receive(side.rq, NULL, 0, 1));
	EXPECT_RETURN(0, regio_receive(side.rq, NULL, 0, 2));
	send_plain(side.peer, NULL, 0);
	send_plain(side.peer, "longer", 6);
	collect(side.receive_cq, results, 2);
	expect_result(&results[0], 0, 0, 1);
	expect_result(&results[1], -EMSGSIZE, 0, 2);
	side_close(&side);
}
END_TEST

/* Lone datagrams and trains take different ways in; 'burst' messages make up a train. */
static void expect_truncation(int family, unsigned int burst)
{
	enum { SHORT = 100, LONG = 300, BURST_MAX = 8 };
	static uint8_t data[BURST_MAX * LONG];
	struct regio_result results[BURST_MAX];
	struct regio_rq_info info;
	struct extra extra;
	struct side side;

	open_pair(&side, family, LONG);
	if (burst > 1)
		EXPECT(turn_trains_on(&side, side.peer), "bursts did not turn UDP_GRO on");
	extra_open(&extra);
	for (uint64_t i = 0; i < burst; i++) {
		struct regio_buf slice = slot_slice(&side, i, i % 2 ? LONG : SHORT);
		const struct regio_extra flags = {.message_flags = extra.slices.message_flags};

		memset(slot_memory(&side, i), 0xEE, LONG);
		EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, i ? NULL : &flags, 0, i));
		fill_message(data + i * LONG, LONG, i);
	}
	if (burst > 1)
		send_train(side.peer, data, (size_t)burst * LONG, LONG);
	else
		send_plain(side.peer, data, LONG);
	collect(side.receive_cq, results, burst);
	for (uint64_t i = 0; i < burst; i++) {
		expect_result(&results[i], i % 2 ? 0 : -EMSGSIZE, i % 2 ? LONG : SHORT, i);
		expect_message(slot_memory(&side, i), results[i].bytes, i);
	}
	EXPECT(slot_memory(&side, 0)[SHORT] == 0xEE, "written behind the slice");
	EXPECT(extra.memory.message_flags & MSG_TRUNC, "flags %#x", extra.memory.message_flags);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.messages_truncated, (burst + 1) / 2);
	extra_close(&extra);
	side_close(&side);
}

/* Holds: regio_receive what, regio_extra.message_flags, regio_rq_info what. */
START_TEST(a_datagram_too_long_for_its_slice_fills_it_and_says_so)
{
	expect_truncation(families[_i], 1);
}
END_TEST

/* Holds: regio_receive what. */
START_TEST(messages_of_a_train_too_long_for_their_slices_fill_them_and_say_so)
{
	if (train_limit() == 1)
		SKIP("the kernel has no UDP_SEGMENT");
	expect_truncation(families[_i], 8);
}
END_TEST

/* Holds: regio_extra what, regio_extra.message_flags. */
START_TEST(message_flags_are_written_on_both_halves)
{
	struct extra in, out;
	struct side side;

	open_pair(&side, families[_i], 64);
	extra_open(&in);
	extra_open(&out);
	in.memory.message_flags = out.memory.message_flags = UINT32_MAX;
	const struct regio_extra in_slices = {.message_flags = in.slices.message_flags};
	const struct regio_extra out_slices = {.message_flags = out.slices.message_flags};
	struct regio_buf slice = slot_slice(&side, 0, 64);

	EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, &in_slices, 0, 0));
	send_plain(side.peer, "x", 1);
	collect_one(side.receive_cq);
	ck_assert_uint_eq(in.memory.message_flags, 0);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &out_slices, 0, 0));
	collect_one(side.send_cq);
	ck_assert_uint_eq(out.memory.message_flags, 0);
	extra_close(&in);
	extra_close(&out);
	side_close(&side);
}
END_TEST

/* Holds: regio_send_ex what, regio_extra.remote_address. */
START_TEST(an_unconnected_send_goes_where_its_address_says)
{
	struct extra extra;
	struct side side;
	struct regio_buf slice;
	uint8_t data[64];

	SIDE_OPEN(&side, .family = families[_i], .sends = 2, .slot_size = 64);
	extra_open(&extra);
	const struct regio_extra to_peer = {.remote_address = extra.slices.remote_address};

	slice = slot_slice(&side, 0, 64);
	for (uint64_t i = 0; i < 3; i++) {
		int peer = bound_socket(families[_i]);

		extra.memory.remote_address = own_address(peer);
		fill_message(slot_memory(&side, 0), 64, i);
		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &to_peer, 0, i));
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, i);
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), 64);
		expect_message(data, 64, i);
		close(peer);
	}
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* Holds: regio_send_ex what, regio_extra.remote_address. */
START_TEST(an_address_overrides_the_connected_peer_for_one_send)
{
	struct extra extra;
	struct side side;

	open_pair(&side, families[_i], 64);
	int stranger = bound_socket(families[_i]);
	struct regio_buf slice = slot_slice(&side, RECEIVES, 64);
	struct regio_result results[3];
	uint8_t data[64];

	extra_open(&extra);
	extra.memory.remote_address = own_address(stranger);
	const struct regio_extra to_stranger = {.remote_address = extra.slices.remote_address};

	post_message(&side, RECEIVES + 1, 64, 1, REGIO_MSG_DEFER);
	fill_message(slot_memory(&side, RECEIVES), 64, 2);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &to_stranger, REGIO_MSG_DEFER, RECEIVES));
	post_message(&side, RECEIVES + 2, 64, 3, 0);
	collect(side.send_cq, results, 3);
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		ck_assert_int_eq(results[i].status, 0);
	ck_assert_uint_eq(receive_plain(stranger, data, sizeof(data)), 64);
	expect_message(data, 64, 2);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
	expect_message(data, 64, 1);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
	expect_message(data, 64, 3);
	EXPECT(nothing_queued(stranger), "the stranger got more");
	extra_close(&extra);
	side_close(&side);
	close(stranger);
}
END_TEST

/* Holds: regio_send_ex what. */
START_TEST(an_unconnected_send_without_an_address_completes_with_an_error)
{
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .sends = 2, .slot_size = 64);
	post_send(&side, 0, 64, 0);
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, -EDESTADDRREQ, 0, 0);
	connect_to(side.fd, side.fd);
	post_send(&side, 1, 64, 0);
	result = collect_one(side.send_cq);
	expect_result(&result, 0, 64, 1);
	side_close(&side);
}
END_TEST

/*
 * A port that refuses: a socket is bound to it but connected elsewhere, so it is nobody
 * else's, and it can be opened by a second socket.
 */
static int reserve_port(int family)
{
	union address elsewhere = loopback(family);
	int fd = udp_socket(family);
	union address address = loopback(family);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "%m");
	elsewhere.v4.sin_port = htons(9);
	EXPECT(connect(fd, &elsewhere.any, address_length(&elsewhere)) == 0, "%m");
	return fd;
}

static int open_reserved_port(int reserved)
{
	union address address = own_address(reserved);
	int fd = udp_socket(address.any.sa_family);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "%m");
	return fd;
}

START_TEST(a_send_to_nobody_succeeds)
{
	struct extra extra;
	struct side side;
	struct regio_buf slice;
	int nobody = reserve_port(families[_i]);

	SIDE_OPEN(&side, .family = families[_i], .sends = 2, .slot_size = 64);
	extra_open(&extra);
	extra.memory.remote_address = own_address(nobody);
	const struct regio_extra to_nobody = {.remote_address = extra.slices.remote_address};

	slice = slot_slice(&side, 0, 64);
	for (uint64_t i = 0; i < 20; i++) {
		EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &to_nobody, 0, i));
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, i);
	}
	extra_close(&extra);
	side_close(&side);
	close(nobody);
}
END_TEST

/* Holds: REGIO_RQ_REPORT_ICMP. */
START_TEST(a_refusal_by_ICMP_eats_no_message)
{
	enum { LATER = 30 };
	struct side side;
	uint8_t data[64];
	int nobody = reserve_port(families[_i]);

	SIDE_OPEN(&side, .family = families[_i], .receives = 1, .sends = LATER, .slot_size = 64);
	connect_to(side.fd, nobody);
	post_receive(&side, 0);
	for (uint64_t i = 0; i < 5; i++) {
		post_send(&side, 1, 64, 0);
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, 1);
	}
	int somebody = open_reserved_port(nobody);

	for (uint64_t i = 0; i < LATER; i++)
		post_message(&side, 1 + i, 64, i, i % 3 ? REGIO_MSG_DEFER : 0);
	EXPECT_RETURN(0, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	for (uint64_t i = 0; i < LATER; i++) {
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, 1 + i);
		ck_assert_uint_eq(receive_plain(somebody, data, sizeof(data)), 64);
		expect_message(data, 64, i);
	}
	expect_empty(side.receive_cq);
	side_close(&side);
	close(somebody);
	close(nobody);
}
END_TEST

static uint64_t receive_calls(const struct side *side)
{
	struct regio_rq_info info;

	EXPECT_RETURN(0, regio_rq_get_info(side->rq, &info, sizeof(info)));
	return info.receive_calls;
}

/*
 * With IP_RECVERR errors are kept in a queue of the socket, and it reports one for as long as there
 * are any. Nobody reads that queue here: waits sleep all the same. Holds: regio_cq_wait what.
 */
START_TEST(errors_that_nobody_reads_leave_waits_asleep)
{
	bool v6 = families[_i] == AF_INET6;
	int nobody = reserve_port(families[_i]);
	struct side side;
	uint64_t before;

	SIDE_OPEN(&side, .family = families[_i], .receives = 1, .sends = 8, .slot_size = 64);
	set_option(side.fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, 1);
	connect_to(side.fd, nobody);
	post_receive(&side, 0);
	for (uint64_t i = 0; i < 8; i++) {
		post_send(&side, 1, 64, 0);
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, 1);
	}
	before = receive_calls(&side);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 100 * MILLISECOND_NS));
	if (!faults_injected() && !driven_by_a_thread())
		ck_assert_uint_lt(receive_calls(&side) - before, 64);
	int somebody = open_reserved_port(nobody);

	connect_to(somebody, side.fd);
	send_plain(somebody, "x", 1);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	side_close(&side);
	close(somebody);
	close(nobody);
}
END_TEST

/* Holds: REGIO_RQ_REPORT_ICMP. */
START_TEST(a_receive_reports_ICMP_when_asked_to)
{
	const struct regio_rq_opts opts = {.size = sizeof(opts), .flags = REGIO_RQ_REPORT_ICMP};
	struct side side;
	int nobody = reserve_port(families[_i]);

	SIDE_OPEN(&side, .family = families[_i], .receives = 2, .sends = 1, .slot_size = 64,
		  .rq_opts = &opts);
	connect_to(side.fd, nobody);
	post_receive(&side, 0);
	post_receive(&side, 1);
	post_send(&side, 2, 64, 0);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, -ECONNREFUSED, 0, 0);
	expect_empty(side.receive_cq);
	side_close(&side);
	close(nobody);
}
END_TEST

/* An error that comes alone is an event, too. Holds: REGIO_RQ_REPORT_ICMP. */
START_TEST(ICMP_ends_a_receive_that_waits)
{
	const struct regio_rq_opts opts = {.size = sizeof(opts), .flags = REGIO_RQ_REPORT_ICMP};
	struct side side;
	int nobody = reserve_port(families[_i]);

	SIDE_OPEN(&side, .family = families[_i], .receives = 1, .slot_size = 64, .rq_opts = &opts);
	connect_to(side.fd, nobody);
	for (uint64_t round = 0; round < 3; round++) {
		post_receive(&side, 0);
		/* Long enough to watch the socket. */
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(side.receive_cq, 1, 0, 10 * MILLISECOND_NS));
		send_plain(side.fd, "x", 1);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, -ECONNREFUSED, 0, 0);
	}
	side_close(&side);
	close(nobody);
}
END_TEST

/* Holds: regio_rq_create what. */
START_TEST(a_request_queue_made_before_bind_and_connect_starts_working_afterwards)
{
	union address address = loopback(families[_i]);
	struct side side;
	uint8_t data[64];

	SIDE_OPEN(&side, .fd = udp_socket(families[_i]), .receives = 2, .sends = 2,
		  .slot_size = 64);
	post_receive(&side, 0);
	expect_empty(side.receive_cq);
	EXPECT(bind(side.fd, &address.any, address_length(&address)) == 0, "%m");
	side.peer = peer_of(side.fd);
	send_plain(side.peer, "hello", 5);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 5, 0);
	connect_to(side.fd, side.peer);
	post_message(&side, 2, 64, 1, 0);
	result = collect_one(side.send_cq);
	expect_result(&result, 0, 64, 2);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
	expect_message(data, 64, 1);
	side_close(&side);
}
END_TEST

START_TEST(plain_sends_on_the_socket_go_beside_requests)
{
	struct side side;
	uint8_t data[64];

	if (faults_injected())
		SKIP("a delayed send waits for the next call, and this case makes none");
	open_pair(&side, families[_i], 64);
	post_message(&side, RECEIVES, 64, 1, 0);
	collect_one(side.send_cq);
	send_plain(side.fd, "beside", 6);
	post_message(&side, RECEIVES + 1, 64, 2, 0);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 6);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 64);
	expect_message(data, 64, 2);
	side_close(&side);
}
END_TEST

/* Holds: regio_receive what. */
START_TEST(a_slice_on_the_stack_may_die_after_the_call)
{
	struct regio_result results[8];
	struct side side;

	open_pair(&side, families[_i], 64);
	for (uint64_t i = 0; i < 8; i++) {
		struct regio_buf slice = slot_slice(&side, i, 64);

		EXPECT_RETURN(0, regio_receive(side.rq, &slice, 0, i));
		memset(&slice, 0xFF, sizeof(slice));
	}
	for (uint64_t i = 0; i < 8; i++)
		send_plain(side.peer, &i, sizeof(i));
	collect(side.receive_cq, results, 8);
	for (uint64_t i = 0; i < 8; i++) {
		expect_result(&results[i], 0, sizeof(i), i);
		expect_message(slot_memory(&side, i), sizeof(i), i);
	}
	side_close(&side);
}
END_TEST

START_TEST(a_socket_made_non_blocking_works_as_before)
{
	struct side side;

	open_pair(&side, families[_i], 64);
	int flags = fcntl(side.fd, F_GETFL);

	EXPECT(fcntl(side.fd, F_SETFL, flags | O_NONBLOCK) == 0, "%m");
	post_receive(&side, 0);
	expect_empty(side.receive_cq);
	send_plain(side.peer, "x", 1);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	EXPECT(fcntl(side.fd, F_GETFL) == (flags | O_NONBLOCK), "the flags changed");
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_create what, regio_rq_info.receive_buffer_bytes. */
START_TEST(the_receive_buffer_grows_with_the_posted_receives)
{
	struct regio_rq_info small, large;
	struct side side;

	SIDE_OPEN(&side, .fd = udp_socket(families[_i]), .receives = 1, .slot_size = 64);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &small, sizeof(small)));
	ck_assert_int_eq((int)small.receive_buffer_bytes,
			 get_option(side.fd, SOL_SOCKET, SO_RCVBUF));
	side_close(&side);
	SIDE_OPEN(&side, .fd = udp_socket(families[_i]), .receives = 100000, .slot_size = 64);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &large, sizeof(large)));
	ck_assert_int_eq((int)large.receive_buffer_bytes,
			 get_option(side.fd, SOL_SOCKET, SO_RCVBUF));
	EXPECT(large.receive_buffer_bytes >= small.receive_buffer_bytes, "%u, then %u",
	       small.receive_buffer_bytes, large.receive_buffer_bytes);
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_create what. */
START_TEST(the_receive_buffer_grows_with_a_resize)
{
	enum { MANY = 100000 };
	struct regio_rq_info many, resized;
	struct side side;

	SIDE_OPEN(&side, .fd = udp_socket(families[_i]), .receives = MANY, .slot_size = 1);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &many, sizeof(many)));
	side_close(&side);
	SIDE_OPEN(&side, .fd = udp_socket(families[_i]), .receives = 1, .slot_size = 1);
	EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, MANY));
	EXPECT_RETURN(0, regio_rq_resize(side.rq, MANY, 0));
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &resized, sizeof(resized)));
	ck_assert_uint_eq(resized.receive_buffer_bytes, many.receive_buffer_bytes);
	side_close(&side);
}
END_TEST

static int receive_buffer(int fd)
{
	return get_option(fd, SOL_SOCKET, SO_RCVBUF);
}

/* What an RQ for so many receives makes of the buffer, and leaves behind. */
static int buffer_during(int fd, uint32_t receives)
{
	struct regio_cq *cq = cq_of(receives, NULL);
	struct regio_rq *rq;
	int during;

	EXPECT_RETURN(0, regio_rq_create(fd, receives, 0, cq, cq, 0, NULL, &rq));
	during = receive_buffer(fd);
	EXPECT_RETURN(0, regio_rq_close(rq, 0));
	EXPECT_RETURN(0, regio_cq_close(cq));
	return during;
}

/*
 * On a kernel that tells who has chosen a size, and on one that does not.
 *
 * Holds: regio_rq_create what, regio_rq_close what.
 */
START_TEST(closing_restores_the_receive_buffer)
{
	int fd = udp_socket(AF_INET), before = receive_buffer(fd);

	const char *refused =
		_i ? refuse_call_with(SYS_getsockopt, 2, SO_BUF_LOCK, ENOPROTOOPT) : NULL;

	if (refused)
		SKIP("%s", refused);
	if (buffer_during(fd, 1000) == before)
		SKIP("net.core.rmem_max allows no more than the default");
	ck_assert_int_eq(receive_buffer(fd), before);
	ck_assert_int_gt(buffer_during(fd, 1000), before);
	ck_assert_int_eq(receive_buffer(fd), before);
	close(fd);
}
END_TEST

/* Holds: regio_rq_create what, regio_rq_close what. */
START_TEST(a_receive_buffer_that_the_program_has_chosen_is_left_alone)
{
	struct regio_cq *cq = cq_of(100000, NULL);
	struct regio_rq *rq;
	int fd = udp_socket(AF_INET);

	const char *refused =
		_i ? refuse_call_with(SYS_getsockopt, 2, SO_BUF_LOCK, ENOPROTOOPT) : NULL;

	if (refused)
		SKIP("%s", refused);
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 20000);
	ck_assert_int_eq(buffer_during(fd, 1000), 40000);
	ck_assert_int_eq(receive_buffer(fd), 40000);
	close(fd);
	/* Or chooses while the queue lives, which may have raised it before. */
	fd = udp_socket(AF_INET);
	EXPECT_RETURN(0, regio_rq_create(fd, 500, 0, cq, cq, 0, NULL, &rq));
	set_option(fd, SOL_SOCKET, SO_RCVBUF, 20000);
	EXPECT_RETURN(0, regio_rq_resize(rq, 1000, 0));
	ck_assert_int_eq(receive_buffer(fd), 40000);
	EXPECT_RETURN(0, regio_rq_close(rq, 0));
	ck_assert_int_eq(receive_buffer(fd), 40000);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(fd);
}
END_TEST

/* The process that has raised it was killed. Holds: regio_rq_create what. */
START_TEST(a_receive_buffer_that_another_process_has_raised_is_not_chosen)
{
	int fd = udp_socket(AF_INET), before = receive_buffer(fd), status, lock;
	socklen_t length = sizeof(lock);
	pid_t child;

	if (getsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, &lock, &length) != 0)
		SKIP("before Linux 5.14 nobody can tell who has chosen it");
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct regio_cq *cq = cq_of(400, NULL);
		struct regio_rq *rq;

		EXPECT_RETURN(0, regio_rq_create(fd, 400, 0, cq, cq, 0, NULL, &rq));
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (receive_buffer(fd) == before)
		SKIP("net.core.rmem_max allows no more than the default");
	if (get_option(fd, SOL_SOCKET, SO_BUF_LOCK) & 2)
		ck_abort_msg("it looks as if the program had chosen it");
	before = receive_buffer(fd);
	EXPECT(buffer_during(fd, 1000) >= before, "it was lowered");
	close(fd);
}
END_TEST

/* A UDP header and some data, with a checksum that is wrong. */
static void send_with_bad_checksum(int raw, const union address *from, const union address *to)
{
	struct {
		uint16_t source, destination, length, checksum;
		char data[8];
	} packet = {.source = from->v4.sin_port,
		    .destination = to->v4.sin_port,
		    .length = htons(sizeof(packet)),
		    .checksum = 0x5EED};
	union address bare = *to;

	bare.v4.sin_port = 0;
	EXPECT(sendto(raw, &packet, sizeof(packet), 0, &bare.any, address_length(&bare)) ==
		       (ssize_t)sizeof(packet),
	       "%m");
}

START_TEST(a_datagram_with_a_bad_checksum_is_never_seen)
{
	struct side side;
	int raw = socket(families[_i], SOCK_RAW, IPPROTO_UDP);

	if (raw < 0)
		SKIP("no raw socket allowed (CAP_NET_RAW needed)");

	open_pair(&side, families[_i], 64);
	union address mine = own_address(side.fd), theirs = own_address(side.peer);

	post_receive(&side, 0);
	for (int round = 0; round < 3; round++) {
		send_with_bad_checksum(raw, &theirs, &mine);
		EXPECT_RETURN(-ETIMEDOUT,
			      regio_cq_wait(side.receive_cq, 1, 0, 10 * MILLISECOND_NS));
		send_with_bad_checksum(raw, &theirs, &mine);
		expect_empty(side.receive_cq);
	}
	send_with_bad_checksum(raw, &theirs, &mine);
	send_plain(side.peer, "good", 4);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 4, 0);
	side_close(&side);
	close(raw);
}
END_TEST

static const char *const kernels[] = {"this kernel", "an old kernel"};

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(datagrams_of_every_kind_of_length_go_both_ways),
		CASE_PER_FAMILY(a_send_too_long_for_a_datagram_completes_with_EMSGSIZE),
		CASE_PER_FAMILY(empty_datagrams_are_messages_both_ways),
		CASE_PER_FAMILY(no_data_receives_an_empty_slice),
		CASE_PER_FAMILY(a_datagram_too_long_for_its_slice_fills_it_and_says_so),
		CASE_PER_FAMILY(messages_of_a_train_too_long_for_their_slices_fill_them_and_say_so),
		CASE_PER_FAMILY(message_flags_are_written_on_both_halves),
		CASE_PER_FAMILY(an_unconnected_send_goes_where_its_address_says),
		CASE_PER_FAMILY(an_address_overrides_the_connected_peer_for_one_send),
		CASE_PER_FAMILY(an_unconnected_send_without_an_address_completes_with_an_error),
		CASE_PER_FAMILY(a_send_to_nobody_succeeds),
		CASE_PER_FAMILY(a_refusal_by_ICMP_eats_no_message),
		CASE_PER_FAMILY(errors_that_nobody_reads_leave_waits_asleep),
		CASE_PER_FAMILY(a_receive_reports_ICMP_when_asked_to),
		CASE_PER_FAMILY(ICMP_ends_a_receive_that_waits),
		CASE_PER_FAMILY(
			a_request_queue_made_before_bind_and_connect_starts_working_afterwards),
		CASE_PER_FAMILY(plain_sends_on_the_socket_go_beside_requests),
		CASE_PER_FAMILY(a_slice_on_the_stack_may_die_after_the_call),
		CASE_PER_FAMILY(a_socket_made_non_blocking_works_as_before),
		CASE_PER_FAMILY(a_datagram_with_a_bad_checksum_is_never_seen),
		CASE_PER_FAMILY(the_receive_buffer_grows_with_the_posted_receives),
		CASE_PER_FAMILY(the_receive_buffer_grows_with_a_resize),
		{closing_restores_the_receive_buffer, kernels, 2, CASE_TIMEOUT_S},
		{a_receive_buffer_that_the_program_has_chosen_is_left_alone, kernels, 2,
		 CASE_TIMEOUT_S},
		CASE(a_receive_buffer_that_another_process_has_raised_is_not_chosen),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
