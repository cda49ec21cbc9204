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

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) ||                               \
	__has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                     \
	__has_feature(memory_sanitizer)
#define REGIOI_LIBC_CALLS 1
#else
#define REGIOI_LIBC_CALLS 0
#endif

static inline ssize_t regioi_sys_recv(int fd, void *data, size_t length, int flags)
{
#if REGIOI_LIBC_CALLS
	return recv(fd, data, length, flags);
#else
	return syscall(SYS_recvfrom, fd, data, length, flags, NULL, NULL);
#endif
}

static inline ssize_t regioi_sys_send(int fd, const void *data, size_t length, int flags)
{
#if REGIOI_LIBC_CALLS
	return send(fd, data, length, flags);
#else
	return syscall(SYS_sendto, fd, data, length, flags, NULL, 0);
#endif
}

static inline ssize_t regioi_sys_recvmsg(int fd, struct msghdr *message, int flags)
{
#if REGIOI_LIBC_CALLS
	return recvmsg(fd, message, flags);
#else
	return syscall(SYS_recvmsg, fd, message, flags);
#endif
}

static inline ssize_t regioi_sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
#if REGIOI_LIBC_CALLS
	return sendmsg(fd, message, flags);
#else
	return syscall(SYS_sendmsg, fd, message, flags);
#endif
}

static inline int regioi_sys_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count,
				      int flags)
{
#if REGIOI_LIBC_CALLS
	return recvmmsg(fd, messages, count, flags, NULL);
#else
	return (int)syscall(SYS_recvmmsg, fd, messages, count, flags, NULL);
#endif
}

static inline int regioi_sys_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count,
				      int flags)
{
#if REGIOI_LIBC_CALLS
	return sendmmsg(fd, messages, count, flags);
#else
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
#endif
}

/* The size of a signal set in the kernel's interface. */
#define REGIOI_SIGNALS_SIZE 8

static inline int regioi_sys_epoll_wait(int fd, struct epoll_event *events, int events_max,
					int timeout_ms)
{
#if REGIOI_LIBC_CALLS
	return epoll_pwait(fd, events, events_max, timeout_ms, NULL);
#else
	return (int)syscall(SYS_epoll_pwait, fd, events, events_max, timeout_ms, NULL,
			    REGIOI_SIGNALS_SIZE);
#endif
}

static inline int regioi_sys_epoll_pwait2(int fd, struct epoll_event *events, int events_max,
					  const struct timespec *timeout)
{
#if REGIOI_LIBC_CALLS
	return epoll_pwait2(fd, events, events_max, timeout, NULL);
#else
	return (int)syscall(SYS_epoll_pwait2, fd, events, events_max, timeout, NULL,
			    REGIOI_SIGNALS_SIZE);
#endif
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

#if REGIOI_LIBC_CALLS
	return read(fd, &value, sizeof(value)) == sizeof(value);
#else
	return syscall(SYS_read, fd, &value, sizeof(value)) == sizeof(value);
#endif
}

static inline bool regioi_sys_event_add(int fd)
{
	const uint64_t one = 1;

#if REGIOI_LIBC_CALLS
	return write(fd, &one, sizeof(one)) == sizeof(one);
#else
	return syscall(SYS_write, fd, &one, sizeof(one)) == sizeof(one);
#endif
}

#endif
