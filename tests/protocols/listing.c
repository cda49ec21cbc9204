/* SPDX-License-Identifier: MIT */
/*
 * listing.c - what is posted while an RQ is taken off its driver's list is seen by the next pass
 *
 * queue/runq.c, queue/node.h and drive/progress.c: a poster stores its request and then looks
 * whether the RQ is listed; a pass stores that it is not and then looks for requests. A poster that
 * sees the RQ pinned has no barrier between the two: the pass has one, on every thread.
 */
#include "stage.h"

#define POSTS 3u

static bool pins, edges;

static void open_deferring(void)
{
	stage_open(&(struct stage_options){.queues = 1, .pins = pins, .edges = edges});
}

/* ---- Sends --------------------------------------------------------------------- */

static void post_deferred(void)
{
	for (uint8_t i = 1; i <= POSTS; i++)
		stage_send(0, i, REGIO_MSG_DEFER);
}

/* Each takes the RQ off where it has nothing to do. */
static void make_progress(void)
{
	stage_progress();
	stage_progress();
}

static void finish_deferred(void)
{
	stage_progress();
	EXPECT(stage_has_sent(0, POSTS), "a send is forgotten, in the order %s",
	       interleave_order());
	EXPECT(stage_dequeue(0) == POSTS, "a completion is lost, in the order %s",
	       interleave_order());
	stage_close();
}

static const char *const ways[] = {"listed", "pinned", "reported once"};

START_TEST(a_send_that_is_posted_while_its_queue_is_taken_off_is_seen)
{
	const struct interleave_plan plan = {
		.prepare = open_deferring,
		.actors = {post_deferred, make_progress},
		.finish = finish_deferred,
	};

	pins = _i == 1;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 2}, 100);
}
END_TEST

/* ---- Receives ------------------------------------------------------------------ */

/* The socket is watched and known to be empty, and nothing is posted. */
static void open_watched(void)
{
	open_deferring();
	stage_receive(0, 1, 0);
	while (!stage_is_watched(0))
		stage_drop(0);
	EXPECT_RETURN(1, regio_rq_cancel(stage.rqs[0], REGIO_HALF_RECEIVE));
	stage_drop(0);
	/* Until it is off all lists. */
	stage_progress();
	stage_progress();
}

static void arrive(void)
{
	stage_arrive(0);
}

static void post_receives(void)
{
	stage_receive(0, 2, 0);
	stage_receive(0, 3, 0);
}

static void poll_and_rest(void)
{
	stage_poll();
	stage_progress();
}

/* Either somebody has received the message, or it is still reported. */
static void finish_receives(void)
{
	unsigned int received = 0;

	for (unsigned int i = 0; i < 2 && stage_waiting(0); i++) {
		stage_poll();
		stage_progress();
	}
	EXPECT(stage_waiting(0) == 0, "the message is forgotten, in the order %s",
	       interleave_order());
	received = stage_dequeue(0);
	EXPECT(received == 1, "a completion is lost, in the order %s", interleave_order());
	stage_close();
}

START_TEST(a_receive_that_is_posted_while_a_message_is_reported_gets_it)
{
	const struct interleave_plan plan = {
		.prepare = open_watched,
		.actors = {post_receives, poll_and_rest, arrive},
		.finish = finish_receives,
	};

	pins = _i == 1;
	edges = _i == 2;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){3, 1}, 100);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASES(a_send_that_is_posted_while_its_queue_is_taken_off_is_seen, ways, 2),
		STAGE_CASES(a_receive_that_is_posted_while_a_message_is_reported_gets_it, ways, 3),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
