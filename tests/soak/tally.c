/* SPDX-License-Identifier: MIT */
/*
 * tally.c - what the stations of a soak have verified and survived, and what they are at
 */
#include "tally.h"

#include "../support/suite.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>

struct tally *tally;
const char *networks_refused;
int64_t stall_ns = 60 * SECOND_NS;

const char *const kind_names[SOAK_KINDS] = {
	[SOAK_UDP_TRAINS] = "UDP in trains",
	[SOAK_UDP_SINGLES] = "UDP one by one",
	[SOAK_UDP_MIXED] = "UDP of random length",
	[SOAK_MULTICAST] = "multicast",
	[SOAK_STREAMS] = "streams",
	[SOAK_WINDOWS] = "Windows spelling",
	[SOAK_PEERS] = "with peers that are killed",
	[SOAK_NETWORKS] = "between namespaces",
};

const char *const fault_names[SOAK_FAULTS] = {
	[SOAK_PEER_KILLED] = "peers killed",
	[SOAK_PEER_STOPPED] = "peers stopped and continued",
	[SOAK_STREAM_BROKEN] = "connections broken",
	[SOAK_NETWORK_TORN] = "networks torn down",
	[SOAK_CLOSED_IN_USE] = "requests ended by a close",
	[SOAK_REGION_GONE] = "regions ended under requests",
	[SOAK_QUEUE_GONE] = "completion queues closed first",
	[SOAK_CANCELLED] = "requests cancelled",
	[SOAK_RESIZED] = "queues resized",
	[SOAK_SIGNAL] = "signals",
	[SOAK_KERNEL_DROP] = "messages dropped by the kernel",
};

const char *const count_names[SOAK_COUNTS] = {
	[SOAK_CYCLES] = "cycles",
	[SOAK_SOCKETS] = "sockets",
	[SOAK_REGIONS] = "regions",
	[SOAK_WAKES] = "wake-ups of the Windows spelling",
	[SOAK_EMPTY_WAKES] = "of them empty",
};

void tally_open(void)
{
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	EXPECT(tally != MAP_FAILED, "%m");
}

void station_does(const struct station *station, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(tally->doing[station->number], SOAK_DOING_SIZE, format, arguments);
	va_end(arguments);
}
