/* SPDX-License-Identifier: MIT */
/*
 * closing.c - an object that a call has found is there until the call leaves it
 *
 * queue/handle.h, base/hazard.c and base/table.c: a call records the handle and then looks it up;
 * closing makes the handle invalid, and then looks at the records of all threads. An event finds an
 * RQ with its driver's lock. Memory that is used after it was freed is reported, and so is memory
 * that is freed without being ordered after its last use.
 */
#include "stage.h"

#include "base/hazard.h"

static bool slowly;

static void enter(void)
{
	stage_enter();
	if (slowly)
		regioi_hazard_quick = NULL;
}

static void open_one(void)
{
	stage_open(&(struct stage_options){.queues = 1});
}

static void open_pinned(void)
{
	stage_open(&(struct stage_options){.queues = 1, .pins = true});
	stage_send(0, 1, REGIO_MSG_DEFER);
	stage_send(0, 2, REGIO_MSG_DEFER);
}

static void close_queue(void)
{
	EXPECT_RETURN(0, regio_rq_close(stage.rqs[0], 0));
}

static void finish(void)
{
	stage.rqs[0] = NULL;
	for (unsigned int i = 0; i < 2; i++)
		stage_drop(0);
	stage_close();
}

static const char *const ways[] = {"with the barrier on every thread", "without"};

/* ---- Posting ------------------------------------------------------------------- */

static void post(void)
{
	const struct regio_buf slice = {.region = stage.region, .offset = 3, .length = 1};

	for (unsigned int i = 0; i < 2; i++) {
		int error = regio_send(stage.rqs[0], &slice, REGIO_MSG_DEFER, 0);

		EXPECT(error == 0 || error == -EBADF, "%s", regio_error_text(error));
	}
}

static void drop(void)
{
	stage_drop(0);
}

START_TEST(a_call_that_posts_keeps_the_queue_it_has_found)
{
	const struct interleave_plan plan = {
		.enter = enter,
		.prepare = open_one,
		.actors = {post, close_queue},
		.finish = finish,
		.barrier_refused = _i == 1,
	};

	slowly = _i == 1;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 50);
}
END_TEST

START_TEST(a_queue_that_is_pinned_is_closed_beside_posts_and_a_dequeue)
{
	const struct interleave_plan plan = {
		.prepare = open_pinned,
		.actors = {post, close_queue, drop},
		.finish = finish,
	};

	stage_search(&plan, (struct stage_bounds){1, 1}, (struct stage_bounds){2, 1}, 50);
}
END_TEST

/* ---- Arming -------------------------------------------------------------------- */

static void open_cq_alone(void)
{
	open_one();
	EXPECT_RETURN(0, regio_rq_close(stage.rqs[0], 0));
	stage.rqs[0] = NULL;
}

static void arm(void)
{
	int error = regio_cq_notify(stage.cqs[0]);

	EXPECT(error == 0 || error == -EBADF, "%s", regio_error_text(error));
}

static void close_cq(void)
{
	EXPECT_RETURN(0, regio_cq_close(stage.cqs[0]));
}

static void finish_cq(void)
{
	stage.cqs[0] = NULL;
	stage_close();
}

START_TEST(a_call_that_arms_keeps_the_completion_queue_it_has_found)
{
	const struct interleave_plan plan = {
		.enter = enter,
		.prepare = open_cq_alone,
		.actors = {arm, close_cq},
		.finish = finish_cq,
		.barrier_refused = _i == 1,
	};

	slowly = _i == 1;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 20);
}
END_TEST

/* ---- Events -------------------------------------------------------------------- */

static void open_with_event(void)
{
	open_one();
	stage_receive(0, 1, 0);
	while (!stage_is_watched(0))
		stage_drop(0);
	stage_arrive(0);
}

/* Nothing is left of it: a queue whose results are not dequeued stays in memory. */
static void close_and_drop(void)
{
	close_queue();
	stage_drop(0);
}

START_TEST(an_event_finds_no_queue_that_is_closed)
{
	const struct interleave_plan plan = {
		.prepare = open_with_event,
		.actors = {stage_poll, close_and_drop},
		.finish = finish,
	};

	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 50);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASES(a_call_that_posts_keeps_the_queue_it_has_found, ways, 2),
		STAGE_CASE(a_queue_that_is_pinned_is_closed_beside_posts_and_a_dequeue),
		STAGE_CASES(a_call_that_arms_keeps_the_completion_queue_it_has_found, ways, 2),
		STAGE_CASE(an_event_finds_no_queue_that_is_closed),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
