/* SPDX-License-Identifier: MIT */
/*
 * teardown.c - ending things in every order, with requests queued and traffic arriving
 *
 * The address sanitizer sees what the library touches too late; the system calls it makes
 * are seen by the patterns and decoys here.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 8u
#define MESSAGE_SIZE 64u

static void open_pair(struct side *side, int family)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = SLOTS, .sends = SLOTS,
		  .slot_size = MESSAGE_SIZE);
}

/* ---- Every order --------------------------------------------------------------- */

enum step { DEREGISTER, UNMAP, CLOSE_RQ, CLOSE_CQ, CLOSE_SOCKET, STEPS };

/* Region, memory, (request) queue, completion queue, socket. */
static const char step_letters[] = "RMQCS";

struct scene {
	struct side side;
	uint64_t receives, sends; /* posted */
	int decoy, decoy_peer;
	bool gone[STEPS];
};

#define SCENE_SIZE (64u << 10)

/* A slice of 128 bytes for each of more requests than may be outstanding, and none for two. */
static uint32_t slice_offset(uint64_t posted)
{
	return (uint32_t)posted % 256 * 128;
}

static void post_on_scene(struct scene *scene, uint64_t receives, uint64_t sends)
{
	for (uint64_t i = 0; i < receives; i++) {
		struct regio_buf slice = {scene->side.region, slice_offset(scene->receives), 128};

		scene->receives += regio_receive(scene->side.rq, &slice, 0, i) == 0;
	}
	for (uint64_t i = 0; i < sends; i++) {
		struct regio_buf slice = {scene->side.region, 32768 + slice_offset(scene->sends),
					  128};

		scene->sends += regio_send(scene->side.rq, &slice, REGIO_MSG_DEFER, i) == 0;
	}
}

static void open_scene(struct scene *scene, int family)
{
	void *memory =
		mmap(NULL, SCENE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(scene, 0, sizeof(*scene));
	EXPECT(memory != MAP_FAILED, "%m");
	SIDE_OPEN(&scene->side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 32,
		  .sends = 32, .slot_size = SCENE_SIZE / 64, .memory = memory,
		  .cq = cq_of(64, NULL));
	scene->decoy_peer = bound_socket(family);
	scene->decoy = -1;
	post_on_scene(scene, 16, 4);
}

/* Traffic in, requests, completions out, as far as their ends are still there. */
static void disturb(struct scene *scene)
{
	static const uint8_t data[16 * 64];
	struct regio_result results[4];

	for (size_t i = 0; i < 3; i++)
		if (send(scene->side.peer, data, 64, MSG_DONTWAIT) < 0 && errno != ECONNREFUSED)
			ck_abort_msg("%m");
	if (!scene->gone[CLOSE_SOCKET] && train_limit() > 1)
		send_train(scene->side.peer, data, sizeof(data), 64);
	if (!scene->gone[CLOSE_RQ])
		post_on_scene(scene, 2, 2);
	if (!scene->gone[CLOSE_CQ]) {
		int got = regio_cq_dequeue(scene->side.receive_cq, results, ARRAY_SIZE(results));

		EXPECT(got >= 0, "%s", regio_error_name(got));
	}
}

/* Another socket takes the number of the closed one; whoever still uses that is found out. */
static void close_socket_and_reuse_number(struct scene *scene)
{
	int other = bound_socket(own_address(scene->side.fd).any.sa_family);

	EXPECT(dup2(other, scene->side.fd) == scene->side.fd, "%m");
	close(other);
	scene->decoy = scene->side.fd;
	set_option(scene->decoy, SOL_UDP, UDP_GRO, 1);
	connect_to(scene->decoy_peer, scene->decoy);
	connect_to(scene->decoy, scene->decoy_peer);
	send_plain(scene->decoy_peer, "decoy", 5);
}

static void take_step(struct scene *scene, enum step step)
{
	scene->gone[step] = true;
	switch (step) {
	case DEREGISTER:
		EXPECT_RETURN(0, regio_region_deregister(scene->side.region));
		break;
	case UNMAP:
		EXPECT(munmap(scene->side.memory, SCENE_SIZE) == 0, "%m");
		break;
	case CLOSE_RQ:
		EXPECT_RETURN(0, regio_rq_close(scene->side.rq, 0));
		break;
	case CLOSE_CQ:
		EXPECT_RETURN(0, regio_cq_close(scene->side.receive_cq));
		break;
	default:
		close_socket_and_reuse_number(scene);
	}
}

/*
 * A driver's thread that spins on a queue has done too much with it for the queue to be young: it
 * may read a few datagrams before it notices, but nothing once the queue is closed.
 */
static void expect_decoy_untouched(const struct scene *scene)
{
	char data[16];

	if (driven_by_a_thread()) {
		while (!nothing_queued(scene->decoy))
			receive_plain(scene->decoy, data, sizeof(data));
		send_plain(scene->decoy_peer, "decoy", 5);
	}
	EXPECT(receive_plain(scene->decoy, data, sizeof(data)) == 5, "the decoy was read");
	EXPECT(nothing_queued(scene->decoy_peer), "the decoy was written");
	EXPECT(get_option(scene->decoy, SOL_UDP, UDP_GRO) == 1, "the decoy was configured");
}

/* Order number 'order' of the steps; false when it is none (memory unmapped too early). */
static bool order_of_steps(unsigned int order, enum step *ret_steps)
{
	enum step left[STEPS] = {DEREGISTER, UNMAP, CLOSE_RQ, CLOSE_CQ, CLOSE_SOCKET};
	bool deregistered = false;

	for (unsigned int i = 0; i < STEPS; i++) {
		unsigned int choices = STEPS - i, chosen = order % choices;

		order /= choices;
		ret_steps[i] = left[chosen];
		memmove(&left[chosen], &left[chosen + 1], (choices - chosen - 1) * sizeof(*left));
		if (ret_steps[i] == UNMAP && !deregistered)
			return false;
		deregistered |= ret_steps[i] == DEREGISTER;
	}
	return true;
}

/*
 * A driver's thread could look at the socket before the socket's end, and send behind it. Any first
 * step but that one keeps it from sending.
 */
static void await_sends(const struct scene *scene)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_rq_info info = {0};

	while (info.messages_sent < scene->sends) {
		EXPECT(now_ns() < deadline_ns, "the sends are left lying");
		sched_yield();
		EXPECT_RETURN(0, regio_rq_get_info(scene->side.rq, &info, sizeof(info)));
	}
}

static void run_order(int family, const enum step *steps, bool with_traffic)
{
	struct scene scene;

	open_scene(&scene, family);
	for (size_t i = 0; i < STEPS; i++) {
		if (with_traffic)
			disturb(&scene);
		if (driven_by_a_thread() && i == 0)
			await_sends(&scene);
		take_step(&scene, steps[i]);
	}
	if (with_traffic)
		disturb(&scene);
	expect_decoy_untouched(&scene);
	close(scene.decoy);
	close(scene.decoy_peer);
	close(scene.side.peer);
}

/* Every order that unmaps the memory only after its region is gone, and what it is called. */
enum { ORDERS = 5 * 4 * 3 * 2 / 2 };

static enum step orders[ORDERS][STEPS];
static const char *order_names[ORDERS];

static void list_orders(void)
{
	static char names[ORDERS][STEPS + 1];
	unsigned int count = 0;

	for (unsigned int number = 0; count < ORDERS; number++) {
		if (!order_of_steps(number, orders[count]))
			continue;
		for (size_t i = 0; i < STEPS; i++)
			names[count][i] = step_letters[orders[count][i]];
		order_names[count] = names[count];
		count++;
	}
}

static bool comes_before(const enum step *steps, enum step first, enum step second)
{
	while (*steps != first && *steps != second)
		steps++;
	return *steps == first;
}

/* Holds: regio_region_register Ownership, regio_rq_create what 2. */
START_TEST(everything_may_end_in_any_order_with_requests_queued_and_traffic_arriving)
{
	if (closing_refused() && comes_before(orders[_i], CLOSE_SOCKET, CLOSE_RQ))
		SKIP("%s", closing_refused());
	for (size_t family = 0; family < ARRAY_SIZE(families); family++) {
		run_order(families[family], orders[_i], false);
		run_order(families[family], orders[_i], true);
	}
}
END_TEST

/* ---- Regions ------------------------------------------------------------------- */

/* Holds: regio_region_deregister what, regio_region_deregister Ownership. */
START_TEST(nothing_is_written_after_deregister_has_returned)
{
	static uint8_t pattern[SCENE_SIZE];
	struct scene scene;
	struct regio_result results[64];

	memset(pattern, 0x5A, sizeof(pattern));
	for (int round = 0; round < 100; round++) {
		open_scene(&scene, families[_i]);
		for (int i = 0; i < round % 5; i++)
			disturb(&scene);
		for (int i = 0; i < 20; i++)
			send_plain(scene.side.peer, pattern, 64);
		take_step(&scene, DEREGISTER);
		memcpy(scene.side.memory, pattern, SCENE_SIZE);
		disturb(&scene);
		while (regio_cq_dequeue(scene.side.receive_cq, results, ARRAY_SIZE(results)) > 0)
			;
		EXPECT(!memcmp(scene.side.memory, pattern, SCENE_SIZE), "written in round %d",
		       round);
		take_step(&scene, CLOSE_RQ);
		EXPECT(!memcmp(scene.side.memory, pattern, SCENE_SIZE), "written in round %d",
		       round);
		take_step(&scene, CLOSE_CQ);
		take_step(&scene, UNMAP);
		close(scene.side.fd);
		close(scene.side.peer);
		close(scene.decoy_peer);
	}
}
END_TEST

/* Holds: regio_region_deregister what, regio_region_deregister Blocking. */
START_TEST(a_queued_receive_whose_region_is_gone_fails_in_its_turn_and_takes_no_data)
{
	static uint8_t memory[64];
	struct regio_result results[3];
	struct side side;
	uint64_t region;

	open_pair(&side, families[_i]);
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
	const struct regio_buf lost = {region, 0, 64};

	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_receive(side.rq, &lost, 0, 1));
	post_receive(&side, 2);
	EXPECT_RETURN(0, regio_region_deregister(region));
	send_plain(side.peer, "first", 5);
	send_plain(side.peer, "second", 6);
	collect(side.receive_cq, results, 3);
	expect_result(&results[0], 0, 5, 0);
	expect_result(&results[1], -EFAULT, 0, 1);
	expect_result(&results[2], 0, 6, 2);
	side_close(&side);
}
END_TEST

/* Holds: regio_region_deregister what. */
START_TEST(a_queued_send_whose_region_is_gone_fails_in_its_turn)
{
	static uint8_t memory[64];
	struct regio_result results[3];
	struct side side;
	uint64_t region;
	uint8_t data[64];

	open_pair(&side, families[_i]);
	EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
	const struct regio_buf lost = {region, 0, 64};

	post_message(&side, SLOTS, 64, 0, REGIO_MSG_DEFER);
	EXPECT_RETURN(0, regio_send(side.rq, &lost, REGIO_MSG_DEFER, 1));
	EXPECT_RETURN(0, regio_region_deregister(region));
	post_message(&side, SLOTS + 2, 64, 2, 0);
	collect(side.send_cq, results, 3);
	expect_result(&results[0], 0, 64, SLOTS);
	expect_result(&results[2], 0, 64, SLOTS + 2);
	/* The library may have sent the deferred one already. */
	EXPECT(results[1].status == -EFAULT || results[1].status == 0, "%s",
	       regio_error_name(results[1].status));
	receive_plain(side.peer, data, sizeof(data));
	expect_message(data, 64, 0);
	if (results[1].status == 0)
		receive_plain(side.peer, data, sizeof(data));
	receive_plain(side.peer, data, sizeof(data));
	expect_message(data, 64, 2);
	EXPECT(nothing_queued(side.peer), "one more datagram");
	side_close(&side);
}
END_TEST

/* ---- Request queues ------------------------------------------------------------ */

/* Holds: regio_rq_close what, regio_rq_close Blocking, regio_rq_close Returns. */
START_TEST(closing_completes_everything_outstanding_once_and_in_order)
{
	struct regio_result results[2 * SLOTS];
	unsigned int sent = 0, arrived = 0;
	uint8_t data[MESSAGE_SIZE];
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < 5; i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < 4; i++)
		post_message(&side, SLOTS + i, 64, i, REGIO_MSG_DEFER);
	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	EXPECT_RETURN(5, regio_cq_dequeue(side.receive_cq, results, ARRAY_SIZE(results)));
	for (uint64_t i = 0; i < 5; i++)
		expect_result(&results[i], -ECANCELED, 0, i);
	EXPECT_RETURN(4, regio_cq_dequeue(side.send_cq, results, ARRAY_SIZE(results)));
	for (uint64_t i = 0; i < 4; i++) {
		bool done = results[i].status == 0;

		expect_result(&results[i], done ? 0 : -ECANCELED, done ? 64 : 0, SLOTS + i);
		sent += done;
	}
	for (; !nothing_queued(side.peer); arrived++)
		receive_plain(side.peer, data, sizeof(data));
	ck_assert_uint_eq(arrived, sent);
	EXPECT_RETURN(0, regio_cq_dequeue(side.receive_cq, results, 1));
	EXPECT_RETURN(0, regio_cq_dequeue(side.send_cq, results, 1));
	close(side.fd);
	side_close_rest(&side);
}
END_TEST

/*
 * Holds: regio_rq_close Ownership, regio_rq_close -EBADF, regio_rq_close -EINVAL,
 * regio_rq_cancel -EBADF, regio_rq_resize -EBADF, regio_rq_get_info -EBADF, regio_receive -EBADF,
 * regio_send -EBADF, regio_receive_ex Returns, regio_send_ex Returns.
 */
START_TEST(a_closed_request_queue_is_an_error_for_every_call)
{
	struct regio_rq_info info;
	struct side side;

	open_pair(&side, families[_i]);
	EXPECT_RETURN(-EINVAL, regio_rq_close(side.rq, 0x2));
	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	EXPECT_RETURN(-EBADF, regio_rq_close(side.rq, 0));
	EXPECT_RETURN(-EBADF, regio_rq_cancel(side.rq, REGIO_HALF_SEND));
	EXPECT_RETURN(-EBADF, regio_rq_resize(side.rq, 1, 1));
	EXPECT_RETURN(-EBADF, regio_rq_get_info(side.rq, &info, sizeof(info)));
	EXPECT_RETURN(-EBADF, regio_receive(side.rq, NULL, 0, 0));
	EXPECT_RETURN(-EBADF, regio_receive_ex(side.rq, NULL, NULL, 0, 0));
	EXPECT_RETURN(-EBADF, regio_send(side.rq, NULL, 0, 0));
	EXPECT_RETURN(-EBADF, regio_send_ex(side.rq, NULL, NULL, 0, 0));
	EXPECT_RETURN(-EBADF, regio_send(side.rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
	close(side.fd);
	side_close_rest(&side);
}
END_TEST

/* Holds: regio_rq_create -EEXIST. */
START_TEST(a_socket_has_one_request_queue_at_a_time)
{
	struct regio_cq *cq = cq_of(4, NULL);
	struct regio_rq *first, *second = NULL;
	int fd = bound_socket(families[_i]), copy = dup(fd);

	for (int round = 0; round < 3; round++) {
		EXPECT_RETURN(0, regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &first));
		EXPECT_RETURN(-EEXIST, regio_rq_create(fd, 1, 1, cq, cq, 0, NULL, &second));
		EXPECT_RETURN(-EEXIST, regio_rq_create(copy, 1, 1, cq, cq, 0, NULL, &second));
		ck_assert_ptr_null(second);
		EXPECT_RETURN(0, regio_rq_close(first, 0));
	}
	close(fd);
	close(copy);
	EXPECT_RETURN(0, regio_cq_close(cq));
}
END_TEST

/* A driver that has long had nothing to do asks the engine for events, and looks at little else. */
START_TEST(closing_a_request_queue_forgets_nothing_that_another_has_posted)
{
	enum { IDLE_POLLS = 10000 };
	struct regio_driver *driver;
	struct side one, other;
	struct regio_result result;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&one, .family = AF_INET, .receives = 1, .sends = 1, .slot_size = MESSAGE_SIZE,
		  .driver = driver);
	SIDE_OPEN(&other, .family = AF_INET, .peer = PEER_ONE_WAY, .receives = 1, .sends = 1,
		  .slot_size = MESSAGE_SIZE, .driver = driver);
	send_plain(other.peer, "message", 8);
	for (int i = 0; i < IDLE_POLLS; i++)
		EXPECT_RETURN(0, regio_cq_dequeue(other.receive_cq, &result, 1));
	post_receive(&other, 0);
	side_close(&one);
	result = poll_one(other.receive_cq);
	expect_result(&result, 0, 8, 0);
	side_close(&other);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: REGIO_CLOSE_SOCKET, regio_rq_close Ownership, regio_rq_create Ownership. */
START_TEST(closing_leaves_the_socket_usable_or_closes_it)
{
	struct side side;

	open_pair(&side, families[_i]);
	union address address = own_address(side.fd);
	char data[8];

	EXPECT_RETURN(0, regio_rq_close(side.rq, 0));
	send_plain(side.peer, "after", 5);
	ck_assert_uint_eq(receive_plain(side.fd, data, sizeof(data)), 5);
	send_plain(side.fd, "back", 4);
	ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), 4);
	EXPECT_RETURN(0, regio_rq_create(side.fd, 1, 1, side.receive_cq, side.send_cq,
					 SIDE_RQ_CONTEXT, NULL, &side.rq));
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT(fcntl(side.fd, F_GETFD) < 0 && errno == EBADF, "the socket is open");
	int fd = udp_socket(families[_i]);

	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "the port is taken: %m");
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, -ECANCELED, 0, 0);
	close(fd);
	side_close_rest(&side);
}
END_TEST

/* Holds: regio_rq_cancel what, regio_rq_cancel Returns, regio_rq_cancel Blocking. */
START_TEST(cancelling_a_half_completes_it_in_order_and_leaves_the_other)
{
	struct regio_result results[SLOTS];
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&side, i);
	send_plain(side.peer, "x", 1);
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	EXPECT_RETURN(0, regio_rq_cancel(side.rq, REGIO_HALF_SEND));
	EXPECT_RETURN(SLOTS - 1, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	EXPECT_RETURN(0, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	EXPECT_RETURN(SLOTS - 1, regio_cq_dequeue(side.receive_cq, results, SLOTS));
	for (uint64_t i = 0; i < SLOTS - 1; i++)
		expect_result(&results[i], -ECANCELED, 0, i + 1);
	post_receive(&side, 3);
	send_plain(side.peer, "xy", 2);
	result = collect_one(side.receive_cq);
	expect_result(&result, 0, 2, 3);
	post_send(&side, SLOTS, 64, 0);
	result = collect_one(side.send_cq);
	expect_result(&result, 0, 64, SLOTS);
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_cancel what, regio_rq_cancel Returns. */
START_TEST(cancelling_both_halves_counts_the_requests_of_both)
{
	struct regio_result results[SLOTS];
	struct side side;

	if (driven_by_a_thread())
		SKIP("deferred sends leave at once");
	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < 3; i++)
		post_send(&side, SLOTS + i, 64, REGIO_MSG_DEFER);
	EXPECT_RETURN(SLOTS + 3, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE | REGIO_HALF_SEND));
	EXPECT_RETURN(SLOTS, regio_cq_dequeue(side.receive_cq, results, SLOTS));
	EXPECT_RETURN(3, regio_cq_dequeue(side.send_cq, results, SLOTS));
	side_close(&side);
}
END_TEST

/* Holds: regio_rq_cancel what, regio_rq_cancel Returns, regio_rq_cancel -EINVAL. */
START_TEST(cancelling_deferred_sends_completes_each_of_them_once)
{
	struct regio_result results[SLOTS];
	int cancelled, counted = 0;
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_message(&side, SLOTS + i, 64, i, REGIO_MSG_DEFER);
	cancelled = regio_rq_cancel(side.rq, REGIO_HALF_SEND | REGIO_HALF_RECEIVE);
	EXPECT(cancelled >= 0, "%s", regio_error_name(cancelled));
	collect(side.send_cq, results, SLOTS);
	for (uint64_t i = 0; i < SLOTS; i++) {
		bool done = results[i].status == 0;

		expect_result(&results[i], done ? 0 : -ECANCELED, done ? 64 : 0, SLOTS + i);
		counted += !done;
	}
	ck_assert_int_eq(counted, cancelled);
	EXPECT_RETURN(-EINVAL, regio_rq_cancel(side.rq, 0));
	EXPECT_RETURN(-EINVAL, regio_rq_cancel(side.rq, 0x4));
	EXPECT_RETURN(-EINVAL, regio_rq_cancel(side.rq, 0x5));
	side_close(&side);
}
END_TEST

/* ---- Completion queues --------------------------------------------------------- */

/*
 * Holds: regio_cq_close what, regio_cq_close Returns, regio_cq_close Blocking,
 * regio_receive -EBADF, regio_send -EBADF.
 */
START_TEST(a_half_whose_cq_is_closed_refuses_requests_and_the_other_works)
{
	struct side side;

	open_pair(&side, families[_i]);
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	send_plain(side.peer, "dropped", 7);
	EXPECT_RETURN(-EBADF, regio_receive(side.rq, NULL, 0, 1));
	for (uint64_t i = 0; i < 3; i++) {
		post_send(&side, SLOTS, 64, 0);
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, 64, SLOTS);
	}
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(-EBADF, regio_send(side.rq, NULL, 0, 1));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	peer_close(&side);
}
END_TEST

/* Holds: regio_cq_close what. */
START_TEST(a_successor_of_a_closed_cq_gets_nothing_of_it)
{
	struct side side;

	open_pair(&side, families[_i]);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&side, i);
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	struct regio_cq *successor = cq_of(SLOTS, NULL);

	send_plain(side.peer, "y", 1);
	expect_empty(successor);
	expect_empty(side.send_cq);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	expect_empty(successor);
	EXPECT_RETURN(0, regio_cq_close(successor));
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	peer_close(&side);
}
END_TEST

/*
 * Holds: regio_driver_close -EBUSY, regio_driver_get_info -EBADF, regio_cq_opts.driver,
 * regio_driver_info.completion_queues.
 */
START_TEST(a_driver_outlives_its_queues)
{
	struct regio_driver_info info;
	struct regio_driver *driver;
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int round = 0; round < 3; round++) {
		SIDE_OPEN(&side, .family = families[_i], .receives = 2, .slot_size = 64,
			  .driver = driver);
		EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
		ck_assert_uint_eq(info.completion_queues, 2);
		ck_assert_uint_eq(info.request_queues, 1);
		EXPECT_RETURN(-EBUSY, regio_driver_close(driver));
		side_close(&side);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
	EXPECT_RETURN(-EBADF, regio_driver_get_info(driver, &info, sizeof(info)));
}
END_TEST

/* Of the heap; 0 where a sanitizer has another one. */
static size_t bytes_allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

START_TEST(a_queue_that_is_closed_after_its_cq_leaves_no_memory_behind)
{
	enum { ROUNDS = 64, REQUESTS = 4096 };
	struct regio_driver *driver;
	size_t before = 0;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int round = 0; round < ROUNDS; round++) {
		int fd = bound_socket(families[_i]);
		struct regio_cq *cq = cq_of(REQUESTS, driver);
		struct regio_rq *rq;

		EXPECT_RETURN(0, regio_rq_create(fd, REQUESTS, 0, cq, cq, 0, NULL, &rq));
		EXPECT_RETURN(0, regio_receive(rq, NULL, 0, 0));
		EXPECT_RETURN(0, regio_cq_close(cq));
		EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
		/* The first ones make what stays. */
		if (round == 4)
			before = bytes_allocated();
	}
	EXPECT(bytes_allocated() < before + REQUESTS * sizeof(struct regio_extra),
	       "%zu bytes, then %zu", before, bytes_allocated());
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Bytes, used or not. */
static unsigned long address_space(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	EXPECT(file && fscanf(file, "%lu", &pages) == 1, "/proc/self/statm");
	fclose(file);
	return pages * (unsigned long)sysconf(_SC_PAGESIZE);
}

/* Holds: regio_driver_create Ownership. */
START_TEST(a_driver_that_is_closed_leaves_no_mapping_behind)
{
	enum { ROUNDS = 32, SPARE_BYTES = 16 << 20 };
	unsigned long before = 0, after;
	struct regio_driver *driver;

	if (built_with_sanitizer())
		SKIP("a sanitizer maps memory of its own");
	/* Each thread may get another, of 64 MiB. */
	mallopt(M_ARENA_MAX, 1);
	for (int round = 0; round < ROUNDS; round++) {
		EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
		EXPECT_RETURN(0, regio_driver_close(driver));
		if (round == 1)
			before = address_space();
	}
	after = address_space();
	EXPECT(after < before + SPARE_BYTES, "%lu bytes, then %lu", before, after);
}
END_TEST

/* Holds: regio_cq_close Ownership, regio_cq_create Ownership. */
START_TEST(no_descriptor_is_left_behind)
{
	struct side side;
	struct regio_result result;
	unsigned int before = 0;

	for (int round = 0; round < 200; round++) {
		open_pair(&side, families[_i]);
		post_receive(&side, 0);
		post_send(&side, SLOTS, 64, 0);
		regio_cq_notify(side.receive_cq);
		send_plain(side.peer, "x", 1);
		result = collect_one(side.receive_cq);
		expect_result(&result, 0, 1, 0);
		side_close(&side);
		/* The first rounds may leave what the process keeps once and for all. */
		if (round == 3)
			before = open_descriptors();
	}
	ck_assert_uint_eq(open_descriptors(), before);
}
END_TEST

START_TEST(a_process_may_exit_with_everything_open)
{
	struct side side;

	open_pair(&side, families[_i]);
	post_receive(&side, 0);
	post_send(&side, SLOTS, 64, REGIO_MSG_DEFER);
	regio_cq_notify(side.receive_cq);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{everything_may_end_in_any_order_with_requests_queued_and_traffic_arriving,
		 order_names, ORDERS, CASE_TIMEOUT_S},
		CASE_PER_FAMILY(nothing_is_written_after_deregister_has_returned),
		CASE_PER_FAMILY(
			a_queued_receive_whose_region_is_gone_fails_in_its_turn_and_takes_no_data),
		CASE_PER_FAMILY(a_queued_send_whose_region_is_gone_fails_in_its_turn),
		CASE_PER_FAMILY(closing_completes_everything_outstanding_once_and_in_order),
		CASE_PER_FAMILY(a_closed_request_queue_is_an_error_for_every_call),
		CASE_PER_FAMILY(a_socket_has_one_request_queue_at_a_time),
		CASE(closing_a_request_queue_forgets_nothing_that_another_has_posted),
		CASE_PER_FAMILY(closing_leaves_the_socket_usable_or_closes_it),
		CASE_PER_FAMILY(cancelling_a_half_completes_it_in_order_and_leaves_the_other),
		CASE_PER_FAMILY(cancelling_both_halves_counts_the_requests_of_both),
		CASE_PER_FAMILY(cancelling_deferred_sends_completes_each_of_them_once),
		CASE_PER_FAMILY(a_half_whose_cq_is_closed_refuses_requests_and_the_other_works),
		CASE_PER_FAMILY(a_successor_of_a_closed_cq_gets_nothing_of_it),
		CASE_PER_FAMILY(a_driver_outlives_its_queues),
		CASE_PER_FAMILY(a_queue_that_is_closed_after_its_cq_leaves_no_memory_behind),
		CASE(a_driver_that_is_closed_leaves_no_mapping_behind),
		CASE_PER_FAMILY(no_descriptor_is_left_behind),
		CASE_PER_FAMILY(a_process_may_exit_with_everything_open),
	};

	list_orders();
	return run_cases(cases, ARRAY_SIZE(cases));
}
