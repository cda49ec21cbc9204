/* SPDX-License-Identifier: MIT */
/*
 * hostile_process.c - threads that end with requests posted, and children that run other programs
 */
#include "../../support/exchange.h"
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 64u
#define ROUNDS 100u

/* ---- Threads that end ---------------------------------------------------------- */

struct task {
	struct exchange *exchange;
	uint64_t round;
};

/* Works long enough to have a ring, posts, and ends; sends and receives are left where they are. */
static void *post_and_end(void *argument)
{
	struct task *task = argument;
	struct side *sides = task->exchange->sides;

	exchange_run(task->exchange, 4);
	for (int i = 0; i < 100; i++)
		expect_empty(sides[0].receive_cq);
	for (uint64_t i = 0; i < 8; i++)
		post_receive(&sides[1], i);
	for (uint64_t i = 0; i < 8; i++)
		post_message(&sides[0], sides[0].receives + i, 64, task->round + i,
			     REGIO_MSG_DEFER);
	return NULL;
}

START_TEST(what_a_thread_has_posted_goes_on_when_it_has_ended)
{
	struct regio_result results[8];
	struct exchange exchange;

	exchange_open(&exchange, NULL);
	for (uint64_t round = 0; round < 20; round++) {
		struct task task = {&exchange, round};
		pthread_t thread;

		EXPECT(pthread_create(&thread, NULL, post_and_end, &task) == 0, "%m");
		pthread_join(thread, NULL);
		collect(exchange.sides[0].send_cq, results, 8);
		collect(exchange.sides[1].receive_cq, results, 8);
		for (uint64_t i = 0; i < 8; i++) {
			expect_result(&results[i], 0, 64, i);
			expect_message(slot_memory(&exchange.sides[1], i), 64, round + i);
		}
	}
	exchange_run(&exchange, ROUNDS);
	exchange_close(&exchange);
}
END_TEST

static void *wait_and_end(void *argument)
{
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(argument, 1, 0, 5 * MILLISECOND_NS));
	return NULL;
}

/* Whoever sleeps in the engine is the one that ends. */
START_TEST(a_thread_that_ends_after_a_wait_leaves_the_wait_to_others)
{
	struct exchange exchange;
	pthread_t threads[4];

	exchange_open(&exchange, NULL);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 4; i += 2) {
			EXPECT(pthread_create(&threads[i], NULL, wait_and_end,
					      exchange.sides[i / 2].receive_cq) == 0,
			       "%m");
			EXPECT(pthread_create(&threads[i + 1], NULL, wait_and_end,
					      exchange.sides[i / 2].send_cq) == 0,
			       "%m");
		}
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		exchange_run(&exchange, 2);
	}
	exchange_close(&exchange);
}
END_TEST

/* ---- Children ------------------------------------------------------------------ */

static int wait_for(pid_t child)
{
	int status;

	EXPECT(waitpid(child, &status, 0) == child, "%m");
	EXPECT(WIFEXITED(status), "the child ended with %#x", status);
	return WEXITSTATUS(status);
}

/* This program, which counts what it has been given: see main(). */
static int descriptors_of_a_program(void)
{
	char path[] = "/proc/self/exe", flag[] = "--count-descriptors";
	char *arguments[] = {path, flag, NULL};
	pid_t child;

	EXPECT(posix_spawn(&child, path, NULL, NULL, arguments, environ) == 0, "%m");
	return wait_for(child);
}

START_TEST(a_program_that_is_started_inherits_no_descriptor_of_the_library)
{
	int before = descriptors_of_a_program();
	struct exchange exchange;

	exchange_open(&exchange, NULL);
	EXPECT(regio_cq_fd(exchange.sides[0].receive_cq) >= 0, "no descriptor");
	exchange_run(&exchange, ROUNDS);
	ck_assert_int_eq(descriptors_of_a_program(), before);
	exchange_close(&exchange);
}
END_TEST

static void *run_until_stopped(void *argument)
{
	struct task *task = argument;

	while (!__atomic_load_n(&task->round, __ATOMIC_ACQUIRE))
		exchange_run(task->exchange, 1);
	return NULL;
}

/* With a driver's thread and a ring in the middle of their work. */
START_TEST(children_come_and_go_beside_traffic)
{
	char path[] = "/proc/self/exe", flag[] = "--count-descriptors";
	char *arguments[] = {path, flag, NULL};
	struct exchange exchange;
	struct task task = {&exchange, 0};
	sigset_t ends_of_children;
	pthread_t thread;

	if (built_with_sanitizer())
		SKIP("a sanitizer's locks may be taken when a process with threads forks");
	exchange_open(&exchange, NULL);
	/*
	 * glibc 2.41 blocks every signal while it forks. That of a child which ends meanwhile goes
	 * to another thread, whose wait it interrupts although nothing handles it.
	 */
	sigemptyset(&ends_of_children);
	sigaddset(&ends_of_children, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &ends_of_children, NULL);
	EXPECT(pthread_create(&thread, NULL, run_until_stopped, &task) == 0, "%m");
	for (int i = 0; i < 40; i++) {
		pid_t child = check_fork();

		EXPECT(child >= 0, "%m");
		if (child == 0 && i % 2) {
			execve(path, arguments, environ);
			_exit(EXIT_FAILURE);
		} else if (child == 0) {
			struct regio_result result;

			_exit(regio_cq_dequeue(exchange.sides[0].receive_cq, &result, 1) == -ECHILD
				      ? 3
				      : EXIT_FAILURE);
		}
		EXPECT(wait_for(child) >= 3, "the child failed");
	}
	__atomic_store_n(&task.round, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	exchange_close(&exchange);
}
END_TEST

int main(int argc, char **argv)
{
	const struct test_case cases[] = {
		CASE(what_a_thread_has_posted_goes_on_when_it_has_ended),
		CASE(a_thread_that_ends_after_a_wait_leaves_the_wait_to_others),
		CASE(a_program_that_is_started_inherits_no_descriptor_of_the_library),
		CASE(children_come_and_go_beside_traffic),
	};

	if (argc == 2 && !strcmp(argv[1], "--count-descriptors"))
		return (int)open_descriptors();
	return run_cases(cases, ARRAY_SIZE(cases));
}
