/* SPDX-License-Identifier: MIT */
/*
 * select and WSAPoll, on the kernel's poll.
 */
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

/* The descriptors of one call, and the sockets that are entered for it. */
struct poll_set {
	struct pollfd *descriptors;
	struct regioi_ws_socket **sockets;
	uint32_t count;
};

static bool poll_set_make(struct poll_set *set, uint32_t count_max)
{
	set->count = 0;
	set->descriptors = calloc(count_max, sizeof(*set->descriptors));
	set->sockets = calloc(count_max, sizeof(struct regioi_ws_socket *));
	return set->descriptors && set->sockets;
}

static void poll_set_free(struct poll_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (set->sockets[i])
			regioi_ws_socket_leave(set->sockets[i]);
	free(set->descriptors);
	free(set->sockets);
}

/* Returns the number with events, or SOCKET_ERROR. A signal does not end it. */
static int poll_set_wait(struct poll_set *set, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = deadline_ns && deadline_ns != UINT64_MAX ? regioi_ws_now() : 0;
		int64_t rest_ms = -1;
		int count;

		if (deadline_ns != UINT64_MAX)
			rest_ms = deadline_ns > now
					  ? (int64_t)((deadline_ns - now + 999999) / 1000000)
					  : 0;
		if (rest_ms > INT32_MAX)
			rest_ms = INT32_MAX;
		count = poll(set->descriptors, set->count, (int)rest_ms);
		if (count >= 0)
			return count;
		if (errno != EINTR)
			return regioi_ws_fail_errno();
	}
}

/* ---- select ---- */

static bool select_add(struct poll_set *set, const struct fd_set *from, short events)
{
	for (uint32_t i = 0; from && i < from->fd_count; i++) {
		set->sockets[set->count] = regioi_ws_socket_enter(from->fd_array[i]);
		if (!set->sockets[set->count])
			return false;
		set->descriptors[set->count] =
			(struct pollfd){.fd = set->sockets[set->count]->fd, .events = events};
		set->count++;
	}
	return true;
}

/* Leaves in 'to' the sockets that have one of the events and none of the excluded ones. */
static int select_collect(const struct poll_set *set, uint32_t *at, struct fd_set *to, short events,
			  short bars)
{
	uint32_t count = to ? to->fd_count : 0, kept = 0;

	for (uint32_t i = 0; i < count; i++, (*at)++) {
		short found = set->descriptors[*at].revents;

		if (found & events && !(found & bars))
			to->fd_array[kept++] = to->fd_array[i];
	}
	if (to)
		to->fd_count = kept;
	return (int)kept;
}

static uint64_t select_deadline(const struct timeval *timeout)
{
	uint64_t wait_ns;

	if (!timeout)
		return UINT64_MAX;
	wait_ns = (uint64_t)timeout->tv_sec * UINT64_C(1000000000) +
		  (uint64_t)timeout->tv_usec * 1000;
	return wait_ns ? regioi_ws_now() + wait_ns : 0;
}

int WSAAPI select(int ignored, struct fd_set *readable, struct fd_set *writable,
		  struct fd_set *exceptional, const struct timeval *timeout)
{
	uint32_t total = (readable ? readable->fd_count : 0) + (writable ? writable->fd_count : 0) +
			 (exceptional ? exceptional->fd_count : 0);
	struct poll_set set;
	uint32_t at = 0;
	int count = SOCKET_ERROR;

	if (total == 0 || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	if (!poll_set_make(&set, total)) {
		SetLastError(WSAENOBUFS);
	} else if (select_add(&set, readable, POLLIN) && select_add(&set, writable, POLLOUT) &&
		   select_add(&set, exceptional, POLLPRI)) {
		count = poll_set_wait(&set, select_deadline(timeout));
	}
	if (count >= 0) {
		count = select_collect(&set, &at, readable, POLLIN | POLLHUP | POLLERR, 0);
		/* A connection that failed is an exception, and not writable. */
		count += select_collect(&set, &at, writable, POLLOUT, POLLERR);
		count += select_collect(&set, &at, exceptional, POLLPRI | POLLERR, 0);
	}
	poll_set_free(&set);
	return count;
}

/* ---- WSAPoll ---- */

int WSAAPI WSAPoll(LPWSAPOLLFD descriptors, ULONG count, INT timeout_ms)
{
	struct poll_set set;
	int found = SOCKET_ERROR;

	if (!descriptors || count == 0)
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	if (!poll_set_make(&set, count)) {
		SetLastError(WSAENOBUFS);
		poll_set_free(&set);
		return SOCKET_ERROR;
	}
	for (ULONG i = 0; i < count; i++) {
		struct regioi_ws_socket *socket = NULL;

		/* A negative one is ignored. */
		if ((int64_t)descriptors[i].fd >= 0)
			socket = regioi_ws_socket_enter(descriptors[i].fd);
		set.sockets[i] = socket;
		/* A value that is not a socket is reported with POLLNVAL. */
		set.descriptors[i].fd = socket ? socket->fd : -1;
		set.descriptors[i].events = descriptors[i].events;
		if (!socket && (int64_t)descriptors[i].fd >= 0)
			timeout_ms = 0;
		set.count++;
	}
	found = poll_set_wait(&set,
			      regioi_ws_deadline(timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms));
	for (ULONG i = 0; i < count && found >= 0; i++) {
		descriptors[i].revents = set.descriptors[i].revents;
		if (!set.sockets[i] && (int64_t)descriptors[i].fd >= 0) {
			descriptors[i].revents = POLLNVAL;
			found++;
		}
	}
	poll_set_free(&set);
	return found;
}
