/* SPDX-License-Identifier: MIT */
/*
 * threads.c - what may run on different threads, does
 *
 * Meant for the thread sanitizer, and for the machine: each case also checks every message.
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLOTS 128u
/* Messages in flight at most; a socket buffer holds them as single datagrams. */
#define WINDOW 100u
#define MESSAGE_SIZE 64u
#define ROUNDS_NS (4 * SECOND_NS)

static pthread_t start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, argument), 0);
	return thread;
}

static uint64_t peek(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void advance(uint64_t *counter, uint64_t by)
{
	__atomic_fetch_add(counter, by, __ATOMIC_RELEASE);
}

static void await_above(const uint64_t *counter, uint64_t value)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (peek(counter) <= value) {
		EXPECT(now_ns() < deadline_ns, "the other thread makes no progress");
		sched_yield();
	}
}

/* A stream of messages between threads; each counter has one writer. */
struct stream {
	struct side *side;
	uint64_t total;
	uint64_t posted, received;
};

static void open_stream(struct stream *stream, struct side *side, int family, uint64_t total)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = SLOTS, .sends = SLOTS,
		  .slot_size = MESSAGE_SIZE);
	*stream = (struct stream){.side = side, .total = total};
}

static void *post_receives(void *argument)
{
	struct stream *stream = argument;

	for (uint64_t i = 0; i < stream->total; i++) {
		if (i >= SLOTS)
			await_above(&stream->received, i - SLOTS);
		post_receive(stream->side, i % SLOTS);
		advance(&stream->posted, 1);
	}
	return NULL;
}

static void *send_plainly(void *argument)
{
	struct stream *stream = argument;
	uint8_t data[MESSAGE_SIZE];

	for (uint64_t i = 0; i < stream->total; i++) {
		if (i >= WINDOW)
			await_above(&stream->received, i - WINDOW);
		fill_message(data, sizeof(data), i);
		send_plain(stream->side->peer, data, sizeof(data));
	}
	return NULL;
}

/* Checks and counts messages until all have come. */
static void *take_receives(void *argument)
{
	struct stream *stream = argument;
	struct regio_result results[SLOTS];

	for (uint64_t received = 0; received < stream->total;) {
		int got = regio_cq_dequeue(stream->side->receive_cq, results, SLOTS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, received++) {
			expect_result(&results[i], 0, MESSAGE_SIZE, received % SLOTS);
			expect_message(slot_memory(stream->side, received % SLOTS), MESSAGE_SIZE,
				       received);
		}
		advance(&stream->received, (uint64_t)got);
		if (got > 0 || received == stream->total)
			continue;
		got = regio_cq_wait(stream->side->receive_cq, 1, 0, PATIENCE_NS);
		EXPECT(got > 0, "%s after %llu messages", regio_error_name(got),
		       (unsigned long long)received);
	}
	return NULL;
}

/*
 * Many short streams rather than a long one: a wake-up lost in the middle is made good by the next
 * message, one lost at the end is not.
 */
static void run_streams(int family, void *(*send)(void *), bool to_itself)
{
	for (uint64_t streams = scaled(100); streams > 0; streams--) {
		struct stream stream;
		struct side side;

		open_stream(&stream, &side, family, 1000);
		if (to_itself)
			connect_to(side.fd, side.fd);
		pthread_t poster = start(post_receives, &stream), sender = start(send, &stream);

		take_receives(&stream);
		pthread_join(poster, NULL);
		pthread_join(sender, NULL);
		side_close(&side);
	}
}

/* Holds: regio.h what 5, regio_receive Threads. */
START_TEST(receives_are_posted_and_dequeued_on_different_threads)
{
	run_streams(families[_i], send_plainly, false);
}
END_TEST

static void *post_deferred_sends(void *argument)
{
	struct stream *stream = argument;

	for (uint64_t i = 0; i < stream->total; i++) {
		if (i >= WINDOW)
			await_above(&stream->received, i - WINDOW);
		post_message(stream->side, SLOTS + i % SLOTS, MESSAGE_SIZE, i, REGIO_MSG_DEFER);
		advance(&stream->posted, 1);
	}
	return NULL;
}

static void *commit_sends(void *argument)
{
	struct stream *stream = argument;

	while (peek(&stream->received) < stream->total) {
		EXPECT_RETURN(0, regio_send(stream->side->rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
		sched_yield();
	}
	return NULL;
}

/* Holds: regio_send Threads, REGIO_MSG_COMMIT_ONLY. */
START_TEST(sends_are_posted_committed_and_dequeued_on_three_threads)
{
	struct stream stream;
	struct side side;
	uint8_t data[MESSAGE_SIZE];

	open_stream(&stream, &side, families[_i], scaled(50000));
	pthread_t poster = start(post_deferred_sends, &stream);
	pthread_t committer = start(commit_sends, &stream);

	for (uint64_t i = 0; i < stream.total; i++) {
		struct regio_result result = collect_one(side.send_cq);

		expect_result(&result, 0, MESSAGE_SIZE, SLOTS + i % SLOTS);
		ck_assert_uint_eq(receive_plain(side.peer, data, sizeof(data)), MESSAGE_SIZE);
		expect_message(data, MESSAGE_SIZE, i);
		advance(&stream.received, 1);
	}
	pthread_join(poster, NULL);
	pthread_join(committer, NULL);
	side_close(&side);
}
END_TEST

/* Sends, and drains the send CQ, without ever touching the receive half. */
static void *send_and_drain(void *argument)
{
	struct stream *stream = argument;
	struct regio_result results[SLOTS];
	uint64_t posted = 0, done = 0;

	while (done < stream->total) {
		while (posted < stream->total && posted - done < SLOTS &&
		       posted - peek(&stream->received) < WINDOW) {
			post_message(stream->side, SLOTS + posted % SLOTS, MESSAGE_SIZE, posted,
				     posted % 7 ? REGIO_MSG_DEFER : 0);
			posted++;
		}
		int got = regio_cq_dequeue(stream->side->send_cq, results, SLOTS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, done++)
			expect_result(&results[i], 0, MESSAGE_SIZE, SLOTS + done % SLOTS);
		if (got == 0)
			sched_yield();
	}
	return NULL;
}

/* Holds: regio_cq_dequeue Threads. */
START_TEST(two_threads_drain_the_two_completion_queues_of_one_request_queue)
{
	run_streams(families[_i], send_and_drain, true);
}
END_TEST

/* One of several threads that play ping-pong through the queues of one driver. */
struct player {
	struct side side;
	uint64_t rounds;
	bool serves;
};

static void *play(void *argument)
{
	struct player *player = argument;
	struct side *side = &player->side;

	for (uint64_t round = 0; round < player->rounds; round++) {
		post_receive(side, 0);
		if (player->serves)
			post_message(side, 1, MESSAGE_SIZE, round, 0);
		struct regio_result result = collect_one(side->receive_cq);

		expect_result(&result, 0, MESSAGE_SIZE, 0);
		expect_message(side->memory, MESSAGE_SIZE, round);
		if (!player->serves)
			post_message(side, 1, MESSAGE_SIZE, round, 0);
		result = collect_one(side->send_cq);
		expect_result(&result, 0, MESSAGE_SIZE, 1);
	}
	return NULL;
}

START_TEST(threads_share_one_driver)
{
	struct player players[4];
	struct regio_driver *driver;
	pthread_t threads[ARRAY_SIZE(players)];

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (size_t i = 0; i < ARRAY_SIZE(players); i++) {
		players[i].rounds = scaled(5000);
		players[i].serves = i % 2 == 0;
		SIDE_OPEN(&players[i].side, .family = families[_i], .receives = 1, .sends = 1,
			  .slot_size = MESSAGE_SIZE, .driver = driver);
	}
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		connect_to(players[i].side.fd, players[i ^ 1].side.fd);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		threads[i] = start(play, &players[i]);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(players); i++)
		side_close(&players[i].side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* Holds: regio_cq_resize what, regio_cq_resize Threads. */
START_TEST(a_cq_is_resized_while_another_thread_completes_into_it)
{
	struct regio_result results[SLOTS];
	struct stream stream;
	struct side side;
	uint8_t data[MESSAGE_SIZE];
	uint64_t random = 21;

	open_stream(&stream, &side, families[_i], scaled(50000));
	pthread_t poster = start(post_deferred_sends, &stream);
	pthread_t committer = start(commit_sends, &stream);

	for (uint64_t done = 0; done < stream.total;) {
		uint32_t capacity = SLOTS + random_below(&random, 200);

		EXPECT_RETURN(0, regio_cq_resize(side.send_cq, capacity));
		int got = regio_cq_dequeue(side.send_cq, results, SLOTS);

		EXPECT(got >= 0, "%s", regio_error_name(got));
		for (int i = 0; i < got; i++, done++) {
			expect_result(&results[i], 0, MESSAGE_SIZE, SLOTS + done % SLOTS);
			receive_plain(side.peer, data, sizeof(data));
			expect_message(data, MESSAGE_SIZE, done);
		}
		advance(&stream.received, (uint64_t)got);
	}
	pthread_join(poster, NULL);
	pthread_join(committer, NULL);
	side_close(&side);
}
END_TEST

static void *read_counts(void *argument)
{
	struct stream *stream = argument;
	struct regio_rq_info info;
	uint64_t before = 0;

	while (peek(&stream->received) < stream->total) {
		EXPECT_RETURN(0, regio_rq_get_info(stream->side->rq, &info, sizeof(info)));
		EXPECT(info.messages_received >= before, "the count went down");
		before = info.messages_received;
		sched_yield();
	}
	return NULL;
}

/*
 * Holds: regio_rq_get_info what, regio_rq_get_info Threads, regio_rq_get_info Returns,
 * regio_rq_info.messages_received.
 */
START_TEST(the_counts_are_read_on_another_thread)
{
	struct regio_rq_info info;
	struct stream stream;
	struct side side;

	open_stream(&stream, &side, families[_i], scaled(50000));
	pthread_t poster = start(post_receives, &stream), sender = start(send_plainly, &stream);
	pthread_t reader = start(read_counts, &stream);

	take_receives(&stream);
	pthread_join(poster, NULL);
	pthread_join(sender, NULL);
	pthread_join(reader, NULL);
	EXPECT_RETURN(0, regio_rq_get_info(side.rq, &info, sizeof(info)));
	ck_assert_uint_eq(info.messages_received, stream.total);
	side_close(&side);
}
END_TEST

static void *churn_regions(void *argument)
{
	struct stream *stream = argument;
	uint8_t memory[256] = {0};
	uint64_t region;

	while (peek(&stream->received) < stream->total) {
		EXPECT_RETURN(0, regio_region_register(memory, sizeof(memory), NULL, &region));
		EXPECT_RETURN(0, regio_region_deregister(region));
	}
	return NULL;
}

/* Holds: regio_region_register Threads, regio_region_deregister Threads. */
START_TEST(regions_come_and_go_beside_traffic)
{
	struct stream stream;
	struct side side;

	open_stream(&stream, &side, families[_i], scaled(50000));
	pthread_t poster = start(post_receives, &stream), sender = start(send_plainly, &stream);
	pthread_t churner = start(churn_regions, &stream);

	take_receives(&stream);
	pthread_join(poster, NULL);
	pthread_join(sender, NULL);
	pthread_join(churner, NULL);
	side_close(&side);
}
END_TEST

static void *close_queue(void *argument)
{
	struct stream *stream = argument;

	await_above(&stream->posted, SLOTS - 1);
	EXPECT_RETURN(0, regio_rq_close(stream->side->rq, 0));
	return NULL;
}

/* A thread that executes sends once in each round, beside what the case does. */
struct executor {
	struct side *side;
	bool commits;	  /* or dequeues, which has an operation looked at once */
	uint64_t rounds;  /* at most */
	int64_t until_ns; /* and no longer: beside other work each round takes a while */
	uint64_t ended;
	uint64_t begun, started, done;
};

static void *execute_in_rounds(void *argument)
{
	struct executor *executor = argument;

	for (uint64_t round = 0;; round++) {
		await_above(&executor->begun, round);
		if (peek(&executor->ended))
			return NULL;
		advance(&executor->started, 1);
		if (executor->commits)
			EXPECT_RETURN(
				0, regio_send(executor->side->rq, NULL, REGIO_MSG_COMMIT_ONLY, 0));
		else
			EXPECT_RETURN(0, regio_cq_dequeue(executor->side->send_cq, NULL, 0));
		advance(&executor->done, 1);
	}
}

static pthread_t start_rounds(struct executor *executor)
{
	executor->until_ns = now_ns() + ROUNDS_NS;
	return start(execute_in_rounds, executor);
}

static bool another_round(struct executor *executor, uint64_t round)
{
	if (round < executor->rounds && now_ns() < executor->until_ns)
		return true;
	advance(&executor->ended, 1);
	advance(&executor->begun, 1);
	return false;
}

/* Has it begin, and lets some time go by that differs from round to round. */
static void begin_round(struct executor *executor, uint64_t round)
{
	advance(&executor->begun, 1);
	await_above(&executor->started, round);
	for (uint64_t pause = round * 7 % 20000; pause > 0; pause--)
		peek(&executor->done);
}

/*
 * It is posted to a half that is being executed, and nobody comes by afterwards.
 *
 * Holds: regio_send what.
 */
START_TEST(a_send_posted_while_another_is_executed_leaves_with_it)
{
	struct regio_result results[2];
	uint8_t data[MESSAGE_SIZE];
	struct side side;

	if (faults_injected())
		SKIP("a send that is held back waits for somebody to come by");
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 2,
		  .slot_size = MESSAGE_SIZE);
	struct executor executor = {.side = &side, .rounds = scaled(20000)};

	pthread_t thread = start_rounds(&executor);

	for (uint64_t round = 0; another_round(&executor, round); round++) {
		post_message(&side, 0, MESSAGE_SIZE, 2 * round, REGIO_MSG_DEFER);
		begin_round(&executor, round);
		post_message(&side, 1, MESSAGE_SIZE, 2 * round + 1, 0);
		await_above(&executor.done, round);
		for (uint64_t i = 0; i < 2; i++) {
			receive_plain(side.peer, data, sizeof(data));
			expect_message(data, sizeof(data), 2 * round + i);
		}
		collect(side.send_cq, results, 2);
	}
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

#define LONG_SIZE 16000u
#define LONG_SENDS 8u

/* What has left was read before the region ended. */
static void expect_intact(int peer, uint8_t byte, unsigned int messages)
{
	uint8_t data[LONG_SIZE];

	while (messages-- > 0) {
		ck_assert_uint_eq(receive_plain(peer, data, sizeof(data)), LONG_SIZE);
		for (size_t i = 0; i < LONG_SIZE; i++)
			EXPECT(data[i] == byte, "byte %zu is %#x, not %#x", i, data[i], byte);
	}
}

/* Holds: regio_region_deregister what. */
START_TEST(memory_is_not_read_after_its_region_has_ended_beside_a_commit)
{
	static uint8_t memory[LONG_SENDS * LONG_SIZE];
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = LONG_SENDS,
		  .slot_size = 64);
	struct executor executor = {.side = &side, .commits = true, .rounds = scaled(4000)};

	pthread_t thread = start_rounds(&executor);

	for (uint64_t round = 0; another_round(&executor, round); round++) {
		const uint8_t byte = (uint8_t)(round % 100 + 1);
		struct regio_buf slice = {.length = LONG_SIZE};

		memset(memory, byte, sizeof(memory));
		EXPECT_RETURN(0,
			      regio_region_register(memory, sizeof(memory), NULL, &slice.region));
		for (uint64_t i = 0; i < LONG_SENDS; i++, slice.offset += LONG_SIZE)
			EXPECT_RETURN(0, regio_send(side.rq, &slice, REGIO_MSG_DEFER, i));
		begin_round(&executor, round);
		EXPECT_RETURN(0, regio_region_deregister(slice.region));
		memset(memory, 0xEE, sizeof(memory));
		await_above(&executor.done, round);
		unsigned int sent = 0;

		for (uint64_t i = 0; i < LONG_SENDS; i++) {
			struct regio_result result = collect_one(side.send_cq);

			EXPECT(result.status == 0 || result.status == -EFAULT, "%s",
			       regio_error_name(result.status));
			sent += result.status == 0;
		}
		expect_intact(side.peer, byte, sent);
	}
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

START_TEST(a_close_wakes_a_thread_that_waits)
{
	struct regio_result results[SLOTS];
	struct stream stream;
	struct side side;

	open_stream(&stream, &side, families[_i], 0);
	for (uint64_t i = 0; i < SLOTS; i++)
		post_receive(&side, i);
	pthread_t closer = start(close_queue, &stream);

	advance(&stream.posted, SLOTS);
	int queued = regio_cq_wait(side.receive_cq, SLOTS, UINT64_MAX, PATIENCE_NS);

	EXPECT(queued == (int)SLOTS, "%d", queued);
	collect(side.receive_cq, results, SLOTS);
	expect_result(&results[SLOTS - 1], -ECANCELED, 0, SLOTS - 1);
	pthread_join(closer, NULL);
	side_close_rest(&side);
	close(side.fd);
}
END_TEST

/* ---- A full socket buffer -------------------------------------------------------- */

enum { STRANDED = 100, STRANDED_SIZE = 1000 };

static void *answer_after_all(void *argument)
{
	const struct side *side = argument;
	uint8_t data[STRANDED_SIZE];

	for (uint64_t i = 0; i < STRANDED; i++) {
		ck_assert_uint_eq(receive_plain(side->peer, data, sizeof(data)), STRANDED_SIZE);
		expect_message(data, STRANDED_SIZE, i);
	}
	send_plain(side->peer, "all", 3);
	return NULL;
}

/* Nobody but a wait on the receive CQ pushes on what the full socket buffer left behind. */
static void send_through_full_buffer(int family, bool waits)
{
	struct regio_result results[STRANDED];
	struct side side;

	SIDE_OPEN(&side, .family = family, .peer = PEER_BOTH_WAYS, .receives = 1, .sends = STRANDED,
		  .slot_size = STRANDED_SIZE);
	set_option(side.fd, SOL_SOCKET, SO_SNDBUF, 1);
	post_receive(&side, 0);
	pthread_t peer = start(answer_after_all, &side);

	for (uint64_t i = 0; i < STRANDED; i++)
		post_message(&side, 1 + i, STRANDED_SIZE, i, 0);
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	int got = 0;

	while (got == 0 && now_ns() < deadline_ns)
		got = waits ? regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS)
			    : regio_cq_dequeue(side.receive_cq, results, 1);
	EXPECT(got == 1, "%d (%s)", got, regio_error_name(got));
	pthread_join(peer, NULL);
	collect(side.send_cq, results, STRANDED);
	for (uint64_t i = 0; i < STRANDED; i++)
		expect_result(&results[i], 0, STRANDED_SIZE, 1 + i);
	side_close(&side);
}

START_TEST(a_wait_on_the_receive_queue_pushes_on_stranded_sends)
{
	const char *refused = enter_slow_network();

	if (refused)
		SKIP("%s", refused);
	send_through_full_buffer(families[_i], true);
}
END_TEST

START_TEST(a_dequeue_on_the_receive_queue_pushes_on_stranded_sends)
{
	const char *refused = enter_slow_network();

	if (refused)
		SKIP("%s", refused);
	send_through_full_buffer(families[_i], false);
}
END_TEST

START_TEST(the_slow_network_does_fill_a_socket_buffer)
{
	const char *refused = enter_slow_network();
	char data[STRANDED_SIZE] = {0};
	ssize_t sent = 1;

	if (refused)
		SKIP("%s", refused);
	int target = bound_socket(AF_INET), fd = peer_of(target);

	set_option(fd, SOL_SOCKET, SO_SNDBUF, 1);
	for (int i = 0; i < STRANDED && sent > 0; i++)
		sent = send(fd, data, sizeof(data), MSG_DONTWAIT);
	EXPECT(sent < 0 && errno == EAGAIN, "the cases above would prove nothing: %m");
	close(fd);
	close(target);
}
END_TEST

START_TEST(closing_cancels_sends_that_a_full_socket_buffer_held_back)
{
	struct regio_result results[STRANDED];
	const char *refused = enter_slow_network();
	unsigned int cancelled = 0;
	struct side side;

	if (refused)
		SKIP("%s", refused);
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_BOTH_WAYS, .sends = STRANDED,
		  .slot_size = STRANDED_SIZE);
	set_option(side.fd, SOL_SOCKET, SO_SNDBUF, 1);
	for (uint64_t i = 0; i < STRANDED; i++)
		post_message(&side, i, STRANDED_SIZE, i, 0);
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(STRANDED, regio_cq_dequeue(side.send_cq, results, STRANDED));
	for (uint64_t i = 0; i < STRANDED; i++) {
		bool done = results[i].status == 0;

		expect_result(&results[i], done ? 0 : -ECANCELED, done ? STRANDED_SIZE : 0, i);
		EXPECT(!done || !cancelled, "send %u overtook a cancelled one", (unsigned int)i);
		cancelled += !done;
	}
	EXPECT(cancelled > 0, "the socket buffer held nothing back");
	side_close_rest(&side);
}
END_TEST

static _Atomic bool refusing_watches;
static _Atomic uint32_t watches;

/* In place of the C library's. While it refuses, the second engine of an RQ has no room for it. */
int epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
	if (operation == EPOLL_CTL_ADD && refusing_watches && ++watches % 2 == 0) {
		sched_yield();
		errno = ENOSPC;
		return -1;
	}
	return (int)syscall(SYS_epoll_ctl, set, operation, fd, event);
}

static void *dequeue_until_stopped(void *argument)
{
	struct regio_cq *cq = argument;
	struct regio_result result;

	while (refusing_watches)
		regio_cq_dequeue(cq, &result, 1);
	return NULL;
}

/* Holds: regio_rq_create -ENOSPC. */
START_TEST(an_rq_that_could_not_be_made_is_gone_when_its_event_is_taken)
{
	const int64_t until_ns = now_ns() + SECOND_NS;
	struct regio_cq *cqs[2] = {cq_of(1, NULL), cq_of(1, NULL)};
	struct regio_rq *rq = NULL;
	int fd = bound_socket(families[_i]);
	int peer = peer_of(fd);
	pthread_t thread;

	/* There is an event at once. */
	send_plain(peer, "x", 1);
	refusing_watches = true;
	thread = start(dequeue_until_stopped, cqs[0]);
	while (now_ns() < until_ns)
		EXPECT_RETURN(-ENOSPC, regio_rq_create(fd, 1, 1, cqs[0], cqs[1], 0, NULL, &rq));
	refusing_watches = false;
	pthread_join(thread, NULL);
	EXPECT_RETURN(0, regio_rq_create(fd, 1, 1, cqs[0], cqs[1], 0, NULL, &rq));
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	for (int i = 0; i < 2; i++)
		EXPECT_RETURN(0, regio_cq_close(cqs[i]));
	close(peer);
}
END_TEST

/* Memory whose first reader stands still until the case goes on, a page for each thread. */
struct held {
	uint8_t *pages;
	size_t page_size;
	int faults;
	uint64_t region;
};

enum { HELD_THREADS = 6 };

/* Returns NULL, or why that cannot be had. */
static const char *held_open(struct held *held)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	size_t size;

	held->page_size = (size_t)sysconf(_SC_PAGESIZE);
	size = HELD_THREADS * held->page_size;
	held->faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (held->faults < 0 || ioctl(held->faults, UFFDIO_API, &api) < 0)
		return "userfaultfd is refused";
	held->pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(held->pages != MAP_FAILED, "%m");
	EXPECT_RETURN(0, regio_region_register(held->pages, size, NULL, &held->region));
	munlock(held->pages, size);
	EXPECT(madvise(held->pages, size, MADV_DONTNEED) == 0, "%m");
	range.range = (struct uffdio_range){(uintptr_t)held->pages, size};
	EXPECT(ioctl(held->faults, UFFDIO_REGISTER, &range) == 0, "%m");
	return NULL;
}

static void held_await_reader(const struct held *held)
{
	struct pollfd readable = {.fd = held->faults, .events = POLLIN};
	struct uffd_msg message;

	EXPECT(poll(&readable, 1, PATIENCE_NS / MILLISECOND_NS) == 1, "nobody reads the memory");
	EXPECT(read(held->faults, &message, sizeof(message)) == sizeof(message), "%m");
}

static void held_let_go(const struct held *held)
{
	struct uffdio_zeropage zero = {
		.range = {(uintptr_t)held->pages, HELD_THREADS * held->page_size}};

	EXPECT(ioctl(held->faults, UFFDIO_ZEROPAGE, &zero) == 0, "%m");
}

static void held_close(struct held *held)
{
	close(held->faults);
	EXPECT_RETURN(0, regio_region_deregister(held->region));
	munmap(held->pages, HELD_THREADS * held->page_size);
}

struct held_sender {
	const struct held *held;
	struct side side;
	uint32_t page;
};

/* Two messages that are put together. */
static void *send_held(void *argument)
{
	struct held_sender *sender = argument;
	struct regio_buf slice = {sender->held->region,
				  sender->page * (uint32_t)sender->held->page_size, 64};

	EXPECT_RETURN(0, regio_send(sender->side.rq, &slice, REGIO_MSG_DEFER, 0));
	EXPECT_RETURN(0, regio_send(sender->side.rq, &slice, 0, 1));
	return NULL;
}

/*
 * However many threads are inside such a call, each on a queue of its own.
 *
 * Holds: regio_send what.
 */
START_TEST(sends_leave_in_the_call_whatever_other_threads_are_executing)
{
	struct held_sender senders[HELD_THREADS];
	pthread_t threads[HELD_THREADS];
	struct regio_driver *driver;
	struct regio_result results[2];
	struct side side;
	struct held held;
	uint8_t data[64];
	const char *refused;

	if (driven_by_a_thread() || faults_injected())
		SKIP("a send may leave after the call");
	refused = held_open(&held);
	if (refused)
		SKIP("%s", refused);
	struct side_plan plan = {
		.family = families[_i], .peer = PEER_BOTH_WAYS, .sends = 2, .slot_size = 64};

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	plan.driver = driver;
	side_open(&side, &plan);
	plan.peer = PEER_ITSELF;
	for (uint32_t i = 0; i < HELD_THREADS; i++) {
		senders[i] = (struct held_sender){.held = &held, .page = i};
		side_open(&senders[i].side, &plan);
		threads[i] = start(send_held, &senders[i]);
		held_await_reader(&held);
	}
	post_message(&side, 0, 64, 0, REGIO_MSG_DEFER);
	post_message(&side, 1, 64, 1, 0);
	for (uint64_t i = 0; i < 2; i++) {
		EXPECT(!nothing_queued(side.peer), "message %d has not left", (int)i);
		receive_plain(side.peer, data, sizeof(data));
		expect_message(data, sizeof(data), i);
	}
	held_let_go(&held);
	collect(side.send_cq, results, 2);
	for (uint32_t i = 0; i < HELD_THREADS; i++) {
		pthread_join(threads[i], NULL);
		collect(senders[i].side.send_cq, results, 2);
		side_close(&senders[i].side);
	}
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
	held_close(&held);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(receives_are_posted_and_dequeued_on_different_threads),
		CASE_PER_FAMILY(sends_are_posted_committed_and_dequeued_on_three_threads),
		CASE_PER_FAMILY(two_threads_drain_the_two_completion_queues_of_one_request_queue),
		CASE_PER_FAMILY(threads_share_one_driver),
		CASE_PER_FAMILY(a_cq_is_resized_while_another_thread_completes_into_it),
		CASE_PER_FAMILY(the_counts_are_read_on_another_thread),
		CASE_PER_FAMILY(regions_come_and_go_beside_traffic),
		CASE_PER_FAMILY(a_send_posted_while_another_is_executed_leaves_with_it),
		CASE_PER_FAMILY(memory_is_not_read_after_its_region_has_ended_beside_a_commit),
		CASE_PER_FAMILY(a_close_wakes_a_thread_that_waits),
		CASE_PER_FAMILY(a_wait_on_the_receive_queue_pushes_on_stranded_sends),
		CASE_PER_FAMILY(a_dequeue_on_the_receive_queue_pushes_on_stranded_sends),
		CASE(the_slow_network_does_fill_a_socket_buffer),
		CASE_PER_FAMILY(closing_cancels_sends_that_a_full_socket_buffer_held_back),
		CASE_PER_FAMILY(sends_leave_in_the_call_whatever_other_threads_are_executing),
		CASE_PER_FAMILY(an_rq_that_could_not_be_made_is_gone_when_its_event_is_taken),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
