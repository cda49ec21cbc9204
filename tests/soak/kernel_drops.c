/* SPDX-License-Identifier: MIT */
/*
 * kernel_drops.c - what the kernel owns up to having dropped
 */
#include "kernel_drops.h"

#include "../support/suite.h"

#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/socket.h>

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

static uint64_t drops_of_socket(int fd)
{
	uint32_t counts[SK_MEMINFO_VARS] = {0};
	socklen_t length = sizeof(counts);

	EXPECT(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, counts, &length) == 0, "%m");
	return counts[SK_MEMINFO_DROPS];
}

/* The fourth number of each line is what the interface received and dropped. */
static uint64_t drops_of_interfaces(void)
{
	FILE *file = fopen("/proc/thread-self/net/dev", "re");
	unsigned long long dropped;
	uint64_t sum = 0;
	char line[512];

	EXPECT(file, "/proc/thread-self/net/dev: %m");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " %*[^:]: %*u %*u %*u %llu", &dropped) == 1)
			sum += dropped;
	fclose(file);
	return sum;
}

uint64_t kernel_drops(int fd)
{
	return drops_of_socket(fd) + drops_of_interfaces();
}
