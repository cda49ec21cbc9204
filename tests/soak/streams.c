/* SPDX-License-Identifier: MIT */
/*
 * streams.c - a cycle of TCP, or of unix streams, on loopback
 */
#include "../support/streams.h"

#include "../support/suite.h"
#include "team.h"

#define SLOTS_ALL 2048u
#define MESSAGES 40000u

static void choose_traffic(struct station *station, struct traffic *traffic)
{
	static const uint32_t lanes[] = {1, 1, 4, 16};

	traffic->kind = SOAK_STREAMS;
	traffic->stream = true;
	traffic->lanes = lanes[random_below(&station->random, ARRAY_SIZE(lanes))];
	traffic->slots = SLOTS_ALL / traffic->lanes >> random_below(&station->random, 5);
	traffic->length_min = 16 + random_below(&station->random, 200);
	traffic->length_max = traffic->length_min +
			      random_below(&station->random, LENGTH_MAX - traffic->length_min + 1);
	traffic->waitall = random_below(&station->random, 3) == 0;
	traffic->base = station->random >> 8 << 8;
	traffic->total = 1 + random_below(&station->random, MESSAGES / traffic->lanes);
	if (random_below(&station->random, 2))
		traffic->stop_at = 1 + random_below(&station->random, (uint32_t)traffic->total);
	traffic_choose_engines(traffic, &station->random);
}

/* A small one is always full; and each fill of it waits for an acknowledgement that is delayed. */
static void shrink_buffers(struct station *station, struct traffic *traffic, const int *fds)
{
	if (random_below(&station->random, 4))
		return;
	traffic->total = 1 + traffic->total / 32;
	for (uint32_t i = 0; i < traffic->lanes; i++)
		set_option(fds[i], SOL_SOCKET, SO_SNDBUF, 4096);
}

void run_streams(struct station *station)
{
	int family = stream_families[random_below(&station->random, STREAM_FAMILIES)];
	bool two_threads = random_below(&station->random, 2);
	int from[LANES_MAX], to[LANES_MAX];
	struct traffic traffic = {0};
	struct team sender, receiver;

	choose_traffic(station, &traffic);
	station_does(station, "%s, %u lanes of %u slots, %u to %u bytes, from %s to %s%s%s",
		     family == AF_UNIX ? "unix streams" : "TCP", traffic.lanes, traffic.slots,
		     traffic.length_min, traffic.length_max, traffic_engine(&traffic, true),
		     traffic_engine(&traffic, false), traffic.waitall ? ", WAITALL" : "",
		     two_threads ? ", two threads" : "");
	for (uint32_t i = 0; i < traffic.lanes; i++) {
		int fds[2];

		stream_pair(family, fds);
		from[i] = fds[0];
		to[i] = fds[1];
	}
	shrink_buffers(station, &traffic, from);
	team_open(&receiver, &traffic, false, to, NULL, station->random + 1);
	traffic.window = team_window(&receiver);
	team_open(&sender, &traffic, true, from, NULL, station->random + 2);
	if (two_threads)
		traffic_run_in_two_threads(&sender, &receiver);
	else
		traffic_run(&sender, &receiver);
	teams_close(&sender, &receiver, &station->random);
}
