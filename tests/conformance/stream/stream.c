/* SPDX-License-Identifier: MIT */
/*
 * stream.c - bytes on stream sockets: which request gets them, when it completes, in what order
 */
#include "../../support/extra.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <string.h>
#include <unistd.h>

#define RECEIVES 16u
#define SENDS 1024u
#define SLOT_SIZE 64u

/* A side with slots of 'slot_size', and a plain peer. */
static void open_pair(struct side *side, int family, uint32_t slot_size)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_STREAM, .receives = RECEIVES, .sends = SENDS,
		  .slot_size = slot_size);
}

static void receive_slice(struct side *side, uint64_t slot, uint32_t length, uint32_t flags)
{
	struct regio_buf slice = slot_slice(side, slot, length);

	EXPECT_RETURN(0, regio_receive(side->rq, &slice, flags, slot));
}

static void expect_slot(struct side *side, uint64_t slot, uint32_t length, uint64_t offset)
{
	expect_stream(slot_memory(side, slot), length, offset);
}

/* Posts the bytes of the stream from 'offset' on; send slots follow those of the receives. */
static void send_slice(struct side *side, uint64_t send, uint32_t length, uint64_t offset,
		       uint32_t flags)
{
	fill_stream(slot_memory(side, RECEIVES + send), length, offset);
	post_send(side, RECEIVES + send, length, flags);
}

START_TEST(bytes_of_every_kind_of_length_go_both_ways)
{
	const uint32_t lengths[] = {1, 7, 64, 512, 513, 4096, 65536, 100000};
	const uint32_t slot_size = 100000;
	struct side side;
	uint64_t offset = 0;

	if (faults_injected())
		SKIP("a delayed send waits for the next call, and this case makes none");
	open_pair(&side, stream_families[_i], slot_size);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		receive_slice(&side, 0, lengths[i], REGIO_MSG_WAITALL);
		send_slice(&side, 0, lengths[i], offset, 0);
		read_stream(side.peer, lengths[i], offset);
		write_stream(side.peer, lengths[i], offset);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, lengths[i], 0);
		expect_slot(&side, 0, lengths[i], offset);
		result = collect_one(side.send_cq);
		expect_result(&result, 0, lengths[i], RECEIVES);
		offset += lengths[i];
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_receive what 2, regio_cq_dequeue Blocking, regio_rq_info.messages_received. */
START_TEST(a_receive_completes_with_what_is_there)
{
	struct regio_rq_info info;
	struct side side;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	for (uint64_t i = 0; i < 100; i++) {
		post_receive(&side, 0);
		if (i % 2)
			expect_empty(side.receive_cq);
		write_stream(side.peer, 10, i * 10);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 10, 0);
		expect_slot(&side, 0, 10, i * 10);
	}
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.messages_received, 100);
	side_close(&side);
}
END_TEST

/* Each round finds the library with other expectations: single slices, stages, vectors. */
static void expect_scattered(int family, uint32_t slot_size)
{
	struct regio_result results[RECEIVES];
	const uint32_t length = (RECEIVES - 3) * slot_size + slot_size / 2;
	uint64_t offset = 0;
	struct side side;

	open_pair(&side, family, slot_size);
	for (int round = 0; round < 8; round++) {
		if (round % 2)
			write_stream(side.peer, length, offset);
		for (uint64_t i = 0; i < RECEIVES - 2; i++)
			post_receive(&side, i);
		if (round % 2 == 0)
			write_stream(side.peer, length, offset);
		collect(side.receive_cq, results, RECEIVES - 2);
		for (uint64_t i = 0; i < RECEIVES - 2; i++) {
			uint32_t part = i < RECEIVES - 3 ? slot_size : slot_size / 2;

			expect_result(&results[i], 0, part, i);
			expect_slot(&side, i, part, offset);
			offset += part;
		}
	}
	side_close(&side);
}

/* Holds: regio_receive what 2. */
START_TEST(arrivals_fill_small_slices_in_order)
{
	expect_scattered(stream_families[_i], SLOT_SIZE);
}
END_TEST

/* Holds: regio_receive what 2. */
START_TEST(arrivals_fill_long_slices_in_order)
{
	expect_scattered(stream_families[_i], 2112);
}
END_TEST

/* Nothing tells that the socket is empty then but another attempt. */
START_TEST(arrivals_that_fill_long_slices_exactly_are_followed_by_an_attempt_in_vain)
{
	enum { LONG = 8192, FIRST = 4, ALL = 8 };
	struct regio_result results[FIRST];
	struct side side;

	open_pair(&side, stream_families[_i], LONG);
	for (uint64_t i = 0; i < ALL; i++)
		post_receive(&side, i);
	for (uint64_t offset = 0; offset < ALL * LONG; offset += FIRST * LONG) {
		write_stream(side.peer, FIRST * LONG, offset);
		collect(side.receive_cq, results, FIRST);
		for (uint64_t i = 0; i < FIRST; i++) {
			uint64_t slot = offset / LONG + i;

			expect_result(&results[i], 0, LONG, slot);
			expect_stream(slot_memory(&side, slot), LONG, slot * LONG);
		}
		expect_empty(side.receive_cq);
	}
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_WAITALL. */
START_TEST(with_WAITALL_a_receive_completes_when_it_is_full)
{
	const uint32_t lengths[] = {100, 64, 1000, 1};
	const uint32_t flags[] = {REGIO_MSG_WAITALL, 0, REGIO_MSG_WAITALL | REGIO_MSG_DEFER,
				  REGIO_MSG_WAITALL};
	struct regio_result results[ARRAY_SIZE(lengths)];
	uint64_t offset = 0;
	struct side side;

	open_pair(&side, stream_families[_i], 1000);
	for (uint64_t i = 0; i < ARRAY_SIZE(lengths); i++)
		receive_slice(&side, i, lengths[i], flags[i]);
	/* A byte at a time would end the second early. */
	write_stream(side.peer, 30, 0);
	expect_empty(side.receive_cq);
	write_stream(side.peer, 69, 30);
	expect_empty(side.receive_cq);
	write_stream(side.peer, 65, 99);
	collect(side.receive_cq, results, 2);
	for (uint64_t i = 164; i < 1165; i += 7) {
		write_stream(side.peer, 7, i);
		regio_cq_notify(side.receive_cq);
	}
	collect(side.receive_cq, results + 2, 2);
	for (uint64_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		expect_result(&results[i], 0, lengths[i], i);
		expect_slot(&side, i, lengths[i], offset);
		offset += lengths[i];
	}
	side_close(&side);
}
END_TEST

/* Holds: REGIO_MSG_WAITALL, regio_send -EINVAL, regio_receive -EINVAL. */
START_TEST(WAITALL_is_refused_for_sends)
{
	struct side side;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	struct regio_buf slice = slot_slice(&side, 0, 1);

	EXPECT_RETURN(-EINVAL, regio_send(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	EXPECT_RETURN(-EINVAL, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL | 0x10, 0));
	EXPECT_RETURN(-EINVAL,
		      regio_receive(side.rq, &slice, REGIO_MSG_WAITALL | REGIO_MSG_COMMIT_ONLY, 0));
	expect_empty(side.receive_cq);
	side_close(&side);
}
END_TEST

/* Holds: regio_receive what 2, regio_receive -EINVAL. */
START_TEST(an_empty_receive_completes_when_something_is_there_and_takes_nothing)
{
	const struct regio_buf nothing = {0};
	struct regio_result results[4];
	struct side side;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	EXPECT_RETURN(0, regio_receive(side.rq, &nothing, 0, 0));
	receive_slice(&side, 1, 0, REGIO_MSG_WAITALL);
	receive_slice(&side, 2, 8, 0);
	receive_slice(&side, 3, 0, 0);
	expect_empty(side.receive_cq);
	write_stream(side.peer, 20, 0);
	collect(side.receive_cq, results, 4);
	expect_result(&results[0], 0, 0, 0);
	expect_result(&results[1], 0, 0, 1);
	expect_result(&results[2], 0, 8, 2);
	expect_slot(&side, 2, 8, 0);
	expect_result(&results[3], 0, 0, 3);
	post_receive(&side, 4);
	collect(side.receive_cq, results, 1);
	expect_result(&results[0], 0, 12, 4);
	expect_slot(&side, 4, 12, 8);
	EXPECT_RETURN(-EINVAL, regio_receive(side.rq, NULL, 0, 0));
	side_close(&side);
}
END_TEST

/* Holds: regio_send -EINVAL. */
START_TEST(an_empty_send_completes_in_its_turn)
{
	const struct regio_buf nothing = {0};
	struct regio_result results[4];
	struct side side;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	EXPECT_RETURN(0, regio_send(side.rq, &nothing, 0, 0));
	send_slice(&side, 0, 5, 0, REGIO_MSG_DEFER);
	EXPECT_RETURN(0, regio_send(side.rq, &nothing, REGIO_MSG_DEFER, 1));
	send_slice(&side, 1, 5, 5, 0);
	collect(side.send_cq, results, 4);
	expect_result(&results[0], 0, 0, 0);
	expect_result(&results[1], 0, 5, RECEIVES);
	expect_result(&results[2], 0, 0, 1);
	expect_result(&results[3], 0, 5, RECEIVES + 1);
	read_stream(side.peer, 10, 0);
	EXPECT_RETURN(-EINVAL, regio_send(side.rq, NULL, 0, 0));
	side_close(&side);
}
END_TEST

/* Holds: regio_send what 2. */
START_TEST(queued_sends_of_mixed_lengths_keep_their_order)
{
	struct regio_result results[SENDS];
	uint64_t state = 1, offset = 0;
	uint32_t lengths[SENDS];
	struct side side;

	open_pair(&side, stream_families[_i], 2112);
	set_option(side.fd, SOL_SOCKET, SO_SNDBUF, 4 << 20);
	for (uint32_t i = 0; i < 200; i++) {
		/* Short ones in runs, long ones in between. */
		lengths[i] =
			i % 5 == 4 ? 513 + random_below(&state, 1500) : random_below(&state, 513);
		send_slice(&side, i, lengths[i], offset, i < 199 ? REGIO_MSG_DEFER : 0);
		offset += lengths[i];
	}
	collect(side.send_cq, results, 200);
	for (uint32_t i = 0; i < 200; i++)
		expect_result(&results[i], 0, lengths[i], RECEIVES + i);
	read_stream(side.peer, offset, 0);
	side_close(&side);
}
END_TEST

/* What can be read now. */
static uint64_t read_some(int fd, uint64_t offset)
{
	static uint8_t data[65536];
	ssize_t got = recv(fd, data, sizeof(data), MSG_DONTWAIT);

	EXPECT(got > 0 || errno == EAGAIN, "%m");
	if (got <= 0)
		return 0;
	expect_stream(data, (size_t)got, offset);
	return (uint64_t)got;
}

/* Holds: regio_send what 2, regio_send Blocking, regio_send_ex Blocking. */
START_TEST(a_send_completes_when_the_stack_has_all_of_it)
{
	enum { LONG = 8 << 20, BUFFERED_MAX = 2 << 20 };
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result results[2];
	struct regio_buf slice;
	uint64_t read = 0;
	struct side side;
	int fds[2], have = 0;

	stream_pair(stream_families[_i], fds);
	set_option(fds[0], SOL_SOCKET, SO_SNDBUF, 4096);
	set_option(fds[1], SOL_SOCKET, SO_RCVBUF, 1 << 18);
	SIDE_OPEN(&side, .fd = fds[0], .sends = 2, .slot_size = LONG);
	fill_stream(slot_memory(&side, 0), LONG, 0);
	fill_stream(slot_memory(&side, 1), 10, LONG);
	post_send(&side, 0, LONG, 0);
	slice = slot_slice(&side, 1, 10);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, NULL, 0, 1));
	for (int i = 0; i < 10; i++)
		expect_empty(side.send_cq);
	while (have < 2 && now_ns() < deadline_ns) {
		uint64_t some = read_some(fds[1], read);

		if (some > 0)
			deadline_ns = now_ns() + PATIENCE_NS;
		read += some;
		have += regio_cq_dequeue(side.send_cq, results + have, 2 - (uint32_t)have);
		EXPECT(have == 0 || read + BUFFERED_MAX > LONG, "done with %llu bytes read",
		       (unsigned long long)read);
	}
	ck_assert_int_eq(have, 2);
	expect_result(&results[0], 0, LONG, 0);
	expect_result(&results[1], 0, 10, 1);
	read_stream(fds[1], LONG + 10 - read, read);
	side_close(&side);
	close(fds[1]);
}
END_TEST

/* The socket is full of deferred sends, and nobody does anything but wait. */
START_TEST(a_lone_send_goes_on_where_the_socket_stopped)
{
	enum { LONG = 8 << 20 };
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result result;
	uint64_t read = 0;
	struct side side;
	int fds[2], have = 0;

	stream_pair(stream_families[_i], fds);
	set_option(fds[0], SOL_SOCKET, SO_SNDBUF, 4096);
	SIDE_OPEN(&side, .fd = fds[0], .sends = 1, .slot_size = LONG);
	fill_stream(slot_memory(&side, 0), LONG, 0);
	post_send(&side, 0, LONG, 0);
	while (have == 0 && now_ns() < deadline_ns) {
		uint64_t some = read_some(fds[1], read);

		if (some > 0)
			deadline_ns = now_ns() + PATIENCE_NS;
		read += some;
		have = regio_cq_dequeue(side.send_cq, &result, 1);
	}
	ck_assert_int_eq(have, 1);
	expect_result(&result, 0, LONG, 0);
	read_stream(fds[1], LONG - read, read);
	side_close(&side);
	close(fds[1]);
}
END_TEST

START_TEST(a_wait_finishes_sends_that_met_a_full_socket)
{
	enum { LONG = 1 << 20 };
	struct regio_result result;
	struct side side;
	int fds[2];

	stream_pair(stream_families[_i], fds);
	set_option(fds[0], SOL_SOCKET, SO_SNDBUF, 4096);
	SIDE_OPEN(&side, .fd = fds[0], .sends = 1, .slot_size = LONG);
	fill_stream(slot_memory(&side, 0), LONG, 0);
	post_send(&side, 0, LONG, 0);
	for (uint64_t read = 0; read < LONG;) {
		int queued = regio_cq_wait(side.send_cq, 1, 0, 0);

		EXPECT(queued == 1 || queued == -ETIMEDOUT, "%s", regio_error_name(queued));
		read += read_some(fds[1], read);
	}
	result = collect_one(side.send_cq);
	expect_result(&result, 0, LONG, 0);
	side_close(&side);
	close(fds[1]);
}
END_TEST

/* Holds: regio_rq_resize what, regio_rq_resize Ownership, regio_rq_resize Blocking. */
START_TEST(resizing_keeps_what_the_oldest_requests_have_moved)
{
	enum { LONG = 4 << 20 };
	struct regio_result result;
	struct side side;

	SIDE_OPEN(&side, .family = stream_families[_i], .peer = PEER_STREAM, .receives = 1,
		  .sends = 1, .slot_size = LONG);
	receive_slice(&side, 0, 1000, REGIO_MSG_WAITALL);
	write_stream(side.peer, 300, 0);
	expect_empty(side.receive_cq);
	fill_stream(slot_memory(&side, 1), LONG, 0);
	post_send(&side, 1, LONG, 0);
	expect_empty(side.send_cq);
	EXPECT_RETURN(0, regio_cq_resize(side.receive_cq, 100));
	EXPECT_RETURN(0, regio_cq_resize(side.send_cq, 100));
	EXPECT_RETURN(0, regio_rq_resize(side.rq, 100, 100));
	write_stream(side.peer, 700, 300);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 1000, 0);
	expect_slot(&side, 0, 1000, 0);
	for (uint64_t read = 0; read < LONG;) {
		regio_cq_wait(side.send_cq, 1, 0, 0);
		read += read_some(side.peer, read);
	}
	result = collect_one(side.send_cq);
	expect_result(&result, 0, LONG, 1);
	side_close(&side);
}
END_TEST

/* Holds: regio_extra what 2. */
START_TEST(a_receive_reports_both_addresses)
{
	union address mine, theirs;
	struct extra extra;
	struct side side;

	open_pair(&side, families[_i], SLOT_SIZE);
	struct regio_buf slice = slot_slice(&side, 0, SLOT_SIZE);

	mine = own_address(side.fd);
	theirs = own_address(side.peer);
	extra_open(&extra);
	extra.memory.message_flags = UINT32_MAX;
	for (int round = 0; round < 3; round++) {
		EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, &extra.slices, 0, 0));
		write_stream(side.peer, 5, 0);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 5, 0);
		EXPECT(memcmp(&extra.memory.local_address, &mine, address_length(&mine)) == 0,
		       "port %u, wanted %u", address_port(&extra.memory.local_address),
		       address_port(&mine));
		EXPECT(memcmp(&extra.memory.remote_address, &theirs, address_length(&theirs)) == 0,
		       "port %u, wanted %u", address_port(&extra.memory.remote_address),
		       address_port(&theirs));
		ck_assert_uint_eq(extra.memory.control.total_length, 8);
		ck_assert_uint_eq(extra.memory.message_flags, 0);
		memset(&extra.memory, 0xEE, sizeof(extra.memory));
	}
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* Holds: regio_extra what 2. */
START_TEST(a_unix_socket_reports_its_family)
{
	struct extra extra;
	struct side side;

	open_pair(&side, AF_UNIX, SLOT_SIZE);
	struct regio_buf slice = slot_slice(&side, 0, SLOT_SIZE);

	extra_open(&extra);
	EXPECT_RETURN(0, regio_receive_ex(side.rq, &slice, &extra.slices, 0, 0));
	write_stream(side.peer, 5, 0);
	collect_one(side.receive_cq);
	ck_assert_int_eq(extra.memory.local_address.any.sa_family, AF_UNIX);
	ck_assert_int_eq(extra.memory.remote_address.any.sa_family, AF_UNIX);
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* Holds: regio_extra what 2, regio_send_ex Returns. */
START_TEST(a_send_ignores_an_address_and_refuses_control_data)
{
	struct regio_extra slices;
	struct extra extra;
	struct side side;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	struct regio_buf slice = slot_slice(&side, 0, 8);

	extra_open(&extra);
	extra.memory.remote_address = loopback(AF_INET);
	extra.memory.message_flags = UINT32_MAX;
	slices = (struct regio_extra){.remote_address = extra.slices.remote_address,
				      .message_flags = extra.slices.message_flags};
	fill_stream(slot_memory(&side, 0), 8, 0);
	EXPECT_RETURN(0, regio_send_ex(side.rq, &slice, &slices, 0, 0));
	struct regio_result result = collect_one(side.send_cq);

	expect_result(&result, 0, 8, 0);
	ck_assert_uint_eq(extra.memory.message_flags, 0);
	read_stream(side.peer, 8, 0);
	slices.control = extra.slices.control;
	EXPECT_RETURN(-EINVAL, regio_send_ex(side.rq, &slice, &slices, 0, 0));
	expect_empty(side.send_cq);
	extra_close(&extra);
	side_close(&side);
}
END_TEST

/* Holds: regio_region_deregister what. */
START_TEST(requests_whose_region_is_gone_fail_in_their_turn_and_take_no_bytes)
{
	static uint8_t memory[SLOT_SIZE];
	struct regio_result results[3];
	struct side side;
	uint64_t region;

	open_pair(&side, stream_families[_i], SLOT_SIZE);
	for (int round = 0; round < 3; round++) {
		EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
		const struct regio_buf lost = {region, 0, SLOT_SIZE};

		post_receive(&side, 0);
		EXPECT_RETURN(0, regio_receive(side.rq, &lost, 0, 1));
		post_receive(&side, 2);
		EXPECT_RETURN(0, regio_region_deregister(region));
		write_stream(side.peer, 2 * SLOT_SIZE, 0);
		collect(side.receive_cq, results, 3);
		expect_result(&results[0], 0, SLOT_SIZE, 0);
		expect_result(&results[1], -EFAULT, 0, 1);
		expect_result(&results[2], 0, SLOT_SIZE, 2);
		expect_slot(&side, 0, SLOT_SIZE, 0);
		expect_slot(&side, 2, SLOT_SIZE, SLOT_SIZE);
	}
	side_close(&side);
}
END_TEST

START_TEST(urgent_data_holds_nothing_up)
{
	struct regio_result results[2];
	struct side side;

	open_pair(&side, families[_i], SLOT_SIZE);
	for (int round = 0; round < 20; round++) {
		uint32_t have = 0;

		write_stream(side.peer, 10, 0);
		EXPECT(send(side.peer, "!", 1, MSG_OOB) == 1, "%m");
		write_stream(side.peer, 10, 10);
		for (uint32_t bytes = 0; bytes < 20; bytes += results[have++].bytes) {
			EXPECT(have < 2, "%u bytes", bytes);
			post_receive(&side, have);
			results[have] = collect_one(side.receive_cq);
			expect_slot(&side, have, results[have].bytes, bytes);
		}
	}
	side_close(&side);
}
END_TEST

static void pass_descriptor(int fd, const void *data, size_t length)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	EXPECT(sendmsg(fd, &message, 0) == (ssize_t)length, "%m");
}

START_TEST(passed_descriptors_hold_nothing_up_and_are_closed)
{
	uint8_t data[10];
	struct side side;
	unsigned int before = 0;

	open_pair(&side, AF_UNIX, SLOT_SIZE);
	fill_stream(data, sizeof(data), 10);
	for (int round = 0; round < 20; round++) {
		uint32_t bytes = 0;

		/* The first rounds may leave what the process keeps once and for all. */
		if (round == 5)
			before = open_descriptors();
		write_stream(side.peer, 10, 0);
		pass_descriptor(side.peer, data, sizeof(data));
		write_stream(side.peer, 10, 20);
		while (bytes < 30) {
			post_receive(&side, 0);
			struct regio_result result = collect_one(side.receive_cq);

			expect_slot(&side, 0, result.bytes, bytes);
			bytes += result.bytes;
		}
	}
	ck_assert_uint_eq(open_descriptors(), before);
	side_close(&side);
}
END_TEST

START_TEST(the_buffers_of_a_stream_are_left_to_the_kernel)
{
	struct regio_rq_info info;
	struct side side;
	int fds[2], before;

	stream_pair(stream_families[_i], fds);
	before = get_option(fds[0], SOL_SOCKET, SO_RCVBUF);
	SIDE_OPEN(&side, .fd = fds[0], .receives = 4096, .slot_size = 64);
	ck_assert_int_eq(get_option(fds[0], SOL_SOCKET, SO_RCVBUF), before);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	EXPECT(!info.receive_trains_on && !info.send_trains_on, "trains on a stream");
	side_close(&side);
	close(fds[1]);
}
END_TEST

/* The rest of a receive is less than what the kernel was asked to tell of. */
static void receive_below_the_low_water(int family, bool late)
{
	struct regio_buf slice;
	struct side side;
	int fds[2];

	stream_pair(family, fds);
	if (!late)
		set_option(fds[0], SOL_SOCKET, SO_RCVLOWAT, 50);
	SIDE_OPEN(&side, .fd = fds[0], .receives = 4, .slot_size = 256);
	if (late)
		set_option(fds[0], SOL_SOCKET, SO_RCVLOWAT, 50);
	slice = slot_slice(&side, 0, 100);
	EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, 0));
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, MILLISECOND_NS));
	write_stream(fds[1], 60, 0);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 20 * MILLISECOND_NS));
	write_stream(fds[1], 40, 60);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 100, 0);
	expect_stream(slot_memory(&side, 0), 100, 0);
	if (!late) {
		/* A short one. */
		slice = slot_slice(&side, 1, 20);
		EXPECT_RETURN(0, regio_receive(side.rq, &slice, 0, 1));
		EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, MILLISECOND_NS));
		write_stream(fds[1], 20, 100);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 20, 1);
	}
	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	ck_assert_int_eq(get_option(fds[0], SOL_SOCKET, SO_RCVLOWAT), 50);
	close(fds[0]);
	close(fds[1]);
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
}

/* Holds: regio_rq_create what, regio_rq_close what. */
START_TEST(what_the_kernel_does_not_report_is_received_all_the_same)
{
	receive_below_the_low_water(stream_families[_i], false);
}
END_TEST

/* Holds: regio_rq_close what. */
START_TEST(a_low_water_set_later_holds_back_no_rest_of_a_receive)
{
	receive_below_the_low_water(stream_families[_i], true);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_STREAM(bytes_of_every_kind_of_length_go_both_ways),
		CASE_PER_STREAM(a_receive_completes_with_what_is_there),
		CASE_PER_STREAM(arrivals_fill_small_slices_in_order),
		CASE_PER_STREAM(arrivals_fill_long_slices_in_order),
		CASE_PER_STREAM(
			arrivals_that_fill_long_slices_exactly_are_followed_by_an_attempt_in_vain),
		CASE_PER_STREAM(with_WAITALL_a_receive_completes_when_it_is_full),
		CASE_PER_STREAM(WAITALL_is_refused_for_sends),
		CASE_PER_STREAM(
			an_empty_receive_completes_when_something_is_there_and_takes_nothing),
		CASE_PER_STREAM(an_empty_send_completes_in_its_turn),
		CASE_PER_STREAM(queued_sends_of_mixed_lengths_keep_their_order),
		CASE_PER_STREAM(a_send_completes_when_the_stack_has_all_of_it),
		CASE_PER_STREAM(a_lone_send_goes_on_where_the_socket_stopped),
		CASE_PER_STREAM(a_wait_finishes_sends_that_met_a_full_socket),
		CASE_PER_STREAM(resizing_keeps_what_the_oldest_requests_have_moved),
		CASE_PER_FAMILY(a_receive_reports_both_addresses),
		CASE(a_unix_socket_reports_its_family),
		CASE_PER_STREAM(a_send_ignores_an_address_and_refuses_control_data),
		CASE_PER_STREAM(requests_whose_region_is_gone_fail_in_their_turn_and_take_no_bytes),
		CASE_PER_FAMILY(urgent_data_holds_nothing_up),
		CASE(passed_descriptors_hold_nothing_up_and_are_closed),
		CASE_PER_STREAM(what_the_kernel_does_not_report_is_received_all_the_same),
		CASE_PER_STREAM(a_low_water_set_later_holds_back_no_rest_of_a_receive),
		CASE_PER_STREAM(the_buffers_of_a_stream_are_left_to_the_kernel),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
