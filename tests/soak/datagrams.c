/* SPDX-License-Identifier: MIT */
/*
 * datagrams.c - a cycle of UDP, to one receiver or to the members of a group, on loopback
 */
#include "team.h"

#include "../support/net.h"
#include "../support/suite.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>
#include <string.h>

/* Of all lanes together. */
#define SLOTS_ALL 4096u
#define RECEIVE_BUFFER (4 << 20)
/* Messages of a cycle, all lanes together. */
#define TRAIN_MESSAGES 400000u
#define SINGLE_MESSAGES 20000u

/* ---- Sockets ------------------------------------------------------------------- */

static void enlarge_buffer(int fd)
{
	int bytes = RECEIVE_BUFFER;

	/* Beyond the system's limit, where that is allowed. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

static void open_pairs(const struct traffic *traffic, int family, int *ret_from, int *ret_to)
{
	for (uint32_t i = 0; i < traffic->lanes; i++) {
		ret_to[i] = bound_socket(family);
		enlarge_buffer(ret_to[i]);
		ret_from[i] = peer_of(ret_to[i]);
	}
}

/* All bound to one port, and members of a group on loopback. */
static void open_group(const struct traffic *traffic, unsigned int group, int *ret_from,
		       int *ret_to)
{
	struct ip_mreqn member = {.imr_ifindex = (int)if_nametoindex("lo")};
	union address to = {.v4.sin_family = AF_INET};

	member.imr_multiaddr.s_addr = htonl(0xEF4D0000u | (group & 0xFFFFu));
	for (uint32_t i = 0; i < traffic->lanes; i++) {
		ret_to[i] = udp_socket(AF_INET);
		set_option(ret_to[i], SOL_SOCKET, SO_REUSEADDR, 1);
		set_option(ret_to[i], IPPROTO_IP, IP_MULTICAST_ALL, 0);
		enlarge_buffer(ret_to[i]);
		EXPECT(bind(ret_to[i], &to.any, sizeof(to.v4)) == 0, "%m");
		to.v4.sin_port = own_address(ret_to[i]).v4.sin_port;
		EXPECT(setsockopt(ret_to[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, &member,
				  sizeof(member)) == 0,
		       "%m");
	}
	ret_from[0] = udp_socket(AF_INET);
	EXPECT(setsockopt(ret_from[0], IPPROTO_IP, IP_MULTICAST_IF, &member, sizeof(member)) == 0,
	       "%m");
	to.v4.sin_addr = member.imr_multiaddr;
	EXPECT(connect(ret_from[0], &to.any, sizeof(to.v4)) == 0, "%m");
}

/* ---- Cycles -------------------------------------------------------------------- */

static void choose_traffic(struct station *station, struct traffic *traffic)
{
	static const uint32_t lanes[] = {1, 1, 1, 2, 5, 16};
	const uint32_t kind = random_below(&station->random, 8);
	uint32_t messages = TRAIN_MESSAGES;

	traffic->lanes = lanes[random_below(&station->random, ARRAY_SIZE(lanes))];
	traffic->kind = SOAK_UDP_TRAINS;
	traffic->length_min = 64;
	traffic->length_max = 64;
	if (kind == 0) {
		traffic->kind = SOAK_UDP_SINGLES;
		traffic->trains = REGIO_TRAINS_OFF;
		messages = SINGLE_MESSAGES;
	} else if (kind == 1) {
		traffic->kind = SOAK_UDP_MIXED;
		traffic->length_min = 8;
		traffic->length_max = 8 + random_below(&station->random, LENGTH_MAX - 7);
		messages = SINGLE_MESSAGES;
	} else if (kind == 2) {
		traffic->length_min = 16 + random_below(&station->random, LENGTH_MAX - 15);
		traffic->length_max = traffic->length_min;
	} else if (kind == 3) {
		traffic->trains = REGIO_TRAINS_SEND_ONLY;
		messages = SINGLE_MESSAGES;
	}
	traffic->slots = SLOTS_ALL / traffic->lanes >> random_below(&station->random, 5);
	traffic->base = station->random >> 8 << 8;
	traffic->total = 1 + random_below(&station->random, messages / traffic->lanes);
	/* Every other cycle ends in the middle. */
	if (random_below(&station->random, 2))
		traffic->stop_at = 1 + random_below(&station->random, (uint32_t)traffic->total);
	traffic_choose_engines(traffic, &station->random);
}

static void describe(struct station *station, const struct traffic *traffic, const char *how)
{
	station_does(station, "%s, %u lanes of %u slots, %u to %u bytes, from %s to %s, %s",
		     kind_names[traffic->kind], traffic->lanes, traffic->slots, traffic->length_min,
		     traffic->length_max, traffic_engine(traffic, true),
		     traffic_engine(traffic, false), how);
}

static void run_between(struct station *station, struct traffic *traffic, const int *from,
			const int *to)
{
	bool two_threads = random_below(&station->random, 2);
	bool shared = random_below(&station->random, 4) == 0;
	struct team sender, receiver;

	if (shared) {
		memcpy(traffic->engines[true], traffic->engines[false],
		       sizeof(traffic->engines[true]));
		traffic->threads[true] = traffic->threads[false];
	}
	describe(station, traffic,
		 two_threads ? (shared ? "two threads on one driver" : "two threads")
			     : (shared ? "one thread and driver" : "one thread"));
	team_open(&receiver, traffic, false, to, NULL, station->random + 1);
	traffic->window = team_window(&receiver);
	team_open(&sender, traffic, true, from, shared ? &receiver : NULL, station->random + 2);
	if (two_threads)
		traffic_run_in_two_threads(&sender, &receiver);
	else
		traffic_run(&sender, &receiver);
	teams_close(&sender, &receiver, &station->random);
}

void run_datagrams(struct station *station)
{
	int from[LANES_MAX], to[LANES_MAX];
	struct traffic traffic = {0};

	choose_traffic(station, &traffic);
	open_pairs(&traffic, families[random_below(&station->random, 2)], from, to);
	run_between(station, &traffic, from, to);
}

void run_multicast(struct station *station)
{
	int from[LANES_MAX], to[LANES_MAX];
	struct traffic traffic = {0};

	choose_traffic(station, &traffic);
	traffic.kind = SOAK_MULTICAST;
	traffic.multicast = true;
	open_group(&traffic, station->number + 1, from, to);
	run_between(station, &traffic, from, to);
}
