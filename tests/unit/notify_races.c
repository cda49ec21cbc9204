/* SPDX-License-Identifier: MIT */
/*
 * notify_races.c - two executors complete while the consumer dequeues and asks again, in each order
 *
 * A signal finds a completion that came, or was still there, since the consumer asked; and what is
 * left when all is quiet has been signalled. The core's own files run here, a step at a time; the
 * executors are the test's.
 */
#include "../support/interleave.h"
#include "../support/net.h"
#include "../support/side.h"
#include "../support/suite.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/table.h"
#include "queue/completion.h"
#include "queue/rq.h"

#define QUEUES 2u
#define RECEIVES 1u
/* How many preemptions find what is here, and how many where each step is dear. */
#define PREEMPTIONS 2u
#define PREEMPTIONS_DEAR 1u

static struct regio_driver *driver;
static struct regio_cq *cq;
static struct side sides[QUEUES];
static bool by_call;
static int descriptor;
static unsigned int calls;

/* ---- The actors ---------------------------------------------------------------- */

static void count_call(void *context)
{
	calls++;
}

static bool signalled(void)
{
	struct pollfd readable = {.fd = descriptor, .events = POLLIN};

	return by_call ? calls > 0 : poll(&readable, 1, 0) == 1;
}

static bool dequeue_one(void)
{
	struct regio_result result;
	int count = regio_cq_dequeue(cq, &result, 1);

	EXPECT(count >= 0, "%s", regio_error_text(count));
	return count == 1;
}

static void consume(void)
{
	unsigned int dequeued = 0;

	while (interleave_wait(signalled)) {
		calls = 0;
		EXPECT(dequeue_one(), "an empty signal, in the order %s", interleave_order());
		interleave_yield();
		dequeued += 1 + dequeue_one();
		EXPECT_RETURN(0, regio_cq_notify(cq));
	}
	while (dequeue_one())
		EXPECT(false, "a lost signal, in the order %s", interleave_order());
	EXPECT(dequeued == QUEUES * RECEIVES, "%u", dequeued);
}

static struct regioi_half *receive_half(unsigned int queue)
{
	struct regioi_rq *rq = regioi_table_object(sides[queue].rq, REGIOI_KIND_RQ);

	return &rq->halves[REGIOI_RECEIVE];
}

static void complete_all(unsigned int queue)
{
	for (unsigned int i = 0; i < RECEIVES; i++) {
		regioi_half_publish(receive_half(queue), 1, NULL);
	}
}

static void complete_first(void)
{
	complete_all(0);
}

static void complete_second(void)
{
	complete_all(1);
}

/* ---- A completion that may notify, and one behind it that may not --------------- */

static struct regioi_half *pair;

static void complete_pair(void)
{
	regioi_half_publish(pair, 2, NULL);
}

static bool pair_is_there(void)
{
	return atomic_load_explicit(&pair->cq->pending, memory_order_relaxed) != NULL;
}

/* Without a signal it takes the first of the two, and asks for one. */
static void take_first_and_ask(void)
{
	EXPECT(interleave_wait(pair_is_there), "nothing was completed");
	EXPECT(dequeue_one(), "nothing was there, in the order %s", interleave_order());
	EXPECT_RETURN(0, regio_cq_notify(cq));
	EXPECT(!interleave_wait(signalled), "signalled for a muted one, in the order %s",
	       interleave_order());
	EXPECT(dequeue_one(), "the muted one was lost, in the order %s", interleave_order());
}

/* ---- Around each order --------------------------------------------------------- */

/* The driver's thread finds it taken, and leaves it alone. */
static void take_as_executor(unsigned int queue)
{
	uint32_t idle;

	do
		idle = REGIOI_EXECUTOR_IDLE;
	while (!atomic_compare_exchange_weak(&receive_half(queue)->executor, &idle,
					     REGIOI_EXECUTOR_BUSY));
}

static void open_cq(void)
{
	const struct regio_cq_opts opts = {
		.size = sizeof(opts), .driver = driver, .on_notify = by_call ? count_call : NULL};

	calls = 0;
	EXPECT_RETURN(0, regio_cq_create(64, &opts, &cq));
	descriptor = regio_cq_fd(cq);
	EXPECT(descriptor >= 0, "%s", regio_last_error());
}

static void open_queue(unsigned int queue, uint32_t receives)
{
	SIDE_OPEN(&sides[queue], .family = AF_INET, .receives = receives, .sends = 1, .cq = cq);
	take_as_executor(queue);
}

static void close_queue(unsigned int queue)
{
	atomic_store(&receive_half(queue)->executor, REGIOI_EXECUTOR_IDLE);
	side_close(&sides[queue]);
}

static void open_queues(void)
{
	open_cq();
	for (unsigned int i = 0; i < QUEUES; i++) {
		open_queue(i, RECEIVES);
		for (unsigned int k = 0; k < RECEIVES; k++)
			EXPECT_RETURN(0, regio_receive(sides[i].rq, NULL, 0, k));
	}
	EXPECT_RETURN(0, regio_cq_notify(cq));
}

static void open_pair(void)
{
	open_cq();
	open_queue(0, 2);
	pair = receive_half(0);
	EXPECT_RETURN(0, regio_receive(sides[0].rq, NULL, 0, 0));
	EXPECT_RETURN(0, regio_receive(sides[0].rq, NULL, REGIO_MSG_DONT_NOTIFY, 1));
}

static void close_pair(void)
{
	close_queue(0);
	EXPECT_RETURN(0, regio_cq_close(cq));
}

static void close_queues(void)
{
	for (unsigned int i = 0; i < QUEUES; i++)
		close_queue(i);
	EXPECT_RETURN(0, regio_cq_close(cq));
}

static const char *const ways[] = {"a call of the program", "the descriptor"};

/* Holds: regio_cq_notify what, Callbacks what 2. */
START_TEST(a_signal_finds_a_completion_in_every_order)
{
	const struct interleave_plan plan = {
		.prepare = open_queues,
		.actors = {complete_first, complete_second, consume},
		.finish = close_queues,
		.preemptions_max = scaled(100) < 100 ? PREEMPTIONS_DEAR : PREEMPTIONS,
	};
	const struct regio_driver_opts opts = {.size = sizeof(opts),
					       .engine = "epoll",
					       .flags = REGIO_DRIVER_THREAD,
					       .thread_spin_ns = 1};
	uint64_t orders;

	by_call = _i == 0;
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	orders = interleave_all(&plan);
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT(orders > 300, "%llu orders", (unsigned long long)orders);
	printf("# %llu orders\n", (unsigned long long)orders);
}
END_TEST

/* Holds: REGIO_MSG_DONT_NOTIFY, Callbacks what 2. */
START_TEST(a_signal_is_not_for_a_muted_completion_in_any_order)
{
	const struct interleave_plan plan = {
		.prepare = open_pair,
		.actors = {complete_pair, take_first_and_ask},
		.finish = close_pair,
		.preemptions_max = PREEMPTIONS,
	};
	const struct regio_driver_opts opts = {.size = sizeof(opts),
					       .engine = "epoll",
					       .flags = REGIO_DRIVER_THREAD,
					       .thread_spin_ns = 1};

	by_call = _i == 0;
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	EXPECT(interleave_all(&plan) > 10, "few orders");
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{a_signal_finds_a_completion_in_every_order, ways, 2, 4 * CASE_TIMEOUT_S},
		{a_signal_is_not_for_a_muted_completion_in_any_order, ways, 2, 4 * CASE_TIMEOUT_S},
	};

	uint64_t cookie;
	socklen_t length = sizeof(cookie);
	int fd = udp_socket(AF_INET);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) < 0) {
		printf("1..0 # SKIP no SO_COOKIE (an emulator of programs): %m\n");
		return EXIT_SUCCESS;
	}
	close(fd);
	return run_cases(cases, ARRAY_SIZE(cases));
}
