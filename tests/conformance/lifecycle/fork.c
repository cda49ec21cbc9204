/* SPDX-License-Identifier: MIT */
/*
 * fork.c - in a forked child the parent's handles are dead, and the parent goes on
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct scene {
	struct regio_driver *driver;
	struct side side;
	int cq_fd;
};

static void open_scene(struct scene *scene, int family)
{
	EXPECT_RETURN(0, regio_driver_create(NULL, &scene->driver));
	SIDE_OPEN(&scene->side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 4, .sends = 4,
		  .slot_size = 64, .driver = scene->driver);
	scene->cq_fd = regio_cq_fd(scene->side.receive_cq);
}

static void close_scene(struct scene *scene)
{
	side_close(&scene->side);
	EXPECT_RETURN(0, regio_driver_close(scene->driver));
}

/* Runs 'body' in a child; what it expects fails the case like anything else. */
static void in_child(void (*body)(struct scene *scene), struct scene *scene)
{
	pid_t child = check_fork();
	int status;

	EXPECT(child >= 0, "%m");
	if (child == 0) {
		body(scene);
		_exit(EXIT_SUCCESS);
	}
	EXPECT(waitpid(child, &status, 0) == child, "%m");
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS, "the child ended with %#x",
	       status);
}

static void expect_dead_handles(struct scene *scene)
{
	struct side *side = &scene->side;
	struct regio_driver_info driver_info;
	struct regio_rq_info rq_info;
	struct regio_result result;
	struct regio_rq *rq = NULL;
	struct regio_cq *cq = NULL;
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = scene->driver};
	struct regio_buf slice = slot_slice(side, 0, 64);
	int fd = bound_socket(AF_INET);

	EXPECT_RETURN(-ECHILD,
		      regio_driver_get_info(scene->driver, &driver_info, sizeof(driver_info)));
	EXPECT_RETURN(-ECHILD, regio_driver_run(scene->driver, 0));
	EXPECT_RETURN(-ECHILD, regio_driver_wake(scene->driver));
	EXPECT_RETURN(-ECHILD, regio_cq_create(1, &opts, &cq));
	EXPECT_RETURN(-ECHILD, regio_cq_dequeue(side->receive_cq, &result, 1));
	EXPECT_RETURN(-ECHILD, regio_cq_notify(side->receive_cq));
	EXPECT_RETURN(-ECHILD, regio_cq_wait(side->receive_cq, 1, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_cq_fd(side->receive_cq));
	EXPECT_RETURN(-ECHILD, regio_cq_resize(side->receive_cq, 100));
	EXPECT_RETURN(-ECHILD,
		      regio_rq_create(fd, 1, 1, side->receive_cq, side->send_cq, 0, NULL, &rq));
	EXPECT_RETURN(-ECHILD, regio_receive(side->rq, &slice, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_receive_ex(side->rq, &slice, NULL, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_send(side->rq, &slice, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_send_ex(side->rq, &slice, NULL, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_send(side->rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	EXPECT_RETURN(-ECHILD, regio_post(side->rq, REGIO_HALF_SEND, NULL, 0));
	EXPECT_RETURN(-ECHILD, regio_rq_get_info(side->rq, &rq_info, sizeof(rq_info)));
	EXPECT_RETURN(-ECHILD, regio_rq_cancel(side->rq, REGIO_HALF_RECEIVE));
	EXPECT_RETURN(-ECHILD, regio_rq_resize(side->rq, 1, 1));
	EXPECT_RETURN(-ECHILD, regio_rq_replace_socket(side->rq, fd));
	EXPECT_RETURN(-ECHILD, regio_rq_close(side->rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(-ECHILD, regio_cq_close(side->receive_cq));
	EXPECT_RETURN(-ECHILD, regio_region_deregister(side->region));
	EXPECT_RETURN(-ECHILD, regio_driver_close(scene->driver));
	close(fd);
}

/*
 * Holds: regio.h what 6, regio_driver_close -ECHILD, regio_driver_run -ECHILD,
 * regio_driver_wake -ECHILD, regio_driver_get_info -ECHILD, regio_cq_resize -ECHILD,
 * regio_cq_close -ECHILD, regio_cq_dequeue -ECHILD, regio_cq_notify -ECHILD, regio_cq_wait -ECHILD,
 * regio_cq_fd -ECHILD, regio_rq_create -ECHILD, regio_rq_resize -ECHILD, regio_rq_cancel -ECHILD,
 * regio_rq_replace_socket -ECHILD, regio_rq_close -ECHILD, regio_rq_get_info -ECHILD,
 * regio_receive -ECHILD, regio_send -ECHILD, regio_region_deregister -ECHILD.
 */
START_TEST(every_call_on_a_handle_of_the_parent_says_ECHILD_and_the_parent_goes_on)
{
	struct regio_result results[2];
	struct scene scene;

	open_scene(&scene, families[_i]);
	post_receive(&scene.side, 0);
	post_receive(&scene.side, 1);
	EXPECT_RETURN(0, regio_cq_notify(scene.side.receive_cq));
	send_plain(scene.side.peer, "before", 6);
	in_child(expect_dead_handles, &scene);
	send_plain(scene.side.peer, "after", 5);
	collect(scene.side.receive_cq, results, 2);
	expect_result(&results[0], 0, 6, 0);
	expect_result(&results[1], 0, 5, 1);
	post_send(&scene.side, 4, 64, 0);
	collect(scene.side.send_cq, results, 1);
	expect_result(&results[0], 0, 64, 4);
	close_scene(&scene);
}
END_TEST

static void use_objects_of_its_own(struct scene *parent)
{
	struct regio_buf slice = slot_slice(&parent->side, 0, 64);
	struct scene scene;
	struct regio_result result;
	uint8_t data[64];

	open_scene(&scene, AF_INET);
	post_receive(&scene.side, 0);
	send_plain(scene.side.peer, "x", 1);
	result = collect_one(scene.side.receive_cq);
	expect_result(&result, 0, 1, 0);
	post_message(&scene.side, 4, 64, 3, 0);
	ck_assert_uint_eq(receive_plain(scene.side.peer, data, sizeof(data)), 64);
	expect_message(data, 64, 3);
	EXPECT_RETURN(-ECHILD, regio_cq_dequeue(parent->side.receive_cq, &result, 1));
	/* Nor may a queue of its own name a region of the parent. */
	EXPECT_RETURN(-ECHILD, regio_receive(scene.side.rq, &slice, 0, 0));
	EXPECT_RETURN(-ECHILD, regio_send(scene.side.rq, &slice, 0, 0));
	close_scene(&scene);
}

/* Holds: regio_receive -ECHILD, regio_send -ECHILD. */
START_TEST(a_child_may_have_queues_of_its_own)
{
	struct regio_result result;
	struct scene scene;

	if (driven_by_a_thread() && built_with_sanitizer())
		SKIP("a sanitizer's locks may be taken when a process with threads forks");
	open_scene(&scene, families[_i]);
	for (uint64_t i = 0; i < 4; i++) {
		post_receive(&scene.side, i);
		in_child(use_objects_of_its_own, &scene);
		send_plain(scene.side.peer, "x", 1);
		result = collect_one(scene.side.receive_cq);
		expect_result(&result, 0, 1, i);
	}
	close_scene(&scene);
}
END_TEST

static _Atomic bool forks_are_over;

static void *register_again(void *argument)
{
	static uint8_t memory[64];
	uint64_t region;

	(void)argument;
	while (!forks_are_over) {
		EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
		EXPECT_RETURN(0, regio_region_deregister(region));
	}
	return NULL;
}

static void register_in_time(struct scene *scene)
{
	uint64_t region;

	alarm(PATIENCE_NS / SECOND_NS);
	EXPECT_RETURN(0, regio_region_register(scene, sizeof(*scene), NULL, &region));
}

/* Whatever threads of the parent are in the middle of, the child's calls find no lock taken. */
START_TEST(a_child_makes_objects_while_threads_of_the_parent_do)
{
	struct scene scene = {0};
	pthread_t threads[2];

	if (built_with_sanitizer())
		SKIP("a sanitizer's locks may be taken when a process with threads forks");
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		EXPECT(pthread_create(&threads[i], NULL, register_again, NULL) == 0, "%m");
	for (unsigned int i = 0; i < scaled(1000); i++)
		in_child(register_in_time, &scene);
	forks_are_over = true;
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}
END_TEST

static void close_descriptors(struct scene *scene)
{
	close(scene->side.fd);
	close(scene->cq_fd);
}

START_TEST(a_child_that_closes_its_copies_of_descriptors_does_no_harm)
{
	struct regio_result result;
	struct scene scene;

	open_scene(&scene, families[_i]);
	post_receive(&scene.side, 0);
	in_child(close_descriptors, &scene);
	send_plain(scene.side.peer, "x", 1);
	result = collect_one(scene.side.receive_cq);
	expect_result(&result, 0, 1, 0);
	close_scene(&scene);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(
			every_call_on_a_handle_of_the_parent_says_ECHILD_and_the_parent_goes_on),
		CASE_PER_FAMILY(a_child_may_have_queues_of_its_own),
		CASE(a_child_makes_objects_while_threads_of_the_parent_do),
		CASE_PER_FAMILY(a_child_that_closes_its_copies_of_descriptors_does_no_harm),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
