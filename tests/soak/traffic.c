/* SPDX-License-Identifier: MIT */
/*
 * traffic.c - messages from one team to the other
 */
#include "team.h"

#include "../support/net.h"
#include "../support/running.h"
#include "../support/suite.h"
#include "kernel_drops.h"
#include "team_result.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Posts of one lane in one step. */
#define BURST_MAX 128u

/* ---- One step ------------------------------------------------------------------ */

static uint64_t arrived(const struct traffic *traffic, uint32_t lane)
{
	uint64_t least = UINT64_MAX;

	if (!traffic->multicast)
		/* Acquire: pairs with the release in message_verified(). */
		return atomic_load_explicit(&traffic->arrived[lane], memory_order_acquire);
	for (uint32_t i = 0; i < traffic->lanes; i++) {
		uint64_t here = atomic_load_explicit(&traffic->arrived[i], memory_order_acquire);

		least = here < least ? here : least;
	}
	return least;
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How many more messages the lane may post. */
static uint64_t sends_allowed(const struct team *team, uint32_t number)
{
	const struct traffic *traffic = team->traffic;
	const struct lane *lane = team->lanes[number];
	uint64_t on_the_way = lane->sent - arrived(traffic, number);
	uint64_t outstanding = lane->posted - lane->done;

	if (on_the_way >= traffic->window || outstanding >= lane->limit || lane->ended)
		return 0;
	return least_of(least_of(traffic->window - on_the_way, lane->limit - outstanding),
			traffic->total - lane->sent);
}

static void post_message(struct team *team, uint32_t number, uint32_t flags)
{
	struct lane *lane = team->lanes[number];
	uint64_t message = lane->base + lane->sent;
	uint32_t length = message_length(team->traffic, message);
	uint8_t *slot = team_slot(team, number, lane->posted);
	struct regio_buf slice = {team->region, (uint32_t)(slot - team->memory), length};

	fill_message(slot, length, message);
	EXPECT_RETURN(0, regio_send(lane->rq, &slice, flags, lane->posted));
	lane->lengths[lane->posted % team->traffic->slots] = length;
	lane->posted++;
	lane->sent++;
	atomic_store_explicit(&team->traffic->posted[number], lane->sent, memory_order_relaxed);
}

static bool post_sends(struct team *team, uint32_t number)
{
	uint64_t count =
		least_of(sends_allowed(team, number), 1 + random_below(&team->random, BURST_MAX));
	/* What nobody commits starts at the next empty dequeue. */
	bool commits = random_below(&team->random, 8);

	if (team->traffic->kind == SOAK_UDP_SINGLES && random_below(&team->random, 2))
		count = least_of(count, 1);
	for (uint64_t i = 0; i < count; i++)
		post_message(team, number, commits && i + 1 == count ? 0 : REGIO_MSG_DEFER);
	return count > 0;
}

static bool post_receives(struct team *team, uint32_t number)
{
	const struct traffic *traffic = team->traffic;
	struct lane *lane = team->lanes[number];
	uint32_t flags = traffic->waitall ? REGIO_MSG_WAITALL : 0;
	uint64_t until = lane->ended ? lane->posted : lane->done + lane->limit;
	bool any = lane->posted < until;

	for (; lane->posted < until; lane->posted++) {
		uint8_t *slot = team_slot(team, number, lane->posted);
		struct regio_buf slice = {team->region, (uint32_t)(slot - team->memory),
					  traffic->stream ? traffic->length_min
							  : traffic->length_max};

		EXPECT_RETURN(0, regio_receive(lane->rq, &slice, flags, lane->posted));
	}
	return any;
}

/* All of a stream has been accepted: its end is what the other side waits for. */
static void end_streams(struct team *team)
{
	for (uint32_t i = 0; i < team->traffic->lanes; i++) {
		struct lane *lane = team->lanes[i];

		if (lane->ended || lane->accepted < team->traffic->total)
			continue;
		EXPECT(shutdown(lane->fd, SHUT_WR) == 0 || atomic_load(&team->traffic->broken),
		       "%m");
		lane->ended = true;
	}
}

bool team_step(struct team *team)
{
	const struct traffic *traffic = team->traffic;
	uint32_t lanes = team->sends && traffic->multicast ? 1 : traffic->lanes;
	bool any = false;

	for (uint32_t i = 0; i < lanes; i++)
		any |= team->sends ? post_sends(team, i) : post_receives(team, i);
	any |= team_dequeue(team);
	if (team->sends && traffic->stream)
		end_streams(team);
	return any;
}

static bool lane_is_done(const struct team *team, const struct lane *lane)
{
	if (team->traffic->stream && !team->sends)
		return lane->ended;
	return lane->ended ||
	       (team->sends ? lane->accepted : lane->verified) >= team->traffic->total;
}

bool team_is_done(const struct team *team)
{
	for (uint32_t i = 0; i < team->traffic->lanes; i++)
		if (team->lanes[i] && !lane_is_done(team, team->lanes[i]))
			return false;
	return true;
}

void team_wait(struct team *team, int64_t timeout_ns)
{
	uint32_t count = random_below(&team->random, 4) ? 1 : random_below(&team->random, 16);
	uint64_t delay_ns = random_below(&team->random, 200000);
	int queued = regio_cq_wait(team->cq, count, delay_ns, timeout_ns);

	EXPECT(queued > 0 || queued == -EINTR || queued == -ETIMEDOUT, "wait: %s",
	       regio_error_name(queued));
}

/* ---- To the end ---------------------------------------------------------------- */

static void tell_stall(const struct team *receiver, uint32_t number)
{
	const struct traffic *traffic = receiver->traffic;
	const struct lane *lane = receiver->lanes[number];
	struct regio_rq_info info = {0};
	int queued = -1;

	ioctl(lane->fd, FIONREAD, &queued);
	regio_rq_get_info(lane->rq, &info, sizeof(info));
	EXPECT(false,
	       "lane %u has stopped: %llu messages posted, %llu accepted, %llu arrived; "
	       "%llu receives posted, %llu messages received, %d bytes queued in the socket; "
	       "the kernel has dropped nothing",
	       number, (unsigned long long)traffic->posted[number],
	       (unsigned long long)traffic->accepted[number], (unsigned long long)lane->verified,
	       (unsigned long long)(lane->posted - lane->done),
	       (unsigned long long)info.messages_received, queued);
}

/* The rest of a traffic in which messages have stayed away. */
static void explain_stall(struct team *receiver)
{
	struct traffic *traffic = receiver->traffic;

	for (uint32_t i = 0; i < traffic->lanes && !traffic->stream; i++) {
		struct lane *lane = receiver->lanes[i];
		uint64_t drops = kernel_drops(lane->fd) - lane->drops_before;

		if (lane_is_done(receiver, lane) || drops == 0)
			continue;
		tally_survived(SOAK_KERNEL_DROP, drops);
		atomic_store(&traffic->over, true);
	}
	for (uint32_t i = 0; i < traffic->lanes && !atomic_load(&traffic->over); i++)
		if (!lane_is_done(receiver, receiver->lanes[i]))
			tell_stall(receiver, i);
}

/* Between the set-up and the end, whose plain calls need not bear it, threads bear signals. */
static void bear_signals(bool bear)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	pthread_sigmask(bear ? SIG_UNBLOCK : SIG_BLOCK, &signals, NULL);
}

void traffic_run(struct team *sender, struct team *receiver)
{
	struct traffic *traffic = receiver->traffic;
	int64_t stalled_at_ns = running_ns() + stall_ns;

	bear_signals(true);
	while (!atomic_load(&traffic->over) && !(team_is_done(sender) && team_is_done(receiver))) {
		bool any = team_step(sender);

		any |= team_step(receiver);
		team_churn(sender);
		team_churn(receiver);
		if (any) {
			stalled_at_ns = running_ns() + stall_ns;
			continue;
		}
		if (running_ns() > stalled_at_ns)
			explain_stall(receiver);
		/* Sends that have met a full socket are this thread's to go on with. */
		team_wait(receiver, MILLISECOND_NS);
	}
	bear_signals(false);
}

/* For requests; and not for the other side to make room for more. */
static bool team_is_waiting(const struct team *team)
{
	for (uint32_t i = 0; i < LANES_MAX; i++)
		if (team->lanes[i] && team->lanes[i]->done < team->lanes[i]->posted)
			return true;
	return false;
}

static void *run_sender(void *argument)
{
	struct team *team = argument;

	while (!atomic_load(&team->traffic->over) && !team_is_done(team)) {
		team_churn(team);
		if (team_step(team))
			continue;
		if (team_is_waiting(team))
			team_wait(team, MILLISECOND_NS);
		else
			sched_yield();
	}
	return NULL;
}

/* The receiver sleeps as long as it likes: a wake-up that is lost would be noticed. */
static void run_receiver(struct team *team)
{
	int64_t stalled_at_ns = running_ns() + stall_ns;

	while (!atomic_load(&team->traffic->over) && !team_is_done(team)) {
		if (running_ns() >= stalled_at_ns) {
			EXPECT(!team_step(team),
			       "a wake-up was lost: a wait slept beside messages");
			explain_stall(team);
		}
		team_churn(team);
		if (team_step(team))
			stalled_at_ns = running_ns() + stall_ns;
		else if (running_ns() < stalled_at_ns)
			team_wait(team, stalled_at_ns - running_ns());
	}
}

void traffic_run_in_two_threads(struct team *sender, struct team *receiver)
{
	pthread_t thread;

	bear_signals(true);
	EXPECT(pthread_create(&thread, NULL, run_sender, sender) == 0, "no thread");
	run_receiver(receiver);
	bear_signals(false);
	pthread_join(thread, NULL);
}

/* ---- Engines ------------------------------------------------------------------- */

static bool has_uring(void)
{
	struct regio_engine_info info;

	for (uint32_t index = 0; regio_engine_get_info(index, &info, sizeof(info)) == 0; index++)
		if (!strcmp(info.name, "uring"))
			return info.available;
	return false;
}

void traffic_choose_engines(struct traffic *traffic, uint64_t *random)
{
	bool uring = has_uring();

	for (int end = 0; end < 2; end++) {
		snprintf(traffic->engines[end], sizeof(traffic->engines[end]), "%s",
			 uring && random_below(random, 2) ? "uring" : "epoll");
		traffic->threads[end] = random_below(random, 3) == 0;
	}
}

const char *traffic_engine(const struct traffic *traffic, int end)
{
	if (!traffic->threads[end])
		return traffic->engines[end];
	return strcmp(traffic->engines[end], "uring") ? "epoll+thread" : "uring+thread";
}
