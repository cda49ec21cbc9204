/* SPDX-License-Identifier: MIT */
/*
 * AcceptEx, ConnectEx, DisconnectEx and GetAcceptExSockaddrs.
 *
 * AcceptEx gives a connection to a socket created beforehand, which keeps its number, options and
 * request queue: the new descriptor replaces the old one under the same number.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/option.h"
#include "winsock/socket/extension.h"
#include "winsock/socket/overlapped.h"
#include "winsock/win32/error.h"

/* Sizes in AcceptEx()'s buffer, for each address: of its length, and of the longest address. */
#define ADDRESS_PREFIX 16u
#define ADDRESS_ROOM_MIN (sizeof(SOCKADDR_IN) + ADDRESS_PREFIX)

/* ---- Another descriptor under the same number ---- */

/* Options that a program may have set on a socket before it gets a connection. */
static const struct {
	int level;
	int name;
} kept_options[] = {
	{SOL_SOCKET, SO_RCVBUF},    {SOL_SOCKET, SO_SNDBUF},	 {SOL_SOCKET, SO_KEEPALIVE},
	{IPPROTO_TCP, TCP_NODELAY}, {IPPROTO_IPV6, IPV6_V6ONLY},
};

static void copy_options(int from, int to)
{
	for (size_t i = 0; i < ARRAYSIZE(kept_options); i++) {
		const int level = kept_options[i].level, name = kept_options[i].name;
		int value = regioi_option(from, level, name);

		if (value == regioi_option(to, level, name))
			continue;
		/* The kernel doubles the buffer sizes that are set. */
		if (level == SOL_SOCKET && name != SO_KEEPALIVE)
			value /= 2;
		regioi_option_set(to, level, name, value);
	}
}

/* With the socket's lock. Takes ownership of 'fd'. Returns 0 or a Winsock error. */
static int socket_replace(struct regioi_ws_socket *socket, int fd)
{
	int error = 0;

	copy_options(socket->fd, fd);
	if (socket->rq) {
		error = regio_rq_replace_socket(socket->rq, fd);
		error = error ? regioi_ws_error(-error) : 0;
	} else if (dup3(fd, socket->fd, O_CLOEXEC) < 0) {
		error = regioi_ws_error(errno);
	}
	close(fd);
	regioi_ws_operations_move(socket);
	return error;
}

static BOOL start(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	DWORD bytes = 0;
	int error;

	if (ret_bytes)
		*ret_bytes = 0;
	error = regioi_ws_operation_start(operation, &bytes);
	return error ? regioi_ws_fail(error, FALSE) : TRUE;
}

/* ---- AcceptEx ---- */

static void write_address(uint8_t *at, DWORD room, const struct sockaddr_storage *address,
			  socklen_t length)
{
	if (length > room - ADDRESS_PREFIX)
		length = room - ADDRESS_PREFIX;
	memset(at, 0, room);
	memcpy(at, &length, sizeof(length));
	memcpy(at + ADDRESS_PREFIX, address, length);
}

static void write_addresses(const struct regioi_ws_operation *operation, int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	uint8_t *at = operation->buffer;

	if (sys_getsockname(fd, (struct sockaddr *)&address, &length) == 0)
		write_address(at, operation->sizes[1], &address, length);
	length = sizeof(address);
	if (sys_getpeername(fd, (struct sockaddr *)&address, &length) == 0)
		write_address(at + operation->sizes[1], operation->sizes[2], &address, length);
}

static int attempt_accept(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct regioi_ws_socket *accepted = operation->accepted;
	int fd = sys_accept(operation->socket->fd, NULL, NULL);

	if (fd < 0)
		return errno == ECONNABORTED ? WSAEWOULDBLOCK : regioi_ws_error(errno);
	write_addresses(operation, fd);
	REGIOI_LOCKED(&accepted->lock);
	if (accepted->closing) {
		close(fd);
		return WSA_OPERATION_ABORTED;
	}
	accepted->connected_ns = regioi_now_ns();
	return socket_replace(accepted, fd);
}

/* The socket must be of the listener's kind, and neither bound nor connected. */
static bool may_be_accepted(struct regioi_ws_socket *socket,
			    const struct regioi_ws_socket *listener)
{
	return socket->family == listener->family && socket->type == listener->type &&
	       !socket->listening && !regioi_ws_socket_bound(socket) &&
	       !regioi_ws_socket_connected(socket);
}

/* Enters the socket for the operation, which leaves it. Returns 0 or a Winsock error. */
static int claim_accepted(struct regioi_ws_socket *listener, SOCKET accepted,
			  struct regioi_ws_socket **ret_socket)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(accepted);

	if (!socket)
		return WSAENOTSOCK;
	if (!atomic_exchange(&socket->accepting, true)) {
		if (may_be_accepted(socket, listener)) {
			*ret_socket = socket;
			return 0;
		}
		socket->accepting = false;
	}
	regioi_ws_socket_leave(socket);
	return WSAEINVAL;
}

/* Returns 0 or a Winsock error. */
static int check_accept(const struct regioi_ws_socket *listener, const void *buffer,
			DWORD receive_size, DWORD local_size, DWORD remote_size)
{
	if (!listener->listening)
		return WSAEINVAL;
	if (!buffer || local_size < ADDRESS_ROOM_MIN || remote_size < ADDRESS_ROOM_MIN)
		return WSAEFAULT;
	/* Waiting for the first data is not supported. */
	return receive_size ? WSAEOPNOTSUPP : 0;
}

BOOL PASCAL AcceptEx(SOCKET s, SOCKET accepted, PVOID buffer, DWORD receive_size, DWORD local_size,
		     DWORD remote_size, LPDWORD ret_bytes, LPOVERLAPPED overlapped)
{
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *listener;
	int error;

	if (!overlapped)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	listener = regioi_ws_socket_enter(s);
	if (!listener)
		return FALSE;
	error = check_accept(listener, buffer, receive_size, local_size, remote_size);
	if (error)
		return regioi_ws_socket_leave_with(listener, error) == 0;
	operation = regioi_ws_operation_make(listener, overlapped, REGIOI_WS_IN);
	if (!operation)
		return FALSE;
	operation->attempt = attempt_accept;
	operation->buffer = buffer;
	operation->sizes[1] = local_size;
	operation->sizes[2] = remote_size;
	error = claim_accepted(listener, accepted, &operation->accepted);
	if (!error)
		return start(operation, ret_bytes);
	regioi_ws_operation_refuse(operation, error);
	return regioi_ws_fail(error, FALSE);
}

static void read_address(uint8_t *at, struct sockaddr **ret_address, int *ret_length)
{
	memcpy(ret_length, at, sizeof(*ret_length));
	*ret_address = (struct sockaddr *)(void *)(at + ADDRESS_PREFIX);
}

void PASCAL GetAcceptExSockaddrs(PVOID buffer, DWORD receive_size, DWORD local_size,
				 DWORD remote_size, struct sockaddr **ret_local,
				 LPINT ret_local_length, struct sockaddr **ret_remote,
				 LPINT ret_remote_length)
{
	uint8_t *at = (uint8_t *)buffer + receive_size;

	read_address(at, ret_local, ret_local_length);
	read_address(at + local_size, ret_remote, ret_remote_length);
}

/* ---- ConnectEx ---- */

/* The first attempt starts connecting, later ones check the result. */
static int attempt_connect(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct regioi_ws_socket *socket = operation->socket;
	struct pollfd descriptor = {.fd = socket->fd, .events = POLLOUT};
	int error = EINPROGRESS;

	if (operation->done_bytes++ == 0)
		error = regioi_ws_socket_connect(socket, (struct sockaddr *)&operation->address,
						 operation->sizes[0]);
	else if (poll(&descriptor, 1, 0) != 0)
		error = regioi_option(socket->fd, SOL_SOCKET, SO_ERROR);
	if (!error)
		socket->connected_ns = regioi_now_ns();
	return error ? regioi_ws_error(error) : 0;
}

static BOOL PASCAL connect_ex(SOCKET s, const struct sockaddr *address, int length, PVOID data,
			      DWORD data_size, LPDWORD ret_bytes, LPOVERLAPPED overlapped)
{
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *socket;
	int error = 0;

	if (!overlapped)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	socket = regioi_ws_socket_enter(s);
	if (!socket)
		return FALSE;
	if (!address || length < (int)sizeof(ADDRESS_FAMILY) ||
	    (size_t)length > sizeof(operation->address))
		error = WSAEFAULT;
	else if (data && data_size)
		error = WSAEOPNOTSUPP; /* no payload with the connect */
	else if (regioi_ws_socket_connected(socket))
		error = WSAEISCONN;
	else if (!socket->fresh && !regioi_ws_socket_bound(socket))
		error = WSAEINVAL; /* Windows requires it to be bound */
	if (error)
		return regioi_ws_socket_leave_with(socket, error) == 0;
	operation = regioi_ws_operation_make(socket, overlapped, REGIOI_WS_OUT);
	if (!operation)
		return FALSE;
	operation->attempt = attempt_connect;
	memcpy(&operation->address, address, (size_t)length);
	operation->sizes[0] = (DWORD)length;
	return start(operation, ret_bytes);
}

/* ---- DisconnectEx ---- */

/* Ends the connection; for reuse a new socket gets the number. */
static int attempt_disconnect(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct regioi_ws_socket *socket = operation->socket;
	int fd;

	if (sys_shutdown(socket->fd, SHUT_RDWR) < 0)
		return regioi_ws_error(errno);
	socket->connected_ns = 0;
	socket->send_shut = true;
	if (!(operation->flags & TF_REUSE_SOCKET))
		return 0;
	fd = regioi_ws_descriptor_make(socket->family, socket->type, 0);
	if (fd < 0)
		return regioi_ws_error(errno);
	socket->fresh = true;
	socket->bound = false;
	socket->send_shut = socket->receive_shut = socket->was_reset = false;
	return socket_replace(socket, fd);
}

static BOOL PASCAL disconnect_ex(SOCKET s, LPOVERLAPPED overlapped, DWORD flags, DWORD reserved)
{
	struct regioi_ws_operation *operation, alone = {0};
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	DWORD bytes = 0;
	int error = 0;

	if (!socket)
		return FALSE;
	if (flags & ~(DWORD)(TF_DISCONNECT | TF_REUSE_SOCKET) || reserved)
		error = WSAEINVAL;
	else if (socket->type != SOCK_STREAM || !regioi_ws_socket_connected(socket))
		error = WSAENOTCONN;
	if (error || !overlapped) {
		alone.socket = socket;
		alone.flags = (int)flags;
		if (!error) {
			REGIOI_LOCKED(&socket->lock);
			error = attempt_disconnect(&alone, &bytes);
		}
		return regioi_ws_socket_leave_with(socket, error) == 0;
	}
	operation = regioi_ws_operation_make(socket, overlapped, REGIOI_WS_OUT);
	if (!operation)
		return FALSE;
	operation->attempt = attempt_disconnect;
	operation->flags = (int)flags;
	return start(operation, NULL);
}

/* ---- Finding them ---- */

const void *regioi_ws_extension_find(const void *guid)
{
	static const struct {
		GUID guid;
		void (*function)(void);
	} extensions[] = {
		{WSAID_ACCEPTEX, (void (*)(void))AcceptEx},
		{WSAID_CONNECTEX, (void (*)(void))connect_ex},
		{WSAID_DISCONNECTEX, (void (*)(void))disconnect_ex},
		{WSAID_GETACCEPTEXSOCKADDRS, (void (*)(void))GetAcceptExSockaddrs},
		{WSAID_WSARECVMSG, (void (*)(void))regioi_ws_receive_message},
		{WSAID_WSASENDMSG, (void (*)(void))WSASendMsg},
	};

	for (size_t i = 0; i < ARRAYSIZE(extensions); i++)
		if (memcmp(guid, &extensions[i].guid, sizeof(GUID)) == 0)
			return (const void *)(uintptr_t)extensions[i].function;
	return NULL;
}
