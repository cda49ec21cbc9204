/* SPDX-License-Identifier: MIT */
/*
 * standby.c - a driver's thread on the CPU of the threads that use the driver: these make the
 * progress, and the thread makes it where they do not
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_SIZE 64u
/* Enough for the thread to find out where it runs. */
#define ROUNDS_FIRST 50u

static struct regio_driver *driver;
static struct side side;

/* Everything on the CPU that this thread has now. */
static void open_on_one_cpu(void)
{
	const struct regio_driver_opts opts = {.size = sizeof(opts), .flags = REGIO_DRIVER_THREAD};

	stay_on_one_cpu();
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
}

static void close_all(void)
{
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}

static uint64_t sleeps(void)
{
	struct regio_driver_info info;

	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	return info.sleeps;
}

static void take_one(struct regio_cq *cq, enum manner manner, uint64_t slot)
{
	struct regio_result result = collect_in_manner(cq, manner);

	expect_result(&result, 0, MESSAGE_SIZE, slot);
}

static void receive_one(enum manner manner, uint64_t sequence)
{
	uint8_t data[MESSAGE_SIZE];

	post_receive(&side, 0);
	fill_message(data, sizeof(data), sequence);
	send_plain(side.peer, data, sizeof(data));
	take_one(side.receive_cq, manner, 0);
	expect_message(side.memory, MESSAGE_SIZE, sequence);
}

static void expect_arrived(uint64_t sequence)
{
	uint8_t data[MESSAGE_SIZE];

	receive_plain(side.peer, data, sizeof(data));
	expect_message(data, MESSAGE_SIZE, sequence);
}

static void be_beside_the_thread(enum manner manner)
{
	for (uint64_t round = 0; round < ROUNDS_FIRST; round++)
		receive_one(manner, round);
}

static const char *const two_manners[] = {"that polls", "that waits"};

/* A thread that does the work sleeps after each message; one that stands by, once a tick. */
START_TEST(a_program_on_the_threads_cpu_makes_the_progress)
{
	const uint64_t rounds = scaled(4000);
	uint64_t before;

	open_on_one_cpu();
	be_beside_the_thread((enum manner)_i);
	before = sleeps();
	for (uint64_t round = 0; round < rounds; round++)
		receive_one((enum manner)_i, round);
	EXPECT(sleeps() - before < rounds / 2, "%llu sleeps in %llu rounds",
	       (unsigned long long)(sleeps() - before), (unsigned long long)rounds);
	close_all();
}
END_TEST

START_TEST(a_send_on_the_threads_cpu_is_executed_in_the_call)
{
	const uint64_t rounds = scaled(1000);
	uint64_t there = 0, before;

	open_on_one_cpu();
	be_beside_the_thread(BY_POLLING);
	before = sleeps();
	for (uint64_t round = 0; round < rounds; round++) {
		char byte;

		post_message(&side, 1, MESSAGE_SIZE, round, 0);
		there += recv(side.peer, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
		expect_arrived(round);
		take_one(side.send_cq, BY_POLLING, 1);
	}
	EXPECT(there > rounds / 2 && sleeps() - before < rounds / 2,
	       "%llu sends of %llu were executed in the call; %llu sleeps",
	       (unsigned long long)there, (unsigned long long)rounds,
	       (unsigned long long)(sleeps() - before));
	close_all();
}
END_TEST

static uint64_t messages_received(void)
{
	struct regio_rq_info info;

	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	return info.messages_received;
}

/* Holds: REGIO_DRIVER_THREAD. */
START_TEST(what_the_program_leaves_is_done_by_the_thread)
{
	uint8_t data[MESSAGE_SIZE];

	open_on_one_cpu();
	for (uint64_t round = 0; round < 20; round++) {
		int64_t deadline_ns = now_ns() + PATIENCE_NS;
		uint64_t received;

		be_beside_the_thread((enum manner)(round % 2));
		/* Nobody commits it. */
		post_message(&side, 1, MESSAGE_SIZE, round, REGIO_MSG_DEFER);
		expect_arrived(round);
		take_one(side.send_cq, BY_POLLING, 1);

		be_beside_the_thread((enum manner)(round % 2));
		received = messages_received();
		post_receive(&side, 0);
		fill_message(data, sizeof(data), round);
		send_plain(side.peer, data, sizeof(data));
		while (messages_received() == received) {
			EXPECT(now_ns() < deadline_ns, "message %llu is not received",
			       (unsigned long long)round);
			sched_yield();
		}
		take_one(side.receive_cq, BY_WAITING, 0);
	}
	close_all();
}
END_TEST

START_TEST(a_program_gets_each_message_in_whatever_manner_it_waits)
{
	const uint64_t rounds = scaled(3000);
	uint64_t random = 11;

	open_on_one_cpu();
	for (uint64_t round = 0; round < rounds;) {
		enum manner manner = (enum manner)random_below(&random, MANNERS);
		uint64_t end = round + 1 + random_below(&random, 20);

		for (; round < end; round++)
			receive_one(manner, round);
	}
	close_all();
}
END_TEST

static void *wait_for_one(void *argument)
{
	const uint64_t *rounds = argument;

	for (uint64_t round = 0; round < *rounds; round++) {
		take_one(side.receive_cq, BY_WAITING, 0);
		post_receive(&side, 0);
	}
	return NULL;
}

/* The one that leads must get the sends of the other as well. */
START_TEST(a_thread_that_waits_is_called_for_what_another_posts)
{
	uint64_t rounds = scaled(1000);
	uint8_t data[MESSAGE_SIZE];
	pthread_t thread;

	open_on_one_cpu();
	be_beside_the_thread(BY_WAITING);
	post_receive(&side, 0);
	EXPECT(pthread_create(&thread, NULL, wait_for_one, &rounds) == 0, "%m");
	for (uint64_t round = 0; round < rounds; round++) {
		post_message(&side, 1, MESSAGE_SIZE, round, round % 2 ? REGIO_MSG_DEFER : 0);
		expect_arrived(round);
		take_one(side.send_cq, (enum manner)(round % 3), 1);
		fill_message(data, sizeof(data), round);
		send_plain(side.peer, data, sizeof(data));
	}
	pthread_join(thread, NULL);
	close_all();
}
END_TEST

static int thread_cpu;

static void *wait_there(void *argument)
{
	struct regio_cq *cq = argument;
	cpu_set_t own;

	CPU_ZERO(&own);
	CPU_SET(thread_cpu, &own);
	EXPECT(sched_setaffinity(0, sizeof(own), &own) == 0, "%m");
	EXPECT_RETURN(1, regio_cq_wait(cq, 1, 0, -1));
	return NULL;
}

/* The caller on one CPU, the driver's thread on another. False if there is one CPU. */
static bool open_on_two_cpus(void)
{
	struct regio_driver_opts opts = {.size = sizeof(opts),
					 .flags = REGIO_DRIVER_THREAD | REGIO_DRIVER_THREAD_CPU};

	thread_cpu = stay_on_one_cpu_of_two();
	if (thread_cpu < 0)
		return false;
	opts.thread_cpu = (uint32_t)thread_cpu;
	EXPECT_RETURN(0, regio_driver_create(&opts, &driver));
	SIDE_OPEN(&side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
	return true;
}

/* The wait is on the thread's CPU and has no end; the program that polls is on another CPU. */
START_TEST(a_wait_on_the_threads_cpu_does_not_keep_it_from_serving_another_cpu)
{
	uint64_t before, round = 0;
	int64_t deadline_ns;
	pthread_t thread;

	if (!open_on_two_cpus())
		SKIP("there is one CPU");
	EXPECT(pthread_create(&thread, NULL, wait_there, side.send_cq) == 0, "%m");
	for (uint64_t end = round + scaled(200); round < end; round++)
		receive_one(BY_DESCRIPTOR, round);
	/* Several ticks in which nobody calls: the thread may stand by for the one that waits. */
	deadline_ns = now_ns() + 20 * MILLISECOND_NS;
	post_receive(&side, 0);
	send_plain(side.peer, (uint8_t[MESSAGE_SIZE]){0}, MESSAGE_SIZE);
	while (now_ns() < deadline_ns)
		sched_yield();
	take_one(side.receive_cq, BY_POLLING, 0);
	before = sleeps();
	deadline_ns = now_ns() + PATIENCE_NS;
	while (sleeps() < before + 10) {
		EXPECT(now_ns() < deadline_ns, "the thread does not wake up");
		receive_one(BY_POLLING, round++);
	}
	post_message(&side, 1, MESSAGE_SIZE, round, 0);
	expect_arrived(round);
	pthread_join(thread, NULL);
	take_one(side.send_cq, BY_POLLING, 1);
	close_all();
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{a_program_on_the_threads_cpu_makes_the_progress, two_manners,
		 ARRAY_SIZE(two_manners), CASE_TIMEOUT_S},
		CASE(a_send_on_the_threads_cpu_is_executed_in_the_call),
		CASE(what_the_program_leaves_is_done_by_the_thread),
		CASE(a_program_gets_each_message_in_whatever_manner_it_waits),
		CASE(a_thread_that_waits_is_called_for_what_another_posts),
		CASE(a_wait_on_the_threads_cpu_does_not_keep_it_from_serving_another_cpu),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
