/* SPDX-License-Identifier: MIT */
/*
 * slots_pool.c - where slots are: who waits for them, what comes back, stale copies, results of
 * others, closing in any order, wrong arguments
 */
#include "../../support/pool.h"
#include "../../support/suite.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A connected pair: the first end is attached. */
struct line {
	int fd;
	int peer;
	struct regio_rq *rq;
};

static struct line line_open(struct pool *pool, uint32_t receives)
{
	struct line line = {.fd = bound_socket(AF_INET)};

	line.peer = peer_of(line.fd);
	connect_to(line.fd, line.peer);
	line.rq = pool_add(pool, line.fd, receives);
	return line;
}

static void line_close(struct line *line)
{
	EXPECT_RETURN(0, regio_rq_close(line->rq, REGIO_CLOSE_SOCKET));
	close(line->peer);
}

static struct regio_slot receive_on(struct pool *pool, const struct line *line)
{
	send_plain(line->peer, "message", 7);
	struct regio_slot slot = pool_next(pool);

	EXPECT(slot.rq == line->rq && slot.status == 0 && slot.length == 7, "status %d, %u bytes",
	       slot.status, slot.length);
	return slot;
}

/* Takes until the pool has so many free. */
static void await_free(struct pool *pool, uint32_t free)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_slot slot;

	while (pool_info(pool).free < free) {
		EXPECT(now_ns() < deadline_ns, "%u free, wanted %u", pool_info(pool).free, free);
		EXPECT_RETURN(0, regio_slots_dequeue(pool->slots, &slot, 1));
	}
}

/* ---- Who gets which ------------------------------------------------------------ */

/* Holds: regio_slots_attach what, regio_slots_get_info what, regio_slots_info what,
 * regio_slots_info.receives_missing, regio_slots_info.receiving, regio_slots_info.held,
 * regio_slots_free what, regio_slots_free Returns, regio_slots_free Ownership. */
START_TEST(without_free_slots_queues_wait_in_turn)
{
	struct regio_slot slot;
	struct pool pool;

	pool_open(&pool, 4, 100);
	struct line first = line_open(&pool, 4), second = line_open(&pool, 2);
	struct line third = line_open(&pool, 1);

	pool_expect(&pool, 0, 4, 0, 3);
	EXPECT_RETURN(-ENOBUFS, regio_slots_take(pool.slots, &slot));
	/* The first loses one to the second, then one to the third, then has its turn. */
	send_plain(second.peer, "message", 7);
	slot = receive_on(&pool, &first);
	pool_expect(&pool, 0, 3, 1, 3);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	pool_expect(&pool, 0, 4, 0, 3);
	struct regio_slot other = pool_next(&pool);

	EXPECT(other.rq == second.rq, "of another queue");
	send_plain(third.peer, "message", 7);
	slot = receive_on(&pool, &first);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	slot = pool_next(&pool);
	EXPECT(slot.rq == third.rq, "of another queue");
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &other));
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	pool_expect(&pool, 0, 4, 0, 3);
	line_close(&third);
	line_close(&second);
	line_close(&first);
	await_free(&pool, 4);
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_attach what 3. */
START_TEST(slots_of_a_closed_queue_come_back)
{
	struct pool pool;

	pool_open(&pool, 8, 100);
	for (int i = 0; i < 5; i++) {
		struct line line = line_open(&pool, 8);
		struct regio_slot slots[3];

		for (int j = 0; j < 3; j++)
			slots[j] = receive_on(&pool, &line);
		EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slots[0], 7));
		line_close(&line);
		await_free(&pool, 6);
		EXPECT_RETURN(-EBADF, regio_slots_reply(pool.slots, &slots[1], 7));
		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slots[2]));
		pool_expect(&pool, 8, 0, 0, 0);
	}
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_attach what 3, regio_slots_attach what. */
START_TEST(cancelled_receives_are_not_posted_again)
{
	struct pool pool;

	pool_open(&pool, 8, 100);
	struct line line = line_open(&pool, 4);
	struct regio_slot slot = receive_on(&pool, &line);

	EXPECT_RETURN(3, regio_rq_cancel(line.rq, REGIO_HALF_RECEIVE));
	await_free(&pool, 7);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	pool_expect(&pool, 7, 1, 0, 0);
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, line.rq, 3));
	pool_expect(&pool, 4, 4, 0, 0);
	slot = receive_on(&pool, &line);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	EXPECT_RETURN(-ENOBUFS, regio_slots_attach(pool.slots, line.rq, 1));
	line_close(&line);
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_attach what. */
START_TEST(receives_of_the_program_leave_less_room_for_a_while)
{
	struct regio_buf data = {.length = 100};
	struct regio_slot slot;
	struct pool pool;
	void *memory;

	pool_open(&pool, 4, 100);
	EXPECT_RETURN(0, regio_region_allocate(100, NULL, &data.region, &memory));
	struct line line = line_open(&pool, 2);

	slot = receive_on(&pool, &line);
	EXPECT_RETURN(0, regio_receive(line.rq, &data, 0, 77));
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	pool_expect(&pool, 3, 1, 0, 1);
	slot = receive_on(&pool, &line);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	send_plain(line.peer, "own", 3);
	slot = pool_next(&pool);
	EXPECT(!slot.data && !slot.rq && !slot.sender && !slot.local && slot.context == 77 &&
		       slot.status == 0 && slot.length == 3 && slot.rq_context == (uint64_t)line.fd,
	       "context %llu, status %d, %u bytes", (unsigned long long)slot.context, slot.status,
	       slot.length);
	EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, &slot, 1));
	pool_expect(&pool, 2, 2, 0, 0);
	line_close(&line);
	EXPECT_RETURN(0, regio_region_deregister(data.region));
	pool_close(&pool);
}
END_TEST

/* ---- Copies -------------------------------------------------------------------- */

static void expect_refused(struct pool *pool, const struct regio_slot *slot, struct regio_rq *rq)
{
	EXPECT_RETURN(-EINVAL, regio_slots_reply(pool->slots, slot, 1));
	EXPECT_RETURN(-EINVAL, regio_slots_send(pool->slots, slot, 1, rq, NULL));
	EXPECT_RETURN(-EINVAL, regio_slots_free(pool->slots, slot));
	EXPECT(strstr(regio_last_error(), "does not hold"), "%s", regio_last_error());
}

/* Holds: regio_slot what 2, regio_slot.context, regio_slots_free -EINVAL, regio_slots_reply
 * -EINVAL, regio_slots_send -EINVAL. */
START_TEST(a_copy_is_refused_once_its_slot_was_given_back)
{
	struct regio_slot slot, copy, strange = {0};
	struct pool pool;

	pool_open(&pool, 1, 100);
	struct line line = line_open(&pool, 1);

	for (int i = 0; i < 10; i++) {
		copy = slot = receive_on(&pool, &line);
		EXPECT_RETURN(0, i % 2 ? regio_slots_reply(pool.slots, &slot, 7)
				       : regio_slots_free(pool.slots, &slot));
		expect_refused(&pool, &copy, line.rq);
		pool_settle(&pool);
		/* The slot is held again, but this is another use. */
		slot = receive_on(&pool, &line);
		expect_refused(&pool, &copy, line.rq);
		EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	}
	expect_refused(&pool, &strange, line.rq);
	strange.context = UINT64_MAX;
	expect_refused(&pool, &strange, line.rq);
	strange.context = REGIO_SLOTS_CONTEXT_MIN;
	expect_refused(&pool, &strange, line.rq);
	expect_refused(&pool, NULL, line.rq);
	line_close(&line);
	pool_close(&pool);
}
END_TEST

/* ---- Results of others --------------------------------------------------------- */

/*
 * Holds: regio_slots_process what, regio_slots_process Returns, REGIO_SLOTS_CONTEXT_M what,
 * REGIO_SLOTS_CONTEXT_MIN, REGIO_SLOTS_CONTEXT_MAX, regio_slot.data,
 * regio_slots_process Ownership.
 */
START_TEST(a_result_is_that_of_one_pool_or_of_none)
{
	static const uint64_t contexts[] = {0, 1, 0x7FFFDEADBEEF, UINT64_MAX, 0x9FFFFFFFFFFFFFFF};
	struct regio_slots *second;
	struct regio_result result;
	struct regio_slot slot;
	struct pool pool;

	pool_open(&pool, 2, 100);
	EXPECT_RETURN(0, regio_slots_create(pool.cq, 2, 10, NULL, &second));
	struct line line = line_open(&pool, 1), other = line;

	other.fd = bound_socket(AF_INET);
	other.peer = peer_of(other.fd);
	other.rq = pool_rq(&pool, other.fd, 1, 1);
	EXPECT_RETURN(0, regio_slots_attach(second, other.rq, 1));
	send_plain(other.peer, "x", 1);
	while (regio_cq_dequeue(pool.cq, &result, 1) == 0)
		regio_cq_wait(pool.cq, 1, 0, MILLISECOND_NS);
	EXPECT(result.request_context >= REGIO_SLOTS_CONTEXT_MIN &&
		       result.request_context <= REGIO_SLOTS_CONTEXT_MAX,
	       "not a context of pools");
	EXPECT_RETURN(1, regio_slots_process(pool.slots, &result, &slot));
	EXPECT(!slot.data && slot.context == result.request_context && slot.length == 1 &&
		       slot.rq_context == (uint64_t)other.fd,
	       "taken by another pool");
	EXPECT_RETURN(1, regio_slots_process(second, &result, &slot));
	EXPECT(slot.data && slot.rq == other.rq && slot.length == 1, "not taken");
	EXPECT_RETURN(0, regio_slots_reply(second, &slot, 1));
	while (regio_cq_dequeue(pool.cq, &result, 1) == 0)
		regio_cq_wait(pool.cq, 1, 0, MILLISECOND_NS);
	EXPECT_RETURN(0, regio_slots_process(second, &result, &slot));
	/* The same result once more is nobody's. */
	EXPECT_RETURN(1, regio_slots_process(second, &result, &slot));
	EXPECT(!slot.data, "handed out twice");
	for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
		result = (struct regio_result){-EIO, 5, 6, contexts[i]};
		EXPECT_RETURN(1, regio_slots_process(second, &result, &slot));
		EXPECT(!slot.data && slot.status == -EIO && slot.length == 5 &&
			       slot.rq_context == 6 && slot.context == contexts[i],
		       "changed");
	}
	line_close(&line);
	line_close(&other);
	EXPECT_RETURN(0, regio_slots_close(second));
	pool_close(&pool);
}
END_TEST

/* ---- Closing ------------------------------------------------------------------- */

/* What is left in the CQ is of the closed pool, and names it. */
static void expect_rest(struct regio_cq *cq, uint32_t wanted)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result result;

	for (uint32_t found = 0; found < wanted;) {
		int count = regio_cq_dequeue(cq, &result, 1);

		EXPECT(now_ns() < deadline_ns, "%u of %u", found, wanted);
		if (count == 0)
			continue;
		EXPECT_RETURN(1, count);
		EXPECT(result.request_context >= REGIO_SLOTS_CONTEXT_MIN &&
			       result.request_context <= REGIO_SLOTS_CONTEXT_MAX,
		       "context %llx", (unsigned long long)result.request_context);
		found++;
	}
}

static void expect_closed(struct pool *pool, int error, const struct regio_slot *slot,
			  struct regio_rq *rq)
{
	struct regio_slots_info info;
	struct regio_result result = {0};
	struct regio_slot other;

	EXPECT_RETURN(error, regio_slots_dequeue(pool->slots, &other, 1));
	EXPECT(strstr(regio_last_error(), "closed"), "%s", regio_last_error());
	EXPECT_RETURN(error, regio_slots_process(pool->slots, &result, &other));
	EXPECT_RETURN(error, regio_slots_reply(pool->slots, slot, 1));
	EXPECT_RETURN(error, regio_slots_send(pool->slots, slot, 1, rq, NULL));
	EXPECT_RETURN(error, regio_slots_free(pool->slots, slot));
	EXPECT_RETURN(error, regio_slots_take(pool->slots, &other));
	EXPECT_RETURN(error, regio_slots_attach(pool->slots, rq, 1));
	EXPECT_RETURN(error, regio_slots_get_info(pool->slots, &info, sizeof(info)));
	EXPECT_RETURN(error, regio_slots_close(pool->slots));
}

/* Holds: regio_slots_close what, regio_slots_close Returns, regio_slots_close Ownership,
 * regio_slots_close -EBADF, regio_slots_dequeue -EBADF, regio_slots_process -EBADF,
 * regio_slots_reply -EBADF, regio_slots_send -EBADF, regio_slots_free -EBADF, regio_slots_take
 * -EBADF, regio_slots_attach -EBADF, regio_slots_get_info -EBADF. */
START_TEST(a_pool_is_closed_with_everything_in_flight)
{
	struct regio_slot slots[3];
	struct pool pool;

	pool_open(&pool, 8, 100);
	struct line line = line_open(&pool, 4);

	for (int i = 0; i < 3; i++)
		slots[i] = receive_on(&pool, &line);
	EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slots[0], 7));
	EXPECT_RETURN(0, regio_slots_close(pool.slots));
	expect_closed(&pool, -EBADF, &slots[1], line.rq);
	for (int i = 0; i < 5; i++)
		send_plain(line.peer, "late", 4);
	/* The receive that was posted, and the reply. */
	expect_rest(pool.cq, 2);
	line_close(&line);
	EXPECT_RETURN(0, regio_cq_close(pool.cq));
}
END_TEST

/* Holds: regio_slots_close what. */
START_TEST(results_of_a_closed_pool_are_not_those_of_the_next)
{
	struct regio_slots *old;
	struct regio_slot slot;
	struct pool pool;

	pool_open(&pool, 4, 100);
	struct line line = line_open(&pool, 4);

	old = pool.slots;
	EXPECT_RETURN(0, regio_slots_close(old));
	EXPECT_RETURN(0, regio_slots_create(pool.cq, 4, 100, NULL, &pool.slots));
	struct line next = line_open(&pool, 4);

	/* A driver's thread may have found already that their memory is gone. */
	EXPECT(regio_rq_cancel(line.rq, REGIO_HALF_RECEIVE) >= 0, "not cancelled");
	for (int i = 0; i < 4; i++) {
		slot = pool_next(&pool);
		EXPECT(!slot.data && slot.status < 0, "status %d", slot.status);
	}
	pool_expect(&pool, 0, 4, 0, 0);
	slot = receive_on(&pool, &next);
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &slot));
	line_close(&line);
	line_close(&next);
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_close what. */
START_TEST(everything_is_closed_in_any_order)
{
	static const uint8_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
	struct regio_slot slots[2];
	struct pool pool;

	for (size_t order = 0; order < ARRAY_SIZE(orders); order++) {
		pool_open(&pool, 4, 100);
		struct line line = line_open(&pool, 3);

		slots[0] = receive_on(&pool, &line);
		slots[1] = receive_on(&pool, &line);
		EXPECT_RETURN(0, regio_slots_reply(pool.slots, &slots[0], 7));
		for (int i = 0; i < 3; i++) {
			if (orders[order][i] == 0)
				EXPECT_RETURN(0, regio_slots_close(pool.slots));
			else if (orders[order][i] == 1)
				EXPECT_RETURN(0, regio_cq_close(pool.cq));
			else
				line_close(&line);
			if (orders[order][0] == 1 && i == 0) {
				EXPECT_RETURN(-EBADF, regio_slots_dequeue(pool.slots, slots, 2));
				EXPECT_RETURN(-EBADF, regio_slots_reply(pool.slots, &slots[1], 1));
			}
		}
	}
}
END_TEST

/* ---- Wrong arguments ----------------------------------------------------------- */

START_TEST(what_is_no_pool_is_refused)
{
	struct pool pool, strange;
	struct regio_slot slot = {0};

	pool_open(&pool, 1, 1);
	struct line line = line_open(&pool, 1);
	void *const handles[] = {NULL,
				 (void *)1,
				 (void *)5,
				 (void *)UINTPTR_MAX,
				 line.rq,
				 pool.cq,
				 &pool,
				 (void *)((uintptr_t)pool.slots + 8),
				 (void *)((uintptr_t)pool.slots ^ UINT64_C(1) << 40)};

	for (size_t i = 0; i < ARRAY_SIZE(handles); i++) {
		strange = pool;
		strange.slots = handles[i];
		expect_closed(&strange, -EBADF, &slot, line.rq);
	}
	line_close(&line);
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_create -EINVAL, regio_slots_create -E2BIG, regio_slots_create -EBADF,
 * regio_slots_create -EMSGSIZE, REGIO_SLOTS_COUNT_MAX, regio_slots_opts.size,
 * regio_slots_opts.flags, regio_slots_opts.numa_node, regio_slots_opts.reserved. */
START_TEST(a_pool_is_refused_with_a_reason)
{
	const struct {
		struct regio_slots_opts opts;
		uint32_t more;
	} big = {{.size = sizeof(big)}, 1};
	const struct regio_slots_opts opts[] = {
		{.size = 4},
		{.size = sizeof(opts[0]), .reserved = 1},
		{.size = sizeof(opts[0]), .flags = 0x80},
		{.size = sizeof(opts[0]), .numa_node = 1},
		{.size = sizeof(opts[0]), .flags = REGIO_REGION_NUMA, .numa_node = 100000},
	};
	struct regio_slots *slots;
	struct pool pool;

	pool_open(&pool, 1, 1);
	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		EXPECT_RETURN(-EINVAL, regio_slots_create(pool.cq, 4, 4, &opts[i], &slots));
		EXPECT(*regio_last_error(), "no reason");
	}
	EXPECT_RETURN(-E2BIG, regio_slots_create(pool.cq, 4, 4, &big.opts, &slots));
	EXPECT_RETURN(-EINVAL, regio_slots_create(pool.cq, 4, 4, NULL, NULL));
	EXPECT_RETURN(-EINVAL, regio_slots_create(pool.cq, 0, 4, NULL, &slots));
	EXPECT_RETURN(-EINVAL, regio_slots_create(pool.cq, 4, 0, NULL, &slots));
	EXPECT_RETURN(-EINVAL,
		      regio_slots_create(pool.cq, REGIO_SLOTS_COUNT_MAX + 1, 1, NULL, &slots));
	EXPECT(strstr(regio_last_error(), "1048576"), "%s", regio_last_error());
	EXPECT_RETURN(-EMSGSIZE, regio_slots_create(pool.cq, 1000, 5000000, NULL, &slots));
	EXPECT_RETURN(-EMSGSIZE, regio_slots_create(pool.cq, 1, UINT32_MAX, NULL, &slots));
	EXPECT_RETURN(-EBADF, regio_slots_create(NULL, 4, 4, NULL, &slots));
	EXPECT_RETURN(-EBADF, regio_slots_create((void *)pool.slots, 4, 4, NULL, &slots));
	EXPECT_RETURN(0, regio_slots_create(
				 pool.cq, 4, 1,
				 &(struct regio_slots_opts){.size = sizeof(struct regio_slots_opts),
							    .flags = REGIO_REGION_HUGE_PAGES},
				 &slots));
	EXPECT_RETURN(0, regio_slots_close(slots));
	EXPECT_RETURN(-EBADF, regio_slots_close(slots));
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots_attach -EINVAL, regio_slots_attach -ENOBUFS, regio_slots_attach -EBADF,
 * regio_slots_attach Ownership, regio_slots_attach Returns. */
START_TEST(a_queue_is_not_attached_with_a_reason)
{
	int fds[5];
	struct regio_rq *rqs[5];
	struct regio_cq *cq;
	struct pool pool;

	pool_open(&pool, 8, 100);
	EXPECT_RETURN(0, regio_cq_create(64, NULL, &cq));
	for (int i = 0; i < 5; i++)
		fds[i] = bound_socket(AF_INET);
	rqs[0] = pool_rq(&pool, fds[0], 4, 4);
	EXPECT_RETURN(0, regio_rq_create(fds[1], 4, 4, cq, pool.cq, 0, NULL, &rqs[1]));
	EXPECT_RETURN(0, regio_rq_create(fds[2], 4, 4, pool.cq, cq, 0, NULL, &rqs[2]));
	EXPECT_RETURN(0, regio_rq_create(fds[3], 4, 0, pool.cq, cq, 0, NULL, &rqs[3]));
	rqs[4] = pool_rq(&pool, fds[4], 4, 3);
	EXPECT_RETURN(-EINVAL, regio_slots_attach(pool.slots, rqs[0], 0));
	EXPECT_RETURN(-EINVAL, regio_slots_attach(pool.slots, rqs[1], 1));
	EXPECT(strstr(regio_last_error(), "receives complete in another"), "%s",
	       regio_last_error());
	EXPECT_RETURN(-EINVAL, regio_slots_attach(pool.slots, rqs[2], 1));
	EXPECT(strstr(regio_last_error(), "sends complete in another"), "%s", regio_last_error());
	EXPECT_RETURN(-ENOBUFS, regio_slots_attach(pool.slots, rqs[0], 5));
	EXPECT(strstr(regio_last_error(), "4 receives"), "%s", regio_last_error());
	EXPECT_RETURN(-ENOBUFS, regio_slots_attach(pool.slots, rqs[4], 4));
	EXPECT(strstr(regio_last_error(), "3 sends"), "%s", regio_last_error());
	EXPECT_RETURN(-EBADF, regio_slots_attach(pool.slots, NULL, 1));
	pool_expect(&pool, 8, 0, 0, 0);
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rqs[3], 4));
	EXPECT_RETURN(0, regio_slots_attach(pool.slots, rqs[0], 2));
	EXPECT_RETURN(-ENOBUFS, regio_slots_attach(pool.slots, rqs[0], 3));
	EXPECT_RETURN(-ENOBUFS, regio_slots_attach(pool.slots, rqs[0], UINT32_MAX));
	pool_expect(&pool, 2, 6, 0, 0);
	for (int i = 0; i < 5; i++)
		EXPECT_RETURN(0, regio_rq_close(rqs[i], REGIO_CLOSE_SOCKET));
	EXPECT_RETURN(-EBADF, regio_slots_attach(pool.slots, rqs[0], 1));
	EXPECT_RETURN(0, regio_cq_close(cq));
	pool_close(&pool);
}
END_TEST

/* Holds: regio_slots.h what 6,
 * regio_slots_reply -EINVAL, regio_slots_send -EINVAL, regio_slots_send Ownership,
 * regio_slots_take -EINVAL, regio_slots_take -ENOBUFS, regio_slots_process -EINVAL,
 * regio_slots_dequeue -EINVAL, regio_slots_get_info -EINVAL, regio_slots_reply -ENOBUFS,
 * regio_slots_send -ENOBUFS. */
START_TEST(a_call_is_refused_with_a_reason)
{
	struct regio_slots_info info;
	struct regio_result result = {0};
	struct regio_slot slot, taken;
	struct sockaddr strange = {.sa_family = AF_UNIX};
	struct pool pool;

	pool_open(&pool, 2, 100);
	struct line line = line_open(&pool, 1);

	EXPECT_RETURN(-EINVAL, regio_slots_dequeue(pool.slots, NULL, 1));
	EXPECT_RETURN(0, regio_slots_dequeue(pool.slots, NULL, 0));
	EXPECT_RETURN(-EINVAL, regio_slots_process(pool.slots, NULL, &slot));
	EXPECT_RETURN(-EINVAL, regio_slots_process(pool.slots, &result, NULL));
	EXPECT_RETURN(-EINVAL, regio_slots_take(pool.slots, NULL));
	EXPECT_RETURN(-EINVAL, regio_slots_get_info(pool.slots, NULL, sizeof(info)));
	EXPECT_RETURN(-EINVAL, regio_slots_get_info(pool.slots, &info, 8));
	EXPECT_RETURN(0, regio_slots_take(pool.slots, &taken));
	EXPECT_RETURN(-ENOBUFS, regio_slots_take(pool.slots, &slot));
	/* After a refusal a send is still held. */
	EXPECT_RETURN(-EINVAL, regio_slots_send(pool.slots, &taken, 101, line.rq, NULL));
	EXPECT(strstr(regio_last_error(), "101 bytes; a slot has 100"), "%s", regio_last_error());
	EXPECT_RETURN(-EINVAL, regio_slots_send(pool.slots, &taken, 1, line.rq, &strange));
	EXPECT_RETURN(-EBADF, regio_slots_send(pool.slots, &taken, 1, NULL, NULL));
	pool_expect(&pool, 0, 1, 1, 0);
	/* After a refused reply it is not. */
	slot = receive_on(&pool, &line);
	EXPECT_RETURN(-EINVAL, regio_slots_reply(pool.slots, &slot, 101));
	EXPECT_RETURN(-EINVAL, regio_slots_reply(pool.slots, &taken, 1));
	EXPECT(strstr(regio_last_error(), "taken"), "%s", regio_last_error());
	pool_expect(&pool, 1, 1, 0, 0);
	slot = receive_on(&pool, &line);
	EXPECT_RETURN(0, regio_send(line.rq, NULL, REGIO_MSG_DEFER, 5));
	EXPECT_RETURN(-ENOBUFS, regio_slots_reply(pool.slots, &slot, 1));
	EXPECT_RETURN(0, regio_slots_take(pool.slots, &taken));
	EXPECT_RETURN(-ENOBUFS, regio_slots_send(pool.slots, &taken, 1, line.rq, NULL));
	EXPECT_RETURN(0, regio_slots_free(pool.slots, &taken));
	slot = pool_next(&pool);
	EXPECT(slot.context == 5 && !slot.data, "not the send");
	pool_expect(&pool, 1, 1, 0, 0);
	line_close(&line);
	pool_close(&pool);
}
END_TEST

/* ---- Chance -------------------------------------------------------------------- */

enum { CHANCE_LINES = 3, CHANCE_SLOTS = 7 };

struct chance {
	struct pool pool;
	struct line lines[CHANCE_LINES];
	struct regio_slot held[CHANCE_SLOTS];
	uint32_t held_count;
	uint64_t sent[CHANCE_LINES];	 /* to the line, by its peer */
	uint64_t received[CHANCE_LINES]; /* by the program */
	uint64_t replied[CHANCE_LINES];
	uint64_t state;
};

/* What the line received is what was sent, in order. */
static void chance_take(struct chance *chance)
{
	struct regio_slot slots[4];
	int count = regio_slots_dequeue(chance->pool.slots, slots, ARRAY_SIZE(slots));

	EXPECT(count >= 0, "%d", count);
	for (int i = 0; i < count; i++) {
		int line = 0;

		while (line < CHANCE_LINES && chance->lines[line].rq != slots[i].rq)
			line++;
		EXPECT(line < CHANCE_LINES && slots[i].status == 0, "status %d", slots[i].status);
		expect_message(slots[i].data, slots[i].length, chance->received[line]++);
		chance->held[chance->held_count++] = slots[i];
	}
}

static void chance_give_back(struct chance *chance, bool replies)
{
	uint32_t which = random_below(&chance->state, chance->held_count);
	struct regio_slot slot = chance->held[which];

	chance->held[which] = chance->held[--chance->held_count];
	for (int i = 0; replies && i < CHANCE_LINES; i++)
		chance->replied[i] += slot.rq == chance->lines[i].rq;
	EXPECT_RETURN(0, replies ? regio_slots_reply(chance->pool.slots, &slot, slot.length)
				 : regio_slots_free(chance->pool.slots, &slot));
	EXPECT_RETURN(-EINVAL, regio_slots_free(chance->pool.slots, &slot));
}

static void chance_step(struct chance *chance)
{
	uint32_t line = random_below(&chance->state, CHANCE_LINES);
	uint8_t data[16];

	switch (random_below(&chance->state, 4)) {
	case 0:
		/* No more than every socket holds. */
		if (chance->sent[line] - chance->received[line] > 20)
			break;
		fill_message(data, sizeof(data), chance->sent[line]++);
		send_plain(chance->lines[line].peer, data, sizeof(data));
		break;
	case 1:
		if (chance->held_count)
			chance_give_back(chance, random_below(&chance->state, 2));
		break;
	default:
		chance_take(chance);
	}
	EXPECT(pool_info(&chance->pool).held == chance->held_count, "%u held, not %u",
	       pool_info(&chance->pool).held, chance->held_count);
}

static void chance_end(struct chance *chance)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;

	for (int i = 0; i < CHANCE_LINES; i++) {
		while (chance->received[i] < chance->sent[i]) {
			EXPECT(now_ns() < deadline_ns, "a message is missing");
			chance_take(chance);
			while (chance->held_count)
				chance_give_back(chance, true);
		}
	}
	while (chance->held_count)
		chance_give_back(chance, false);
	pool_settle(&chance->pool);
	pool_expect(&chance->pool, 0, CHANCE_SLOTS, 0, 2);
	for (int i = 0; i < CHANCE_LINES; i++) {
		uint8_t data[16];

		for (; chance->replied[i]; chance->replied[i]--)
			ck_assert_uint_eq(receive_plain(chance->lines[i].peer, data, 16), 16);
		EXPECT(nothing_queued(chance->lines[i].peer), "sent twice");
		line_close(&chance->lines[i]);
	}
	await_free(&chance->pool, CHANCE_SLOTS);
	pool_close(&chance->pool);
}

/* Holds: regio_slots_dequeue what, regio_slots_info what. */
START_TEST(at_random_no_slot_and_no_message_is_lost)
{
	for (uint64_t seed = 1; seed <= scaled(20); seed++) {
		struct chance chance = {.state = seed};

		pool_open(&chance.pool, CHANCE_SLOTS, 16);
		for (int i = 0; i < CHANCE_LINES; i++)
			chance.lines[i] = line_open(&chance.pool, 3);
		for (int i = 0; i < 500; i++)
			chance_step(&chance);
		chance_end(&chance);
	}
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(without_free_slots_queues_wait_in_turn),
		CASE(slots_of_a_closed_queue_come_back),
		CASE(cancelled_receives_are_not_posted_again),
		CASE(receives_of_the_program_leave_less_room_for_a_while),
		CASE(a_copy_is_refused_once_its_slot_was_given_back),
		CASE(a_result_is_that_of_one_pool_or_of_none),
		CASE(a_pool_is_closed_with_everything_in_flight),
		CASE(results_of_a_closed_pool_are_not_those_of_the_next),
		CASE(everything_is_closed_in_any_order),
		CASE(what_is_no_pool_is_refused),
		CASE(a_pool_is_refused_with_a_reason),
		CASE(a_queue_is_not_attached_with_a_reason),
		CASE(a_call_is_refused_with_a_reason),
		CASE_SLOW(at_random_no_slot_and_no_message_is_lost),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
