/* SPDX-License-Identifier: MIT */
/*
 * sequence.c - numbered messages are counted right, whatever becomes of them on the way
 *
 * The counts are held against a table of every number, which needs no cleverness.
 */
#include "../support/suite.h"

#include <stdlib.h>
#include <string.h>

#include "sequence.h"

#define NUMBERS 20000u

static struct sequence sequence;
static uint8_t copies[NUMBERS];

START_TEST(in_turn_nothing_is_lost)
{
	for (uint64_t number = 0; number < NUMBERS; number++)
		ck_assert(sequence_take(&sequence, number, 0));
	ck_assert_uint_eq(sequence.received, NUMBERS);
	ck_assert_uint_eq(sequence.lost + sequence.reordered + sequence.duplicated, 0);
	ck_assert_uint_eq(sequence.gaps.count, 0);
}
END_TEST

START_TEST(a_jump_is_a_gap_with_its_range)
{
	sequence_take(&sequence, 0, 10);
	sequence_take(&sequence, 5, 20);
	sequence_expect(&sequence, 9, 30);
	ck_assert_uint_eq(sequence.lost, 7);
	ck_assert_uint_eq(sequence.gaps.count, 2);
	ck_assert_uint_eq(sequence.gaps.list[0].first, 1);
	ck_assert_uint_eq(sequence.gaps.list[0].end, 5);
	ck_assert_uint_eq(sequence.gaps.list[0].since_ns, 20);
	ck_assert_uint_eq(sequence.gaps.list[1].first, 6);
	ck_assert_uint_eq(sequence.gaps.list[1].end, 9);
}
END_TEST

START_TEST(late_messages_fill_split_and_end_gaps)
{
	sequence_take(&sequence, 9, 0);
	ck_assert(sequence_take(&sequence, 4, 0));
	ck_assert_uint_eq(sequence.gaps.count, 2);
	ck_assert(!sequence_take(&sequence, 4, 0));
	ck_assert(!sequence_take(&sequence, 9, 0));
	for (uint64_t number = 0; number < 9; number++)
		ck_assert(sequence_take(&sequence, number, 0) == (number != 4));
	ck_assert_uint_eq(sequence.gaps.count, 0);
	ck_assert_uint_eq(sequence.lost, 0);
	ck_assert_uint_eq(sequence.reordered, 9);
	ck_assert_uint_eq(sequence.duplicated, 3);
	ck_assert_uint_eq(sequence.received, 10);
}
END_TEST

/* Each number is sent 0 to 2 times, a little out of place. */
START_TEST(any_disorder_is_counted_as_a_table_counts_it)
{
	uint64_t next = 0, distinct = 0, duplicated = 0, missing = 0;

	srand(7);
	for (uint64_t i = 0; i < 2 * NUMBERS; i++) {
		uint64_t number = i / 2 + (uint64_t)(rand() % 40);

		if (number >= NUMBERS)
			continue;
		ck_assert(sequence_take(&sequence, number, i) == (copies[number] == 0));
		distinct += copies[number] == 0;
		duplicated += copies[number] > 0;
		copies[number] = 1;
		next = number + 1 > next ? number + 1 : next;
	}
	for (uint64_t number = 0; number < next; number++)
		missing += !copies[number];
	ck_assert_uint_eq(sequence.next, next);
	ck_assert_uint_eq(sequence.received, distinct);
	ck_assert_uint_eq(sequence.duplicated, duplicated);
	ck_assert_uint_eq(sequence.lost, missing);
	for (uint32_t i = 0; i < sequence.gaps.count; i++) {
		const struct gap *gap = &sequence.gaps.list[i];

		ck_assert_uint_lt(gap->first, gap->end);
		for (uint64_t number = gap->first; number < gap->end; number++)
			missing -= !copies[number];
	}
	ck_assert_uint_eq(missing, 0);
}
END_TEST

START_TEST(too_many_gaps_are_forgotten_from_the_oldest_on_and_stay_lost)
{
	for (uint64_t number = 1; number < 2 * (GAPS_MAX + 8); number += 2)
		sequence_take(&sequence, number, 0);
	ck_assert_uint_eq(sequence.lost, GAPS_MAX + 8);
	ck_assert_uint_eq(sequence.gaps.count + sequence.gaps.forgotten, GAPS_MAX + 8);
	ck_assert_uint_gt(sequence.gaps.forgotten, 0);
	/* Whether what is forgotten had come cannot be known. */
	ck_assert(!sequence_take(&sequence, 0, 0));
	ck_assert_uint_eq(sequence.duplicated, 1);
	ck_assert(sequence_take(&sequence, sequence.gaps.list[0].first, 0));
	ck_assert_uint_eq(sequence.lost, GAPS_MAX + 7);
}
END_TEST

START_TEST(a_full_list_can_still_be_split)
{
	sequence_take(&sequence, 0, 0);
	sequence_take(&sequence, 10, 0);
	for (uint64_t number = 12; sequence.gaps.count < GAPS_MAX - 1; number += 2)
		sequence_take(&sequence, number, 0);
	sequence_take(&sequence, sequence.next + 100, 0);
	ck_assert_uint_eq(sequence.gaps.count, GAPS_MAX);
	ck_assert(sequence_take(&sequence, sequence.next - 50, 0));
	ck_assert_uint_gt(sequence.gaps.forgotten, 0);
	ck_assert_uint_le(sequence.gaps.count, GAPS_MAX);
}
END_TEST

START_TEST(the_last_numbers_there_are_do_no_harm)
{
	sequence_take(&sequence, 0, 0);
	ck_assert(sequence_take(&sequence, UINT64_MAX - 1, 0));
	ck_assert_uint_eq(sequence.lost, UINT64_MAX - 2);
	ck_assert(sequence_take(&sequence, UINT64_MAX - 5, 0));
	ck_assert(!sequence_take(&sequence, UINT64_MAX - 1, 0));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(in_turn_nothing_is_lost),
		CASE(a_jump_is_a_gap_with_its_range),
		CASE(late_messages_fill_split_and_end_gaps),
		CASE(any_disorder_is_counted_as_a_table_counts_it),
		CASE(too_many_gaps_are_forgotten_from_the_oldest_on_and_stay_lost),
		CASE(a_full_list_can_still_be_split),
		CASE(the_last_numbers_there_are_do_no_harm),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
