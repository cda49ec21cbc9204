/* SPDX-License-Identifier: MIT */
/*
 * slots_use.c - who may call what: threads in turn, beside one that sleeps, with no memory left
 */
#include "../../support/pool.h"
#include "../../support/side.h"
#include "../../support/suite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Threads ------------------------------------------------------------------- */

struct turn {
	struct pool pool;
	struct regio_rq *rq;
	struct regio_slot slot;
	int fd;
	int peer;
};

static void *make_pool(void *argument)
{
	struct turn *turn = argument;

	pool_open(&turn->pool, 8, 100);
	turn->rq = pool_add(&turn->pool, turn->fd, 4);
	return NULL;
}

static void *take_message(void *argument)
{
	struct turn *turn = argument;

	turn->slot = pool_next(&turn->pool);
	return NULL;
}

/* No call: what is held may be read and written anywhere. */
static void *change_message(void *argument)
{
	struct turn *turn = argument;
	union address peer = own_address(turn->peer);

	EXPECT(turn->slot.length == 8 && !memcmp(turn->slot.data, "question", 8), "another one");
	expect_name(turn->slot.sender, &peer, "sender");
	memcpy(turn->slot.data, "answered", 8);
	return NULL;
}

static void *answer_message(void *argument)
{
	struct turn *turn = argument;

	EXPECT_RETURN(0, regio_slots_reply(turn->pool.slots, &turn->slot, 8));
	pool_settle(&turn->pool);
	return NULL;
}

static void *send_and_free(void *argument)
{
	struct turn *turn = argument;
	union address to = own_address(turn->peer);
	struct regio_slot slots[2];

	for (int i = 0; i < 2; i++)
		EXPECT_RETURN(0, regio_slots_take(turn->pool.slots, &slots[i]));
	memcpy(slots[0].data, "answered", 8);
	EXPECT_RETURN(0, regio_slots_send(turn->pool.slots, &slots[0], 8, turn->rq, &to.any));
	EXPECT_RETURN(0, regio_slots_free(turn->pool.slots, &slots[1]));
	pool_settle(&turn->pool);
	return NULL;
}

static void *end_pool(void *argument)
{
	struct turn *turn = argument;

	pool_close(&turn->pool);
	return NULL;
}

static void take_turn(struct turn *turn, void *(*act)(void *))
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, act, turn), 0);
	pthread_join(thread, NULL);
}

/*
 * Holds: regio_slots.h what 4, regio_slots_create Threads, regio_slots_close Threads,
 * regio_slots_attach Threads, regio_slots_dequeue Threads, regio_slots_process Threads,
 * regio_slots_reply Threads, regio_slots_take Threads, regio_slots_send Threads, regio_slots_free
 * Threads, regio_slots_get_info Threads, regio_slots.h what, regio_slots.h what 2.
 */
START_TEST(threads_use_a_pool_in_turn)
{
	struct turn turn = {.fd = bound_socket(families[_i]), .peer = bound_socket(families[_i])};
	union address to = own_address(turn.fd);
	char data[16];

	take_turn(&turn, make_pool);
	for (int i = 0; i < 10; i++) {
		EXPECT(sendto(turn.peer, "question", 8, 0, &to.any, address_length(&to)) == 8,
		       "%m");
		take_turn(&turn, take_message);
		take_turn(&turn, change_message);
		take_turn(&turn, answer_message);
		take_turn(&turn, send_and_free);
		for (int j = 0; j < 2; j++) {
			ck_assert_uint_eq(receive_plain(turn.peer, data, sizeof(data)), 8);
			ck_assert_mem_eq(data, "answered", 8);
		}
	}
	pool_expect(&turn.pool, 4, 4, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(turn.rq, REGIO_CLOSE_SOCKET));
	take_turn(&turn, end_pool);
	close(turn.peer);
}
END_TEST

static void *wait_without_end(void *argument)
{
	struct regio_cq *cq = argument;
	int queued;

	do
		queued = regio_cq_wait(cq, 1, 0, -1);
	while (queued == -EINTR);
	return (void *)(intptr_t)queued;
}

/* Everything that a pool does, once. */
static void use_pool(struct regio_cq *cq)
{
	int fd = bound_socket(AF_INET), peer = peer_of(fd);
	struct regio_slot slot, taken;
	struct pool pool = {.cq = cq, .count = 4, .bytes = 100};

	EXPECT_RETURN(0, regio_slots_create(cq, 4, 100, NULL, &pool.slots));
	struct regio_rq *rq = pool_add(&pool, fd, 2);

	send_plain(peer, "x", 1);
	send_plain(peer, "y", 1);
	slot = pool_next(&pool);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 1));
	slot = pool_next(&pool);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	EXPECT_RETURN(0, regio_slots_take(pool.slots, &taken));
	EXPECT_RETURN(1, regio_slots_process(pool.slots, &(struct regio_result){0}, &slot));
	EXPECT_RETURN(-EBADF, regio_slots_send(pool.slots, &taken, 1, NULL, NULL));
	pool_settle(&pool);
	pool_expect(&pool, 1, 2, 1, 0);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	/* What is left in the CQ would be handed out by the next pool. */
	EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, &slot, 1));
	pool_expect(&pool, 3, 0, 1, 0);
	EXPECT_RETURN(0, regio_slots_close(pool.slots));
	close(peer);
}

/*
 * Holds: regio_slots_create Blocking, regio_slots_close Blocking, regio_slots_attach Blocking,
 * regio_slots_dequeue Blocking, regio_slots_process Blocking, regio_slots_reply Blocking,
 * regio_slots_take Blocking, regio_slots_send Blocking, regio_slots_free Blocking,
 * regio_slots_get_info Blocking, regio_slots_get_info Returns, regio_slots_info.sending.
 */
START_TEST(no_call_waits_for_a_thread_that_sleeps)
{
	struct regio_driver *driver;
	struct side side;
	pthread_t thread;
	void *queued;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	SIDE_OPEN(&side, .family = AF_INET, .receives = 1, .slot_size = 64, .driver = driver);
	post_receive(&side, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_without_end, side.receive_cq), 0);
	struct regio_cq *cq = cq_of(64, driver);

	for (int i = 0; i < 10; i++)
		use_pool(cq);
	EXPECT_RETURN(0, regio_cq_close(cq));
	EXPECT_RETURN(1, regio_rq_cancel(side.rq, REGIO_HALF_RECEIVE));
	pthread_join(thread, &queued);
	EXPECT_RETURN(1, (int)(intptr_t)queued);
	side_close(&side);
	EXPECT_RETURN(0, regio_driver_close(driver));
}
END_TEST

/* ---- Processes ----------------------------------------------------------------- */

/* Holds: regio_slots_create -ECHILD, regio_slots_close -ECHILD, regio_slots_attach -ECHILD,
 * regio_slots_dequeue -ECHILD, regio_slots_process -ECHILD, regio_slots_reply -ECHILD,
 * regio_slots_take -ECHILD, regio_slots_send -ECHILD, regio_slots_free -ECHILD,
 * regio_slots_get_info -ECHILD. */
START_TEST(a_pool_is_the_parents)
{
	struct regio_slots *own;
	struct pool pool;
	int status;

	pool_open(&pool, 4, 100);
	int fd = bound_socket(AF_INET), peer = peer_of(fd);
	struct regio_rq *rq = pool_add(&pool, fd, 2);

	send_plain(peer, "message", 7);
	struct regio_slot slot = pool_next(&pool);
	pid_t child = fork();

	if (child == 0) {
		EXPECT(regio_slots_create(pool.cq, 4, 100, NULL, &own) == -ECHILD, "not refused");
		EXPECT_RETURN(-ECHILD, regio_slots_free(pool.slots, &slot));
		EXPECT_RETURN(-ECHILD, regio_slots_reply(pool.slots, &slot, 1));
		EXPECT_RETURN(-ECHILD, regio_slots_send(pool.slots, &slot, 1, rq, NULL));
		EXPECT_RETURN(-ECHILD, regio_slots_take(pool.slots, &slot));
		EXPECT_RETURN(-ECHILD, regio_slots_attach(pool.slots, rq, 1));
		EXPECT_RETURN(-ECHILD, regio_slots_dequeue(pool.slots, &slot, 1));
		EXPECT_RETURN(-ECHILD,
			      regio_slots_process(pool.slots, &(struct regio_result){0}, &slot));
		EXPECT_RETURN(-ECHILD,
			      regio_slots_get_info(pool.slots, &(struct regio_slots_info){0},
						   sizeof(struct regio_slots_info)));
		EXPECT_RETURN(-ECHILD, regio_slots_close(pool.slots));
		_exit(0);
	}
	EXPECT(waitpid(child, &status, 0) == child && status == 0, "status %#x", status);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 7));
	pool_settle(&pool);
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	close(peer);
	pool_close(&pool);
}
END_TEST

/* ---- Memory -------------------------------------------------------------------- */

/* The library's allocations come here: the program's definitions go before those of libc. */
static _Thread_local bool no_memory;

void *aligned_alloc(size_t alignment, size_t size)
{
	void *memory;
	int error = no_memory ? ENOMEM : posix_memalign(&memory, alignment, size);

	if (error == 0)
		return memory;
	errno = error;
	return NULL;
}

void *calloc(size_t count, size_t size)
{
	/* Volatile: compilers make one call to calloc() of malloc() and memset(). */
	static void *(*volatile allocate)(size_t) = malloc;
	size_t bytes;
	void *memory = NULL;

	if (!no_memory && !__builtin_mul_overflow(count, size, &bytes))
		memory = allocate(bytes);
	return memory ? memset(memory, 0, bytes) : NULL;
}

/* Holds: regio_slots_create -ENOMEM, regio_slots_attach -ENOMEM, regio_slots.h what 5. */
START_TEST(memory_is_needed_to_create_and_to_attach_and_at_no_other_time)
{
	int fd = bound_socket(AF_INET), peer = peer_of(fd);
	struct regio_slots *slots = NULL;
	struct regio_slot slot;
	struct pool pool;

	if (built_with_sanitizer())
		SKIP("a sanitizer has these calls already");
	pool_open(&pool, 4, 100);
	struct regio_rq *rq = pool_rq(&pool, fd, 4, 4);

	no_memory = true;
	EXPECT_RETURN(-ENOMEM, regio_slots_create(pool.cq, 4, 4, NULL, &slots));
	EXPECT(!slots && strstr(regio_last_error(), "memory"), "%s", regio_last_error());
	EXPECT_RETURN(-ENOMEM, regio_slots_attach(pool.slots, rq, 2));
	pool_expect(&pool, 4, 0, 0, 0);
	no_memory = false;
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rq, 2));
	no_memory = true;
	for (int i = 0; i < 10; i++) {
		send_plain(peer, "x", 1);
		slot = pool_next(&pool);
		EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slot, 1));
		pool_settle(&pool);
		send_plain(peer, "x", 1);
		slot = pool_next(&pool);
		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
		EXPECT_RETURN(0, regio_slots_take(pool.slots, &slot));
		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	}
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rq, 2));
	pool_expect(&pool, 0, 4, 0, 0);
	no_memory = false;
	EXPECT_RETURN(0, regio_rq_close(rq, REGIO_CLOSE_SOCKET));
	pool_close(&pool);
	close(peer);
}
END_TEST

static void *call_without_memory(void *argument)
{
	struct turn *turn = argument;
	struct regio_slot taken;

	no_memory = true;
	EXPECT_RETURN(-ENOMEM, regio_slots_reply(turn->pool.slots, &turn->slot, 1));
	EXPECT_RETURN(0, regio_slots_take(turn->pool.slots, &taken));
	EXPECT_RETURN(-ENOMEM, regio_slots_send(turn->pool.slots, &taken, 1, turn->rq, NULL));
	EXPECT_RETURN(0, regio_slots_free(turn->pool.slots, &taken));
	no_memory = false;
	return NULL;
}

/* Holds: regio_slots_reply -ENOMEM, regio_slots_send -ENOMEM, regio_slots.h what 3. */
START_TEST(a_slot_that_could_not_be_posted_for_lack_of_memory_is_posted_later)
{
	struct turn turn = {.fd = bound_socket(AF_INET)};

	if (built_with_sanitizer())
		SKIP("a sanitizer has these calls already");
	turn.peer = peer_of(turn.fd);
	pool_open(&turn.pool, 4, 100);
	turn.rq = pool_add(&turn.pool, turn.fd, 2);
	send_plain(turn.peer, "x", 1);
	turn.slot = pool_next(&turn.pool);
	take_turn(&turn, call_without_memory);
	pool_expect(&turn.pool, 3, 1, 0, 1);
	EXPECT_RETURN(0, regio_slots_dequeue(turn.pool.slots, &turn.slot, 1));
	pool_expect(&turn.pool, 2, 2, 0, 0);
	EXPECT_RETURN(0, regio_rq_close(turn.rq, REGIO_CLOSE_SOCKET));
	pool_close(&turn.pool);
	close(turn.peer);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE_PER_FAMILY(threads_use_a_pool_in_turn),
		CASE(no_call_waits_for_a_thread_that_sleeps),
		CASE(a_pool_is_the_parents),
		CASE(memory_is_needed_to_create_and_to_attach_and_at_no_other_time),
		CASE(a_slot_that_could_not_be_posted_for_lack_of_memory_is_posted_later),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
