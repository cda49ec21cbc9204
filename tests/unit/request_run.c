/* SPDX-License-Identifier: MIT */
/*
 * request_run.c - which requests are one run: plain ones of one region and length
 */
#include "../support/suite.h"

#include "mem/request.h"

#define SLOTS 16u

/* And one after the ring, which is no slot of it. */
static struct regioi_request ring[SLOTS + 1];

/* Eight requests of 64 bytes side by side from number 'first' on. */
static struct regioi_window eight(uint32_t first)
{
	const struct regioi_window window = {
		.requests = ring, .mask = SLOTS - 1, .first = first, .count = 8};

	memset(ring, 0, sizeof(ring));
	for (uint32_t i = 0; i < window.count; i++)
		*regioi_window_request(&window, i) = (struct regioi_request){
			.region = 1, .offset = 4096 + 64 * i, .bytes = 64, .context = i};
	return window;
}

static void expect(const struct regioi_window *window, uint32_t index, uint32_t most,
		   uint32_t count, bool together)
{
	const struct regioi_run run = regioi_window_run(window, index, most, most);

	EXPECT(run.count == count && run.bytes == 64 && run.together == together &&
		       run.first == regioi_window_request(window, index),
	       "%u of %u bytes, %s", run.count, run.bytes, run.together ? "together" : "apart");
}

START_TEST(slices_side_by_side_are_a_run_up_to_the_number_wanted)
{
	const struct regioi_window window = eight(0);

	expect(&window, 0, 8, 8, true);
	expect(&window, 3, 5, 5, true);
	expect(&window, 0, 3, 3, true);
	expect(&window, 7, 1, 1, true);
}
END_TEST

START_TEST(slices_in_any_order_are_a_run_but_not_together)
{
	const struct regioi_window window = eight(0);
	struct regioi_run run;

	for (uint32_t i = 0; i < 8; i++)
		ring[i].offset = 4096 - 64 * (i * i % 7);
	expect(&window, 0, 8, 8, false);
	run = regioi_window_run(&window, 0, 8, 3);
	ck_assert_uint_eq(run.count, 3);
	run = regioi_window_run(&window, 0, 8, 8);
	ck_assert_ptr_eq(regioi_run_slice(&run, (uint8_t *)ring, 3), (uint8_t *)ring - 64 * 2);
}
END_TEST

START_TEST(a_run_ends_before_what_differs)
{
	struct regioi_window window = eight(0);

	ring[5].region = 2;
	expect(&window, 0, 8, 5, true);
	window = eight(0);
	ring[4].bytes = 63;
	expect(&window, 0, 8, 4, true);
	window = eight(0);
	ring[3].offset++;
	expect(&window, 0, 8, 3, true);
	window = eight(0);
	ring[2].flags = REGIO_MSG_DONT_NOTIFY;
	expect(&window, 0, 8, 2, true);
}
END_TEST

START_TEST(a_request_with_extra_slices_is_in_no_run)
{
	struct regioi_window window = eight(0);

	for (uint32_t i = 0; i < 8; i++)
		ring[i].flags = REGIOI_REQUEST_EXTRA;
	expect(&window, 0, 8, 1, true);
	ring[0].flags = 0;
	expect(&window, 0, 8, 1, true);
}
END_TEST

START_TEST(a_run_ends_where_the_ring_does)
{
	const struct regioi_window window = eight(UINT32_MAX - 2);

	ring[SLOTS] = ring[0];
	expect(&window, 0, 8, 3, true);
	expect(&window, 3, 5, 5, true);
}
END_TEST

/* Marks a request that a comparison would leave out. */
static void spoil(uint32_t slot)
{
	ring[slot].region = 99;
}

START_TEST(what_a_search_has_found_is_not_compared_again)
{
	const struct regioi_window window = eight(0);

	expect(&window, 0, 6, 6, true);
	spoil(4);
	expect(&window, 0, 6, 6, true);
	ck_assert_uint_eq(regioi_request_plain_flags(&ring[0]), 0);
}
END_TEST

START_TEST(what_is_known_of_a_run_goes_on_where_a_part_of_it_ends)
{
	const struct regioi_window window = eight(0);

	regioi_request_note_followed(&ring[0], 6);
	spoil(6);
	ring[7].offset++;
	expect(&window, 0, 3, 3, true);
	expect(&window, 3, 5, 4, true);
	expect(&window, 7, 1, 1, true);
	/* The first still has all. */
	expect(&window, 0, 8, 7, true);
}
END_TEST

START_TEST(a_known_run_goes_on_with_what_was_posted_later)
{
	const struct regioi_window window = eight(0);

	regioi_request_note_followed(&ring[0], 2);
	spoil(1);
	expect(&window, 0, 7, 7, true);
	ck_assert_uint_eq(regioi_request_followed(&ring[0]), 6);
	/* One that begins a known run itself has a run of its own. */
	regioi_request_note_followed(&ring[0], 2);
	regioi_request_note_followed(&ring[5], 2);
	expect(&window, 0, 8, 5, true);
	expect(&window, 5, 3, 3, true);
}
END_TEST

START_TEST(more_than_can_be_noted_is_not_known)
{
	struct regioi_request request = {.offset = 5, .flags = REGIO_MSG_WAITALL};

	regioi_request_note_followed(&request, REGIOI_REQUEST_FOLLOWED_MAX + 10);
	ck_assert_uint_eq(regioi_request_followed(&request), REGIOI_REQUEST_FOLLOWED_MAX);
	ck_assert_uint_eq(regioi_request_plain_flags(&request), REGIO_MSG_WAITALL);
	ck_assert_uint_eq(request.offset, 5);
}
END_TEST

START_TEST(a_known_run_ends_where_the_ring_does)
{
	const struct regioi_window window = eight(UINT32_MAX - 2);

	regioi_request_note_followed(regioi_window_request(&window, 0), 7);
	ring[SLOTS] = ring[0];
	expect(&window, 0, 8, 3, true);
	ck_assert_uint_eq(regioi_request_followed(&ring[SLOTS]), 0);
	expect(&window, 3, 5, 5, true);
}
END_TEST

START_TEST(a_run_ends_with_the_request_that_reaches_a_number_of_bytes)
{
	struct regioi_run run = {.count = 8, .bytes = 64};

	regioi_run_end_at(&run, 512);
	ck_assert_uint_eq(run.count, 8);
	regioi_run_end_at(&run, 257);
	ck_assert_uint_eq(run.count, 5);
	regioi_run_end_at(&run, 256);
	ck_assert_uint_eq(run.count, 4);
	regioi_run_end_at(&run, 1);
	ck_assert_uint_eq(run.count, 1);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(slices_side_by_side_are_a_run_up_to_the_number_wanted),
		CASE(slices_in_any_order_are_a_run_but_not_together),
		CASE(a_run_ends_before_what_differs),
		CASE(a_request_with_extra_slices_is_in_no_run),
		CASE(a_run_ends_where_the_ring_does),
		CASE(what_a_search_has_found_is_not_compared_again),
		CASE(what_is_known_of_a_run_goes_on_where_a_part_of_it_ends),
		CASE(a_known_run_goes_on_with_what_was_posted_later),
		CASE(more_than_can_be_noted_is_not_known),
		CASE(a_known_run_ends_where_the_ring_does),
		CASE(a_run_ends_with_the_request_that_reaches_a_number_of_bytes),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
