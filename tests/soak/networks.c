/* SPDX-License-Identifier: MIT */
/*
 * networks.c - a cycle between two network namespaces, whose link is cut while messages flow
 *
 * A thread may be in a namespace of its own, and a socket stays in the one it was made in.
 */
#include "../support/net.h"
#include "../support/streams.h"
#include "../support/suite.h"
#include "team.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 512u
#define MESSAGES 30000u
/* Steps after the cut. */
#define STEPS_MAX 200u

/* The receiving end is in the first. */
struct networks {
	int home;
	int ends[2];
};

static void enter(int network)
{
	EXPECT(setns(network, CLONE_NEWNET) == 0, "%m");
}

static int own_network(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	EXPECT(fd >= 0, "%m");
	return fd;
}

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void command(const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	EXPECT(system(text) == 0, "%s", text);
}

static void open_networks(struct networks *networks)
{
	networks->home = own_network();
	for (int i = 0; i < 2; i++) {
		EXPECT(unshare(CLONE_NEWNET) == 0, "%m");
		networks->ends[i] = own_network();
	}
	command("ip link add link1 type veth peer name link0 netns /proc/%d/fd/%d && "
		"ip address add 10.78.0.2/24 dev link1 && "
		"ip address add fd78::2/64 dev link1 nodad && ip link set link1 up",
		getpid(), networks->ends[0]);
	enter(networks->ends[0]);
	command("ip address add 10.78.0.1/24 dev link0 && "
		"ip address add fd78::1/64 dev link0 nodad && ip link set link0 up");
}

/* Each namespace goes with the last socket in it. */
static void close_networks(struct networks *networks)
{
	enter(networks->home);
	close(networks->home);
	close(networks->ends[0]);
	close(networks->ends[1]);
}

static union address address_at(int family, int end)
{
	union address address = {.any.sa_family = (sa_family_t)family};
	char text[32];

	snprintf(text, sizeof(text), family == AF_INET ? "10.78.0.%d" : "fd78::%d", end + 1);
	EXPECT(inet_pton(family, text,
			 family == AF_INET ? (void *)&address.v4.sin_addr
					   : (void *)&address.v6.sin6_addr) == 1,
	       "%s", text);
	return address;
}

static int socket_at(const struct networks *networks, int family, int type, int end)
{
	union address address = address_at(family, end);
	int fd;

	enter(networks->ends[end]);
	fd = socket(family, type | SOCK_CLOEXEC, 0);
	EXPECT(fd >= 0 && bind(fd, &address.any, address_length(&address)) == 0, "%m");
	return fd;
}

static void open_lanes(const struct networks *networks, const struct traffic *traffic, int family,
		       int *ret_from, int *ret_to)
{
	int type = traffic->stream ? SOCK_STREAM : SOCK_DGRAM;

	for (uint32_t i = 0; i < traffic->lanes; i++) {
		int to = socket_at(networks, family, type, 0);

		ret_from[i] = socket_at(networks, family, type, 1);
		EXPECT(!traffic->stream || listen(to, 1) == 0, "%m");
		connect_to(ret_from[i], to);
		ret_to[i] = to;
		if (!traffic->stream)
			continue;
		ret_to[i] = accept4(to, NULL, NULL, SOCK_CLOEXEC);
		EXPECT(ret_to[i] >= 0, "%m");
		close(to);
	}
	enter(networks->ends[0]);
}

/* What is sent before the neighbour is known waits in a queue that the kernel drops from. */
static void meet_neighbour(const struct networks *networks, int family)
{
	int to = socket_at(networks, family, SOCK_DGRAM, 0);
	int from = socket_at(networks, family, SOCK_DGRAM, 1);

	await_way(from, to);
	close(from);
	close(to);
}

static void *cut(void *argument)
{
	const struct networks *networks = argument;

	enter(networks->ends[1]);
	command("ip link delete link1");
	tally_survived(SOAK_NETWORK_TORN, 1);
	return NULL;
}

/* Errors and losses are right from here on; what arrives must still be whole and in order. */
static void run_through_cut(struct networks *networks, struct team *sender, struct team *receiver)
{
	pthread_t thread;

	atomic_store(&sender->traffic->broken, true);
	EXPECT(pthread_create(&thread, NULL, cut, networks) == 0, "no thread");
	for (unsigned int i = 0; i < STEPS_MAX; i++) {
		team_step(sender);
		if (!team_step(receiver))
			team_wait(receiver, MILLISECOND_NS / 10);
	}
	pthread_join(thread, NULL);
	for (unsigned int i = 0; i < STEPS_MAX; i++) {
		team_step(sender);
		team_step(receiver);
	}
}

static void choose_traffic(struct station *station, struct traffic *traffic)
{
	traffic->kind = SOAK_NETWORKS;
	traffic->stream = random_below(&station->random, 2);
	traffic->lanes = 1 + random_below(&station->random, 4);
	traffic->slots = SLOTS;
	traffic->length_min = 64;
	traffic->length_max = random_below(&station->random, 2) ? 64 : LENGTH_MAX;
	traffic->base = station->random >> 8 << 8;
	traffic->total = UINT64_C(1) << 32;
	traffic->stop_at = 1 + random_below(&station->random, MESSAGES / traffic->lanes);
	traffic_choose_engines(traffic, &station->random);
}

void run_networks(struct station *station)
{
	int family = families[random_below(&station->random, 2)];
	int from[LANES_MAX], to[LANES_MAX];
	struct traffic traffic = {0};
	struct team sender, receiver;
	struct networks networks;

	choose_traffic(station, &traffic);
	station_does(station, "%s over %s between namespaces, %u lanes, %u to %u bytes, %s to %s",
		     traffic.stream ? "TCP" : "UDP", family == AF_INET ? "IPv4" : "IPv6",
		     traffic.lanes, traffic.length_min, traffic.length_max,
		     traffic_engine(&traffic, true), traffic_engine(&traffic, false));
	open_networks(&networks);
	meet_neighbour(&networks, family);
	open_lanes(&networks, &traffic, family, from, to);
	team_open(&receiver, &traffic, false, to, NULL, station->random + 1);
	traffic.window = team_window(&receiver);
	team_open(&sender, &traffic, true, from, NULL, station->random + 2);
	traffic_run(&sender, &receiver);
	run_through_cut(&networks, &sender, &receiver);
	teams_close(&sender, &receiver, &station->random);
	close_networks(&networks);
}
