/* SPDX-License-Identifier: MIT */
/*
 * rules.c - the system calls of the library, how each may fail, and what may come of that
 *
 * Errors are those of the manual pages that a correct program can meet, and EPERM and ENOSYS where
 * containers refuse a call. A receive that has nothing (EAGAIN) is no fault, and one that says so
 * while it has something would be a kernel's.
 */
#include "rules.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <linux/futex.h>
#include <linux/membarrier.h>

#define ANY (-1)

const struct trap_call rule_calls[] = {
	{"allocation", TRAP_ALLOCATION, ANY, 0, 0},
	{"bind", SYS_bind, ANY, 0, 0},
	{"clone", SYS_clone, ANY, 0, 0},
	{"clone3", SYS_clone3, ANY, 0, 0},
	{"close", SYS_close, ANY, 0, TRAP_AFTER},
	{"dup3", SYS_dup3, ANY, 0, 0},
	{"epoll_create1", SYS_epoll_create1, ANY, 0, 0},
	{"epoll_ctl (ADD)", SYS_epoll_ctl, 1, EPOLL_CTL_ADD, 0},
	{"epoll_ctl (DEL)", SYS_epoll_ctl, 1, EPOLL_CTL_DEL, TRAP_AFTER},
	{"epoll_pwait", SYS_epoll_pwait, ANY, 0, 0},
	{"epoll_pwait2", SYS_epoll_pwait2, ANY, 0, 0},
	{"eventfd2", SYS_eventfd2, ANY, 0, 0},
	{"futex (WAIT)", SYS_futex, 1, FUTEX_WAIT_PRIVATE, 0},
	{"getpeername", SYS_getpeername, ANY, 0, 0},
	{"getsockname", SYS_getsockname, ANY, 0, 0},
	{"getsockopt", SYS_getsockopt, ANY, 0, 0},
	{"io_uring_enter", SYS_io_uring_enter, ANY, 0, 0},
	{"io_uring_setup", SYS_io_uring_setup, ANY, 0, 0},
	{"ioctl", SYS_ioctl, ANY, 0, 0},
	{"madvise (POPULATE_READ)", SYS_madvise, 2, MADV_POPULATE_READ, 0},
	{"madvise (POPULATE_WRITE)", SYS_madvise, 2, MADV_POPULATE_WRITE, 0},
	{"madvise", SYS_madvise, ANY, 0, 0},
	{"mbind", SYS_mbind, ANY, 0, 0},
	{"membarrier (EXPEDITED)", SYS_membarrier, 0, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0},
	{"membarrier (REGISTER)", SYS_membarrier, 0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0},
	{"mlock", SYS_mlock, ANY, 0, 0},
	{"mmap", SYS_mmap, ANY, 0, 0},
	{"mprotect", SYS_mprotect, ANY, 0, 0},
	{"munlock", SYS_munlock, ANY, 0, TRAP_AFTER},
	{"munmap", SYS_munmap, ANY, 0, TRAP_AFTER},
	{"openat", SYS_openat, ANY, 0, 0},
	{"recvfrom", SYS_recvfrom, ANY, 0, 0},
	{"recvmmsg", SYS_recvmmsg, ANY, 0, 0},
	{"recvmsg", SYS_recvmsg, ANY, 0, 0},
	{"sched_setaffinity", SYS_sched_setaffinity, ANY, 0, 0},
	{"sendmmsg", SYS_sendmmsg, ANY, 0, 0},
	{"sendmsg", SYS_sendmsg, ANY, 0, 0},
	{"sendto", SYS_sendto, ANY, 0, 0},
	{"setsockopt", SYS_setsockopt, ANY, 0, 0},
	{"socket", SYS_socket, ANY, 0, 0},
	{"socketpair", SYS_socketpair, ANY, 0, 0},
};

const size_t rules_count = sizeof(rule_calls) / sizeof(rule_calls[0]);

#define ALIKE(error, outcomes)                                                                     \
	{                                                                                          \
		error, outcomes, outcomes                                                          \
	}
#define EITHER (REFUSED | WORKED)

/*
 * A datagram is tried again where the error may be of another, sent before; a train that is refused
 * is sent as single messages. Of a stream every error ends the connection.
 */
#define RECEIVE_ERRORS                                                                             \
	ALIKE(EINTR, WORKED), ALIKE(ENOMEM, COMPLETED | WORKED),                                   \
		ALIKE(ENOBUFS, COMPLETED | WORKED), {ECONNREFUSED, WORKED, COMPLETED},             \
		{EHOSTUNREACH, WORKED, COMPLETED}, {ENETUNREACH, WORKED, COMPLETED},               \
		{EACCES, WORKED, COMPLETED}, {ECONNRESET, COMPLETED | WORKED, COMPLETED},          \
		{ETIMEDOUT, COMPLETED | WORKED, COMPLETED}, ALIKE(EIO, COMPLETED | WORKED),        \
		ALIKE(EPERM, COMPLETED | WORKED)
#define SEND_ERRORS                                                                                \
	ALIKE(EINTR, WORKED), ALIKE(EAGAIN, WORKED), ALIKE(ENOMEM, COMPLETED | WORKED),            \
		ALIKE(ENOBUFS, COMPLETED | WORKED), ALIKE(EPERM, COMPLETED | WORKED),              \
		{ECONNREFUSED, WORKED, COMPLETED}, {EHOSTUNREACH, WORKED, COMPLETED},              \
		{ENETUNREACH, WORKED, COMPLETED}, {EACCES, WORKED, COMPLETED},                     \
		{EMSGSIZE, WORKED, COMPLETED}, ALIKE(EINVAL, COMPLETED | WORKED),                  \
		ALIKE(EIO, COMPLETED | WORKED), ALIKE(ENETDOWN, COMPLETED | WORKED),               \
		ALIKE(EPIPE, COMPLETED | WORKED),                                                  \
	{                                                                                          \
		ECONNRESET, COMPLETED | WORKED, COMPLETED                                          \
	}

const struct rule rules[] = {
	/* allocation */ {{ALIKE(ENOMEM, EITHER)}},
	/* bind */
	{{ALIKE(EADDRINUSE, WORKED), ALIKE(EADDRNOTAVAIL, WORKED), ALIKE(EACCES, WORKED),
	  ALIKE(EPERM, WORKED)}},
	/* clone */ {{ALIKE(EAGAIN, EITHER), ALIKE(ENOMEM, EITHER), ALIKE(EPERM, EITHER)}},
	/* clone3 */
	{{ALIKE(EAGAIN, EITHER), ALIKE(ENOMEM, EITHER), ALIKE(EPERM, EITHER),
	  ALIKE(ENOSYS, WORKED)}},
	/* close */ {{ALIKE(EINTR, WORKED), ALIKE(EIO, WORKED)}},
	/* dup3 */ {{ALIKE(EBUSY, REFUSED), ALIKE(EMFILE, REFUSED), ALIKE(EINTR, REFUSED)}},
	/* epoll_create1 */ {{ALIKE(EMFILE, EITHER), ALIKE(ENFILE, EITHER), ALIKE(ENOMEM, EITHER)}},
	/* epoll_ctl (ADD) */ {{ALIKE(ENOMEM, EITHER), ALIKE(ENOSPC, EITHER)}},
	/* epoll_ctl (DEL) */ {{ALIKE(ENOENT, WORKED), ALIKE(EBADF, WORKED)}},
	/* epoll_pwait */ {{ALIKE(EINTR, EITHER)}},
	/* epoll_pwait2 */
	{{ALIKE(EINTR, EITHER), ALIKE(ENOSYS, WORKED), ALIKE(EPERM, WORKED)}},
	/* eventfd2 */ {{ALIKE(EMFILE, EITHER), ALIKE(ENFILE, EITHER), ALIKE(ENOMEM, EITHER)}},
	/* futex (WAIT) */ {{ALIKE(EINTR, EITHER), ALIKE(EAGAIN, WORKED)}},
	/* getpeername */ {{ALIKE(ENOBUFS, WORKED), ALIKE(EPERM, WORKED)}},
	/* getsockname */ {{ALIKE(ENOBUFS, WORKED), ALIKE(EPERM, WORKED)}},
	/* getsockopt */
	{{ALIKE(ENOPROTOOPT, EITHER), ALIKE(EPERM, EITHER), ALIKE(EACCES, EITHER),
	  ALIKE(ENOMEM, EITHER)}},
	/* io_uring_enter */
	{{ALIKE(EINTR, EITHER), ALIKE(EAGAIN, EITHER), ALIKE(EBUSY, EITHER), ALIKE(ENOMEM, EITHER),
	  ALIKE(EPERM, EITHER), ALIKE(ENOSYS, EITHER), ALIKE(EINVAL, EITHER),
	  ALIKE(EBADFD, EITHER)}},
	/* io_uring_setup */
	{{ALIKE(EPERM, EITHER), ALIKE(ENOSYS, EITHER), ALIKE(EINVAL, EITHER), ALIKE(ENOMEM, EITHER),
	  ALIKE(EMFILE, EITHER), ALIKE(ENFILE, EITHER)}},
	/* ioctl */ {{ALIKE(EPERM, EITHER), ALIKE(ENOTTY, WORKED), ALIKE(EINVAL, WORKED)}},
	/* madvise (POPULATE_READ) */
	{{ALIKE(EINVAL, WORKED), ALIKE(EPERM, WORKED), ALIKE(ENOSYS, WORKED), ALIKE(EAGAIN, WORKED),
	  ALIKE(ENOMEM, REFUSED), ALIKE(EFAULT, REFUSED)}},
	/* madvise (POPULATE_WRITE) */
	{{ALIKE(EPERM, WORKED), ALIKE(ENOSYS, WORKED), ALIKE(EAGAIN, WORKED),
	  ALIKE(ENOMEM, REFUSED), ALIKE(EFAULT, REFUSED)}},
	/* madvise */ {{ALIKE(EINVAL, WORKED), ALIKE(ENOMEM, WORKED), ALIKE(EPERM, WORKED)}},
	/* mbind */
	{{ALIKE(ENOSYS, EITHER), ALIKE(EPERM, EITHER), ALIKE(EINVAL, EITHER),
	  ALIKE(ENOMEM, EITHER)}},
	/* membarrier (EXPEDITED) */ {{ALIKE(ENOSYS, WORKED), ALIKE(EPERM, WORKED)}},
	/* membarrier (REGISTER) */
	{{ALIKE(ENOSYS, WORKED), ALIKE(EPERM, WORKED), ALIKE(EINVAL, WORKED)}},
	/* mlock */ {{ALIKE(ENOMEM, WORKED), ALIKE(EPERM, WORKED), ALIKE(EAGAIN, WORKED)}},
	/* mmap */ {{ALIKE(ENOMEM, EITHER)}},
	/* mprotect */ {{ALIKE(ENOMEM, EITHER)}},
	/* munlock */ {{ALIKE(ENOMEM, WORKED), ALIKE(EPERM, WORKED)}},
	/* munmap */ {{ALIKE(ENOMEM, WORKED)}},
	/* openat */
	{{ALIKE(ENOENT, WORKED), ALIKE(EACCES, WORKED), ALIKE(EMFILE, WORKED),
	  ALIKE(ENFILE, WORKED)}},
	/* recvfrom */ {{RECEIVE_ERRORS}},
	/* recvmmsg */ {{RECEIVE_ERRORS}},
	/* recvmsg */ {{RECEIVE_ERRORS}},
	/* sched_setaffinity */ {{ALIKE(EINVAL, REFUSED), ALIKE(EPERM, REFUSED)}},
	/* sendmmsg */ {{SEND_ERRORS}},
	/* sendmsg */ {{SEND_ERRORS}},
	/* sendto */ {{SEND_ERRORS}},
	/* setsockopt */
	{{ALIKE(ENOPROTOOPT, WORKED), ALIKE(EPERM, EITHER), ALIKE(ENOMEM, WORKED),
	  ALIKE(EINVAL, WORKED)}},
	/* socket */
	{{ALIKE(EMFILE, WORKED), ALIKE(ENFILE, WORKED), ALIKE(ENOBUFS, WORKED),
	  ALIKE(ENOMEM, WORKED), ALIKE(EACCES, WORKED), ALIKE(EAFNOSUPPORT, WORKED)}},
	/* socketpair */
	{{ALIKE(EMFILE, EITHER), ALIKE(ENFILE, EITHER), ALIKE(ENOMEM, EITHER)}},
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) == sizeof(rule_calls) / sizeof(rule_calls[0]),
	       "a rule for each call");

/* What says that a ring does not work is reported as that; shortages stay what they are. */
static bool judges_engine(size_t index)
{
	switch (rule_calls[index].number) {
	case SYS_io_uring_setup:
	case SYS_io_uring_enter:
	case SYS_socketpair:
	case SYS_eventfd2:
	case SYS_clone:
	case SYS_clone3:
		return true;
	default:
		return false;
	}
}

/* What may have a ring closed. */
static bool is_of_rings(size_t index)
{
	switch (rule_calls[index].number) {
	case SYS_io_uring_enter:
	case SYS_mmap:
	case TRAP_ALLOCATION:
		return true;
	default:
		return false;
	}
}

_Bool is_judgement(size_t index, int error)
{
	return judges_engine(index) &&
	       (error == EPERM || error == ENOSYS || error == EINVAL || error == EBADFD);
}

_Bool may_become(size_t index, int in, int out)
{
	if (in == out)
		return true;
	/* A ring that is closed before its thread ends interrupts a call of that thread. */
	if (out == EINTR)
		return is_of_rings(index);
	switch (rule_calls[index].number) {
	case SYS_madvise:
		return out == EFAULT;
	case SYS_clone:
	case SYS_clone3:
	case SYS_mprotect:
	case SYS_mmap:
	case TRAP_ALLOCATION:
		/* What libc makes of it when a thread cannot be had. */
		if (in == ENOMEM && out == EAGAIN)
			return true;
		break;
	default:
		break;
	}
	return out == ENOTSUP && judges_engine(index);
}
