/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a ring whose io_uring_enter() fails after something was queued
 *
 * Whatever has failed, each operation is executed once, in order, and the ring goes on.
 */
#include "../support/suite.h"
#include "../support/trap.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/ring.h"

#define BATCH 40u
/* Each leaves a batch of entries in a ring that has room for three. */
#define FAILURES 20u

enum { ENTER };

static const struct trap_call calls[] = {
	[ENTER] = {"io_uring_enter", SYS_io_uring_enter, -1, 0, 0},
};

/* What a kernel says that may do better at the next call. */
static const int passing[] = {EAGAIN, EBUSY, ENOMEM};

static struct regioi_ring ring;
static int sockets[2];

/* NULL, or why there is no ring here. */
static const char *open_ring(void)
{
	if (trap_refused())
		return trap_refused();
	if (regioi_ring_open(&ring.io) != 0)
		return "io_uring is refused here";
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), 0);
	trap_calls(calls, ARRAY_SIZE(calls));
	return NULL;
}

static void close_ring(void)
{
	io_uring_queue_exit(&ring.io);
	close(sockets[0]);
	close(sockets[1]);
}

/* The next io_uring_enter() fails; with 0 it does not. */
static void let_fail(int error)
{
	trap_forget();
	if (error)
		trap_fail(ENTER, 0, error);
}

/* Sends BATCH numbers from 'first' in one batch. Error of the ring. */
static int send_batch(uint32_t first)
{
	uint32_t numbers[BATCH];
	struct regioi_op ops[BATCH];
	int error;

	for (uint32_t i = 0; i < BATCH; i++) {
		numbers[i] = first + i;
		ops[i] = (struct regioi_op){.fd = sockets[0],
					    .kind = REGIOI_OP_SEND,
					    .data = &numbers[i],
					    .length = sizeof(numbers[i])};
	}
	trap_enter();
	error = regioi_ring_execute(&ring, ops, BATCH);
	trap_leave();
	for (uint32_t i = 0; i < BATCH; i++)
		ck_assert_int_eq(ops[i].result, sizeof(numbers[i]));
	return error;
}

static void expect_batch(uint32_t first)
{
	uint32_t number;

	for (uint32_t i = 0; i < BATCH; i++) {
		ck_assert_int_eq(recv(sockets[1], &number, sizeof(number), MSG_DONTWAIT),
				 sizeof(number));
		ck_assert_uint_eq(number, first + i);
	}
	ck_assert_int_lt(recv(sockets[1], &number, sizeof(number), MSG_DONTWAIT), 0);
}

START_TEST(a_batch_that_the_ring_refuses_is_executed_once_in_order)
{
	const char *refused = open_ring();

	if (refused)
		SKIP("%s", refused);
	for (uint32_t i = 0; i < FAILURES; i++) {
		const int error = passing[i % ARRAY_SIZE(passing)];

		let_fail(error);
		ck_assert_int_eq(send_batch(i), -error);
		expect_batch(i);
	}
	let_fail(0);
	ck_assert_int_eq(send_batch(1000), 0);
	expect_batch(1000);
	ck_assert_uint_gt(trap_count(ENTER), 0);
	close_ring();
}
END_TEST

START_TEST(batches_pass_through_the_ring_again_once_it_works)
{
	const char *refused = open_ring();

	if (refused)
		SKIP("%s", refused);
	for (uint32_t i = 0; i < FAILURES; i++) {
		let_fail(i % 2 ? EAGAIN : 0);
		ck_assert_int_eq(send_batch(i), i % 2 ? -EAGAIN : 0);
		expect_batch(i);
	}
	close_ring();
}
END_TEST

START_TEST(a_poll_that_the_ring_refuses_is_not_armed_and_can_be_armed_later)
{
	const char *refused = open_ring();
	int ready_fd = eventfd(1, EFD_CLOEXEC), error;

	if (refused)
		SKIP("%s", refused);
	for (uint32_t i = 0; i < 2 * REGIOI_RING_ENTRIES; i++) {
		let_fail(EBUSY);
		trap_enter();
		error = regioi_ring_arm(&ring, 0, 1, ready_fd);
		trap_leave();
		ck_assert_int_eq(error, -EBUSY);
		ck_assert(!ring.polls[0].armed);
	}
	ring.polls[0].serial = 1;
	let_fail(0);
	ck_assert_int_eq(regioi_ring_arm(&ring, 0, 1, ready_fd), 0);
	regioi_ring_look(&ring);
	regioi_ring_look(&ring);
	ck_assert(ring.polls[0].fired);
	close(ready_fd);
	close_ring();
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_batch_that_the_ring_refuses_is_executed_once_in_order),
		CASE(batches_pass_through_the_ring_again_once_it_works),
		CASE(a_poll_that_the_ring_refuses_is_not_armed_and_can_be_armed_later),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
