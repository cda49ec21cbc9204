/* SPDX-License-Identifier: MIT */
/*
 * The system calls of the data path, and those that sleep.
 *
 * Those of libc are cancellation points: in a program with threads each costs two locked
 * instructions more, and a thread cancelled in one would never release our locks. The sanitizers
 * recognise the libc functions, and so know which memory a call writes; their builds use these.
 */
#ifndef REGIO_BASE_SYSCALLS_H
#define REGIO_BASE_SYSCALLS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif

/* The call of libc, or the same without it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                     \
	__has_feature(memory_sanitizer)
#define REGIOI_CALL(libc_call, ...) libc_call
#else
#define REGIOI_CALL(libc_call, ...) syscall(__VA_ARGS__)
#endif

static inline ssize_t regioi_sys_recv(int fd, void *data, size_t length, int flags)
{
	return REGIOI_CALL(recv(fd, data, length, flags), SYS_recvfrom, fd, data, length, flags,
			   NULL, NULL);
}

static inline ssize_t regioi_sys_send(int fd, const void *data, size_t length, int flags)
{
	return REGIOI_CALL(send(fd, data, length, flags), SYS_sendto, fd, data, length, flags, NULL,
			   0);
}

static inline ssize_t regioi_sys_recvmsg(int fd, struct msghdr *message, int flags)
{
	return REGIOI_CALL(recvmsg(fd, message, flags), SYS_recvmsg, fd, message, flags);
}

static inline ssize_t regioi_sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return REGIOI_CALL(sendmsg(fd, message, flags), SYS_sendmsg, fd, message, flags);
}

static inline int regioi_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count,
				      int flags)
{
	return (int)REGIOI_CALL(recvmmsg(fd, messages, count, flags, NULL), SYS_recvmmsg, fd,
				messages, count, flags, NULL);
}

static inline int regioi_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count,
				      int flags)
{
	return (int)REGIOI_CALL(sendmmsg(fd, messages, count, flags), SYS_sendmmsg, fd, messages,
				count, flags);
}

/* The size of a signal set in the kernel's interface. */
#define REGIOI_SIGNALS_SIZE 8

static inline int regioi_sys_epoll_wait(int fd, struct epoll_event *events, int events_max,
					int timeout_ms)
{
	return (int)REGIOI_CALL(epoll_pwait(fd, events, events_max, timeout_ms, NULL),
				SYS_epoll_pwait, fd, events, events_max, timeout_ms, NULL,
				REGIOI_SIGNALS_SIZE);
}

static inline int regioi_sys_epoll_pwait2(int fd, struct epoll_event *events, int events_max,
					  const struct timespec *timeout)
{
	return (int)REGIOI_CALL(epoll_pwait2(fd, events, events_max, timeout, NULL),
				SYS_epoll_pwait2, fd, events, events_max, timeout, NULL,
				REGIOI_SIGNALS_SIZE);
}

/*
 * Whether an epoll set contains this file under this number; checking sets the same events again.
 * False only if the kernel is certain.
 */
static inline bool regioi_sys_epoll_holds(int set, int fd, uint32_t events, uint64_t id)
{
	struct epoll_event event = {.events = events, .data.u64 = id};

	return epoll_ctl(set, EPOLL_CTL_MOD, fd, &event) == 0 ||
	       (errno != EBADF && errno != ENOENT && errno != EINVAL && errno != EPERM);
}

/* Take from, or add to, an eventfd. Return false if the counter is 0, or full. */
static inline bool regioi_sys_event_take(int fd)
{
	uint64_t value;

	return REGIOI_CALL(read(fd, &value, sizeof(value)), SYS_read, fd, &value, sizeof(value)) ==
	       sizeof(value);
}

static inline bool regioi_sys_event_add(int fd)
{
	const uint64_t one = 1;

	return REGIOI_CALL(write(fd, &one, sizeof(one)), SYS_write, fd, &one, sizeof(one)) ==
	       sizeof(one);
}

#endif
