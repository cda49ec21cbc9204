/* SPDX-License-Identifier: MIT */
/*
 * bench_columns.c - which columns a table keeps where there is no room for all
 */
#include "../support/suite.h"

#include "columns.h"

/* 8 characters each, in the order of their turns: the third, the first; never the second. */
static const struct column_room columns[] = {{2, 6, 2}, {2, 6, 0}, {2, 6, 1}};

static void check_shown(unsigned limit, bool first, bool second, bool third)
{
	bool shown[] = {true, true, true};

	ck_assert_uint_eq(columns_fit(columns, ARRAY_SIZE(columns), 10, limit, shown),
			  !first + !second + !third);
	ck_assert_msg(shown[0] == first && shown[1] == second && shown[2] == third, "%u: %d %d %d",
		      limit, shown[0], shown[1], shown[2]);
}

START_TEST(columns_go_in_their_turn)
{
	check_shown(100, true, true, true);
	check_shown(34, true, true, true);
	check_shown(33, true, true, false);
	check_shown(26, true, true, false);
	check_shown(25, false, true, false);
}
END_TEST

START_TEST(a_column_without_a_turn_stays)
{
	check_shown(0, false, true, false);
}
END_TEST

START_TEST(what_is_not_shown_takes_no_room)
{
	bool shown[] = {true, true, false};

	columns_fit(columns, ARRAY_SIZE(columns), 10, 26, shown);
	ck_assert(shown[0] && shown[1] && !shown[2]);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(columns_go_in_their_turn),
		CASE(a_column_without_a_turn_stays),
		CASE(what_is_not_shown_takes_no_room),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
