/* SPDX-License-Identifier: MIT */
/*
 * team.c - the life of one end of checked traffic: its queues, their churn, and their end
 */
#include "team.h"

#include "../support/net.h"
#include "../support/running.h"
#include "../support/suite.h"
#include "kernel_drops.h"
#include "team_result.h"

#include <regio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POISON 0x5A

static size_t memory_size(const struct team *team)
{
	return (size_t)team->traffic->lanes * team->traffic->slots * team->slot_size;
}

static uint32_t lanes_count(const struct team *team)
{
	return team->sends && team->traffic->multicast ? 1 : team->traffic->lanes;
}

/* ---- Opening ------------------------------------------------------------------- */

static void open_driver(struct team *team)
{
	const struct traffic *traffic = team->traffic;
	const int end = team->sends;
	struct regio_driver_opts opts = {
		.size = sizeof(opts),
		.flags = traffic->threads[end] ? REGIO_DRIVER_THREAD : 0,
		.engine = traffic->engines[end],
	};

	EXPECT_RETURN(0, regio_driver_create(&opts, &team->driver));
}

static void open_memory(struct team *team)
{
	team->slot_size = (team->traffic->length_max + 63) / 64 * 64;
	team->memory = mmap(NULL, memory_size(team), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(team->memory != MAP_FAILED, "%m");
	EXPECT_RETURN(0,
		      regio_region_register(team->memory, memory_size(team), NULL, &team->region));
	tally_count(SOAK_REGIONS, 1);
}

static void open_lane(struct team *team, uint32_t number, int fd)
{
	const struct traffic *traffic = team->traffic;
	struct regio_rq_opts opts = {.size = sizeof(opts), .trains = traffic->trains};
	struct lane *lane = calloc(1, sizeof(*lane) + traffic->slots * sizeof(lane->lengths[0]));

	EXPECT(lane, "%m");
	lane->fd = fd;
	lane->limit = traffic->slots;
	lane->base = traffic->base + ((uint64_t)(traffic->multicast ? 0 : number) << 40);
	EXPECT_RETURN(0, regio_rq_create(fd, team->sends ? 0 : traffic->slots,
					 team->sends ? traffic->slots : 0, team->cq, team->cq,
					 number, &opts, &lane->rq));
	if (!team->sends && !traffic->stream)
		lane->drops_before = kernel_drops(fd);
	team->lanes[number] = lane;
	tally_count(SOAK_SOCKETS, 1);
}

void team_open(struct team *team, struct traffic *traffic, bool sends, const int *fds,
	       const struct team *partner, uint64_t random)
{
	struct regio_cq_opts opts = {.size = sizeof(opts)};

	*team = (struct team){.traffic = traffic, .sends = sends, .random = random};
	if (partner) {
		team->driver = partner->driver;
		team->driver_shared = true;
	} else {
		open_driver(team);
	}
	opts.driver = team->driver;
	team->cq_room = lanes_count(team) * traffic->slots;
	EXPECT_RETURN(0, regio_cq_create(team->cq_room, &opts, &team->cq));
	open_memory(team);
	for (uint32_t i = 0; i < lanes_count(team); i++)
		open_lane(team, i, fds[i]);
}

uint32_t team_window(const struct team *receiver)
{
	const struct traffic *traffic = receiver->traffic;
	/* What a datagram is charged; and the kernel gives room back by the quarter. */
	const uint32_t charge = 2 * (2048 + 2 * traffic->length_max);
	uint32_t window = UINT32_MAX;

	if (traffic->stream)
		return 4 * traffic->slots;
	for (uint32_t i = 0; i < traffic->lanes; i++) {
		uint32_t size = (uint32_t)get_option(receiver->lanes[i]->fd, SOL_SOCKET, SO_RCVBUF);

		if (size / charge < window)
			window = size / charge;
	}
	return window > 2 * traffic->slots ? 2 * traffic->slots : window;
}

/* ---- Churn --------------------------------------------------------------------- */

static uint32_t reserved(const struct team *team)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < lanes_count(team); i++)
		sum += team->lanes[i]->limit;
	return sum;
}

static void resize_cq(struct team *team)
{
	uint32_t least = reserved(team);

	if (random_below(&team->random, 4) == 0 && least > 1) {
		EXPECT_RETURN(-ETOOMANYREFS, regio_cq_resize(team->cq, least - 1));
		return;
	}
	team->cq_room = least + random_below(&team->random, 1000);
	EXPECT_RETURN(0, regio_cq_resize(team->cq, team->cq_room));
	tally_survived(SOAK_RESIZED, 1);
}

static void resize_rq(struct team *team, struct lane *lane)
{
	uint32_t outstanding = (uint32_t)(lane->posted - lane->done);
	uint32_t least = team->traffic->slots / 2 + 1, limit;
	bool fits;

	if (least < outstanding)
		least = outstanding;
	limit = least + random_below(&team->random, team->traffic->slots - least + 1);
	fits = reserved(team) - lane->limit + limit <= team->cq_room;
	EXPECT_RETURN(fits ? 0 : -ENOBUFS,
		      regio_rq_resize(lane->rq, team->sends ? 0 : limit, team->sends ? limit : 0));
	if (!fits)
		return;
	lane->limit = limit;
	tally_survived(SOAK_RESIZED, 1);
}

/* What is posted from now on names another region over the same memory. */
static void renew_region(struct team *team)
{
	if (team->region_before)
		return;
	team->region_before = team->region;
	for (uint32_t i = 0; i < lanes_count(team); i++)
		team->before_until[i] = team->lanes[i]->posted;
	EXPECT_RETURN(0,
		      regio_region_register(team->memory, memory_size(team), NULL, &team->region));
	tally_count(SOAK_REGIONS, 1);
}

/* As soon as nothing names it any more. A stale id is an error then. */
static void end_old_region(struct team *team)
{
	struct regio_buf slice = {team->region_before, 0, 8};
	struct regio_rq *rq = team->lanes[0]->rq;

	if (!team->region_before)
		return;
	for (uint32_t i = 0; i < lanes_count(team); i++)
		if (team->lanes[i]->done < team->before_until[i])
			return;
	EXPECT_RETURN(0, regio_region_deregister(team->region_before));
	EXPECT_RETURN(-EFAULT,
		      team->sends ? regio_send(rq, &slice, 0, 0) : regio_receive(rq, &slice, 0, 0));
	EXPECT_RETURN(-EFAULT, regio_region_deregister(team->region_before));
	team->region_before = 0;
}

/* Of receives: a send that is cancelled would be a message that never comes. */
static void cancel_receives(struct team *team, struct lane *lane)
{
	int count;

	if (team->sends)
		return;
	count = regio_rq_cancel(lane->rq, REGIO_HALF_RECEIVE);
	EXPECT(count >= 0 && (uint64_t)count <= lane->posted - lane->done, "cancel: %s of %llu",
	       regio_error_name(count), (unsigned long long)(lane->posted - lane->done));
	lane->cancelled += (uint32_t)count;
	tally_survived(SOAK_CANCELLED, (uint64_t)count);
}

void team_churn(struct team *team)
{
	struct lane *lane = team->lanes[random_below(&team->random, lanes_count(team))];
	struct regio_rq_info info;

	end_old_region(team);
	switch (random_below(&team->random, 64)) {
	case 0:
		resize_cq(team);
		break;
	case 1:
		resize_rq(team, lane);
		break;
	case 2:
		cancel_receives(team, lane);
		break;
	case 3:
		EXPECT_RETURN(0, regio_rq_get_info(lane->rq, &info, sizeof(info)));
		break;
	case 4:
	case 5:
		renew_region(team);
		break;
	default:
		break;
	}
}

/* ---- The end ------------------------------------------------------------------- */

static void drain(struct team *team)
{
	int64_t deadline_ns = running_ns() + stall_ns;

	for (uint32_t i = 0; i < lanes_count(team);) {
		struct lane *lane = team->lanes[i];

		if (lane->done == lane->posted) {
			EXPECT(lane->cancelled == 0, "%u cancelled requests did not come back",
			       lane->cancelled);
			i++;
			continue;
		}
		EXPECT(team_dequeue(team) || running_ns() < deadline_ns,
		       "lane %u: %llu requests never completed", i,
		       (unsigned long long)(lane->posted - lane->done));
	}
	EXPECT(!team_dequeue(team), "more completions than requests");
}

static void close_lane(struct team *team, struct lane *lane)
{
	bool socket_too = random_below(&team->random, 2);

	if (lane->closed)
		return;
	lane->closed = true;
	tally_survived(SOAK_CLOSED_IN_USE, lane->posted - lane->done);
	EXPECT_RETURN(0, regio_rq_close(lane->rq, socket_too ? REGIO_CLOSE_SOCKET : 0));
	EXPECT_RETURN(-EBADF, regio_rq_close(lane->rq, 0));
	if (!socket_too)
		close(lane->fd);
}

static void close_region(struct team *team)
{
	uint64_t outstanding = 0;

	if (team->region_gone)
		return;
	for (uint32_t i = 0; i < lanes_count(team); i++)
		outstanding +=
			team->lanes[i]->closed ? 0 : team->lanes[i]->posted - team->lanes[i]->done;
	team->region_gone = true;
	EXPECT_RETURN(0, regio_region_deregister(team->region));
	if (team->region_before)
		EXPECT_RETURN(0, regio_region_deregister(team->region_before));
	if (outstanding)
		tally_survived(SOAK_REGION_GONE, 1);
	memset(team->memory, POISON, memory_size(team));
}

/* What has completed is looked at, if the queue is the last to go. */
static void close_cq(struct team *team)
{
	bool all_closed = true;

	for (uint32_t i = 0; i < lanes_count(team); i++)
		all_closed &= team->lanes[i]->closed;
	if (all_closed)
		drain(team);
	else
		tally_survived(SOAK_QUEUE_GONE, 1);
	EXPECT_RETURN(0, regio_cq_close(team->cq));
	team->cq = NULL;
}

static void expect_untouched(const struct team *team)
{
	const size_t size = memory_size(team);

	EXPECT(team->memory[0] == POISON && !memcmp(team->memory, team->memory + 1, size - 1),
	       "the memory of a region that has ended was written to");
}

static void close_piece(struct team *team, uint32_t piece)
{
	if (piece == lanes_count(team))
		close_region(team);
	else if (piece > lanes_count(team))
		close_cq(team);
	else
		close_lane(team, team->lanes[piece]);
}

void team_close(struct team *team)
{
	uint32_t order[LANES_MAX + 2], count = lanes_count(team) + 2;

	atomic_store(&team->traffic->broken, true);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t at = random_below(&team->random, i + 1);

		if (at != i)
			order[i] = order[at];
		order[at] = i;
	}
	for (uint32_t i = 0; i < count; i++)
		close_piece(team, order[i]);
	if (!team->driver_shared)
		EXPECT_RETURN(0, regio_driver_close(team->driver));
	expect_untouched(team);
	munmap(team->memory, memory_size(team));
	for (uint32_t i = 0; i < lanes_count(team); i++)
		free(team->lanes[i]);
}

void teams_close(struct team *sender, struct team *receiver, uint64_t *random)
{
	/* Who lends a driver is the last. */
	bool sender_first = sender->driver_shared || random_below(random, 2);

	team_close(sender_first ? sender : receiver);
	team_close(sender_first ? receiver : sender);
}
