/* SPDX-License-Identifier: MIT */
/*
 * A call found nothing when it moved nothing and told of nothing:
 *
 * - a receive that met an empty socket, a send that met a full one (EAGAIN);
 * - a wait that returned without an event (0);
 * - a yield, which only a side that found nothing makes;
 * - an entry into a ring that ended for want of time or room. Of others the
 *   kernel does not say what they brought.
 */
#include "empty_calls.h"

#include <errno.h>
#include <stdio.h>
#include <sys/syscall.h>

static const struct empty_result {
	long call;
	long result;
} empty_results[] = {
	{SYS_read, -EAGAIN},
	{SYS_readv, -EAGAIN},
	{SYS_recvfrom, -EAGAIN},
	{SYS_recvmsg, -EAGAIN},
	{SYS_recvmmsg, -EAGAIN},
	{SYS_write, -EAGAIN},
	{SYS_writev, -EAGAIN},
	{SYS_sendto, -EAGAIN},
	{SYS_sendmsg, -EAGAIN},
	{SYS_sendmmsg, -EAGAIN},
#ifdef SYS_epoll_wait
	{SYS_epoll_wait, 0},
#endif
	{SYS_epoll_pwait, 0},
#ifdef SYS_epoll_pwait2
	{SYS_epoll_pwait2, 0},
#endif
#ifdef SYS_poll
	{SYS_poll, 0},
#endif
	{SYS_ppoll, 0},
#ifdef SYS_select
	{SYS_select, 0},
#endif
	{SYS_pselect6, 0},
	{SYS_sched_yield, 0},
	{SYS_io_uring_enter, -ETIME},
	{SYS_io_uring_enter, -EAGAIN},
	{SYS_io_uring_enter, -EBUSY},
};

#define EMPTY_RESULTS (sizeof(empty_results) / sizeof(empty_results[0]))

bool empty_call(uint64_t number, int64_t result)
{
	for (size_t i = 0; i < EMPTY_RESULTS; i++) {
		if (number == (uint64_t)empty_results[i].call && result == empty_results[i].result)
			return true;
	}
	return false;
}

void empty_calls_filter(char *ret_filter, size_t filter_bytes)
{
	size_t used = 0;

	for (size_t i = 0; i < EMPTY_RESULTS && used < filter_bytes; i++)
		used += (size_t)snprintf(ret_filter + used, filter_bytes - used,
					 "%s(id == %ld && ret == %ld)", i ? " || " : "",
					 empty_results[i].call, empty_results[i].result);
}
