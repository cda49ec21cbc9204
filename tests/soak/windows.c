/* SPDX-License-Identifier: MIT */
/*
 * windows.c - a cycle of the Windows spelling: polled, or woken by events and ports
 */
#include "../support/message.h"
#include "../winsock/rig.h"
#include "../winsock/wakers.h"
#include "tally.h"

#define POLLED_SLOTS 128u
#define POLLED_MESSAGES 20000u
#define POLLED_BYTES 64u
#define WOKEN_MESSAGES 2000u

/* ---- Polled -------------------------------------------------------------------- */

static void send_burst(struct rig *rig, uint64_t first, ULONG count)
{
	for (ULONG i = 0; i < count; i++) {
		fill_message(slot_of(rig, i), POLLED_BYTES, first + i);
		EXPECT_TRUE(transmit(rig, i, POLLED_BYTES, RIO_MSG_DEFER));
	}
	EXPECT_TRUE(rio.RIOSend(rig->rq, NULL, 0, RIO_MSG_COMMIT_ONLY, NULL));
}

/* To itself: what it sends with DEFER and COMMIT_ONLY, its other half receives. */
static void run_polled(struct station *station)
{
	uint64_t sent = 0, total = 1 + random_below(&station->random, POLLED_MESSAGES);
	SOCKADDR_INET name;
	RIORESULT results[2 * POLLED_SLOTS];
	struct rig rig;

	station_does(station, "Windows spelling, polled, %llu messages", (unsigned long long)total);
	rig_open(&rig, &(struct rig_plan){.family = random_below(&station->random, 2) ? AF_INET
										      : AF_INET6,
					  .receives = POLLED_SLOTS,
					  .sends = POLLED_SLOTS});
	name = name_of(rig.s);
	EXPECT(connect(rig.s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	while (sent < total) {
		ULONG count = 1 + random_below(&station->random, POLLED_SLOTS / 2), got = 0;

		for (ULONG i = 0; i < count; i++)
			EXPECT_TRUE(receive(&rig, POLLED_SLOTS + i, 0));
		send_burst(&rig, sent, count);
		take(rig.cq, results, 2 * count);
		for (ULONG i = 0; i < 2 * count; i++) {
			const RIORESULT *result = &results[i];
			ULONG slot = (ULONG)result->RequestContext;

			EXPECT(result->Status == 0 && result->BytesTransferred == POLLED_BYTES,
			       "status %d, %u bytes", result->Status, result->BytesTransferred);
			if (slot < POLLED_SLOTS)
				continue;
			EXPECT(slot == POLLED_SLOTS + got, "slot %u of receive %u", slot, got);
			expect_message(slot_of(&rig, slot), POLLED_BYTES, sent + got);
			got++;
		}
		EXPECT(got == count, "%u of %u messages", got, count);
		sent += count;
	}
	rig_close(&rig);
	tally_verified(SOAK_WINDOWS, sent);
}

/* ---- Woken --------------------------------------------------------------------- */

static struct wakes wake(struct station *station)
{
	uint64_t wanted = 1 + random_below(&station->random, WOKEN_MESSAGES);
	int threads = 1 + (int)random_below(&station->random, 4);
	int sides = 1 + (int)random_below(&station->random, 4);

	switch (random_below(&station->random, 5)) {
	case 0:
	case 1:
		station_does(station, "Windows spelling, a port with %d threads and %d queues",
			     threads, sides);
		return wake_by_crew(
			&(struct wake_crew){.port_sides = sides, .port_threads = threads}, wanted);
	case 2:
		station_does(station, "Windows spelling, %d events", sides);
		return wake_by_crew(&(struct wake_crew){.event_sides = sides,
							.event_threads = 1,
							.manual = threads % 2},
				    wanted);
	case 3:
		station_does(station, "Windows spelling, a thread that waits for four events");
		return wake_by_any_of_four(wanted);
	default:
		station_does(station, "Windows spelling, an event that is polled");
		return wake_by_polling(wanted);
	}
}

void run_windows(struct station *station)
{
	struct wakes wakes;

	if (random_below(&station->random, 4) == 0) {
		run_polled(station);
		return;
	}
	wakes = wake(station);
	EXPECT(wakes.empty == 0, "%llu of %llu wake-ups found nothing",
	       (unsigned long long)wakes.empty, (unsigned long long)wakes.wakes);
	tally_verified(SOAK_WINDOWS, wakes.messages);
	tally_count(SOAK_WAKES, wakes.wakes);
	tally_count(SOAK_EMPTY_WAKES, wakes.empty);
}
