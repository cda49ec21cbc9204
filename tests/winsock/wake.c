/* SPDX-License-Identifier: MIT */
/*
 * wake.c - no empty wake-up and no lost one, with several threads, events and ports
 */
#include <stdio.h>

#include "rig.h"
#include "wakers.h"

static void expect_none_empty(struct wakes wakes)
{
	EXPECT(wakes.empty == 0, "%llu empty wake-ups", (unsigned long long)wakes.empty);
	printf("# %llu wake-ups for %llu messages\n", (unsigned long long)wakes.wakes,
	       (unsigned long long)wakes.messages);
}

START_TEST(port_with_one_thread)
{
	expect_none_empty(wake_by_port(1, 1, scaled(20000)));
}
END_TEST

START_TEST(port_with_four_threads_and_one_queue)
{
	expect_none_empty(wake_by_port(4, 1, scaled(20000)));
}
END_TEST

START_TEST(port_with_three_threads_and_four_queues)
{
	expect_none_empty(wake_by_port(3, 4, scaled(20000)));
}
END_TEST

START_TEST(manual_reset_events_with_a_thread_each)
{
	expect_none_empty(wake_by_events(3, true, scaled(10000)));
}
END_TEST

START_TEST(auto_reset_events_with_a_thread_each)
{
	expect_none_empty(wake_by_events(3, false, scaled(10000)));
}
END_TEST

START_TEST(one_thread_waits_for_four_events)
{
	expect_none_empty(wake_by_any_of_four(scaled(10000)));
}
END_TEST

START_TEST(event_is_polled_with_no_time_out)
{
	expect_none_empty(wake_by_polling(scaled(5000)));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_SLOW(port_with_one_thread),
		CASE_SLOW(port_with_four_threads_and_one_queue),
		CASE_SLOW(port_with_three_threads_and_four_queues),
		CASE_SLOW(manual_reset_events_with_a_thread_each),
		CASE_SLOW(auto_reset_events_with_a_thread_each),
		CASE_SLOW(one_thread_waits_for_four_events),
		CASE_SLOW(event_is_polled_with_no_time_out),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
