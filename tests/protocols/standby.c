/* SPDX-License-Identifier: MIT */
/*
 * standby.c - a driver's thread that stands by, and the threads of the program
 *
 * drive/standby.c, drive/thread.c, drive/sleep.c: the thread and the threads that wait take turns
 * in making progress. Nobody sleeps on work or on a completion, and never do two threads sleep in
 * the engine.
 */
#include "stage.h"

#include "drive/progress.h"
#include "drive/thread.h"

static struct stage_options options;
static unsigned int users;
/* How often the thread finds that it shares its CPU. */
static unsigned int stand_bys;

static void open_stage(void)
{
	stage_open(&options);
	stage_users(users);
}

static void close_stage(void)
{
	/* The actor was it, and has ended. */
	stage.driver_object->threaded = false;
	stage_close();
}

/* As its loop does, without the looks at the clock. */
static void be_the_thread(void)
{
	struct regioi_driver *driver = stage.driver_object;
	unsigned int left = stand_bys;

	while (!atomic_load(&driver->thread.stop)) {
		if (regioi_progress_thread(driver))
			continue;
		regioi_thread_rest(driver, left > 0);
		left -= left > 0;
		/* It may have found work that is another's. */
		interleave_yield();
	}
}

/* The last of the program's threads closes the driver. */
static void leave(void)
{
	if (stage_leave())
		regioi_thread_stop(stage.driver_object);
}

static void wait_for_one(unsigned int queue)
{
	int available = regio_cq_wait(stage.cqs[queue], 1, SECOND_NS, -1);

	EXPECT(available > 0, "%s, in the order %s", regio_error_text(available),
	       interleave_order());
}

static void wait_first(void)
{
	wait_for_one(0);
	leave();
}

static void wait_second(void)
{
	wait_for_one(1);
	leave();
}

static void defer_first(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	leave();
}

static void defer_second(void)
{
	stage_send(1, 1, REGIO_MSG_DEFER);
	leave();
}

static void defer_on_both(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	stage_send(1, 1, REGIO_MSG_DEFER);
	leave();
}

static const char *const clocks[] = {"no tick is needed", "a tick at any time"};

/* A tick at any time makes many more orders: in brief, with so many preemptions. */
static void search(struct interleave_plan plan, bool ticks, unsigned int preemptions)
{
	plan.ticks = ticks;
	if (ticks)
		stage_search(&plan, (struct stage_bounds){preemptions, !preemptions},
			     (struct stage_bounds){1, 1}, 20);
	else
		stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 50);
}

/* ---- A thread that waits ------------------------------------------------------- */

START_TEST(a_thread_that_waits_is_called_for_what_is_deferred)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {be_the_thread, wait_first, defer_first},
		.finish = close_stage,
	};

	options = (struct stage_options){.queues = 1, .thread = true};
	users = 2;
	stand_bys = 1;
	search(plan, _i, 1);
}
END_TEST

START_TEST(each_of_two_threads_that_wait_gets_its_own)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {be_the_thread, wait_first, wait_second, defer_on_both},
		.finish = close_stage,
		.ticks = _i,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true, .thread = true};
	users = 3;
	stand_bys = 1;
	stage_search(&plan, (struct stage_bounds){0, 1}, (struct stage_bounds){0, 2}, 50);
}
END_TEST

/* ---- A thread that polls ------------------------------------------------------- */

static void defer_on_both_and_poll(void)
{
	stage_send(1, 1, REGIO_MSG_DEFER);
	stage_send(0, 1, REGIO_MSG_DEFER);
	if (stage_dequeue(0) == 0)
		wait_for_one(0);
	leave();
}

START_TEST(a_thread_that_polls_and_one_that_waits_get_their_own)
{
	struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {be_the_thread, defer_on_both_and_poll, wait_second},
		.finish = close_stage,
		.ticks = _i,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true, .thread = true};
	users = 2;
	stand_bys = 1;
	stage_search(&plan, (struct stage_bounds){0, 1}, (struct stage_bounds){1, 1}, 4);
}
END_TEST

/* ---- A program that leaves what it has posted ----------------------------------- */

static void defer_and_leave(void)
{
	stage_send(0, 1, REGIO_MSG_DEFER);
	interleave_sleep(stage_first_is_sent);
	leave();
}

START_TEST(what_is_deferred_and_left_is_done_within_ticks)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {be_the_thread, defer_and_leave},
		.finish = close_stage,
	};

	options = (struct stage_options){.queues = 1, .thread = true};
	users = 1;
	stand_bys = 2;
	search(plan, true, 1);
}
END_TEST

/* Until the second has returned it leads, and the thread may sleep for as long as it does. */
static void wait_second_and_leave_first(void)
{
	wait_for_one(1);
	defer_and_leave();
}

START_TEST(what_is_left_by_a_thread_that_has_waited_is_done_within_ticks)
{
	const struct interleave_plan plan = {
		.prepare = open_stage,
		.actors = {be_the_thread, wait_second_and_leave_first, defer_second},
		.finish = close_stage,
	};

	options = (struct stage_options){.queues = 2, .own_cqs = true, .thread = true};
	users = 2;
	stand_bys = 1;
	search(plan, true, 0);
}
END_TEST

/* ---- A program that sleeps on the descriptor ------------------------------------ */

static void open_with_descriptor(void)
{
	open_stage();
	EXPECT(regio_cq_fd(stage.cqs[0]) >= 0, "%s", regio_last_error());
}

static void ask_and_sleep(void)
{
	unsigned int dequeued = 0;

	EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
	while (dequeued == 0) {
		interleave_sleep(stage_is_fired);
		dequeued += stage_dequeue(0);
		interleave_yield();
	}
	leave();
}

START_TEST(a_program_that_sleeps_on_the_descriptor_is_called_for_what_is_deferred)
{
	const struct interleave_plan plan = {
		.prepare = open_with_descriptor,
		.actors = {be_the_thread, ask_and_sleep, defer_first},
		.finish = close_stage,
	};

	options = (struct stage_options){.queues = 1, .thread = true};
	users = 2;
	stand_bys = 1;
	search(plan, _i, 0);
}
END_TEST

/* ---- Sends on the CPU of the thread, and on another ------------------------------ */

static void open_executing(void)
{
	open_stage();
	atomic_store(&stage.driver_object->posters_execute, true);
	atomic_store(&stage.driver_object->thread.cpu, 0);
}

static void send_beside(void)
{
	stage_send(0, 1, 0);
	EXPECT(stage_has_sent(0, 1), "a send is not executed in the call");
}

static void send_elsewhere(void)
{
	stage_send(1, 1, 0);
	EXPECT(stage_has_sent(1, 0), "a send is executed on a CPU that the thread does not need");
}

START_TEST(a_send_is_executed_in_the_call_on_the_cpu_of_the_thread_only)
{
	const struct interleave_plan plan = {
		.prepare = open_executing,
		.actors = {send_beside, send_elsewhere},
		.cpus = {0, 1},
		.finish = close_stage,
	};

	options = (struct stage_options){.queues = 2, .thread = true};
	users = 0;
	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 10);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASES(a_thread_that_waits_is_called_for_what_is_deferred, clocks, 2),
		STAGE_CASES(each_of_two_threads_that_wait_gets_its_own, clocks, 2),
		STAGE_CASES(a_thread_that_polls_and_one_that_waits_get_their_own, clocks, 2),
		STAGE_CASE(what_is_deferred_and_left_is_done_within_ticks),
		STAGE_CASE(what_is_left_by_a_thread_that_has_waited_is_done_within_ticks),
		STAGE_CASES(a_program_that_sleeps_on_the_descriptor_is_called_for_what_is_deferred,
			    clocks, 2),
		STAGE_CASE(a_send_is_executed_in_the_call_on_the_cpu_of_the_thread_only),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
