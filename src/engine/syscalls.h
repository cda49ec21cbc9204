/* SPDX-License-Identifier: MIT */
/*
 * The system calls of the data path.
 *
 * Those of libc are cancellation points: in a program with threads each costs two locked
 * instructions more, and a thread cancelled in one would leave with our locks. The sanitizers know
 * what memory a call writes by the names of libc, so their builds use these.
 */
#ifndef REGIO_ENGINE_SYSCALLS_H
#define REGIO_ENGINE_SYSCALLS_H

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

#endif
