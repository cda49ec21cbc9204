/* SPDX-License-Identifier: MIT */
/*
 * stream_receive.c - arrivals on a stream are scattered over the posted receives right
 *
 * No socket: a plan is filled the way the kernel would fill it.
 */
#include "../support/net.h"
#include "../support/suite.h"

#include <string.h>
#include <sys/mman.h>

#include "mem/request.h"
#include "mem/section.h"
#include "stream/receive.h"

#define REQUESTS 2048u
#define SLICE_BYTES 4096u

static struct regioi_request requests[REQUESTS];
static struct regio_extra extras[REQUESTS];
static struct regioi_window window;
static struct regioi_receive_state state;
static struct regioi_area *area;
static struct regioi_op op;
static uint8_t *memory;
static uint64_t region;
static uint32_t planned;
static uint64_t arrived;  /* bytes of the stream so far */
static uint64_t expected; /* bytes of it that completed requests have */

static void set_up(void)
{
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ck_assert_ptr_ne(area, MAP_FAILED);
	EXPECT_RETURN(0, regio_region_allocate((size_t)REQUESTS * SLICE_BYTES, NULL, &region,
					       (void **)&memory));
	window = (struct regioi_window){requests, extras, REQUESTS - 1, 0, 0};
}

static struct regioi_request *post(uint32_t bytes, uint32_t flags)
{
	uint32_t number = (window.first + window.count++) & window.mask;

	requests[number] = (struct regioi_request){
		.region = region, .offset = number * SLICE_BYTES, .bytes = bytes, .flags = flags};
	return &requests[number];
}

/* The same, side by side with the slice before it. */
static struct regioi_request *post_beside(uint32_t bytes, uint32_t flags)
{
	const struct regioi_request before = *regioi_window_request(&window, window.count - 1);
	struct regioi_request *request = post(bytes, flags);

	if (request != requests)
		request->offset = before.offset + before.bytes;
	return request;
}

static uint32_t plan(void)
{
	struct regioi_area *needed =
		regioi_stream_receive_needs_area(&state, &window) ? area : NULL;

	return regioi_stream_receive_plan(&state, &window, needed, &op, &planned);
}

static uint8_t stream_byte(uint64_t offset)
{
	return (uint8_t)(offset * 31 + (offset >> 8) + 7);
}

static void fill(uint8_t *at, size_t length)
{
	for (size_t i = 0; i < length; i++)
		at[i] = stream_byte(arrived++);
}

/* The next 'length' bytes arrive, at most as many as are asked for. */
static uint32_t arrive(size_t length)
{
	size_t left = length < op.length ? length : op.length;
	uint32_t done;

	op.result = (int32_t)left;
	if (op.kind == REGIOI_OP_RECEIVE_BYTES) {
		fill(op.data, left);
	} else {
		ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE_VECTORS);
		for (size_t i = 0; left > 0; i++) {
			const struct iovec *vector = &op.message->msg_iov[i];
			size_t part = left < vector->iov_len ? left : vector->iov_len;

			ck_assert_uint_lt(i, op.message->msg_iovlen);
			fill(vector->iov_base, part);
			left -= part;
		}
	}
	done = regioi_stream_receive_settle(&state, &window, area, &op, planned);
	for (uint32_t i = 0; i < done; i++) {
		const struct regioi_request *request = regioi_window_request(&window, i);

		ck_assert_int_eq(request->status, 0);
		for (uint32_t k = 0; k < request->bytes; k++)
			EXPECT(memory[request->offset + k] == stream_byte(expected++),
			       "byte %u of request %u", k, i);
	}
	window.first += done;
	window.count -= done;
	return done;
}

/* As after arrivals that filled several slices. */
static void expect_many(void)
{
	state.asked = 255;
}

START_TEST(a_lone_arrival_lands_in_the_oldest_slice)
{
	set_up();
	post(64, 0);
	post(64, 0);
	for (int i = 0; i < 20; i++) {
		plan();
		ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE_BYTES);
		ck_assert_ptr_eq(op.data, memory + regioi_window_request(&window, 0)->offset);
		ck_assert_uint_eq(planned, 1);
		ck_assert_uint_eq(arrive(10), 1);
		post(64, 0);
	}
}
END_TEST

START_TEST(slices_that_keep_being_filled_are_asked_for_together)
{
	set_up();
	for (int i = 0; i < 100; i++)
		post(64, 0);
	for (int i = 0; i < 4; i++) {
		plan();
		ck_assert_uint_eq(planned, 1);
		arrive(64);
	}
	plan();
	ck_assert_uint_eq(planned, 96);
	ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE_BYTES);
	ck_assert_ptr_eq(op.data, regioi_area_stage(area, 0));
	ck_assert_uint_eq(arrive(64 * 50 + 3), 51);
	plan();
	EXPECT(planned > 1, "%u", planned);
	arrive(5);
	plan();
	ck_assert_uint_eq(planned, 1);
}
END_TEST

START_TEST(no_more_is_asked_for_than_twice_what_came_last)
{
	const uint32_t lengths[] = {64, 2000};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		set_up();
		expect_many();
		for (int k = 0; k < 500; k++)
			post(lengths[i], 0);
		plan();
		EXPECT(planned > 100, "%u", planned);
		ck_assert_uint_eq(arrive(20 * lengths[i]), 20);
		plan();
		ck_assert_uint_eq(planned, 40);
		ck_assert_uint_eq(arrive(2 * lengths[i]), 2);
		plan();
		ck_assert_uint_eq(planned, 16);
		/* All that was asked for came, so there may be any number. */
		ck_assert_uint_eq(arrive(16 * lengths[i]), 16);
		plan();
		EXPECT(planned > 100, "%u", planned);
	}
}
END_TEST

START_TEST(slices_side_by_side_are_asked_for_however_few_came_last)
{
	set_up();
	expect_many();
	post(64, 0);
	for (int i = 1; i < 1000; i++)
		post_beside(64, 0);
	plan();
	ck_assert_uint_eq(planned, 1000);
	ck_assert_uint_eq(arrive(64 * 2), 2);
	plan();
	ck_assert_uint_eq(planned, 998);
}
END_TEST

START_TEST(long_slices_are_vectors)
{
	set_up();
	expect_many();
	for (int i = 0; i < 5; i++)
		post(4096, 0);
	plan();
	ck_assert_uint_eq(planned, 5);
	ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE_VECTORS);
	ck_assert_uint_eq(op.length, 5 * 4096);
	ck_assert_uint_eq(arrive(4096 * 3), 3);
}
END_TEST

START_TEST(slices_side_by_side_are_one_vector)
{
	set_up();
	state.asked = 255;
	post(64, 0);
	for (int i = 1; i < 20; i++)
		post_beside(64, 0);
	post(64, 0);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(planned, 21);
	ck_assert_int_eq(op.kind, REGIOI_OP_RECEIVE_VECTORS);
	ck_assert_uint_eq(op.message->msg_iovlen, 2);
	ck_assert_uint_eq(op.message->msg_iov[0].iov_len, 1280);
	ck_assert_uint_eq(arrive(1000), 16);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(arrive(320), 5);
}
END_TEST

START_TEST(an_operation_is_bounded)
{
	set_up();
	for (uint32_t i = 0; i < REQUESTS; i++)
		post(i < REQUESTS / 2 ? 64 : 4096, 0);
	while (window.count > 0) {
		expect_many();
		plan();
		EXPECT(op.length <= 262144 + 4096 && planned <= 1024, "%zu bytes, %u requests",
		       op.length, planned);
		ck_assert_uint_eq(arrive(op.length), planned);
	}
}
END_TEST

START_TEST(requests_with_WAITALL_wait_until_they_are_full)
{
	set_up();
	expect_many();
	post(100, REGIO_MSG_WAITALL);
	post(100, 0);
	post(100, REGIO_MSG_WAITALL);
	plan();
	ck_assert_uint_eq(arrive(60), 0);
	expect_many();
	plan();
	ck_assert_uint_eq(op.length, 240);
	ck_assert_uint_eq(arrive(50), 2);
	expect_many();
	plan();
	ck_assert_uint_eq(arrive(99), 0);
	plan();
	ck_assert_uint_eq(op.length, 1);
	ck_assert_uint_eq(arrive(1), 1);
}
END_TEST

START_TEST(random_arrivals_through_random_slices_keep_every_byte_in_its_place)
{
	uint64_t random = 5;
	uint32_t mixed = 0;

	set_up();
	for (int round = 0; round < 20000; round++) {
		while (window.count < 100) {
			uint32_t limit = ++mixed / 300 % 2 ? 100 : 2000;

			(window.count && random_below(&random, 2) ? post_beside : post)(
				random_below(&random, limit),
				random_below(&random, 4) ? 0 : REGIO_MSG_WAITALL);
		}
		ck_assert_uint_eq(plan(), 0);
		arrive(random_below(&random, 3) ? 1 + random_below(&random, 300)
						: random_below(&random, 20000));
	}
	EXPECT(arrived - expected < 2000, "%llu bytes in no request",
	       (unsigned long long)(arrived - expected));
}
END_TEST

START_TEST(with_empty_slices_alone_an_operation_that_succeeds_completes_them)
{
	set_up();
	expect_many();
	post(0, 0)->region = 0;
	post(0, REGIO_MSG_WAITALL);
	plan();
	ck_assert_uint_eq(op.length, 0);
	ck_assert_uint_eq(planned, 2);
	ck_assert_uint_eq(arrive(0), 2);
}
END_TEST

START_TEST(a_request_without_its_region_fails_in_its_turn_and_takes_nothing)
{
	const uint32_t lengths[] = {64, 1000};

	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		set_up();
		expect_many();
		post(lengths[i], 0);
		post(lengths[i], 0)->region = region + (UINT64_C(1) << 32);
		post(lengths[i], 0);
		ck_assert_uint_eq(plan(), 0);
		ck_assert_uint_eq(planned, 1);
		ck_assert_uint_eq(arrive(5000), 1);
		ck_assert_uint_eq(plan(), 1);
		ck_assert_int_eq(requests[1].status, -EFAULT);
		ck_assert_uint_eq(requests[1].bytes, 0);
		window.first++;
		window.count--;
		ck_assert_uint_eq(arrive(5000), 1);
	}
}
END_TEST

START_TEST(the_end_completes_all_and_reports_what_the_first_has)
{
	set_up();
	post(100, REGIO_MSG_WAITALL);
	post(100, REGIO_MSG_WAITALL);
	post(100, 0);
	plan();
	arrive(60);
	ck_assert_uint_eq(regioi_stream_receive_end(&state, &window), 3);
	ck_assert_uint_eq(requests[0].bytes, 60);
	ck_assert_uint_eq(requests[1].bytes, 0);
	ck_assert_uint_eq(requests[2].bytes, 0);
	ck_assert_uint_eq(state.partial_bytes, 0);
}
END_TEST

START_TEST(extra_slices_are_filled_as_far_as_they_reach)
{
	const union regioi_address local = {
		.v4 = {.sin_family = AF_INET, .sin_port = 1, .sin_addr = {1}}};
	const union regioi_address peer = {.v6 = {.sin6_family = AF_INET6, .sin6_port = 2}};
	struct regio_control control;
	uint8_t *at;

	set_up();
	state.local = local;
	state.peer = peer;
	post(10, REGIOI_REQUEST_EXTRA);
	at = memory + 1000;
	memset(at, 0xEE, 400);
	extras[0] = (struct regio_extra){.local_address = {region, 1000, 28},
					 .remote_address = {region, 1100, 28},
					 .control = {region, 1200, 100},
					 .message_flags = {region, 1300, 4}};
	plan();
	ck_assert_uint_eq(arrive(3), 1);
	ck_assert_mem_eq(at, &local, sizeof(local.v4));
	ck_assert_mem_eq(at + 100, &peer, sizeof(peer.v6));
	memcpy(&control, at + 200, sizeof(control));
	ck_assert_uint_eq(control.total_length, 8);
	EXPECT(at[208] == 0xEE, "control data where there is none");
	EXPECT(!at[300] && !at[301] && !at[302] && !at[303] && at[304] == 0xEE, "flags");
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_lone_arrival_lands_in_the_oldest_slice),
		CASE(slices_that_keep_being_filled_are_asked_for_together),
		CASE(no_more_is_asked_for_than_twice_what_came_last),
		CASE(slices_side_by_side_are_asked_for_however_few_came_last),
		CASE(long_slices_are_vectors),
		CASE(slices_side_by_side_are_one_vector),
		CASE(an_operation_is_bounded),
		CASE(requests_with_WAITALL_wait_until_they_are_full),
		CASE(random_arrivals_through_random_slices_keep_every_byte_in_its_place),
		CASE(with_empty_slices_alone_an_operation_that_succeeds_completes_them),
		CASE(a_request_without_its_region_fails_in_its_turn_and_takes_nothing),
		CASE(the_end_completes_all_and_reports_what_the_first_has),
		CASE(extra_slices_are_filled_as_far_as_they_reach),
	};

	/* The library would be in one. */
	regioi_section_enter();
	return run_cases(cases, ARRAY_SIZE(cases));
}
