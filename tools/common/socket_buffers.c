/* SPDX-License-Identifier: MIT */
/*
 * The buffers of a socket, by its options.
 */
#include "socket_buffers.h"

#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>

void socket_ask_receive_buffer(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

void socket_ask_send_buffer(int fd, int bytes)
{
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

bool socket_has_unread(int fd)
{
	struct pollfd descriptor = {.fd = fd, .events = POLLIN};

	return poll(&descriptor, 1, 0) > 0 && (descriptor.revents & POLLIN);
}

uint32_t socket_kernel_drops(int fd)
{
	uint32_t values[SK_MEMINFO_VARS] = {0};
	socklen_t bytes = sizeof(values);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &bytes) ||
	    bytes <= SK_MEMINFO_DROPS * sizeof(values[0]))
		return 0;
	return values[SK_MEMINFO_DROPS];
}
