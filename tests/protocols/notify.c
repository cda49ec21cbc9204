/* SPDX-License-Identifier: MIT */
/*
 * notify.c - two executors complete while the consumer dequeues and asks again
 *
 * queue/signal.c and queue/completion.c: a signal finds a completion that came, or was still there,
 * since the consumer asked; and what is left when all is quiet has been signalled. The executors
 * are the test's.
 */
#include "stage.h"

#include <poll.h>

#include "queue/completion.h"

#define QUEUES 2u

static bool by_call;
static int descriptor;
static _Atomic unsigned int calls;

/* ---- The actors ---------------------------------------------------------------- */

static void count_call(void *context)
{
	atomic_fetch_add(&calls, 1);
}

static bool signalled(void)
{
	struct pollfd readable = {.fd = descriptor, .events = POLLIN};

	return by_call ? atomic_load(&calls) > 0 : poll(&readable, 1, 0) == 1;
}

static bool dequeue_one(void)
{
	struct regio_result result;
	int count = regio_cq_dequeue(stage.cqs[0], &result, 1);

	EXPECT(count >= 0, "%s", regio_error_text(count));
	return count == 1;
}

static void consume(void)
{
	unsigned int dequeued = 0;

	while (interleave_wait(signalled)) {
		atomic_store(&calls, 0);
		EXPECT(dequeue_one(), "an empty signal, in the order %s", interleave_order());
		interleave_yield();
		dequeued += 1 + dequeue_one();
		EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
	}
	while (dequeue_one())
		EXPECT(false, "a lost signal, in the order %s", interleave_order());
	EXPECT(dequeued == QUEUES, "%u", dequeued);
}

static struct regioi_half *receive_half(unsigned int queue)
{
	return &stage.rq_objects[queue]->halves[REGIOI_RECEIVE];
}

static void complete_one(unsigned int queue)
{
	regioi_half_publish(receive_half(queue), 1, NULL);
}

static void complete_first(void)
{
	complete_one(0);
}

static void complete_second(void)
{
	complete_one(1);
}

/* ---- A half that completes again while it is dequeued --------------------------- */

static void complete_again(void)
{
	struct regioi_half *half = receive_half(0);

	for (unsigned int i = 0; i < QUEUES; i++) {
		const uint32_t number =
			atomic_load_explicit(&half->completed, memory_order_relaxed);

		half->requests[number & half->mask].bytes = i + 1;
		regioi_half_publish(half, 1, NULL);
	}
}

static void consume_in_order(void)
{
	struct regio_result results[QUEUES];
	unsigned int dequeued = 0;

	while (interleave_wait(signalled)) {
		int count;

		atomic_store(&calls, 0);
		count = regio_cq_dequeue(stage.cqs[0], results, QUEUES);
		EXPECT(count > 0, "an empty signal, in the order %s", interleave_order());
		for (int i = 0; i < count; i++)
			EXPECT(results[i].bytes == ++dequeued, "%u, in the order %s",
			       results[i].bytes, interleave_order());
		EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
	}
	EXPECT(dequeued == QUEUES, "%u were dequeued, in the order %s", dequeued,
	       interleave_order());
}

/* ---- A completion that may notify, and one behind it that may not --------------- */

static void complete_pair(void)
{
	regioi_half_publish(receive_half(0), 2, NULL);
}

static bool pair_is_there(void)
{
	return atomic_load_explicit(&receive_half(0)->cq->pending, memory_order_relaxed) != NULL;
}

/* Without a signal it takes the first of the two, and asks for one. */
static void take_first_and_ask(void)
{
	EXPECT(interleave_wait(pair_is_there), "nothing was completed");
	EXPECT(dequeue_one(), "nothing was there, in the order %s", interleave_order());
	EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
	EXPECT(!interleave_wait(signalled), "signalled for a muted one, in the order %s",
	       interleave_order());
	EXPECT(dequeue_one(), "the muted one was lost, in the order %s", interleave_order());
}

/* ---- Around each order --------------------------------------------------------- */

static void open_stage(unsigned int queues)
{
	stage_open(&(struct stage_options){.queues = queues,
					   .on_notify = by_call ? count_call : NULL});
	atomic_store(&calls, 0);
	descriptor = regio_cq_fd(stage.cqs[0]);
	EXPECT(descriptor >= 0, "%s", regio_last_error());
	/* A dequeue finds them executed, and leaves them alone. */
	for (unsigned int i = 0; i < queues; i++)
		atomic_store(&receive_half(i)->executor, REGIOI_EXECUTOR_BUSY);
}

static void close_stage(void)
{
	for (unsigned int i = 0; i < STAGE_QUEUES && stage.rq_objects[i]; i++)
		atomic_store(&receive_half(i)->executor, REGIOI_EXECUTOR_IDLE);
	stage_close();
}

static void open_queues(void)
{
	open_stage(QUEUES);
	for (unsigned int i = 0; i < QUEUES; i++)
		stage_receive(i, 1, 0);
	EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
}

static void open_again(void)
{
	open_stage(1);
	for (uint8_t i = 1; i <= QUEUES; i++)
		stage_receive(0, i, 0);
	EXPECT_RETURN(0, regio_cq_notify(stage.cqs[0]));
}

static void open_pair(void)
{
	open_stage(1);
	stage_receive(0, 1, 0);
	stage_receive(0, 2, REGIO_MSG_DONT_NOTIFY);
}

static const char *const ways[] = {"a call of the program", "the descriptor"};

/* Holds: regio_cq_notify what, Callbacks what 2. */
START_TEST(a_signal_finds_a_completion_in_every_order)
{
	const struct interleave_plan plan = {
		.prepare = open_queues,
		.actors = {complete_first, complete_second, consume},
		.finish = close_stage,
	};

	by_call = _i == 0;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){2, 2}, 300);
}
END_TEST

START_TEST(a_half_that_completes_again_while_it_is_dequeued_is_listed_again)
{
	const struct interleave_plan plan = {
		.prepare = open_again,
		.actors = {complete_again, consume_in_order},
		.finish = close_stage,
	};

	by_call = _i == 0;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){4, 2}, 50);
}
END_TEST

/* Holds: REGIO_MSG_DONT_NOTIFY, Callbacks what 2. */
START_TEST(a_signal_is_not_for_a_muted_completion_in_any_order)
{
	const struct interleave_plan plan = {
		.prepare = open_pair,
		.actors = {complete_pair, take_first_and_ask},
		.finish = close_stage,
	};

	by_call = _i == 0;
	stage_search(&plan, (struct stage_bounds){2, 1}, (struct stage_bounds){4, 2}, 10);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		STAGE_CASES(a_signal_finds_a_completion_in_every_order, ways, 2),
		STAGE_CASES(a_half_that_completes_again_while_it_is_dequeued_is_listed_again, ways,
			    2),
		STAGE_CASES(a_signal_is_not_for_a_muted_completion_in_any_order, ways, 2),
	};

	return stage_run_cases(cases, ARRAY_SIZE(cases));
}
