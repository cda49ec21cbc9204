/* SPDX-License-Identifier: MIT */
/*
 * closing.c - what is closed while another thread has not yet come out of a call on it
 *
 * A thread that dequeues a completion may close everything at once, though the thread that posted
 * the request, or armed the CQ, is still on its way out. Meant for the sanitizers: each case is a
 * race run many times.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "../../support/net.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#define MESSAGE_SIZE 64u
#define SENDS 32u
#define ROUNDS 1000u
/* Beside other work a round takes milliseconds. */
#define ROUNDS_NS (5 * SECOND_NS)

/* Two threads in turns: one calls, the other closes. */
struct game {
	struct side side;
	_Atomic(struct regio_cq *) notified_cq;
	int (*call)(struct game *game);
	int expected; /* of the call */
	int64_t until_ns;
	_Atomic uint64_t begun, called;
	_Atomic bool ended;
	_Atomic bool told;
};

static void await(const _Atomic uint64_t *counter, uint64_t value)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (*counter < value)
		EXPECT(now_ns() < deadline_ns, "the other thread makes no progress");
}

static void *call_each_round(void *argument)
{
	struct game *game = argument;

	for (uint64_t round = 1;; round++) {
		await(&game->begun, round);
		if (game->ended)
			return NULL;
		EXPECT_RETURN(game->expected, game->call(game));
		game->called = round;
	}
}

static pthread_t game_start(struct game *game)
{
	pthread_t thread;

	game->until_ns = now_ns() + ROUNDS_NS;
	ck_assert_int_eq(pthread_create(&thread, NULL, call_each_round, game), 0);
	return thread;
}

/* Lets the thread go where there have been enough. */
static bool another_round(struct game *game, uint64_t round)
{
	if (round <= scaled(ROUNDS) && now_ns() < game->until_ns)
		return true;
	game->ended = true;
	game->begun = round;
	return false;
}

/* On a completion queue of the case's, or on those of the side. */
static void round_open(struct game *game, struct regio_cq *cq)
{
	SIDE_OPEN(&game->side, .family = AF_INET, .peer = PEER_BOTH_WAYS, .receives = SENDS,
		  .sends = SENDS, .slot_size = MESSAGE_SIZE, .cq = cq);
}

static void round_close(struct game *game, uint64_t round)
{
	side_close(&game->side);
	await(&game->called, round);
}

/* ---- A completion is seen ---- */

static int call_send(struct game *game)
{
	struct regio_buf slice = slot_slice(&game->side, SENDS, MESSAGE_SIZE);

	return regio_send(game->side.rq, &slice, 0, 0);
}

static int call_send_deferred(struct game *game)
{
	struct regio_buf slice = slot_slice(&game->side, SENDS, MESSAGE_SIZE);

	return regio_send(game->side.rq, &slice, REGIO_MSG_DEFER, 0);
}

static int call_receive(struct game *game)
{
	struct regio_buf slice = slot_slice(&game->side, 0, MESSAGE_SIZE);

	return regio_receive(game->side.rq, &slice, 0, 0);
}

static int (*const posts[])(struct game *game) = {call_send, call_send_deferred, call_receive};
static const char *const post_names[] = {"send", "deferred send", "receive"};

/* Holds: regio_rq_close Threads. */
START_TEST(everything_is_closed_at_the_completion_of_a_request_that_is_still_being_posted)
{
	struct game game = {.call = posts[_i]};
	pthread_t thread = game_start(&game);

	for (uint64_t round = 1; another_round(&game, round); round++) {
		bool receive = posts[_i] == call_receive;

		round_open(&game, NULL);
		if (receive)
			send_plain(game.side.peer, "message", 8);
		game.begun = round;
		poll_one(receive ? game.side.receive_cq : game.side.send_cq);
		round_close(&game, round);
	}
	pthread_join(thread, NULL);
}
END_TEST

/* ---- Posts go on ---- */

/* Until the RQ is closed. */
static int call_sends(struct game *game)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	int error;

	do {
		game->told = true;
		error = call_send_deferred(game);
	} while ((error == 0 || error == -ENOBUFS) && now_ns() < deadline_ns);
	return error;
}

/* Holds: regio_rq_close Threads. */
START_TEST(a_request_queue_is_closed_beside_posts)
{
	struct game game = {.call = call_sends, .expected = -EBADF};
	struct regio_result results[SENDS];
	pthread_t thread = game_start(&game);

	for (uint64_t round = 1; another_round(&game, round); round++) {
		round_open(&game, NULL);
		game.told = false;
		game.begun = round;
		while (!game.told)
			continue;
		for (uint64_t i = 0; i < round % 8; i++)
			EXPECT(regio_cq_dequeue(game.side.send_cq, results, SENDS) >= 0, "dequeue");
		EXPECT_RETURN(0, regio_rq_close(game.side.rq, REGIO_CLOSE_SOCKET));
		/* What they use otherwise stays until the posts have ended. */
		await(&game.called, round);
		side_close_rest(&game.side);
	}
	pthread_join(thread, NULL);
}
END_TEST

/* ---- A notification is seen ---- */

static void tell(void *context)
{
	struct game *game = context;

	game->told = true;
}

static int call_notify(struct game *game)
{
	return regio_cq_notify(game->notified_cq);
}

/* Holds: regio_cq_close Threads, Callbacks what 2. */
START_TEST(a_cq_is_closed_at_the_notification_that_is_still_being_armed)
{
	struct game game = {.call = call_notify};
	struct regio_cq_opts opts = {
		.size = sizeof(opts), .on_notify = tell, .on_notify_context = &game};
	pthread_t thread = game_start(&game);
	struct regio_result result;
	struct regio_cq *cq;

	for (uint64_t round = 1; another_round(&game, round); round++) {
		int64_t deadline_ns = now_ns() + PATIENCE_NS;

		EXPECT_RETURN(0, regio_cq_create(SENDS * 2, &opts, &cq));
		round_open(&game, cq);
		post_message(&game.side, SENDS, MESSAGE_SIZE, round, 0);
		game.told = false;
		game.notified_cq = cq;
		game.begun = round;
		while (!game.told)
			EXPECT(now_ns() < deadline_ns, "no notification came");
		EXPECT_RETURN(1, regio_cq_dequeue(cq, &result, 1));
		EXPECT_RETURN(0, regio_cq_close(cq));
		round_close(&game, round);
	}
	pthread_join(thread, NULL);
}
END_TEST

/* ---- Calls that name what is closed beside them ---- */

/* A handle that one thread replaces and closes, while others make calls with it. */
struct naming {
	int (*call)(void *handle, int fd);
	_Atomic(void *) handle;
	_Atomic uint64_t calls;
	_Atomic bool ended;
};

static int create_rq(void *handle, int fd)
{
	struct regio_rq *rq;
	int error = regio_rq_create(fd, 4, 4, handle, handle, 0, NULL, &rq);

	if (!error)
		EXPECT_RETURN(0, regio_rq_close(rq, 0));
	return error;
}

static int ask_descriptor(void *handle, int fd)
{
	int descriptor = regio_cq_fd(handle);

	return descriptor < 0 ? descriptor : 0;
}

static int create_cq(void *handle, int fd)
{
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = handle};
	struct regio_cq *cq;
	int error = regio_cq_create(8, &opts, &cq);

	if (!error)
		EXPECT_RETURN(0, regio_cq_close(cq));
	return error;
}

static int describe_driver(void *handle, int fd)
{
	struct regio_driver_info info;

	return regio_driver_get_info(handle, &info, sizeof(info));
}

static int wake_driver(void *handle, int fd)
{
	return regio_driver_wake(handle);
}

static int cancel_both(void *handle, int fd)
{
	int cancelled = regio_rq_cancel(handle, REGIO_HALF_RECEIVE | REGIO_HALF_SEND);

	return cancelled < 0 ? cancelled : 0;
}

static int resize_rq(void *handle, int fd)
{
	return regio_rq_resize(handle, 8, 8);
}

static int describe_rq(void *handle, int fd)
{
	struct regio_rq_info info;

	return regio_rq_get_info(handle, &info, sizeof(info));
}

static void *name_it(void *argument)
{
	struct naming *naming = argument;
	int fd = bound_socket(AF_INET);

	while (!naming->ended) {
		int error = naming->call(naming->handle, fd);

		EXPECT(error == 0 || error == -EBADF, "%s", regio_error_name(error));
		naming->calls++;
	}
	close(fd);
	return NULL;
}

static void *open_cq(void)
{
	struct regio_cq *cq;

	EXPECT_RETURN(0, regio_cq_create(64, NULL, &cq));
	return cq;
}

static void *open_driver(void)
{
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	return driver;
}

static struct regio_cq *cq_of_rqs;

static void *open_rq(void)
{
	int fd = bound_socket(AF_INET);
	struct regio_rq *rq;

	EXPECT_RETURN(0, regio_rq_create(fd, 8, 8, cq_of_rqs, cq_of_rqs, 0, NULL, &rq));
	return rq;
}

static void close_rq(void *handle)
{
	EXPECT_RETURN(0, regio_rq_close(handle, REGIO_CLOSE_SOCKET));
}

static void close_cq(void *handle)
{
	EXPECT_RETURN(0, regio_cq_close(handle));
}

/* A CQ may be on its way through a caller's hands. */
static void close_driver(void *handle)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	while (regio_driver_close(handle) == -EBUSY)
		EXPECT(now_ns() < deadline_ns, "the CQ of a call that has returned stays");
}

static void close_beside(int threads_count, int (*call)(void *handle, int fd), void *(*open)(void),
			 void (*close_handle)(void *handle))
{
	const int64_t until_ns = now_ns() + SECOND_NS;
	struct naming naming = {.call = call, .handle = open()};
	pthread_t threads[2];

	for (int i = 0; i < threads_count; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, name_it, &naming), 0);
	while (now_ns() < until_ns) {
		void *old = naming.handle;

		await(&naming.calls, naming.calls + 1);
		naming.handle = open();
		close_handle(old);
	}
	naming.ended = true;
	for (int i = 0; i < threads_count; i++)
		pthread_join(threads[i], NULL);
	close_handle(naming.handle);
}

static int (*const cq_calls[])(void *handle, int fd) = {create_rq, ask_descriptor};
static const char *const cq_call_names[] = {"creating an RQ", "asking for its descriptor"};

/* Holds: regio_rq_create Threads, regio_cq_fd Threads, regio.h what 6. */
START_TEST(a_cq_is_closed_beside_calls_that_name_it)
{
	close_beside(2, cq_calls[_i], open_cq, close_cq);
}
END_TEST

static int (*const driver_calls[])(void *handle, int fd) = {create_cq, describe_driver,
							    wake_driver};
static const char *const driver_call_names[] = {"creating a CQ", "describing it", "waking it"};

/*
 * Holds: regio_driver_close Threads, regio_cq_create Threads, regio_driver_get_info Threads,
 * regio_driver_wake Threads, regio.h what 6.
 */
START_TEST(a_driver_is_closed_beside_calls_that_name_it)
{
	close_beside(2, driver_calls[_i], open_driver, close_driver);
}
END_TEST

static int (*const rq_calls[])(void *handle, int fd) = {cancel_both, resize_rq, describe_rq};
static const char *const rq_call_names[] = {"cancelling", "resizing it", "describing it"};

/* Holds: regio_rq_close Threads, regio_rq_get_info Threads. */
START_TEST(a_request_queue_is_closed_beside_calls_on_it)
{
	cq_of_rqs = open_cq();
	close_beside(1, rq_calls[_i], open_rq, close_rq);
	close_cq(cq_of_rqs);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		{everything_is_closed_at_the_completion_of_a_request_that_is_still_being_posted,
		 post_names, ARRAY_SIZE(posts), 4 * CASE_TIMEOUT_S},
		CASE_SLOW(a_request_queue_is_closed_beside_posts),
		CASE_SLOW(a_cq_is_closed_at_the_notification_that_is_still_being_armed),
		{a_cq_is_closed_beside_calls_that_name_it, cq_call_names, ARRAY_SIZE(cq_calls),
		 CASE_TIMEOUT_S},
		{a_request_queue_is_closed_beside_calls_on_it, rq_call_names, ARRAY_SIZE(rq_calls),
		 CASE_TIMEOUT_S},
		{a_driver_is_closed_beside_calls_that_name_it, driver_call_names,
		 ARRAY_SIZE(driver_calls), CASE_TIMEOUT_S},
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
