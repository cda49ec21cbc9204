/* SPDX-License-Identifier: MIT */
/*
 * Processors and interfaces of a command.
 */
#include "confine.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "console.h"

int confine_to_cpus(const struct number_list *cpus)
{
	cpu_set_t set;

	if (cpus->count == 0)
		return 0;
	CPU_ZERO(&set);
	for (uint32_t i = 0; i < cpus->count; i++) {
		if (cpus->numbers[i] < CPU_SETSIZE)
			CPU_SET(cpus->numbers[i], &set);
	}
	if (sched_setaffinity(0, sizeof(set), &set) == 0)
		return 0;
	return console_fail("--cpus %s: %s; see /sys/devices/system/cpu/online", cpus->text,
			    errno == EINVAL ? "none of them can be used here" : strerror(errno));
}

int confine_to_interface(int fd, const char *name)
{
	if (!name ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) == 0)
		return 0;
	return console_fail("--interface %s: %s%s", name, strerror(errno),
			    errno == ENODEV  ? "; see `ip link`"
			    : errno == EPERM ? "; kernels before 5.7 need CAP_NET_RAW for it"
					     : "");
}
