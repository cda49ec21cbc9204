/* SPDX-License-Identifier: MIT */
/*
 * handover.c - one thread at a time executes a half, and what others leave to it is done
 *
 * exec/execute.c and queue/half.h: whoever finds a half busy marks it, and goes; the executor looks
 * for the mark before it leaves. queue/ready.h: an event that comes during an attempt is not lost.
 */
#include "stage.h"

#include "exec/execute.h"

static void open_one(void)
{
	stage_open(&(struct stage_options){.queues = 1});
}

/* ---- Posted while another thread executes --------------------------------------- */

static void post_two(void)
{
	stage_send(0, 1, 0);
	stage_send(0, 2, 0);
}

static void execute(void)
{
	regioi_half_execute_all(&stage.rq_objects[0]->halves[REGIOI_SEND]);
}

/* Nobody makes progress any more: each send was for the call that posted it, or for an executor. */
static void finish_two(void)
{
	EXPECT(stage_has_sent(0, 2), "a send is not done, in the order %s", interleave_order());
	EXPECT(stage_dequeue(0) == 2, "a completion is lost, in the order %s", interleave_order());
	stage_close();
}

START_TEST(what_is_posted_while_another_thread_executes_is_executed)
{
	const struct interleave_plan plan = {
		.prepare = open_one,
		.actors = {post_two, execute, execute},
		.finish = finish_two,
	};

	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){2, 2}, 100);
}
END_TEST

static void post_both_at_once(void)
{
	stage_post_sends(0, 1, 2);
}

START_TEST(what_is_posted_at_once_while_another_thread_executes_is_executed_whole)
{
	const struct interleave_plan plan = {
		.prepare = open_one,
		.actors = {post_both_at_once, execute, execute},
		.finish = finish_two,
	};

	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){2, 2}, 100);
}
END_TEST

/* ---- Two threads post, one after the other ---------------------------------------- */

/* The other thread posts as soon as the completion is there, while this one is in its call. */
static bool first_has_completed(void)
{
	return atomic_load(&stage.rq_objects[0]->halves[REGIOI_SEND].cq->pending);
}

static void post_first(void)
{
	stage_send(0, 1, 0);
}

static void post_after_completion(void)
{
	EXPECT(interleave_wait(first_has_completed), "the first is not executed");
	EXPECT(stage_dequeue(0) == 1, "the first cannot be dequeued");
	stage_send(0, 2, 0);
}

static void finish_in_turn(void)
{
	EXPECT(stage_has_sent(0, 2), "a send is not done, in the order %s", interleave_order());
	EXPECT(stage_dequeue(0) == 1, "a completion is lost, in the order %s", interleave_order());
	stage_close();
}

START_TEST(a_thread_that_got_the_completion_posts_before_the_first_has_returned)
{
	const struct interleave_plan plan = {
		.prepare = open_one,
		.actors = {post_first, post_after_completion},
		.finish = finish_in_turn,
	};

	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 20);
}
END_TEST

/* ---- Slots of the ring ------------------------------------------------------------ */

static uint32_t flags;

static void open_used_up(void)
{
	open_one();
	for (uint8_t i = 1; i <= STAGE_REQUESTS; i++)
		stage_send(0, i, flags);
}

static unsigned int posted;

static void post_where_there_is_room(void)
{
	const struct regio_buf slice = {
		.region = stage.region, .offset = STAGE_REQUESTS + 1, .length = 1};
	int error = regio_send(stage.rqs[0], &slice, flags, 0);

	EXPECT(error == 0 || error == -ENOBUFS, "%s", regio_error_text(error));
	posted = STAGE_REQUESTS + !error;
}

/* All of them, where they are to come from the thread that executes. */
static unsigned int results_wanted(void)
{
	return flags ? STAGE_REQUESTS : 2;
}

static void dequeue_some(void)
{
	struct regio_result results[STAGE_REQUESTS];
	const unsigned int wanted = results_wanted();

	EXPECT_RETURN((int)wanted, regio_cq_dequeue(stage.cqs[0], results, wanted));
	for (unsigned int i = 0; i < wanted; i++)
		EXPECT(results[i].request_context == i + 1,
		       "a result is not that of its request, in the order %s", interleave_order());
}

static void finish_used_up(void)
{
	for (unsigned int i = 0; i < 2 && !stage_has_sent(0, posted); i++)
		stage_progress();
	EXPECT(stage_has_sent(0, posted), "a send is not done, in the order %s",
	       interleave_order());
	EXPECT(stage_dequeue(0) == posted - results_wanted(),
	       "a completion is lost, in the order %s", interleave_order());
	stage_close();
}

static const char *const ways[] = {"from its queue", "from the thread that executes"};

START_TEST(a_slot_is_written_again_after_its_result_was_read)
{
	const struct interleave_plan plan = {
		.prepare = open_used_up,
		.actors = {dequeue_some, post_where_there_is_room},
		.finish = finish_used_up,
	};

	flags = _i == 1 ? REGIO_MSG_DEFER : 0;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){4, 2}, 20);
}
END_TEST

/* ---- A socket that is full -------------------------------------------------------- */

static void open_full(void)
{
	stage_open(&(struct stage_options){.queues = 1, .edges = true});
	stage_fill(0, true);
}

static void post_one(void)
{
	stage_send(0, 1, 0);
}

static void make_room(void)
{
	stage_fill(0, false);
}

static void drive(void)
{
	stage_dequeue(0);
}

/* The event was taken, or is still to be taken: a thread that polls finds it. */
static void finish_full(void)
{
	for (unsigned int i = 0; i < 4 && !stage_has_sent(0, 1); i++)
		stage_dequeue(0);
	EXPECT(stage_has_sent(0, 1), "the send is forgotten, in the order %s", interleave_order());
	stage_close();
}

START_TEST(an_event_that_comes_during_an_attempt_is_not_lost)
{
	const struct interleave_plan plan = {
		.prepare = open_full,
		.actors = {post_one, make_room, drive},
		.finish = finish_full,
	};

	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 1}, 100);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASE(what_is_posted_while_another_thread_executes_is_executed),
		STAGE_CASE(what_is_posted_at_once_while_another_thread_executes_is_executed_whole),
		STAGE_CASE(a_thread_that_got_the_completion_posts_before_the_first_has_returned),
		STAGE_CASES(a_slot_is_written_again_after_its_result_was_read, ways, 2),
		STAGE_CASE(an_event_that_comes_during_an_attempt_is_not_lost),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
