/* SPDX-License-Identifier: MIT */
/*
 * sleep.c - nobody sleeps on work, nor on a completion
 *
 * drive/sleep.c and queue/driver.h: a thread announces itself and then looks for work; whoever has
 * work stores it and then looks for threads to call. A wait that is not ended is a deadlock.
 */
#include "stage.h"

static struct stage_options options;

static void open_stage(void)
{
	stage_open(&options);
}

static void open_with_descriptor(void)
{
	stage_open(&options);
	EXPECT(regio_cq_fd(stage.cqs[0]) >= 0, "%s", regio_last_error());
}

static void wait_for(unsigned int queue, uint32_t count)
{
	int available = regio_cq_wait(stage.cqs[queue], count, SECOND_NS, -1);

	EXPECT(available >= (int)count, "%s, in the order %s", regio_error_text(available),
	       interleave_order());
}

static void wait_first(void)
{
	wait_for(0, 1);
}

static void wait_second(void)
{
	wait_for(1, 1);
}

static void wait_first_for_two(void)
{
	wait_for(0, 2);
}

static void defer_first(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
}

static void defer_two(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	stage_send(0, 2, REGIO_MSG_DEFER);
}

static void defer_on_both(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	stage_send(1, 1, REGIO_MSG_DEFER);
}

/* ---- A thread that waits ------------------------------------------------------- */

START_TEST(a_thread_that_waits_is_called_for_what_is_deferred)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {wait_first, defer_first},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 1};
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 50);
}
END_TEST

START_TEST(a_thread_that_waits_sees_what_is_posted_on_a_pinned_queue)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {wait_first_for_two, defer_two},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 1, .pins = true};
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 1}, 50);
}
END_TEST

static void defer_second(void)
{
	stage_send(1, 1, REGIO_MSG_DEFER);
}

static void poll_second(void)
{
	stage_dequeue(1);
}

START_TEST(a_call_for_a_thread_that_waits_is_not_lost_in_the_poll_of_another)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {wait_first, defer_second, defer_first, poll_second},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true};
	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){1, 2}, 50);
}
END_TEST

static void receive_first(void)
{
	stage_receive(0, 1, 0);
}

static void arrive_first(void)
{
	stage_arrive(0);
}

START_TEST(a_thread_that_waits_gets_a_message_for_a_receive_posted_meanwhile)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {wait_first, receive_first, arrive_first},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 1};
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 1}, 50);
}
END_TEST

/* ---- One leads, one follows ---------------------------------------------------- */

START_TEST(each_of_two_threads_that_wait_gets_its_own)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {wait_first, wait_second, defer_on_both},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true};
	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 50);
}
END_TEST

static _Atomic bool returned[2];

static bool first_has_returned(void)
{
	return atomic_load(&returned[0]);
}

static bool second_has_returned(void)
{
	return atomic_load(&returned[1]);
}

static void open_for_both(void)
{
	open_stage();
	atomic_store(&returned[0], false);
	atomic_store(&returned[1], false);
}

static void wait_first_and_report(void)
{
	wait_first();
	atomic_store(&returned[0], true);
}

static void wait_second_and_report(void)
{
	wait_second();
	atomic_store(&returned[1], true);
}

/* Until the second has returned nothing else happens that could end its sleep. */
static void send_on_each(void)
{
	stage_send(1, 1, 0);
	interleave_sleep(second_has_returned);
	stage_send(0, 1, 0);
}

START_TEST(whoever_completes_ends_the_sleep_of_the_queues_thread)
{
	const struct interleave_plan plan = {
		.prepare = open_for_both,
		.actors = {wait_first, wait_second_and_report, send_on_each},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true};
	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 50);
}
END_TEST

/* If the second has followed, only the lead that the first has left can end its sleep. */
static void defer_one_after_the_other(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	interleave_sleep(first_has_returned);
	stage_send(1, 1, REGIO_MSG_DEFER);
}

START_TEST(a_thread_that_begins_to_wait_while_the_leader_leaves_leads)
{
	const struct interleave_plan plan = {
		.prepare = open_for_both,
		.actors = {wait_first_and_report, wait_second, defer_one_after_the_other},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true};
	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 50);
}
END_TEST

/* ---- A thread that runs the driver ---------------------------------------------- */

static void run_until_called(void)
{
	EXPECT_RETURN(0, regio_driver_run(stage.driver, -1));
}

static void defer_and_call(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	interleave_sleep(stage_first_is_sent);
	EXPECT_RETURN(0, regio_driver_wake(stage.driver));
}

START_TEST(a_thread_that_runs_does_what_is_deferred_and_returns_when_called)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {run_until_called, defer_and_call},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 1};
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 50);
}
END_TEST

/* ---- A program that sleeps on the descriptor ------------------------------------ */

static void ask_and_sleep(void)
{
	unsigned int dequeued = 0;

	EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
	while (dequeued == 0) {
		interleave_sleep(stage_is_readable);
		dequeued += stage_dequeue(0);
		interleave_yield();
	}
}

START_TEST(a_program_that_sleeps_on_the_descriptor_is_called_for_what_is_deferred)
{
	const struct interleave_plan plan = {
		.prepare = open_with_descriptor,
		.actors = {ask_and_sleep, defer_first},
		.finish = stage_close,
	};

	options = (struct stage_options){.queues = 1};
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 50);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASE(a_thread_that_waits_is_called_for_what_is_deferred),
		STAGE_CASE(a_thread_that_waits_sees_what_is_posted_on_a_pinned_queue),
		STAGE_CASE(a_call_for_a_thread_that_waits_is_not_lost_in_the_poll_of_another),
		STAGE_CASE(a_thread_that_waits_gets_a_message_for_a_receive_posted_meanwhile),
		STAGE_CASE(each_of_two_threads_that_wait_gets_its_own),
		STAGE_CASE(a_thread_that_begins_to_wait_while_the_leader_leaves_leads),
		STAGE_CASE(whoever_completes_ends_the_sleep_of_the_queues_thread),
		STAGE_CASE(a_thread_that_runs_does_what_is_deferred_and_returns_when_called),
		STAGE_CASE(a_program_that_sleeps_on_the_descriptor_is_called_for_what_is_deferred),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
