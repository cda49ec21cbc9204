/* SPDX-License-Identifier: MIT */
/*
 * namespace.c - by unshare(2), as root or as the root of a user namespace
 */
#include "namespace.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool namespace_make(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd, status;

	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	status = ioctl(fd, SIOCSIFFLAGS, &request);
	close(fd);
	return status == 0;
}
