/* SPDX-License-Identifier: MIT */
/*
 * select and WSAPoll.
 */
#include "base/clock.h"
#include "winsock/socket/readiness.h"
#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"

/* The events that a program may ask for. POLLIN and POLLOUT are made of these. */
#define POLL_EVENTS (POLLRDNORM | POLLRDBAND | POLLWRNORM)

/* ---- select ---- */

/* The states for which a socket stays in each set. */
#define STATES_READABLE (REGIOI_WS_READABLE | REGIOI_WS_ENDED)
#define STATES_WRITABLE REGIOI_WS_WRITABLE
#define STATES_EXCEPTIONAL (REGIOI_WS_URGENT | REGIOI_WS_CONNECT_FAILED)

static bool select_add(struct regioi_ws_look *looks, uint32_t *count, const struct fd_set *from,
		       unsigned int wanted)
{
	for (uint32_t i = 0; from && i < from->fd_count; i++) {
		looks[*count].socket = regioi_ws_socket_enter(from->fd_array[i]);
		if (!looks[*count].socket)
			return false;
		looks[(*count)++].wanted = wanted;
	}
	return true;
}

/* Leaves in 'to' the sockets whose state is one that was wanted. */
static int select_collect(const struct regioi_ws_look *looks, uint32_t *at, struct fd_set *to)
{
	uint32_t count = to ? to->fd_count : 0, kept = 0;

	for (uint32_t i = 0; i < count; i++, (*at)++)
		if (looks[*at].found & looks[*at].wanted)
			to->fd_array[kept++] = to->fd_array[i];
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
	return wait_ns ? regioi_now_ns() + wait_ns : 0;
}

int WSAAPI select(int ignored, struct fd_set *readable, struct fd_set *writable,
		  struct fd_set *exceptional, const struct timeval *timeout)
{
	uint32_t total = (readable ? readable->fd_count : 0) + (writable ? writable->fd_count : 0) +
			 (exceptional ? exceptional->fd_count : 0);
	struct regioi_ws_look *looks;
	uint32_t entered = 0, at = 0;
	int count = SOCKET_ERROR, error;

	if (!regioi_ws_started())
		return SOCKET_ERROR;
	if (total == 0 || (timeout && (timeout->tv_sec < 0 || timeout->tv_usec < 0)))
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	looks = calloc(total, sizeof(*looks));
	if (!looks)
		return regioi_ws_fail(WSAENOBUFS, SOCKET_ERROR);
	if (select_add(looks, &entered, readable, STATES_READABLE) &&
	    select_add(looks, &entered, writable, STATES_WRITABLE) &&
	    select_add(looks, &entered, exceptional, STATES_EXCEPTIONAL)) {
		error = regioi_ws_look(looks, total, select_deadline(timeout));
		count = error ? regioi_ws_fail(error, SOCKET_ERROR) : 0;
	}
	if (count == 0)
		count = select_collect(looks, &at, readable) +
			select_collect(looks, &at, writable) +
			select_collect(looks, &at, exceptional);
	regioi_ws_look_free(looks, total);
	return count;
}

/* ---- WSAPoll ---- */

static unsigned int poll_wanted(SHORT events)
{
	unsigned int wanted = REGIOI_WS_ENDED | REGIOI_WS_RESET | REGIOI_WS_CONNECT_FAILED;

	if (events & POLLRDNORM)
		wanted |= REGIOI_WS_READABLE;
	if (events & POLLRDBAND)
		wanted |= REGIOI_WS_URGENT;
	if (events & POLLWRNORM)
		wanted |= REGIOI_WS_WRITABLE;
	return wanted;
}

static SHORT poll_result(unsigned int found, SHORT events)
{
	SHORT result = 0;

	if (found & REGIOI_WS_READABLE)
		result |= POLLRDNORM;
	if (found & REGIOI_WS_URGENT)
		result |= POLLRDBAND;
	if (found & (REGIOI_WS_WRITABLE | REGIOI_WS_CONNECT_FAILED))
		result |= POLLWRNORM;
	result &= events;
	if (found & (REGIOI_WS_ENDED | REGIOI_WS_CONNECT_FAILED))
		result |= POLLHUP;
	if (found & (REGIOI_WS_RESET | REGIOI_WS_CONNECT_FAILED))
		result |= POLLERR;
	return result;
}

/* Enters the sockets. Returns 0 or a Winsock error. */
static int poll_fill(struct regioi_ws_look *looks, const WSAPOLLFD *descriptors, ULONG count,
		     bool *ret_none_invalid)
{
	bool any = false;

	*ret_none_invalid = true;
	for (ULONG i = 0; i < count; i++) {
		/* A negative one is ignored. */
		if ((int64_t)descriptors[i].fd < 0)
			continue;
		if (descriptors[i].events & ~POLL_EVENTS)
			return WSAEINVAL;
		looks[i].socket = regioi_ws_socket_enter(descriptors[i].fd);
		looks[i].wanted = poll_wanted(descriptors[i].events);
		any |= looks[i].socket != NULL;
		*ret_none_invalid &= looks[i].socket != NULL;
	}
	return any ? 0 : WSAEINVAL;
}

int WSAAPI WSAPoll(LPWSAPOLLFD descriptors, ULONG count, INT timeout_ms)
{
	uint64_t deadline_ns = regioi_ws_deadline(timeout_ms < 0 ? INFINITE : (DWORD)timeout_ms);
	struct regioi_ws_look *looks;
	bool none_invalid;
	int found = 0, error;

	if (!regioi_ws_started())
		return SOCKET_ERROR;
	if (!descriptors || count == 0)
		return regioi_ws_fail(WSAEINVAL, SOCKET_ERROR);
	looks = calloc(count, sizeof(*looks));
	if (!looks)
		return regioi_ws_fail(WSAENOBUFS, SOCKET_ERROR);
	error = poll_fill(looks, descriptors, count, &none_invalid);
	if (!error)
		error = regioi_ws_look(looks, count, none_invalid ? deadline_ns : 0);
	for (ULONG i = 0; i < count && !error; i++) {
		if (looks[i].socket || (int64_t)descriptors[i].fd < 0)
			descriptors[i].revents = poll_result(looks[i].found, descriptors[i].events);
		else
			descriptors[i].revents = POLLNVAL;
		found += descriptors[i].revents != 0;
	}
	regioi_ws_look_free(looks, count);
	return error ? regioi_ws_fail(error, SOCKET_ERROR) : found;
}
