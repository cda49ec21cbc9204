/* SPDX-License-Identifier: MIT */
/*
 * stream_send.c - queued sends of a stream are gathered right, however little the socket takes
 *
 * No socket: a plan is read the way the kernel would read it.
 */
#include "../support/net.h"
#include "../support/suite.h"

#include <string.h>
#include <sys/mman.h>

#include "mem/request.h"
#include "mem/section.h"
#include "stream/send.h"

#define REQUESTS 8192u
#define SLICE_BYTES 4096u

static struct regioi_request requests[REQUESTS];
static struct regio_extra extras[REQUESTS];
static struct regioi_window window;
static struct regioi_send_state state;
static struct regioi_area *area;
static struct regioi_op op;
static uint8_t *memory;
static uint64_t region;
static uint32_t planned;

static void set_up(void)
{
	area = mmap(NULL, sizeof(*area), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ck_assert_ptr_ne(area, MAP_FAILED);
	EXPECT_RETURN(0, regio_region_allocate((size_t)REQUESTS * SLICE_BYTES, NULL, &region,
					       (void **)&memory));
	window = (struct regioi_window){requests, extras, REQUESTS - 1, 0, 0};
}

/* Posts 'bytes' bytes that name their request, and their place in it. */
static struct regioi_request *post(uint32_t bytes)
{
	uint32_t number = (window.first + window.count++) & window.mask;

	requests[number] = (struct regioi_request){
		.region = region, .offset = number * SLICE_BYTES, .bytes = bytes};
	for (uint32_t i = 0; i < bytes; i++)
		memory[requests[number].offset + i] = (uint8_t)(number % 251 + i % 239);
	return &requests[number];
}

/* Moves the slices that were posted last to where the first ends, side by side. */
static void move_together(void)
{
	uint32_t end = requests[window.first & window.mask].offset;

	for (uint32_t i = 0; i < window.count; i++) {
		struct regioi_request *request = regioi_window_request(&window, i);

		memmove(memory + end, memory + request->offset, request->bytes);
		request->offset = end;
		end += request->bytes;
	}
}

static uint32_t plan(void)
{
	struct regioi_area *needed = regioi_stream_send_needs_area(&window) ? area : NULL;

	return regioi_stream_send_plan(&state, &window, needed, &op, &planned);
}

static uint32_t settle(size_t moved)
{
	uint32_t done;

	op.result = (int32_t)moved;
	done = regioi_stream_send_settle(&state, &window, &op, planned);
	window.first += done;
	window.count -= done;
	return done;
}

/* What the kernel would read, as one piece. */
static const uint8_t *flatten(void)
{
	static uint8_t data[2u << 20];
	size_t length = 0;

	if (op.kind == REGIOI_OP_SEND)
		return op.data;
	ck_assert_int_eq(op.kind, REGIOI_OP_SEND_VECTORS);
	for (size_t i = 0; i < op.message->msg_iovlen; i++) {
		const struct iovec *vector = &op.message->msg_iov[i];

		memcpy(data + length, vector->iov_base, vector->iov_len);
		length += vector->iov_len;
	}
	ck_assert_uint_eq(length, op.length);
	return data;
}

/* The plan is the requests of the window, from the middle of the first on. */
static void check_plan(void)
{
	const uint8_t *data = flatten();
	uint32_t skipped = state.partial_bytes;
	size_t length = 0;

	for (uint32_t i = 0; i < planned; i++) {
		const struct regioi_request *request = regioi_window_request(&window, i);
		const uint8_t *wanted = memory + request->offset + skipped;

		if (request->region)
			EXPECT(memcmp(data + length, wanted, request->bytes - skipped) == 0,
			       "request %u", i);
		length += request->bytes - skipped;
		skipped = 0;
	}
	ck_assert_uint_eq(length, op.length);
}

static size_t vectors(void)
{
	return op.kind == REGIOI_OP_SEND ? 1 : op.message->msg_iovlen;
}

START_TEST(a_lone_request_is_sent_from_its_slice)
{
	set_up();
	post(64);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_int_eq(op.kind, REGIOI_OP_SEND);
	ck_assert_ptr_eq(op.data, memory);
	ck_assert_uint_eq(op.length, 64);
	ck_assert_uint_eq(settle(64), 1);
}
END_TEST

START_TEST(a_thousand_small_requests_are_one_vector)
{
	set_up();
	for (int i = 0; i < 1024; i++)
		post(64);
	plan();
	check_plan();
	ck_assert_uint_eq(planned, 1024);
	ck_assert_uint_eq(vectors(), 1);
	ck_assert_uint_eq(settle(65536), 1024);
	ck_assert_uint_eq(window.count, 0);
}
END_TEST

START_TEST(slices_side_by_side_are_passed_as_they_lie)
{
	set_up();
	for (int i = 0; i < 100; i++)
		post(i % 3 ? 64 : 0);
	move_together();
	plan();
	check_plan();
	ck_assert_uint_eq(planned, 100);
	ck_assert_int_eq(op.kind, REGIOI_OP_SEND);
	ck_assert_ptr_eq(op.data, memory);
	ck_assert_uint_eq(settle(100), 2);
	plan();
	check_plan();
	ck_assert_ptr_eq(op.data, memory + 100);
}
END_TEST

START_TEST(long_requests_are_vectors_of_their_own)
{
	set_up();
	for (int i = 0; i < 8; i++)
		post(513);
	plan();
	check_plan();
	ck_assert_uint_eq(vectors(), 8);
	for (size_t i = 0; i < 8; i++)
		ck_assert_ptr_eq(op.message->msg_iov[i].iov_base, memory + i * SLICE_BYTES);
}
END_TEST

START_TEST(small_ones_between_long_ones_are_copied_together)
{
	const uint32_t lengths[] = {10, 512, 2000, 1, 2, 3, 4000, 600, 0, 7};

	set_up();
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++)
		post(lengths[i]);
	plan();
	check_plan();
	ck_assert_uint_eq(planned, ARRAY_SIZE(lengths));
	ck_assert_uint_eq(vectors(), 6);
}
END_TEST

START_TEST(an_operation_is_bounded)
{
	set_up();
	for (uint32_t i = 0; i < REQUESTS; i++)
		post(i % 2 ? 4096 : 512);
	while (window.count > 0) {
		plan();
		check_plan();
		EXPECT(op.length <= 1048576 + 4096 && vectors() <= REGIOI_AREA_VECTORS,
		       "%zu bytes, %zu vectors", op.length, vectors());
		settle(op.length);
	}
}
END_TEST

START_TEST(what_the_socket_did_not_take_is_left)
{
	uint64_t random = 7;
	uint64_t total = 0, moved = 0;

	set_up();
	for (uint32_t i = 0; i < 2000; i++) {
		uint32_t bytes = random_below(&random, i % 3 ? 600 : 4096);

		total += bytes;
		post(bytes);
	}
	while (window.count > 0) {
		size_t part;

		ck_assert_uint_eq(plan(), 0);
		check_plan();
		part = random_below(&random, (uint32_t)op.length + 1);
		settle(part);
		moved += part;
		EXPECT(state.partial_bytes == 0 ||
			       state.partial_bytes < regioi_window_request(&window, 0)->bytes,
		       "%u bytes gone of %u", state.partial_bytes,
		       regioi_window_request(&window, 0)->bytes);
	}
	ck_assert_uint_eq(moved, total);
	for (uint32_t i = 0; i < 2000; i++)
		ck_assert_int_eq(requests[i].status, 0);
}
END_TEST

START_TEST(a_lone_request_goes_on_where_the_socket_stopped)
{
	const uint32_t parts[] = {1, 1000, 0, 2000};
	uint32_t moved = 0;

	set_up();
	post(4096);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		ck_assert_uint_eq(plan(), 0);
		check_plan();
		ck_assert_uint_eq(op.length, 4096 - moved);
		ck_assert_uint_eq(settle(parts[i]), 0);
		moved += parts[i];
	}
	plan();
	check_plan();
	ck_assert_uint_eq(settle(4096 - moved), 1);
	ck_assert_uint_eq(state.partial_bytes, 0);
}
END_TEST

START_TEST(empty_requests_complete_with_those_before_them)
{
	set_up();
	post(0)->region = 0;
	post(10);
	post(0);
	post(10);
	post(0)->region = 0;
	plan();
	ck_assert_uint_eq(planned, 5);
	ck_assert_uint_eq(settle(10), 3);
	plan();
	ck_assert_uint_eq(settle(10), 2);
	post(0);
	plan();
	ck_assert_uint_eq(op.length, 0);
	ck_assert_uint_eq(settle(0), 1);
}
END_TEST

START_TEST(a_request_without_its_region_ends_the_operation_and_fails_in_its_turn)
{
	set_up();
	post(10);
	post(10)->region = region + (UINT64_C(1) << 32);
	post(10);
	ck_assert_uint_eq(plan(), 0);
	ck_assert_uint_eq(planned, 1);
	ck_assert_uint_eq(settle(4), 0);
	plan();
	ck_assert_uint_eq(op.length, 6);
	ck_assert_uint_eq(settle(6), 1);
	ck_assert_uint_eq(plan(), 1);
	ck_assert_int_eq(requests[1].status, -EFAULT);
	ck_assert_uint_eq(requests[1].bytes, 0);
	ck_assert_uint_eq(planned, 1);
	ck_assert_ptr_eq(op.data, memory + 2 * SLICE_BYTES);
}
END_TEST

START_TEST(a_request_that_loses_its_region_half_way_reports_what_is_gone)
{
	set_up();
	post(10);
	plan();
	settle(4);
	requests[0].region += UINT64_C(1) << 32;
	ck_assert_uint_eq(plan(), 1);
	ck_assert_int_eq(requests[0].status, -EFAULT);
	ck_assert_uint_eq(requests[0].bytes, 4);
	ck_assert_uint_eq(planned, 0);
	ck_assert_uint_eq(state.partial_bytes, 0);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(a_lone_request_is_sent_from_its_slice),
		CASE(a_thousand_small_requests_are_one_vector),
		CASE(slices_side_by_side_are_passed_as_they_lie),
		CASE(long_requests_are_vectors_of_their_own),
		CASE(small_ones_between_long_ones_are_copied_together),
		CASE(an_operation_is_bounded),
		CASE(what_the_socket_did_not_take_is_left),
		CASE(a_lone_request_goes_on_where_the_socket_stopped),
		CASE(empty_requests_complete_with_those_before_them),
		CASE(a_request_without_its_region_ends_the_operation_and_fails_in_its_turn),
		CASE(a_request_that_loses_its_region_half_way_reports_what_is_gone),
	};

	/* The library would be in one. */
	regioi_section_enter();
	return run_cases(cases, ARRAY_SIZE(cases));
}
