/* SPDX-License-Identifier: MIT */
/*
 * peers.c - a cycle with a peer in another process, which is stopped, continued and killed
 *
 * The peer is this program, started anew with the other ends of the sockets. What both must know
 * of the traffic is in memory that they share.
 */
#include "../support/net.h"
#include "../support/running.h"
#include "../support/streams.h"
#include "../support/suite.h"
#include "team.h"

#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PEER_LANES_MAX 4u
#define SLOTS 256u
/* Messages until the peer is killed. */
#define MESSAGES_MAX 30000u
/* Steps that find nothing after the peer's end: what it has sent is there. */
#define QUIET_STEPS 64u

/* In the memory that is shared. */
struct meeting {
	struct traffic traffic;
	bool peer_sends;
	uint64_t peer_random;
	int fds[PEER_LANES_MAX]; /* the peer's */
};

/* ---- The peer ------------------------------------------------------------------ */

int peer_main(char **arguments)
{
	int memory = (int)strtol(arguments[0], NULL, 10);
	struct meeting *meeting =
		mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	struct team team;

	EXPECT(meeting != MAP_FAILED, "%m");
	EXPECT(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "%m");
	running_start();
	team_open(&team, &meeting->traffic, meeting->peer_sends, meeting->fds, NULL,
		  meeting->peer_random);
	if (!meeting->peer_sends)
		meeting->traffic.window = team_window(&team);
	/* Release: pairs with the acquire in await_peer(). */
	atomic_store_explicit(&meeting->traffic.ready, true, memory_order_release);
	while (!team_is_done(&team)) {
		team_churn(&team);
		if (!team_step(&team))
			team_wait(&team, MILLISECOND_NS);
	}
	team_close(&team);
	return EXIT_SUCCESS;
}

/* ---- Starting and ending it ---------------------------------------------------- */

static pid_t start_peer(int memory, const struct meeting *meeting)
{
	char number[16], path[] = "/proc/self/exe", flag[] = "--peer";
	char *arguments[] = {path, flag, number, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t peer;

	snprintf(number, sizeof(number), "%d", memory);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	/* Onto itself: the child's stays open across exec. */
	posix_spawn_file_actions_adddup2(&actions, memory, memory);
	for (uint32_t i = 0; i < meeting->traffic.lanes; i++)
		posix_spawn_file_actions_adddup2(&actions, meeting->fds[i], meeting->fds[i]);
	EXPECT(posix_spawn(&peer, path, &actions, &attributes, arguments, environ) == 0,
	       "starting the peer: %m");
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	for (uint32_t i = 0; i < meeting->traffic.lanes; i++)
		close(meeting->fds[i]);
	return peer;
}

static void await_peer(const struct meeting *meeting)
{
	int64_t deadline_ns = running_ns() + stall_ns;

	while (!atomic_load_explicit(&meeting->traffic.ready, memory_order_acquire)) {
		EXPECT(running_ns() < deadline_ns, "the peer did not come");
		sched_yield();
	}
}

static void kill_peer(pid_t peer, struct meeting *meeting)
{
	int status;

	atomic_store(&meeting->traffic.broken, true);
	EXPECT(kill(peer, SIGKILL) == 0, "%m");
	EXPECT(waitpid(peer, &status, 0) == peer, "%m");
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
	       "the peer has ended by itself, with %#x", status);
	tally_survived(SOAK_PEER_KILLED, 1);
}

/* ---- This side ----------------------------------------------------------------- */

static bool step(struct team *team)
{
	team_churn(team);
	if (team_step(team))
		return true;
	team_wait(team, MILLISECOND_NS);
	return false;
}

static uint64_t moved(const struct team *team)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < team->traffic->lanes; i++)
		sum += team->sends ? team->lanes[i]->accepted : team->lanes[i]->verified;
	return sum;
}

static void run_until(struct team *team, uint64_t messages)
{
	int64_t deadline_ns = running_ns() + stall_ns;

	while (moved(team) < messages) {
		if (step(team))
			deadline_ns = running_ns() + stall_ns;
		EXPECT(running_ns() < deadline_ns, "nothing goes on at message %llu",
		       (unsigned long long)moved(team));
	}
}

/* While it stands still, traffic goes on until windows and buffers are full. */
static void stop_and_continue(struct team *team, pid_t peer)
{
	EXPECT(kill(peer, SIGSTOP) == 0, "%m");
	for (unsigned int quiet = 0; quiet < QUIET_STEPS / 8; quiet++)
		step(team);
	EXPECT(kill(peer, SIGCONT) == 0, "%m");
	tally_survived(SOAK_PEER_STOPPED, 1);
}

/* The end of the peer is the end of a stream; of datagrams, what has come is all. */
static void run_out(struct team *team)
{
	int64_t deadline_ns = running_ns() + stall_ns;
	unsigned int quiet = 0;

	/* A sender hears of it when it sends, and nobody makes room any more. */
	if (team->traffic->stream)
		team->traffic->window = UINT32_MAX;
	while (team->traffic->stream ? !team_is_done(team) : quiet < QUIET_STEPS) {
		quiet = step(team) ? 0 : quiet + 1;
		EXPECT(running_ns() < deadline_ns, "the end of the peer is not noticed");
	}
}

static void choose_traffic(struct station *station, struct meeting *meeting)
{
	struct traffic *traffic = &meeting->traffic;

	traffic->kind = SOAK_PEERS;
	traffic->stream = random_below(&station->random, 2);
	traffic->lanes = 1 + random_below(&station->random, PEER_LANES_MAX);
	traffic->slots = SLOTS;
	traffic->length_min = 64;
	traffic->length_max = random_below(&station->random, 2) ? 64 : LENGTH_MAX;
	traffic->base = station->random >> 8 << 8;
	traffic->total = UINT64_C(1) << 32;
	traffic_choose_engines(traffic, &station->random);
	meeting->peer_sends = random_below(&station->random, 2);
	meeting->peer_random = station->random + 1;
}

static void open_sockets(struct station *station, struct meeting *meeting, int *ret_fds)
{
	int family = families[random_below(&station->random, 2)];

	for (uint32_t i = 0; i < meeting->traffic.lanes; i++) {
		int pair[2];

		if (meeting->traffic.stream) {
			stream_pair(family, pair);
		} else {
			pair[0] = bound_socket(family);
			pair[1] = peer_of(pair[0]);
			connect_to(pair[0], pair[1]);
		}
		ret_fds[i] = pair[0];
		meeting->fds[i] = pair[1];
	}
}

static void meet(struct station *station, struct meeting *meeting, int memory)
{
	uint64_t messages = random_below(&station->random, MESSAGES_MAX);
	int fds[PEER_LANES_MAX];
	struct team team;
	pid_t peer;

	open_sockets(station, meeting, fds);
	team_open(&team, &meeting->traffic, !meeting->peer_sends, fds, NULL, station->random + 2);
	if (meeting->peer_sends)
		meeting->traffic.window = team_window(&team);
	peer = start_peer(memory, meeting);
	await_peer(meeting);
	run_until(&team, messages / 2);
	stop_and_continue(&team, peer);
	run_until(&team, messages);
	kill_peer(peer, meeting);
	run_out(&team);
	team_close(&team);
}

void run_peers(struct station *station)
{
	int memory = memfd_create("meeting", MFD_CLOEXEC);
	struct meeting *meeting;

	EXPECT(memory >= 0 && ftruncate(memory, sizeof(*meeting)) == 0, "%m");
	meeting = mmap(NULL, sizeof(*meeting), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	EXPECT(meeting != MAP_FAILED, "%m");
	choose_traffic(station, meeting);
	station_does(
		station, "%s with a peer that %s, %u lanes, %u to %u bytes, %s and %s",
		meeting->traffic.stream ? "TCP" : "UDP", meeting->peer_sends ? "sends" : "receives",
		meeting->traffic.lanes, meeting->traffic.length_min, meeting->traffic.length_max,
		traffic_engine(&meeting->traffic, true), traffic_engine(&meeting->traffic, false));
	meet(station, meeting, memory);
	munmap(meeting, sizeof(*meeting));
	close(memory);
}
