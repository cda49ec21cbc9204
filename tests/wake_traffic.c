/* SPDX-License-Identifier: MIT */
/*
 * wake_traffic.c - a receiver that sleeps, for a counter of instructions
 *
 *	wake_traffic POSTED MESSAGES ROUNDS
 *
 * A queue for RECEIVES receives has POSTED of them posted. In each round MESSAGES messages arrive
 * while the receiver sleeps, and what it receives is posted again. The counter sees serve().
 */
#include "support/demand.h"
#include "support/net.h"
#include "support/suite.h"

#include <regio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define RECEIVES 64u
#define BYTES 64u

struct receiver {
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
	struct regio_result results[RECEIVES];
};

static void post(const struct receiver *receiver, uint64_t slot)
{
	const struct regio_buf data = {receiver->region, (uint32_t)slot * BYTES, BYTES};

	demand(!regio_receive(receiver->rq, &data, REGIO_MSG_DEFER, slot), "regio_receive");
}

static void prepare(struct receiver *receiver, int fd, uint32_t posted)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = "epoll"};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	void *memory;

	demand(!regio_driver_create(&opts, &cq_opts.driver), "regio_driver_create");
	demand(!regio_cq_create(RECEIVES, &cq_opts, &receiver->cq), "regio_cq_create");
	demand(!regio_rq_create(fd, RECEIVES, 0, receiver->cq, receiver->cq, 0, NULL,
				&receiver->rq),
	       "regio_rq_create");
	demand(!regio_region_allocate(RECEIVES * BYTES, NULL, &receiver->region, &memory),
	       "regio_region_allocate");
	for (uint64_t slot = 0; slot < posted; slot++)
		post(receiver, slot);
}

__attribute__((noinline)) void serve(struct receiver *receiver, uint32_t messages);

void serve(struct receiver *receiver, uint32_t messages)
{
	uint32_t received = 0;

	demand(regio_cq_wait(receiver->cq, 1, 0, -1) > 0, "regio_cq_wait");
	while (received < messages) {
		int count = regio_cq_dequeue(receiver->cq, receiver->results, RECEIVES);

		demand(count >= 0, "regio_cq_dequeue");
		for (int i = 0; i < count; i++) {
			demand(!receiver->results[i].status, "result");
			post(receiver, receiver->results[i].request_context);
		}
		received += (uint32_t)count;
	}
}

int main(int argc, char **argv)
{
	static const char message[BYTES];
	static struct receiver receiver;
	uint32_t messages;
	int fd, sender;

	if (argc != 4)
		return EXIT_FAILURE;
	fd = bound_socket(AF_INET);
	sender = udp_socket(AF_INET);
	connect_to(sender, fd);
	prepare(&receiver, fd, (uint32_t)strtoul(argv[1], NULL, 10));
	messages = (uint32_t)strtoul(argv[2], NULL, 10);
	for (unsigned long rounds = strtoul(argv[3], NULL, 10); rounds; rounds--) {
		for (uint32_t i = 0; i < messages; i++)
			demand(send(sender, message, BYTES, 0) == BYTES, "send");
		serve(&receiver, messages);
	}
	return EXIT_SUCCESS;
}
