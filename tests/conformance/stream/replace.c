/* SPDX-License-Identifier: MIT */
/*
 * replace.c - another stream socket behind a request queue
 */
#include "../../support/extra.h"
#include "../../support/side.h"
#include "../../support/streams.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static void open_side(struct side *side, int fd)
{
	SIDE_OPEN(side, .fd = fd, .receives = 16, .sends = 16, .slot_size = 64);
}

/* A byte string goes each way between the side and its peer. */
static void expect_traffic(struct side *side, int peer, uint64_t offset)
{
	struct regio_result result;

	fill_stream(slot_memory(side, 16), 64, offset);
	post_send(side, 16, 64, 0);
	result = collect_one(side->send_cq);
	expect_result(&result, 0, 64, 16);
	read_stream(peer, 64, offset);
	post_receive(side, 0);
	write_stream(peer, 64, offset);
	result = collect_one(side->receive_cq);
	expect_result(&result, 0, 64, 0);
	expect_stream(slot_memory(side, 0), 64, offset);
}

/*
 * Holds: regio_rq_replace_socket what, regio_rq_replace_socket Ownership,
 * regio_rq_replace_socket Blocking.
 */
START_TEST(what_is_posted_goes_on_with_the_new_socket)
{
	struct regio_result results[2];
	struct side side;
	int old[2], new[2];

	stream_pair(stream_families[_i], old);
	stream_pair(stream_families[_i], new);
	open_side(&side, old[0]);
	expect_traffic(&side, old[1], 0);
	for (uint64_t i = 1; i <= 2; i++) {
		struct regio_buf slice = slot_slice(&side, i, 64);

		EXPECT_RETURN(0, regio_receive(side.rq, &slice, REGIO_MSG_WAITALL, i));
	}
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, new[0]));
	expect_end(old[1]);
	/* The queue has a descriptor of its own. */
	close(new[0]);
	write_stream(new[1], 128, 500);
	collect(side.receive_cq, results, 2);
	for (uint64_t i = 1; i <= 2; i++) {
		expect_result(&results[i - 1], 0, 64, i);
		expect_stream(slot_memory(&side, i), 64, 500 + 64 * (i - 1));
	}
	expect_traffic(&side, new[1], 1000);
	side_close(&side);
	close(old[1]);
	close(new[1]);
}
END_TEST

static void receive_addresses(struct side *side, struct extra *extra, int fd, int peer)
{
	const union address mine = own_address(fd), theirs = own_address(peer);
	struct regio_buf slice = slot_slice(side, 0, 64);
	struct regio_result result;

	EXPECT_RETURN(0, regio_receive_ex(side->rq, &slice, &extra->slices, 0, 0));
	write_stream(peer, 64, 0);
	result = collect_one(side->receive_cq);
	expect_result(&result, 0, 64, 0);
	ck_assert_mem_eq(&extra->memory.local_address, &mine, address_length(&mine));
	ck_assert_mem_eq(&extra->memory.remote_address, &theirs, address_length(&theirs));
}

/* Holds: regio_extra what 2. */
START_TEST(a_receive_reports_the_addresses_of_the_new_socket)
{
	struct extra extra;
	struct side side;
	int old[2], new[2];

	stream_pair(families[_i], old);
	stream_pair(families[_i], new);
	open_side(&side, old[0]);
	extra_open(&extra);
	receive_addresses(&side, &extra, old[0], old[1]);
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, new[0]));
	receive_addresses(&side, &extra, new[0], new[1]);
	close(new[0]);
	extra_close(&extra);
	side_close(&side);
	close(old[1]);
	close(new[1]);
}
END_TEST

/* Holds: regio_rq_replace_socket what. */
START_TEST(an_error_of_the_old_socket_is_forgotten)
{
	struct regio_result result;
	struct side side;
	int old[2], new[2];

	stream_pair(stream_families[_i], old);
	stream_pair(stream_families[_i], new);
	open_side(&side, old[0]);
	post_receive(&side, 1);
	reset_stream(old[1]);
	result = collect_one(side.receive_cq);
	ck_assert_uint_eq(result.bytes, 0);
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, new[0]));
	close(new[0]);
	expect_traffic(&side, new[1], 0);
	side_close(&side);
	close(new[1]);
}
END_TEST

/*
 * Holds: regio_rq_replace_socket Returns, regio_rq_replace_socket -EOPNOTSUPP,
 * regio_rq_replace_socket -ENOTSOCK, regio_rq_replace_socket -EBADF.
 */
START_TEST(what_is_no_such_socket_is_refused_and_nothing_changes)
{
	const int others[] = {stream_socket(stream_families[(_i + 1) % STREAM_FAMILIES]),
			      bound_socket(AF_INET), eventfd(0, EFD_CLOEXEC), -1,
			      /* Another kind of stream, in the one family that has others. */
			      socket(stream_families[_i], SOCK_STREAM, IPPROTO_MPTCP)};
	const int errors[] = {-EOPNOTSUPP, -EOPNOTSUPP, -ENOTSOCK, -EBADF,
			      others[4] < 0 ? -EBADF : -EOPNOTSUPP};
	struct side side, datagrams;
	int fds[2];

	stream_pair(stream_families[_i], fds);
	open_side(&side, fds[0]);
	SIDE_OPEN(&datagrams, .family = AF_INET, .receives = 1, .sends = 1, .slot_size = 64);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_RETURN(errors[i], regio_rq_replace_socket(side.rq, others[i]));
		ck_assert_str_ne(regio_last_error(), "");
		expect_traffic(&side, fds[1], i);
		if (others[i] >= 0)
			close(others[i]);
	}
	EXPECT_RETURN(-EOPNOTSUPP, regio_rq_replace_socket(datagrams.rq, fds[1]));
	EXPECT_RETURN(-EBADF, regio_rq_replace_socket(NULL, fds[1]));
	side_close(&datagrams);
	side_close(&side);
	close(fds[1]);
}
END_TEST

/* Holds: regio_rq_replace_socket -EEXIST, regio_rq_replace_socket Returns. */
START_TEST(a_socket_of_another_queue_is_refused)
{
	struct regio_cq *cq = cq_of(2, NULL);
	struct side side, other;
	struct regio_rq *second;
	int a[2], b[2];

	stream_pair(stream_families[_i], a);
	stream_pair(stream_families[_i], b);
	open_side(&side, a[0]);
	open_side(&other, b[0]);
	EXPECT_RETURN(-EEXIST, regio_rq_replace_socket(side.rq, b[0]));
	/* Each socket still has its queue, and may not have another. */
	EXPECT_RETURN(-EEXIST, regio_rq_create(a[0], 1, 1, cq, cq, 0, NULL, &second));
	EXPECT_RETURN(-EEXIST, regio_rq_create(b[0], 1, 1, cq, cq, 0, NULL, &second));
	expect_traffic(&side, a[1], 0);
	expect_traffic(&other, b[1], 7);
	side_close(&side);
	side_close(&other);
	EXPECT_RETURN(0, regio_cq_close(cq));
	close(a[1]);
	close(b[1]);
}
END_TEST

/* Holds: regio_rq_replace_socket Returns. */
START_TEST(its_own_socket_changes_nothing)
{
	struct side side;
	int fds[2], copy;

	stream_pair(stream_families[_i], fds);
	open_side(&side, fds[0]);
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, fds[0]));
	expect_traffic(&side, fds[1], 0);
	copy = dup(fds[0]);
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, copy));
	close(copy);
	expect_traffic(&side, fds[1], 7);
	side_close(&side);
	close(fds[1]);
}
END_TEST

/* Holds: regio_rq_replace_socket -EBADF. */
START_TEST(a_descriptor_that_is_another_files_by_now_is_left_alone)
{
	const int file = eventfd(1, EFD_CLOEXEC);
	eventfd_t value = 0;
	struct side side;
	int old[2], new[2];

	if (closing_refused())
		SKIP("%s", closing_refused());
	stream_pair(stream_families[_i], old);
	stream_pair(stream_families[_i], new);
	open_side(&side, old[0]);
	ck_assert_int_eq(dup3(file, old[0], O_CLOEXEC), old[0]);
	EXPECT_RETURN(-EBADF, regio_rq_replace_socket(side.rq, new[0]));
	EXPECT(strstr(regio_last_error(), "another file"), "says %s", regio_last_error());
	ck_assert_int_eq(eventfd_read(old[0], &value), 0);
	ck_assert_uint_eq(value, 1);
	/* Where nobody has the number it is the new socket's. */
	close(old[0]);
	EXPECT_RETURN(0, regio_rq_replace_socket(side.rq, new[0]));
	expect_traffic(&side, new[1], 0);
	side_close(&side);
	close(file);
	close(old[1]);
	close(new[0]);
	close(new[1]);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_STREAM(what_is_posted_goes_on_with_the_new_socket),
		CASE_PER_FAMILY(a_receive_reports_the_addresses_of_the_new_socket),
		CASE_PER_STREAM(an_error_of_the_old_socket_is_forgotten),
		CASE_PER_STREAM(what_is_no_such_socket_is_refused_and_nothing_changes),
		CASE_PER_STREAM(a_socket_of_another_queue_is_refused),
		CASE_PER_STREAM(its_own_socket_changes_nothing),
		CASE_PER_STREAM(a_descriptor_that_is_another_files_by_now_is_left_alone),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
