/* SPDX-License-Identifier: MIT */
/*
 * wake.c - no empty wake-up and no lost one, with several threads, events and ports
 *
 * Each case prints how many wake-ups there were; REGIO_TEST_SCALE makes them more.
 */
#include <stdio.h>

#include "rig.h"
#include "wakers.h"

#define MESSAGES 10000

static void expect_none_empty(struct wakes wakes)
{
	EXPECT(wakes.empty == 0, "%llu empty wake-ups", (unsigned long long)wakes.empty);
	printf("# %llu wake-ups for %llu messages\n", (unsigned long long)wakes.wakes,
	       (unsigned long long)wakes.messages);
}

static void run(const struct wake_crew *crew)
{
	expect_none_empty(wake_by_crew(crew, scaled(MESSAGES)));
}

START_TEST(port_with_one_thread)
{
	run(&(struct wake_crew){.port_sides = 1, .port_threads = 1});
}
END_TEST

START_TEST(port_with_four_threads_and_one_queue)
{
	run(&(struct wake_crew){.port_sides = 1, .port_threads = 4});
}
END_TEST

START_TEST(port_with_three_threads_and_four_queues)
{
	run(&(struct wake_crew){.port_sides = 4, .port_threads = 3});
}
END_TEST

START_TEST(manual_reset_events_with_a_thread_each)
{
	run(&(struct wake_crew){.event_sides = 3, .event_threads = 1, .manual = true});
}
END_TEST

START_TEST(auto_reset_events_with_a_thread_each)
{
	run(&(struct wake_crew){.event_sides = 3, .event_threads = 1});
}
END_TEST

START_TEST(auto_reset_events_with_two_threads_each)
{
	run(&(struct wake_crew){.event_sides = 2, .event_threads = 2});
}
END_TEST

START_TEST(a_port_and_events_at_once)
{
	run(&(struct wake_crew){
		.port_sides = 2, .port_threads = 3, .event_sides = 2, .event_threads = 2});
}
END_TEST

START_TEST(one_thread_waits_for_four_events)
{
	expect_none_empty(wake_by_any_of_four(scaled(MESSAGES)));
}
END_TEST

START_TEST(event_is_polled_with_no_time_out)
{
	expect_none_empty(wake_by_polling(scaled(MESSAGES)));
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
		CASE_SLOW(auto_reset_events_with_two_threads_each),
		CASE_SLOW(a_port_and_events_at_once),
		CASE_SLOW(one_thread_waits_for_four_events),
		CASE_SLOW(event_is_polled_with_no_time_out),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
