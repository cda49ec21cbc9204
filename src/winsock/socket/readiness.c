/* SPDX-License-Identifier: MIT */
/*
 * The state of sockets as Windows defines it, on the kernel's poll.
 */
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/option.h"
#include "winsock/socket/readiness.h"
#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"

/*
 * The kernel always reports a stream that was never connected, and Windows does not. It is looked
 * at again after this time, because another thread may connect it.
 */
#define IDLE_LOOK_NS UINT64_C(20000000)

static unsigned int datagram_state(struct regioi_ws_socket *socket, short events)
{
	unsigned int state = 0;

	/* An error that the program does not want to know about is taken, so that it ends. */
	if (events & POLLERR && socket->ignore_icmp) {
		regioi_option(socket->fd, SOL_SOCKET, SO_ERROR);
		events &= (short)~POLLERR;
	}
	if (events & (POLLIN | POLLERR) || socket->unreachable)
		state |= REGIOI_WS_READABLE;
	return state | (events & POLLOUT ? REGIOI_WS_WRITABLE : 0);
}

/* On Windows the end of a stream is not data. */
static bool has_data(const struct regioi_ws_socket *socket)
{
	int bytes = 0;

	return ioctl(socket->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

static unsigned int connected_state(struct regioi_ws_socket *socket, short events)
{
	unsigned int state = events & POLLPRI ? REGIOI_WS_URGENT : 0;

	if (events & POLLIN && (!(events & POLLRDHUP) || has_data(socket)))
		state |= REGIOI_WS_READABLE;
	if (events & POLLOUT)
		state |= REGIOI_WS_WRITABLE;
	if (events & (POLLRDHUP | POLLHUP | POLLERR) && !socket->receive_shut)
		state |= REGIOI_WS_ENDED;
	return state | (events & POLLERR || socket->was_reset ? REGIOI_WS_RESET : 0);
}

static unsigned int state_of(struct regioi_ws_socket *socket, short events)
{
	if (socket->type == SOCK_DGRAM)
		return datagram_state(socket, events);
	if (socket->type != SOCK_STREAM || socket->listening ||
	    (events && regioi_ws_socket_connected(socket)))
		return connected_state(socket, events);
	/* Only a failed attempt leaves an error, or ends what was never connected. */
	return events & (POLLERR | POLLIN) ? REGIOI_WS_CONNECT_FAILED : 0;
}

static short kernel_events(const struct regioi_ws_look *look)
{
	short events = 0;

	if (look->wanted & (REGIOI_WS_READABLE | REGIOI_WS_ENDED))
		events |= POLLIN | POLLRDHUP;
	if (look->wanted & REGIOI_WS_URGENT)
		events |= POLLPRI;
	if (look->wanted & REGIOI_WS_WRITABLE)
		events |= POLLOUT;
	return events;
}

/*
 * With the result of a poll: whether a socket is in a state that is wanted of it. 'ret_again': the
 * kernel has reported others.
 */
static bool find(struct regioi_ws_look *looks, struct pollfd *descriptors, uint32_t count,
		 bool *ret_again)
{
	bool found = false;

	*ret_again = false;
	for (uint32_t i = 0; i < count; i++) {
		struct regioi_ws_look *look = &looks[i];

		if (!look->socket)
			continue;
		look->found = state_of(look->socket, descriptors[i].revents);
		if (look->found & look->wanted) {
			found = true;
		} else if (descriptors[i].revents) {
			*ret_again = true;
			/* The kernel would report it at once again; an ignored error is gone. */
			if (look->socket->type != SOCK_DGRAM)
				descriptors[i].fd = -1;
		}
	}
	return found;
}

/* Whether the kernel has to be asked only for what is there now. */
static bool fill(const struct regioi_ws_look *looks, struct pollfd *descriptors, uint32_t count)
{
	bool at_once = false;

	for (uint32_t i = 0; i < count; i++) {
		descriptors[i] = (struct pollfd){
			.fd = looks[i].socket ? looks[i].socket->fd : -1,
			.events = kernel_events(&looks[i]),
		};
		if (looks[i].socket && looks[i].wanted & REGIOI_WS_READABLE)
			at_once |= looks[i].socket->unreachable;
	}
	return at_once;
}

/* A signal does not end it. */
static int poll_until(struct pollfd *descriptors, uint32_t count, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = deadline_ns ? regioi_now_ns() : 0;
		struct timespec rest = regioi_timespec(deadline_ns > now ? deadline_ns - now : 0);

		if (ppoll(descriptors, count, deadline_ns == UINT64_MAX ? NULL : &rest, NULL) >= 0)
			return 0;
		if (errno != EINTR)
			return regioi_ws_error(errno);
	}
}

/* Returns 0 or a Winsock error. */
static int wait_for(struct regioi_ws_look *looks, struct pollfd *descriptors, uint32_t count,
		    uint64_t deadline_ns)
{
	for (;;) {
		const bool at_once = fill(looks, descriptors, count);
		int error = poll_until(descriptors, count, at_once ? 0 : deadline_ns);
		uint64_t soon_ns;
		bool again;

		if (error || find(looks, descriptors, count, &again) || !again || deadline_ns == 0)
			return error;
		soon_ns = regioi_now_ns() + IDLE_LOOK_NS;
		error = poll_until(descriptors, count,
				   deadline_ns < soon_ns ? deadline_ns : soon_ns);
		if (error)
			return error;
		if (regioi_now_ns() >= deadline_ns)
			deadline_ns = 0;
	}
}

int regioi_ws_look(struct regioi_ws_look *looks, uint32_t count, uint64_t deadline_ns)
{
	struct pollfd *descriptors = calloc(count, sizeof(*descriptors));
	int error;

	if (!descriptors)
		return WSAENOBUFS;
	error = wait_for(looks, descriptors, count, deadline_ns);
	free(descriptors);
	return error;
}

void regioi_ws_look_free(struct regioi_ws_look *looks, uint32_t count)
{
	for (uint32_t i = 0; looks && i < count; i++)
		if (looks[i].socket)
			regioi_ws_socket_leave(looks[i].socket);
	free(looks);
}
