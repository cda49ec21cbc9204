/* SPDX-License-Identifier: MIT */
/*
 * density_traffic.c - many queues in one thread, for a counter of instructions
 *
 *	density_traffic ENGINE QUEUES ACTIVE MESSAGES
 *
 * Opens QUEUES request queues of 32 + 32 slots on one CQ, sends a message to each, then MESSAGES to
 * ACTIVE of them, and closes all. Prints "bytes N", the memory of a queue. The counter sees
 * open_all(), take() and close_all(), which call the library and do little else.
 */
#include "support/demand.h"
#include "support/net.h"
#include "support/suite.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SLOTS 32u
#define RECEIVES 4u
#define MESSAGE_BYTES 64u
#define ROUND 8u
#define RESULTS 256u
#define SPARE_FDS 64u

struct crowd {
	uint32_t count, active;
	struct regio_driver *driver;
	struct regio_cq *cq;
	uint64_t region;
	int *fds;
	union address *addresses;
	struct regio_rq **rqs;
	int sender;
	struct regio_result results[RESULTS];
};

static void allow_descriptors(uint32_t count)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= count)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* 77 is how a program of a test says that the machine does not allow it. */
	if (limit.rlim_max < count || setrlimit(RLIMIT_NOFILE, &limit))
		exit(77);
}

static void prepare(struct crowd *crowd, const char *engine)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = engine};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	void *memory;

	allow_descriptors(crowd->count + SPARE_FDS);
	crowd->fds = calloc(crowd->count, sizeof(*crowd->fds));
	crowd->addresses = calloc(crowd->count, sizeof(*crowd->addresses));
	crowd->rqs = calloc(crowd->count, sizeof(struct regio_rq *));
	crowd->sender = udp_socket(AF_INET);
	for (uint32_t i = 0; i < crowd->count; i++) {
		crowd->fds[i] = bound_socket(AF_INET);
		crowd->addresses[i] = own_address(crowd->fds[i]);
	}
	if (regio_driver_create(&opts, &crowd->driver))
		exit(77);
	cq_opts.driver = crowd->driver;
	demand(!regio_cq_create(2 * SLOTS * crowd->count, &cq_opts, &crowd->cq), "regio_cq_create");
	demand(!regio_region_allocate((uint64_t)crowd->count * RECEIVES * MESSAGE_BYTES, NULL,
				      &crowd->region, &memory),
	       "regio_region_allocate");
}

static void post(struct crowd *crowd, uint64_t slot)
{
	struct regio_buf slice = {crowd->region, (uint32_t)slot * MESSAGE_BYTES, MESSAGE_BYTES};

	demand(!regio_receive(crowd->rqs[slot / RECEIVES], &slice, REGIO_MSG_DEFER, slot),
	       "regio_receive");
}

static __attribute__((noinline)) void open_all(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->count; i++)
		demand(!regio_rq_create(crowd->fds[i], SLOTS, SLOTS, crowd->cq, crowd->cq, i, NULL,
					&crowd->rqs[i]),
		       "regio_rq_create");
}

static __attribute__((noinline)) void close_all(struct crowd *crowd)
{
	for (uint32_t i = 0; i < crowd->count; i++)
		demand(!regio_rq_close(crowd->rqs[i], 0), "regio_rq_close");
}

/* Takes so many messages and posts their receives again. */
static __attribute__((noinline)) void take(struct crowd *crowd, uint32_t messages)
{
	while (messages > 0) {
		int count = regio_cq_dequeue(crowd->cq, crowd->results, RESULTS);

		demand(count >= 0, "regio_cq_dequeue");
		for (int i = 0; i < count; i++)
			post(crowd, crowd->results[i].request_context);
		messages -= (uint32_t)count;
		if (count == 0)
			demand(regio_cq_wait(crowd->cq, 1, 0, -1) > 0, "regio_cq_wait");
	}
}

static void send_to(struct crowd *crowd, uint32_t index)
{
	static const uint8_t message[MESSAGE_BYTES];
	const union address *to = &crowd->addresses[index];

	demand(sendto(crowd->sender, message, sizeof(message), 0, &to->any, address_length(to)) ==
		       (ssize_t)sizeof(message),
	       "sendto");
}

/* To all in turn, 'apart' from each other, a few at a time. */
static void exchange(struct crowd *crowd, uint32_t messages, uint32_t among, uint32_t apart)
{
	for (uint32_t sent = 0; sent < messages;) {
		uint32_t round = messages - sent < ROUND ? messages - sent : ROUND;

		for (uint32_t i = 0; i < round; i++)
			send_to(crowd, (sent + i) % among * apart);
		take(crowd, round);
		sent += round;
	}
}

static __attribute__((noinline)) void settle(struct crowd *crowd)
{
	exchange(crowd, crowd->count, crowd->count, 1);
	exchange(crowd, 64 * crowd->active, crowd->active, crowd->count / crowd->active);
}

static __attribute__((noinline)) void measure(struct crowd *crowd, uint32_t messages)
{
	exchange(crowd, messages, crowd->active, crowd->count / crowd->active);
}

static size_t bytes_allocated(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

int main(int argc, char **argv)
{
	struct crowd crowd = {0};
	size_t before;

	if (argc != 5)
		return 2;
	crowd.count = (uint32_t)strtoul(argv[2], NULL, 10);
	crowd.active = (uint32_t)strtoul(argv[3], NULL, 10);
	prepare(&crowd, argv[1]);
	before = bytes_allocated();
	open_all(&crowd);
	printf("bytes %zu\n", (bytes_allocated() - before) / crowd.count);
	for (uint64_t slot = 0; slot < (uint64_t)crowd.count * RECEIVES; slot++)
		post(&crowd, slot);
	settle(&crowd);
	measure(&crowd, (uint32_t)strtoul(argv[4], NULL, 10));
	close_all(&crowd);
	return 0;
}
