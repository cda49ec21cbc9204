/* SPDX-License-Identifier: MIT */
/*
 * wakers.h - traffic that wakes threads through events and ports, and counts what they find
 *
 * A sender stops after each burst until all of it has been received, so a wake-up that is lost
 * hangs, and the case fails. Number and content of every message are checked.
 */
#ifndef REGIO_TESTS_WINSOCK_WAKERS_H
#define REGIO_TESTS_WINSOCK_WAKERS_H

#include <stdbool.h>
#include <stdint.h>

#define WAKE_SIDES_MAX 8
#define WAKE_THREADS_MAX 8

struct wakes {
	uint64_t messages;
	uint64_t wakes;
	uint64_t empty; /* of them found nothing */
};

/* Queues on one port, which threads share, and queues with an event and threads of their own. */
struct wake_crew {
	int port_sides, port_threads;
	int event_sides, event_threads; /* threads of each */
	bool manual;			/* the events' reset */
};

/* How long a sender waits for what it has sent to be received, in running_ns(). */
extern int64_t wakes_stall_ns;
/*
 * NULL, or asked each time that a thread was woken: false leaves its queue unarmed, as if the
 * library had lost a wake-up.
 */
extern bool (*wakes_arm)(void);

/* 'wanted' messages to each of the queues. */
struct wakes wake_by_crew(const struct wake_crew *crew, uint64_t wanted);
/* To four queues, whose events one thread waits for at once. */
struct wakes wake_by_any_of_four(uint64_t wanted);
/* To one queue, whose event is polled with a time-out of 0. */
struct wakes wake_by_polling(uint64_t wanted);

#endif
