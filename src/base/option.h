/* SPDX-License-Identifier: MIT */
/*
 * Options of sockets that are numbers, and the cookie that identifies a socket.
 */
#ifndef REGIO_BASE_OPTION_H
#define REGIO_BASE_OPTION_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/kernel.h"

/* Returns 0 if the socket does not have the option. */
static inline int regioi_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return getsockopt(fd, level, name, &value, &length) < 0 ? 0 : value;
}

static inline bool regioi_option_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static inline bool regioi_is_stream(int fd)
{
	return regioi_option(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM;
}

/* Returns 0 or a negative errno value. */
static inline int regioi_cookie(int fd, uint64_t *ret_cookie)
{
	socklen_t length = sizeof(*ret_cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, ret_cookie, &length) < 0 ? -errno : 0;
}

/*
 * Whether the descriptor is still that of the socket. False only if it is closed or is another
 * file: other errors of getsockopt() do not count.
 */
static inline bool regioi_cookie_is(int fd, uint64_t cookie)
{
	uint64_t now = 0;
	int error = regioi_cookie(fd, &now);

	return error ? error != -EBADF && error != -ENOTSOCK : now == cookie;
}

#endif
