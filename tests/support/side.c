/* SPDX-License-Identifier: MIT */
/*
 * side.c - a socket with everything regio needs around it
 */
#include "side.h"

#include "net.h"
#include "streams.h"
#include "suite.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

struct regio_cq *cq_of(uint32_t capacity, struct regio_driver *driver)
{
	struct regio_cq_opts opts = {.size = sizeof(opts), .driver = driver};
	struct regio_cq *cq = NULL;

	EXPECT_RETURN(0, regio_cq_create(capacity, &opts, &cq));
	EXPECT(cq, "no handle");
	return cq;
}

bool engine_is(const char *name)
{
	struct regio_driver_info info;
	struct regio_driver *driver;

	EXPECT_RETURN(0, regio_driver_create(NULL, &driver));
	EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	EXPECT_RETURN(0, regio_driver_close(driver));
	return !strcmp(info.engine, name);
}

void await_sleep(struct regio_driver *driver)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_driver_info info;

	do {
		EXPECT(now_ns() < deadline_ns, "the driver's thread does not sleep");
		sched_yield();
		EXPECT_RETURN(0, regio_driver_get_info(driver, &info, sizeof(info)));
	} while (!info.asleep);
}

static void open_sockets(struct side *side, const struct side_plan *plan)
{
	int ends[2];

	side->peer = -1;
	if (plan->peer == PEER_STREAM) {
		stream_pair(plan->family, ends);
		side->fd = ends[0];
		side->peer = ends[1];
	} else {
		side->fd = plan->fd ? plan->fd : bound_socket(plan->family);
	}
}

static void open_cqs(struct side *side, const struct side_plan *plan)
{
	side->cq_is_the_callers = plan->cq;
	side->receive_cq = side->send_cq = plan->cq;
	if (plan->cq)
		return;
	side->receive_cq = cq_of(plan->receives ? plan->receives : 1, plan->driver);
	side->send_cq = cq_of(plan->sends ? plan->sends : 1, plan->driver);
}

static void open_region(struct side *side, const struct side_plan *plan)
{
	size_t size = (size_t)(plan->receives + plan->sends) * plan->slot_size;
	void *memory = plan->memory;

	side->region = 0;
	if (size == 0)
		return;
	EXPECT_RETURN(0, memory ? regio_region_register(memory, size, NULL, &side->region)
				: regio_region_allocate(size, NULL, &side->region, &memory));
	side->memory = memory;
}

/* Behind the request queue, so that this is made on a socket that is not connected yet. */
static void open_peer(struct side *side, enum side_peer peer)
{
	if (peer == PEER_ONE_WAY || peer == PEER_BOTH_WAYS)
		side->peer = peer_of(side->fd);
	if (peer == PEER_BOTH_WAYS)
		connect_to(side->fd, side->peer);
	if (peer == PEER_ITSELF)
		connect_to(side->fd, side->fd);
}

void side_open(struct side *side, const struct side_plan *plan)
{
	side->receives = plan->receives;
	side->sends = plan->sends;
	side->slot_size = plan->slot_size;
	open_sockets(side, plan);
	leave_the_cpu();
	open_cqs(side, plan);
	open_region(side, plan);
	EXPECT_RETURN(0,
		      regio_rq_create(side->fd, plan->receives, plan->sends, side->receive_cq,
				      side->send_cq, plan->cq ? plan->rq_context : SIDE_RQ_CONTEXT,
				      plan->rq_opts, &side->rq));
	open_peer(side, plan->peer);
	return_to_one_cpu();
}

void peer_close(struct side *side)
{
	close(side->peer);
	side->peer = -1;
}

void peer_reset(struct side *side)
{
	reset_stream(side->peer);
	side->peer = -1;
}

void side_close_rest(struct side *side)
{
	if (!side->cq_is_the_callers) {
		EXPECT_RETURN(0, regio_cq_close(side->send_cq));
		EXPECT_RETURN(0, regio_cq_close(side->receive_cq));
	}
	if (side->region)
		EXPECT_RETURN(0, regio_region_deregister(side->region));
	if (side->peer >= 0)
		peer_close(side);
}

void side_close(struct side *side)
{
	EXPECT_RETURN(0, regio_rq_close(side->rq, REGIO_CLOSE_SOCKET));
	side_close_rest(side);
}

uint8_t *slot_memory(const struct side *side, uint64_t slot)
{
	return side->memory + slot * side->slot_size;
}

struct regio_buf slot_slice(const struct side *side, uint64_t slot, uint32_t length)
{
	return (struct regio_buf){side->region, (uint32_t)slot * side->slot_size, length};
}

void post_receive(struct side *side, uint64_t slot)
{
	struct regio_buf slice = slot_slice(side, slot, side->slot_size);

	EXPECT_RETURN(0, regio_receive(side->rq, &slice, 0, slot));
}

void post_send(struct side *side, uint64_t slot, uint32_t length, uint32_t flags)
{
	struct regio_buf slice = slot_slice(side, slot, length);

	EXPECT_RETURN(0, regio_send(side->rq, &slice, flags, slot));
}

void post_message(struct side *side, uint64_t slot, uint32_t length, uint64_t sequence,
		  uint32_t flags)
{
	fill_message(slot_memory(side, slot), length, sequence);
	post_send(side, slot, length, flags);
}

void collect(struct regio_cq *cq, struct regio_result *ret_results, uint32_t count)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	uint32_t have = 0;
	int queued = 0;

	while (have < count) {
		int got = regio_cq_dequeue(cq, ret_results + have, count - have);

		EXPECT(got >= 0, "dequeue: %s", regio_error_name(got));
		EXPECT(got > 0 || queued == 0, "wait said %d were queued, dequeue found none",
		       queued);
		have += (uint32_t)got;
		queued = 0;
		if (got > 0)
			continue;
		queued = regio_cq_wait(cq, 1, 0, deadline_ns - now_ns());
		EXPECT(queued > 0, "%u of %u completions, then %s", have, count,
		       regio_error_name(queued));
	}
}

struct regio_result collect_one(struct regio_cq *cq)
{
	struct regio_result result;

	collect(cq, &result, 1);
	return result;
}

struct regio_result poll_one(struct regio_cq *cq)
{
	int64_t deadline_ns = now_ns() + PATIENCE_NS;
	struct regio_result result;
	int got;

	while ((got = regio_cq_dequeue(cq, &result, 1)) == 0) {
		EXPECT(now_ns() < deadline_ns, "no completion came");
		sched_yield();
	}
	EXPECT(got == 1, "dequeue: %s", regio_error_name(got));
	return result;
}

struct regio_result collect_in_manner(struct regio_cq *cq, enum manner manner)
{
	struct pollfd descriptor = {.events = POLLIN};
	struct regio_result result;

	if (manner == BY_POLLING)
		return poll_one(cq);
	if (manner == BY_WAITING)
		return collect_one(cq);
	descriptor.fd = regio_cq_fd(cq);
	while (regio_cq_dequeue(cq, &result, 1) == 0) {
		int armed = regio_cq_notify(cq);

		EXPECT(armed == 0 || armed == -EALREADY, "%s", regio_error_name(armed));
		/* The other queues of the driver signal here, too. */
		EXPECT(poll(&descriptor, 1, PATIENCE_NS / MILLISECOND_NS) == 1, "no signal");
	}
	return result;
}

void expect_empty(struct regio_cq *cq)
{
	struct regio_result result;

	EXPECT_RETURN(0, regio_cq_dequeue(cq, &result, 1));
}

bool turn_trains_on(struct side *side, int peer)
{
	enum { BURST = 64, BURSTS = 300, SIZE = 16 };
	static const uint8_t data[BURST * SIZE];
	struct regio_result results[BURST];
	struct regio_rq_info info = {0};

	for (int round = 0; round < BURSTS && !info.receive_trains_on; round++) {
		for (uint64_t i = 0; i < BURST; i++)
			post_receive(side, i);
		send_train(peer, data, sizeof(data), SIZE);
		collect(side->receive_cq, results, BURST);
		EXPECT_RETURN(0, regio_rq_get_info(side->rq, &info, sizeof(info)));
	}
	return info.receive_trains_on;
}

void expect_result(const struct regio_result *result, int32_t status, uint32_t bytes,
		   uint64_t context)
{
	EXPECT(result->status == status && result->bytes == bytes &&
		       result->rq_context == SIDE_RQ_CONTEXT && result->request_context == context,
	       "got %s, %u bytes, RQ %llx, context %llu; wanted %s, %u bytes, context %llu",
	       regio_error_name(result->status), result->bytes,
	       (unsigned long long)result->rq_context, (unsigned long long)result->request_context,
	       regio_error_name(status), bytes, (unsigned long long)context);
}
