/* SPDX-License-Identifier: MIT */
/*
 * Names and connections: bind, listen, accept, connect, shutdown.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/option.h"
#include "winsock/socket/overlapped.h"
#include "winsock/win32/error.h"

/* An address that is shorter than those of its family is WSAEFAULT. */
static bool name_fits(const struct regioi_ws_socket *socket, const struct sockaddr *address,
		      int length)
{
	return address && length >= (int)sizeof(ADDRESS_FAMILY) &&
	       length >= regioi_ws_socket_name_bytes(socket);
}

/*
 * On Windows a server may bind a port on which old connections linger, but not one on which a
 * socket listens: that is the kernel's meaning of SO_REUSEADDR. False with errno set.
 */
static bool reuse_lingering(const struct regioi_ws_socket *socket)
{
	return socket->type != SOCK_STREAM || socket->exclusive ||
	       regioi_option_set(socket->fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

int WSAAPI bind(SOCKET s, const struct sockaddr *address, int length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error = 0;

	if (!socket)
		return SOCKET_ERROR;
	if (!name_fits(socket, address, length))
		error = WSAEFAULT;
	else if (!reuse_lingering(socket) || sys_bind(socket->fd, address, (socklen_t)length) < 0)
		error = regioi_ws_error(errno);
	return regioi_ws_socket_leave_with(socket, error);
}

/* SOMAXCONN_HINT() is a negative number. */
int WSAAPI listen(SOCKET s, int backlog)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error = 0;

	if (!socket)
		return SOCKET_ERROR;
	if (socket->type == SOCK_STREAM && !regioi_ws_socket_bound(socket))
		error = WSAEINVAL;
	/*
	 * Several threads may wait for one connection, some of them without blocking: blocking
	 * calls wait in poll(). A listener has no data, so the flag affects nothing else.
	 */
	else if (sys_listen(socket->fd, backlog < 0 ? -backlog : backlog) < 0 ||
		 fcntl(socket->fd, F_SETFL, O_NONBLOCK) < 0)
		error = regioi_ws_error(errno);
	socket->listening = !error;
	return regioi_ws_socket_leave_with(socket, error);
}

static int accept_one(struct regioi_ws_socket *listener, struct sockaddr *address,
		      socklen_t *length, int *ret_fd)
{
	int error;

	for (;;) {
		*ret_fd = sys_accept(listener->fd, address, length);
		if (*ret_fd >= 0)
			return 0;
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN || listener->nonblocking)
			return listener->listening && errno == EINVAL ? WSAEINTR
								      : regioi_ws_error(errno);
		error = regioi_ws_socket_wait(listener, POLLIN);
		if (error)
			return error;
	}
}

SOCKET WSAAPI WSAAccept(SOCKET s, struct sockaddr *address, int *length, LPCONDITIONPROC condition,
			DWORD_PTR context)
{
	struct regioi_ws_socket *listener;
	socklen_t known = length ? (socklen_t)*length : 0;
	SOCKET accepted = INVALID_SOCKET;
	int error, fd = -1;

	/* The kernel has accepted the connection before the condition function can be called. */
	if (condition)
		return (SOCKET)regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	if (address && !length)
		return (SOCKET)regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	listener = regioi_ws_socket_enter(s);
	if (!listener)
		return INVALID_SOCKET;
	error = address && *length < regioi_ws_socket_name_bytes(listener)
			? WSAEFAULT
			: accept_one(listener, address, address ? &known : NULL, &fd);
	if (!error)
		accepted = regioi_ws_socket_inherit(fd, listener);
	else
		SetLastError((DWORD)error);
	if (accepted != INVALID_SOCKET && address)
		*length = (int)known;
	regioi_ws_socket_leave(listener);
	return accepted;
}

SOCKET WSAAPI accept(SOCKET s, struct sockaddr *address, int *length)
{
	return WSAAccept(s, address, length, NULL, 0);
}

static int connect_now(struct regioi_ws_socket *socket, const struct sockaddr *address, int length)
{
	const bool nonblocking = socket->nonblocking && socket->type == SOCK_STREAM;
	int result, error = 0;

	if (nonblocking)
		error = regioi_ws_socket_connect(socket, address, (socklen_t)length);
	else if (sys_connect(socket->fd, address, (socklen_t)length) < 0)
		error = errno;
	if (error == EINTR) {
		/* Connecting continues; when the socket is writable, its result is known. */
		result = regioi_ws_socket_wait(socket, POLLOUT);
		if (result)
			return result;
		error = regioi_option(socket->fd, SOL_SOCKET, SO_ERROR);
	}
	socket->connecting = error == EINPROGRESS;
	if (!error) {
		socket->connected_ns = regioi_now_ns();
		return 0;
	}
	if (socket->closing)
		return WSAEINTR;
	if (error == EAGAIN)
		return WSAEADDRNOTAVAIL;
	/* The time of SO_SNDTIMEO has passed. */
	return error == EINPROGRESS && !nonblocking ? WSAETIMEDOUT : regioi_ws_error(error);
}

/* Forgets what connect() has set: only sendto() and recvfrom() are possible. */
static int disconnect_datagrams(struct regioi_ws_socket *socket)
{
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	if (sys_connect(socket->fd, &nowhere, sizeof(nowhere)) < 0)
		return regioi_ws_error(errno);
	socket->connected_ns = 0;
	/* The port that connect() has chosen is given back. */
	socket->bound = false;
	return 0;
}

static bool address_is_zero(const struct regioi_ws_socket *socket, const struct sockaddr *address)
{
	const SOCKADDR_INET *name = (const void *)address;

	if (socket->family == AF_INET)
		return name->Ipv4.sin_addr.s_addr == 0;
	return socket->family == AF_INET6 &&
	       memcmp(&name->Ipv6.sin6_addr, &in6addr_any, sizeof(in6addr_any)) == 0;
}

/*
 * The state of a stream that connect() was called for before. The kernel reports the result of an
 * attempt without blocking to the next call, and starts another attempt only after that.
 */
static int connect_state(struct regioi_ws_socket *socket)
{
	struct pollfd descriptor = {.fd = socket->fd, .events = POLLOUT};
	const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	if (socket->listening)
		return WSAEINVAL;
	if (!socket->connecting && !socket->connected_ns)
		return 0;
	if (regioi_ws_socket_connected(socket))
		return WSAEISCONN;
	if (poll(&descriptor, 1, 0) == 0)
		return WSAEALREADY;
	return sys_connect(socket->fd, &nowhere, sizeof(nowhere)) < 0 ? regioi_ws_error(errno) : 0;
}

int WSAAPI connect(SOCKET s, const struct sockaddr *address, int length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	const bool datagram = socket && socket->type == SOCK_DGRAM;
	int error = 0;

	if (!socket)
		return SOCKET_ERROR;
	if (!name_fits(socket, address, length))
		return regioi_ws_socket_leave_with(socket, WSAEFAULT);
	/* The kernel would take family 0 as a wish to disconnect, also of a stream. */
	if (address->sa_family == AF_UNSPEC && !datagram)
		return regioi_ws_socket_leave_with(socket, WSAEAFNOSUPPORT);
	if (address_is_zero(socket, address) &&
	    (address->sa_family == socket->family || address->sa_family == AF_UNSPEC))
		return regioi_ws_socket_leave_with(socket, datagram ? disconnect_datagrams(socket)
								    : WSAEADDRNOTAVAIL);
	if (address->sa_family == AF_UNSPEC)
		return regioi_ws_socket_leave_with(socket, WSAEAFNOSUPPORT);
	if (socket->type == SOCK_STREAM)
		error = connect_state(socket);
	return regioi_ws_socket_leave_with(socket,
					   error ? error : connect_now(socket, address, length));
}

int WSAAPI WSAConnect(SOCKET s, const struct sockaddr *address, int length, LPWSABUF caller_data,
		      LPWSABUF callee_data, LPQOS send_quality, LPQOS group_quality)
{
	if (caller_data || callee_data || send_quality || group_quality)
		return regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	return connect(s, address, length);
}

/*
 * Posted receives of Registered I/O stay posted until the peer or closesocket() ends them, so in
 * the kernel only the sending side is shut down.
 */
static int shut(struct regioi_ws_socket *socket, int how)
{
	const bool receiving = how != SD_SEND;
	REGIOI_LOCKED(&socket->lock);
	int error = 0;

	/* SD_RECEIVE, SD_SEND and SD_BOTH have the values of SHUT_RD, SHUT_WR and SHUT_RDWR. */
	if (how < SD_RECEIVE || how > SD_BOTH)
		return WSAEINVAL;
	if (socket->rq && how == SD_BOTH)
		how = SD_SEND;
	if (socket->rq && how == SD_RECEIVE)
		error = regioi_ws_socket_connected(socket) ? 0 : ENOTCONN;
	else if (sys_shutdown(socket->fd, how) < 0)
		error = errno;
	/* Without a connection there is nothing to shut down, and that is not an error. */
	if (error == ENOTCONN && socket->type == SOCK_DGRAM)
		error = 0;
	if (!error && how != SD_RECEIVE)
		socket->send_shut = true;
	if (!error && receiving)
		socket->receive_shut = true;
	return error ? regioi_ws_error(error) : 0;
}

int WSAAPI shutdown(SOCKET s, int how)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);

	return socket ? regioi_ws_socket_leave_with(socket, shut(socket, how)) : SOCKET_ERROR;
}

/* ---- Names ---- */

static int name_of(SOCKET s, struct sockaddr *address, int *length,
		   int (*ask)(int fd, struct sockaddr *address, socklen_t *length))
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	struct sockaddr_storage name = {0};
	socklen_t size = sizeof(name);
	int error = 0;

	if (!socket)
		return SOCKET_ERROR;
	if (ask(socket->fd, (struct sockaddr *)&name, &size) < 0)
		error = regioi_ws_error(errno);
	else if (!address || !length || *length < (int)size)
		error = WSAEFAULT;
	if (!error) {
		memcpy(address, &name, size);
		*length = (int)size;
	}
	return regioi_ws_socket_leave_with(socket, error);
}

/* A socket that is not bound has no name on Windows. */
static int bound_name(int fd, struct sockaddr *address, socklen_t *length)
{
	const struct sockaddr_in *name = (const void *)address;

	if (sys_getsockname(fd, address, length) < 0)
		return -1;
	/* The port is at the same place in IPv6. */
	if ((address->sa_family == AF_INET || address->sa_family == AF_INET6) &&
	    name->sin_port == 0) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

int WSAAPI getsockname(SOCKET s, struct sockaddr *address, int *length)
{
	return name_of(s, address, length, bound_name);
}

int WSAAPI getpeername(SOCKET s, struct sockaddr *address, int *length)
{
	return name_of(s, address, length, sys_getpeername);
}
