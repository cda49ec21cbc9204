/* SPDX-License-Identifier: MIT */
/*
 * cores_traffic.c - two workers that should share nothing, for a trace of memory accesses
 *
 *	cores_traffic ENGINE MESSAGES [shared]
 *
 * Each worker is a thread with a driver, a CQ, a region and a request queue of its own, and a
 * socket of one SO_REUSEPORT group. They take turns, so that what each touches is the same in every
 * run. Prints "markers ADDRESS": the n-th of them, a cache line each, is written to when worker n
 * begins to receive and to post receives again, and the first, number 0, when it has ended. With
 * "shared" both write to one line for each message, which has to be found.
 */
#include "support/demand.h"
#include "support/net.h"
#include "support/suite.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define WORKERS 2u
#define SLOTS 32u
#define MESSAGE_BYTES 64u
#define ROUND 8u
#define RESULTS 64u

struct worker {
	pthread_t thread;
	uint32_t number;
	_Atomic pid_t id;
	int turn[2]; /* a pipe */
	int fd, sender;
	struct regio_driver *driver;
	struct regio_cq *cq;
	struct regio_rq *rq;
	uint64_t region;
};

static struct {
	_Alignas(64) volatile uint64_t marker;
} markers[WORKERS + 1];
static const char *engine;
static uint32_t messages;
static int done[2];
static bool shares;
static struct {
	_Alignas(64) volatile uint64_t messages;
} common;

static void post(struct worker *worker, uint64_t slot)
{
	struct regio_buf slice = {worker->region, (uint32_t)slot * MESSAGE_BYTES, MESSAGE_BYTES};

	demand(!regio_receive(worker->rq, &slice, REGIO_MSG_DEFER, slot), "regio_receive");
}

static void open_worker(struct worker *worker)
{
	struct regio_driver_opts opts = {.size = sizeof(opts), .engine = engine};
	struct regio_cq_opts cq_opts = {.size = sizeof(cq_opts)};
	void *memory;

	if (regio_driver_create(&opts, &worker->driver))
		exit(77);
	cq_opts.driver = worker->driver;
	demand(!regio_cq_create(2 * SLOTS, &cq_opts, &worker->cq), "regio_cq_create");
	demand(!regio_region_allocate(SLOTS * MESSAGE_BYTES, NULL, &worker->region, &memory),
	       "regio_region_allocate");
	demand(!regio_rq_create(worker->fd, SLOTS, SLOTS, worker->cq, worker->cq, 0, NULL,
				&worker->rq),
	       "regio_rq_create");
	for (uint64_t slot = 0; slot < SLOTS; slot++)
		post(worker, slot);
}

/* Takes so many messages, posts their receives again, and sleeps where there are none. */
static void take(struct worker *worker, uint32_t count)
{
	struct regio_result results[RESULTS];

	while (count > 0) {
		int taken = regio_cq_dequeue(worker->cq, results, RESULTS);

		demand(taken >= 0, "regio_cq_dequeue");
		for (int i = 0; i < taken; i++) {
			post(worker, results[i].request_context);
			if (shares)
				common.messages = results[i].request_context;
		}
		count -= (uint32_t)taken;
		if (taken == 0)
			demand(regio_cq_wait(worker->cq, 1, 0, -1) > 0, "regio_cq_wait");
	}
}

static void exchange(struct worker *worker, uint32_t count, uint64_t mark)
{
	static const uint8_t message[MESSAGE_BYTES];

	for (uint32_t sent = 0; sent < count; sent += ROUND) {
		for (uint32_t i = 0; i < ROUND; i++)
			send_plain(worker->sender, message, sizeof(message));
		markers[mark].marker = 1;
		take(worker, ROUND);
		markers[0].marker = 1;
	}
}

/*
 * Until the thread sleeps in a read of that pipe: whatever it does before would be taken for what
 * the next one does.
 */
static void await_reading(pid_t id, int pipe)
{
	unsigned long argument = 0;
	char path[64];
	long number;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)id);
	do {
		FILE *file = fopen(path, "re");

		if (!file)
			exit(77);
		if (fscanf(file, "%ld %lx", &number, &argument) != 2)
			number = -1;
		fclose(file);
		/* Gives the other thread its turn under valgrind, too. */
		poll(NULL, 0, 1);
	} while (number != SYS_read || argument != (unsigned long)pipe);
}

static void await_turn(struct worker *worker)
{
	char byte;

	demand(read(worker->turn[0], &byte, 1) == 1, "read");
	await_reading(getpid(), done[0]);
}

static void end_turn(void)
{
	demand(write(done[1], "", 1) == 1, "write");
}

static void give_turn(struct worker *worker)
{
	char byte;

	demand(write(worker->turn[1], "", 1) == 1, "write");
	demand(read(done[0], &byte, 1) == 1, "read");
	await_reading(worker->id, worker->turn[0]);
}

static void *work(void *argument)
{
	struct worker *worker = argument;

	worker->id = (pid_t)syscall(SYS_gettid);
	await_turn(worker);
	open_worker(worker);
	exchange(worker, 8 * SLOTS, 0);
	end_turn();
	await_turn(worker);
	exchange(worker, messages, worker->number + 1);
	end_turn();
	/* Not the end, which would be one of the other's accesses. */
	demand(read(worker->turn[0], &worker->number, 1) == 1, "read");
	return NULL;
}

/* To which worker's socket something has come; it is taken. */
static uint32_t receiver_of_probe(const struct worker *workers)
{
	struct pollfd polled[WORKERS];
	uint32_t index = 0;
	uint8_t data;

	for (uint32_t i = 0; i < WORKERS; i++)
		polled[i] = (struct pollfd){.fd = workers[i].fd, .events = POLLIN};
	demand(poll(polled, WORKERS, -1) > 0, "poll");
	while (!polled[index].revents)
		index++;
	demand(recv(workers[index].fd, &data, 1, 0) == 1, "recv");
	return index;
}

/* The kernel chooses by the peer's port: a sender is taken that comes to this socket. */
static void connect_sender(struct worker *workers, uint32_t index)
{
	do {
		workers[index].sender = bound_socket(AF_INET);
		connect_to(workers[index].sender, workers[index].fd);
		send_plain(workers[index].sender, "", 1);
	} while (receiver_of_probe(workers) != index);
}

static void share_port(struct worker *workers)
{
	union address address = loopback(AF_INET);

	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i].fd = udp_socket(AF_INET);
		set_option(workers[i].fd, SOL_SOCKET, SO_REUSEPORT, 1);
		if (bind(workers[i].fd, &address.any, address_length(&address)))
			exit(EXIT_FAILURE);
		address = own_address(workers[i].fd);
	}
	for (uint32_t i = 0; i < WORKERS; i++)
		connect_sender(workers, i);
}

int main(int argc, char **argv)
{
	static struct worker workers[WORKERS];

	if (argc < 3)
		return 2;
	shares = argc > 3;
	engine = argv[1];
	messages = (uint32_t)strtoul(argv[2], NULL, 10);
	printf("markers %p\n", (const void *)markers);
	fflush(stdout);
	demand(!pipe(done), "pipe");
	share_port(workers);
	for (uint32_t i = 0; i < WORKERS; i++) {
		workers[i].number = i;
		demand(!pipe(workers[i].turn), "pipe");
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	/* Both are open before either is watched. */
	for (uint32_t i = 0; i < 2 * WORKERS; i++)
		give_turn(&workers[i % WORKERS]);
	for (uint32_t i = 0; i < WORKERS; i++) {
		demand(write(workers[i].turn[1], "", 1) == 1, "write");
		pthread_join(workers[i].thread, NULL);
	}
	return 0;
}
