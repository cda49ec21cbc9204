/* SPDX-License-Identifier: MIT */
/*
 * notify.c - notification, waiting, and the descriptor in the event loops of others
 */
#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_LIBUV
#include <uv.h>
#endif

#define RECEIVES 64u

static void open_receiver(struct side *side, int family)
{
	SIDE_OPEN(side, .family = family, .peer = PEER_BOTH_WAYS, .receives = RECEIVES, .sends = 8,
		  .slot_size = 64);
}

static bool becomes_readable(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	return poll(&readable, 1, PATIENCE_NS / MILLISECOND_NS) == 1;
}

/* Holds: regio_cq_notify what, regio_cq_notify Returns, regio_cq_fd what. */
START_TEST(a_notification_comes_with_the_next_completion)
{
	struct side side;

	open_receiver(&side, families[_i]);
	for (uint64_t i = 0; i < 100; i++) {
		post_receive(&side, 0);
		expect_empty(side.receive_cq);
		EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
		send_plain(side.peer, "x", 1);
		EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "round %u", (unsigned)i);
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 1, 0);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_notify what. */
START_TEST(a_notification_comes_at_once_when_something_is_queued)
{
	struct side side;

	open_receiver(&side, families[_i]);
	for (uint64_t i = 0; i < 100; i++) {
		post_receive(&side, 0);
		send_plain(side.peer, "x", 1);
		EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
		EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "round %u", (unsigned)i);
		collect_one(side.receive_cq);
	}
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_notify -EALREADY, regio_cq_notify Blocking. */
START_TEST(arming_twice_says_so_and_changes_nothing)
{
	struct side side;

	open_receiver(&side, families[_i]);
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	send_plain(side.peer, "x", 1);
	EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "no notification");
	collect_one(side.receive_cq);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_notify what, regio_cq_notify -EALREADY. */
START_TEST(a_notification_fires_once_for_each_arming)
{
	struct side side;

	open_receiver(&side, families[_i]);
	for (uint64_t i = 0; i < 3; i++)
		post_receive(&side, i);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	send_plain(side.peer, "x", 1);
	EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "no notification");
	collect_one(side.receive_cq);
	/* Fired, so it may be armed again, and was not by the firing. */
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	collect_one(side.receive_cq);
	expect_empty(side.receive_cq);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(-EALREADY, regio_cq_notify(side.receive_cq));
	side_close(&side);
}
END_TEST

START_TEST(closing_a_request_queue_notifies)
{
	struct regio_result results[2];
	struct side side;

	open_receiver(&side, families[_i]);
	post_receive(&side, 0);
	post_receive(&side, 1);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	EXPECT_RETURN(0, regio_rq_close(side.rq, REGIO_CLOSE_SOCKET));
	EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "no notification");
	EXPECT_RETURN(2, regio_cq_dequeue(side.receive_cq, results, 2));
	expect_result(&results[1], -ECANCELED, 0, 1);
	EXPECT_RETURN(0, regio_cq_close(side.receive_cq));
	EXPECT_RETURN(0, regio_cq_close(side.send_cq));
	EXPECT_RETURN(0, regio_region_deregister(side.region));
	peer_close(&side);
}
END_TEST

/* Its readiness was reported, and looked at, while there was nowhere to put it. */
/* A program that sleeps on the descriptor would never sleep again. */
START_TEST(a_queue_that_is_closed_takes_its_signal_along)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct pollfd readable = {.events = POLLIN};
	struct regio_driver *driver;
	struct regio_cq *other;
	struct side side;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	other = cq_of(1, driver);
	readable.fd = regio_cq_fd(other);
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1,
		  .slot_size = 64, .driver = driver);
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
	EXPECT(becomes_readable(readable.fd), "no notification");
	side_close(&side);
	/* An event may be left, which a dequeue takes. */
	do {
		expect_empty(other);
		EXPECT(now_ns() < deadline_ns, "it stays readable");
	} while (poll(&readable, 1, 0) > 0);
	EXPECT_RETURN(0, regio_cq_close(other));
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

START_TEST(a_descriptor_asked_for_after_the_signal_is_readable)
{
	struct side side;

	open_receiver(&side, families[_i]);
	post_receive(&side, 0);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
	EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "no notification");
	struct regio_result result = collect_one(side.receive_cq);

	expect_result(&result, 0, 1, 0);
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_notify what, regio_cq_wait what. */
START_TEST(a_datagram_older_than_its_receive_notifies)
{
	struct side side;

	open_receiver(&side, families[_i]);
	for (uint64_t i = 0; i < 30; i++) {
		send_plain(side.peer, "x", 1);
		for (uint64_t looks = i % 3; looks > 0; looks--)
			expect_empty(side.receive_cq);
		if (i % 2)
			EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 0));
		post_receive(&side, 0);
		if (i % 5 < 2) {
			EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
			EXPECT(becomes_readable(regio_cq_fd(side.receive_cq)), "round %u",
			       (unsigned int)i);
		} else if (i % 5 < 4) {
			EXPECT_RETURN(1, regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS));
		}
		struct regio_result result = collect_one(side.receive_cq);

		expect_result(&result, 0, 1, 0);
	}
	side_close(&side);
}
END_TEST

/* ---- Event loops --------------------------------------------------------------- */

typedef bool await_signal(int loop, int fd);

static bool await_poll(int loop, int fd)
{
	return becomes_readable(fd);
}

static bool await_epoll(int loop, int fd)
{
	struct epoll_event event;

	return epoll_wait(loop, &event, 1, PATIENCE_NS / MILLISECOND_NS) == 1;
}

/* Arms, sends before or after it, sleeps in a foreign loop, and must then find everything. */
static void run_event_loop(int family, await_signal *await, uint32_t epoll_events)
{
	uint64_t random = 11, posted = 0, sent = 0, received = 0;
	struct regio_result results[RECEIVES];
	struct side side;
	int loop = epoll_create1(EPOLL_CLOEXEC);

	open_receiver(&side, family);
	int fd = regio_cq_fd(side.receive_cq);
	struct epoll_event interest = {.events = epoll_events};

	EXPECT(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &interest) == 0, "%m");
	for (uint64_t round = 0; round < scaled(3000); round++) {
		uint64_t burst = 1 + random_below(&random, RECEIVES);
		uint64_t early = random_below(&random, 2) ? burst : 0;
		int64_t deadline_ns = now_ns() + PATIENCE_NS;

		for (; posted < received + RECEIVES; posted++)
			post_receive(&side, posted % RECEIVES);
		for (uint64_t i = 0; i < early; i++, sent++)
			send_plain(side.peer, &sent, sizeof(sent));
		EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
		for (uint64_t i = early; i < burst; i++, sent++)
			send_plain(side.peer, &sent, sizeof(sent));
		while (received < sent) {
			int got;

			EXPECT(await(loop, fd), "%u messages queued, no signal",
			       (unsigned)(sent - received));
			EXPECT(now_ns() < deadline_ns, "signals, but not all messages");
			while ((got = regio_cq_dequeue(side.receive_cq, results, RECEIVES)) > 0)
				received += (uint64_t)got;
			if (received < sent)
				regio_cq_notify(side.receive_cq);
		}
	}
	side_close(&side);
	close(loop);
}

/* Holds: regio_cq_fd what. */
START_TEST(the_descriptor_works_under_poll)
{
	run_event_loop(families[_i], await_poll, EPOLLIN);
}
END_TEST

/* Holds: regio_cq_fd what. */
START_TEST(the_descriptor_works_under_epoll)
{
	run_event_loop(families[_i], await_epoll, EPOLLIN);
}
END_TEST

/* Holds: regio_cq_fd what. */
START_TEST(the_descriptor_works_under_edge_triggered_epoll)
{
	run_event_loop(families[_i], await_epoll, EPOLLIN | EPOLLET);
}
END_TEST

#ifdef HAVE_LIBUV
struct uv_user {
	struct side *side;
	uint64_t sent, received, total;
};

static void send_next_burst(struct uv_user *user)
{
	for (uint64_t i = 0; i < 10 && user->sent < user->total; i++, user->sent++) {
		post_receive(user->side, user->sent % RECEIVES);
		send_plain(user->side->peer, &user->sent, sizeof(user->sent));
	}
}

static void on_completions(uv_poll_t *handle, int status, int events)
{
	struct uv_user *user = handle->data;
	struct regio_result results[RECEIVES];
	int got;

	while ((got = regio_cq_dequeue(user->side->receive_cq, results, RECEIVES)) > 0)
		user->received += (uint64_t)got;
	if (user->received == user->total) {
		uv_poll_stop(handle);
		uv_stop(handle->loop);
		return;
	}
	regio_cq_notify(user->side->receive_cq);
	if (user->received == user->sent)
		send_next_burst(user);
}

/* Holds: regio_cq_fd what. */
START_TEST(the_descriptor_works_under_libuv)
{
	struct side side;
	struct uv_user user = {.side = &side, .total = scaled(20000)};
	uv_loop_t loop;
	uv_poll_t poller;

	open_receiver(&side, families[_i]);
	uv_loop_init(&loop);
	uv_poll_init(&loop, &poller, regio_cq_fd(side.receive_cq));
	poller.data = &user;
	uv_poll_start(&poller, UV_READABLE, on_completions);
	EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
	send_next_burst(&user);
	uv_run(&loop, UV_RUN_DEFAULT);
	ck_assert_uint_eq(user.received, user.total);
	uv_close((uv_handle_t *)&poller, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	side_close(&side);
}
END_TEST
#else
/* Holds: regio_cq_fd what. */
START_TEST(the_descriptor_works_under_libuv)
{
	SKIP("built without libuv");
}
END_TEST
#endif

/* Holds: regio_cq_fd what. */
START_TEST(two_queues_of_one_driver_are_signalled_through_one_descriptor)
{
	struct regio_driver *driver;
	struct side sides[2];

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	for (int i = 0; i < 2; i++) {
		SIDE_OPEN(&sides[i], .family = families[_i], .peer = PEER_ONE_WAY, .receives = 1,
			  .slot_size = 64, .driver = driver);
	}
	ck_assert_int_eq(regio_cq_fd(sides[0].receive_cq), regio_cq_fd(sides[1].receive_cq));
	for (int round = 0; round < 200; round++) {
		int chosen = round % 3 % 2;

		post_receive(&sides[chosen], 0);
		for (int i = 0; i < 2; i++) {
			int armed = regio_cq_notify(sides[i].receive_cq);

			EXPECT(armed == 0 || armed == -EALREADY, "%s", regio_error_name(armed));
		}
		send_plain(sides[chosen].peer, "x", 1);
		EXPECT(becomes_readable(regio_cq_fd(sides[0].receive_cq)), "no signal");
		expect_empty(sides[1 - chosen].receive_cq);
		collect_one(sides[chosen].receive_cq);
	}
	for (int i = 0; i < 2; i++) {
		side_close(&sides[i]);
	}
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Waiting ------------------------------------------------------------------- */

/* Holds: regio_cq_wait what, regio_cq_wait -ETIMEDOUT. */
START_TEST(a_wait_ends_with_the_time_out)
{
	struct side side;

	open_receiver(&side, families[_i]);
	post_receive(&side, 0);
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 0));
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 1, 0, 1));
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 0, 0, 5 * MILLISECOND_NS));
	EXPECT_RETURN(-ETIMEDOUT, regio_cq_wait(side.receive_cq, 99, 99, 5 * MILLISECOND_NS));
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_wait what, regio_cq_wait Returns. */
START_TEST(a_wait_counts_what_is_queued)
{
	struct side side;

	open_receiver(&side, families[_i]);
	for (uint64_t i = 0; i < 3; i++)
		post_receive(&side, i);
	for (uint64_t i = 0; i < 2; i++)
		send_plain(side.peer, "x", 1);
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, 2, UINT64_MAX, -1));
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, 0, 0, -1));
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, 1, 0, 0));
	/* The third never comes: the delay ends the wait, or the time-out does. */
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, 3, 5 * (uint64_t)MILLISECOND_NS, -1));
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, 3, UINT64_MAX, 5 * MILLISECOND_NS));
	EXPECT_RETURN(2, regio_cq_wait(side.receive_cq, UINT32_MAX, 0, -1));
	send_plain(side.peer, "x", 1);
	EXPECT_RETURN(3, regio_cq_wait(side.receive_cq, 3, UINT64_MAX, -1));
	side_close(&side);
}
END_TEST

struct slow_sender {
	int peer;
	uint32_t count;
	int go;
};

static void *send_when_asked(void *argument)
{
	struct slow_sender *sender = argument;

	while (!__atomic_load_n(&sender->go, __ATOMIC_ACQUIRE))
		sched_yield();
	for (uint32_t i = 0; i < sender->count; i++) {
		send_plain(sender->peer, "x", 1);
		sched_yield();
	}
	return NULL;
}

/* Holds: regio_cq_wait what, regio_cq_wait Blocking. */
START_TEST(a_wait_without_end_returns_with_the_whole_batch)
{
	struct regio_result results[20];
	struct side side;
	pthread_t thread;

	open_receiver(&side, families[_i]);
	struct slow_sender sender = {.peer = side.peer, .count = 20};

	for (uint64_t i = 0; i < 20; i++)
		post_receive(&side, i);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_when_asked, &sender), 0);
	__atomic_store_n(&sender.go, 1, __ATOMIC_RELEASE);
	EXPECT_RETURN(20, regio_cq_wait(side.receive_cq, 20, UINT64_MAX, -1));
	EXPECT_RETURN(20, regio_cq_dequeue(side.receive_cq, results, 20));
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

static void ignore_signal(int number)
{
}

struct trickle {
	int peer;
	_Atomic bool enough;
};

/*
 * Never long without a message, until the other thread has had enough. Where that takes too long
 * there are no more pauses: then all come, and end a wait that nothing else ends.
 */
static void *send_trickle(void *argument)
{
	struct trickle *trickle = argument;
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (!trickle->enough) {
		send_plain(trickle->peer, "x", 1);
		poll(NULL, 0, now_ns() > deadline_ns ? 0 : 10);
	}
	return NULL;
}

/* Holds: regio_cq_wait what. */
START_TEST(the_delay_of_a_wait_is_counted_from_the_first_completion)
{
	enum { MORE_THAN_COME = 2000 };
	struct trickle trickle = {0};
	pthread_t thread;
	struct side side;

	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = MORE_THAN_COME,
		  .slot_size = 1);
	trickle.peer = side.peer;
	for (uint64_t i = 0; i < MORE_THAN_COME; i++)
		post_receive(&side, i);
	ck_assert_int_eq(pthread_create(&thread, NULL, send_trickle, &trickle), 0);
	int count = regio_cq_wait(side.receive_cq, MORE_THAN_COME, 100 * MILLISECOND_NS, -1);

	trickle.enough = true;
	pthread_join(thread, NULL);
	EXPECT(count > 0, "wait: %s", regio_error_name(count));
	EXPECT(count < MORE_THAN_COME, "each completion began the delay anew");
	side_close(&side);
}
END_TEST

/* Holds: regio_cq_wait -EINTR. */
START_TEST(a_signal_ends_a_wait_with_EINTR)
{
	struct sigaction action = {.sa_handler = ignore_signal};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	const struct itimerspec each_millisecond = {{0, MILLISECOND_NS}, {0, MILLISECOND_NS}};
	struct side side;
	timer_t timer;

	open_receiver(&side, families[_i]);
	post_receive(&side, 0);
	EXPECT(sigaction(SIGUSR1, &action, NULL) == 0, "%m");
	EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0, "%m");
	EXPECT(timer_settime(timer, 0, &each_millisecond, NULL) == 0, "%m");
	for (int i = 0; i < 20; i++)
		EXPECT_RETURN(-EINTR, regio_cq_wait(side.receive_cq, 1, 0, -1));
	timer_delete(timer);
	send_plain(side.peer, "x", 1);
	collect_one(side.receive_cq);
	side_close(&side);
}
END_TEST

struct paced_sender {
	int peer;
	uint64_t total, received;
};

static void *send_at_most_eight_ahead(void *argument)
{
	struct paced_sender *sender = argument;

	for (uint64_t sent = 0; sent < sender->total; sent++) {
		while (sent - __atomic_load_n(&sender->received, __ATOMIC_ACQUIRE) >= 8)
			sched_yield();
		send_plain(sender->peer, &sent, sizeof(sent));
	}
	return NULL;
}

/* Holds: regio_cq_wait Returns. */
START_TEST(a_wait_never_returns_with_nothing_to_dequeue)
{
	struct regio_result results[RECEIVES];
	struct side side;
	struct paced_sender sender = {.total = scaled(100000)};
	uint64_t random = 13, posted = 0;
	pthread_t thread;

	open_receiver(&side, families[_i]);
	sender.peer = side.peer;
	ck_assert_int_eq(pthread_create(&thread, NULL, send_at_most_eight_ahead, &sender), 0);
	for (uint64_t received = 0; received < sender.total;) {
		for (; posted < received + RECEIVES; posted++)
			post_receive(&side, posted % RECEIVES);
		int queued = regio_cq_wait(side.receive_cq, 1, 0, PATIENCE_NS);
		int got = regio_cq_dequeue(side.receive_cq, results,
					   1 + random_below(&random, RECEIVES - 1));

		EXPECT(queued > 0 && got > 0, "after %llu messages wait returned %d, dequeue %d",
		       (unsigned long long)received, queued, got);
		received += (uint64_t)got;
		__atomic_store_n(&sender.received, received, __ATOMIC_RELEASE);
	}
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

struct rounds {
	struct side *side;
	uint64_t total, begun;
};

/* Posts one send in each round, at any moment of what the other thread is doing. */
static void *send_one_each_round(void *argument)
{
	struct rounds *rounds = argument;

	for (uint64_t round = 1; round <= rounds->total; round++) {
		while (__atomic_load_n(&rounds->begun, __ATOMIC_ACQUIRE) < round)
			;
		for (volatile uint64_t delay = round % 512; delay > 0; delay--)
			;
		post_send(rounds->side, RECEIVES, 8, 0);
	}
	return NULL;
}

/* Holds: regio_cq_notify what. */
START_TEST(a_completion_posted_between_dequeue_and_notify_is_not_lost)
{
	struct regio_result result;
	struct side side;

	open_receiver(&side, families[_i]);
	struct rounds rounds = {.side = &side, .total = scaled(20000)};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, send_one_each_round, &rounds), 0);
	for (uint64_t round = 1; round <= rounds.total; round++) {
		uint8_t data[64];
		int got = 0;

		__atomic_store_n(&rounds.begun, round, __ATOMIC_RELEASE);
		while (got == 0) {
			got = regio_cq_dequeue(side.send_cq, &result, 1);
			if (got > 0)
				break;
			int armed = regio_cq_notify(side.send_cq);

			EXPECT(armed == 0 || armed == -EALREADY, "%s", regio_error_name(armed));
			EXPECT(becomes_readable(regio_cq_fd(side.send_cq)), "lost in round %llu",
			       (unsigned long long)round);
		}
		receive_plain(side.peer, data, sizeof(data));
	}
	pthread_join(thread, NULL);
	side_close(&side);
}
END_TEST

/* Two messages, one receive: no arrival follows that could tell of the second. */
START_TEST(a_message_that_waits_in_the_socket_is_signalled_to_edge_triggered_watchers)
{
	enum { ROUNDS = 100 };
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int set = epoll_create1(EPOLL_CLOEXEC);
	struct regio_driver *driver;
	struct side side;

	if (faults_injected())
		SKIP("what is there is hidden now and then");
	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&side, .family = families[_i], .peer = PEER_ONE_WAY, .receives = 4,
		  .slot_size = 16, .driver = driver);
	EXPECT(epoll_ctl(set, EPOLL_CTL_ADD, regio_cq_fd(side.receive_cq), &event) == 0, "%m");
	for (uint64_t i = 0; i < 4; i++)
		post_receive(&side, i);
	expect_empty(side.receive_cq);
	for (int round = 0; round < ROUNDS; round++) {
		send_plain(side.peer, "x", 1);
		send_plain(side.peer, "y", 1);
		for (int message = 0; message < 2; message++) {
			struct regio_result result;

			EXPECT_RETURN(0, regio_cq_notify(side.receive_cq));
			EXPECT(epoll_wait(set, &event, 1, (int)(PATIENCE_NS / MILLISECOND_NS)) == 1,
			       "no signal, round %d, message %d", round, message);
			EXPECT_RETURN(1, regio_cq_dequeue(side.receive_cq, &result, 1));
			post_receive(&side, result.request_context);
		}
	}
	close(set);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(a_notification_comes_with_the_next_completion),
		CASE_PER_FAMILY(a_notification_comes_at_once_when_something_is_queued),
		CASE_PER_FAMILY(arming_twice_says_so_and_changes_nothing),
		CASE_PER_FAMILY(a_notification_fires_once_for_each_arming),
		CASE_PER_FAMILY(closing_a_request_queue_notifies),
		CASE_PER_FAMILY(a_queue_that_is_closed_takes_its_signal_along),
		CASE_PER_FAMILY(a_descriptor_asked_for_after_the_signal_is_readable),
		CASE_PER_FAMILY(a_datagram_older_than_its_receive_notifies),
		CASE_PER_FAMILY(the_descriptor_works_under_poll),
		CASE_PER_FAMILY(the_descriptor_works_under_epoll),
		CASE_PER_FAMILY(the_descriptor_works_under_edge_triggered_epoll),
		CASE_PER_FAMILY(the_descriptor_works_under_libuv),
		CASE_PER_FAMILY(two_queues_of_one_driver_are_signalled_through_one_descriptor),
		CASE_PER_FAMILY(a_wait_ends_with_the_time_out),
		CASE_PER_FAMILY(a_wait_counts_what_is_queued),
		CASE_PER_FAMILY(a_wait_without_end_returns_with_the_whole_batch),
		CASE_PER_FAMILY(the_delay_of_a_wait_is_counted_from_the_first_completion),
		CASE_PER_FAMILY(a_signal_ends_a_wait_with_EINTR),
		CASE_PER_FAMILY(a_wait_never_returns_with_nothing_to_dequeue),
		CASE(a_completion_posted_between_dequeue_and_notify_is_not_lost),
		CASE_PER_FAMILY(
			a_message_that_waits_in_the_socket_is_signalled_to_edge_triggered_watchers),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
