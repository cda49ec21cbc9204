/* SPDX-License-Identifier: MIT */
/*
 * scenarios.c - programs that use all of the library: the list, and those without traffic
 */
#include "lane.h"

#include <sys/mman.h>

/* ---- Memory -------------------------------------------------------------------- */

static void memory(void)
{
	const struct regio_region_opts opts = {
		.size = sizeof(opts), .flags = REGIO_REGION_HUGE_PAGES | REGIO_REGION_NUMA};
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), length = 8 * page;
	uint64_t regions[4];
	void *allocated, *plain, *fixed;

	plain = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fixed = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(plain != MAP_FAILED && fixed != MAP_FAILED, "%m");
	TRY(regio_region_register(plain, length, NULL, &regions[0]));
	TRY(regio_region_register((uint8_t *)plain + page, 2 * page, NULL, &regions[1]));
	TRY(regio_region_register(fixed, length, NULL, &regions[2]));
	TRY(regio_region_allocate(length, &opts, &regions[3], &allocated));
	memset(allocated, 1, length);
	for (int i = 0; i < 4; i++)
		TRY(regio_region_deregister(regions[i]));
	munmap(plain, length);
	munmap(fixed, length);
}

/* ---- Ends in each order -------------------------------------------------------- */

static void end_queue(struct lane *lane)
{
	TRY(regio_rq_close(lane->rq, 0));
}

static void end_receive_cq(struct lane *lane)
{
	TRY(regio_cq_close(lane->cqs[RECEIVE]));
}

static void end_send_cq(struct lane *lane)
{
	TRY(regio_cq_close(lane->cqs[SEND]));
}

static void end_region(struct lane *lane)
{
	TRY(regio_region_deregister(lane->region));
}

typedef void (*end_function)(struct lane *lane);

/* Every order of the four, with requests on both halves. */
static void end_in_order(uint32_t number)
{
	end_function ends[] = {end_queue, end_receive_cq, end_send_cq, end_region};
	struct lane lane;
	int fds[2];

	datagram_pair(AF_INET, fds);
	lane_open(&lane, fds[0], fds[1]);
	for (int i = 0; i < 4; i++) {
		struct regio_buf slice = slice_of(&lane, SLOTS, MESSAGE_SIZE);

		post_receive(&lane, SLOT_SIZE, 0);
		must_work(INSIDE(regio_send(lane.rq, &slice, REGIO_MSG_DEFER, 0)), "regio_send()");
	}
	for (uint32_t left = 4; left > 0; left--) {
		uint32_t chosen = number % left;

		number /= left;
		ends[chosen](&lane);
		ends[chosen] = ends[left - 1];
	}
	TRY(regio_driver_close(lane.drivers[RECEIVE]));
	close(fds[0]);
	close(fds[1]);
}

static void end_in_each_order(void)
{
	for (uint32_t number = 0; number < 24; number++)
		end_in_order(number);
}

/* ---- What is reported of the machine ----------------------------------------------- */

static void machine(void)
{
	const struct regio_driver_opts opts = {.size = sizeof(opts), .busy_poll_us = 1};
	struct regio_offload_info offload;
	struct regio_engine_info engine;
	struct regio_driver *driver = NULL;
	uint32_t index = 0;

	must_work(INSIDE(regio_offload_get_info(&offload, sizeof(offload))),
		  "regio_offload_get_info()");
	while (INSIDE(regio_engine_get_info(index, &engine, sizeof(engine))) == 0)
		index++;
	MUST(index >= 2, "%u engines", index);
	/* Which may need a privilege that is not there. */
	if (geteuid() != 0)
		return;
	TRY(regio_driver_create(&opts, &driver));
	TRY(regio_driver_close(driver));
}

const struct scenario scenarios[] = {
	{"memory", memory, false},
	{"what the machine offers", machine, false},
	{"datagrams over IPv4", datagrams_v4, false},
	{"datagrams over IPv6", datagrams_v6, false},
	{"two drivers", two_drivers, false},
	{"multicast", multicast, false},
	{"many sockets", many_sockets, false},
	{"TCP over IPv4", streams_v4, true},
	{"TCP over IPv6", streams_v6, true},
	{"unix streams", streams_unix, true},
	{"connecting late", connect_later, true},
	{"ends in each order", end_in_each_order, false},
	{"a thread on a CPU", thread_on_a_cpu, false},
};

const size_t scenarios_count = ARRAY_SIZE(scenarios);
