/* SPDX-License-Identifier: MIT */
/*
 * Sockets: the table of their properties, creating and closing them.
 *
 * A SOCKET is the number of its descriptor. A call enters the socket and leaves it. closesocket()
 * shuts it down, which wakes threads that are blocked in it; the last thread that leaves closes the
 * descriptor, so its number is not reused before that.
 */
#include <fcntl.h>

#include "base/clock.h"
#include "base/option.h"
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

#define CHUNK_SOCKETS 1024u
#define CHUNKS 1024u

static _Atomic(struct regioi_ws_socket *) chunks[CHUNKS];
static pthread_mutex_t chunks_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- The table ---- */

static struct regioi_ws_socket *chunk_make(_Atomic(struct regioi_ws_socket *) *chunk)
{
	REGIOI_LOCKED(&chunks_lock);
	struct regioi_ws_socket *sockets = atomic_load(chunk);

	if (sockets)
		return sockets;
	sockets = calloc(CHUNK_SOCKETS, sizeof(*sockets));
	for (uint32_t i = 0; sockets && i < CHUNK_SOCKETS; i++)
		pthread_mutex_init(&sockets[i].lock, NULL);
	atomic_store(chunk, sockets);
	return sockets;
}

/* The entry of a descriptor, created if 'make' is set. NULL if there is none. */
static struct regioi_ws_socket *place_of(uint64_t fd, bool make)
{
	struct regioi_ws_socket *sockets;

	if (fd >= CHUNK_SOCKETS * CHUNKS)
		return NULL;
	sockets = atomic_load(&chunks[fd / CHUNK_SOCKETS]);
	if (!sockets && make)
		sockets = chunk_make(&chunks[fd / CHUNK_SOCKETS]);
	return sockets ? &sockets[fd % CHUNK_SOCKETS] : NULL;
}

struct regioi_ws_socket *regioi_ws_socket_enter(SOCKET s)
{
	return regioi_ws_started() ? regioi_ws_socket_find(s) : NULL;
}

struct regioi_ws_socket *regioi_ws_socket_find(SOCKET s)
{
	struct regioi_ws_socket *socket = place_of(s, false);

	if (!socket)
		return regioi_ws_fail_null(WSAENOTSOCK);
	REGIOI_LOCKED(&socket->lock);
	if (!socket->open || socket->closing)
		return regioi_ws_fail_null(WSAENOTSOCK);
	socket->calls++;
	return socket;
}

void regioi_ws_socket_leave(struct regioi_ws_socket *socket)
{
	struct regioi_ws_port *port = NULL;
	bool last;

	pthread_mutex_lock(&socket->lock);
	last = --socket->calls == 0 && socket->closing;
	if (last) {
		socket->open = false;
		port = socket->port;
		socket->port = NULL;
	}
	pthread_mutex_unlock(&socket->lock);
	/* Not with the lock: it may linger, and another socket may have the number meanwhile. */
	if (last)
		close(socket->fd);
	if (port)
		regioi_ws_object_drop(&port->object);
}

int regioi_ws_socket_leave_with(struct regioi_ws_socket *socket, int error)
{
	regioi_ws_socket_leave(socket);
	return error ? regioi_ws_fail(error, SOCKET_ERROR) : 0;
}

int regioi_ws_transfer_error(struct regioi_ws_socket *socket, int error)
{
	/* The kernel has one error for three cases: not connected, shut down, reset by the peer. */
	if (error == EPIPE && socket->send_shut)
		return WSAESHUTDOWN;
	if (error == EPIPE && !regioi_ws_socket_connected(socket))
		return WSAENOTCONN;
	/* The kernel reports it once. */
	if (error == ECONNRESET)
		socket->was_reset = true;
	return regioi_ws_status(error);
}

int regioi_ws_socket_set(const struct regioi_ws_socket *socket, int level, int name, int number)
{
	return regioi_option_set(socket->fd, level, name, number) ? 0 : regioi_ws_error(errno);
}

int regioi_ws_socket_connect(const struct regioi_ws_socket *socket, const struct sockaddr *address,
			     socklen_t length)
{
	const int flags = fcntl(socket->fd, F_GETFL);
	int error;

	/* There is no flag of the call for that. */
	fcntl(socket->fd, F_SETFL, flags | O_NONBLOCK);
	error = sys_connect(socket->fd, address, length) < 0 ? errno : 0;
	fcntl(socket->fd, F_SETFL, flags);
	return error;
}

int regioi_ws_socket_wait(const struct regioi_ws_socket *socket, short events)
{
	struct pollfd descriptor = {.fd = socket->fd, .events = events};

	while (poll(&descriptor, 1, -1) < 0)
		if (errno != EINTR)
			return regioi_ws_error(errno);
	return 0;
}

bool regioi_ws_socket_bound(struct regioi_ws_socket *socket)
{
	SOCKADDR_INET name = {0};
	socklen_t size = sizeof(name);

	if (socket->family != AF_INET && socket->family != AF_INET6)
		return true;
	/* The port is at the same place in IPv6. */
	if (!socket->bound && sys_getsockname(socket->fd, (struct sockaddr *)&name, &size) == 0)
		socket->bound = name.Ipv4.sin_port != 0;
	return socket->bound;
}

bool regioi_ws_socket_connected(struct regioi_ws_socket *socket)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name);

	/* Only this shows that a connect() without blocking has finished. */
	if (!socket->connected_ns &&
	    sys_getpeername(socket->fd, (struct sockaddr *)&name, &size) == 0)
		socket->connected_ns = regioi_now_ns();
	return socket->connected_ns != 0;
}

int regioi_ws_socket_name_bytes(const struct regioi_ws_socket *socket)
{
	if (socket->family == AF_INET)
		return sizeof(SOCKADDR_IN);
	return socket->family == AF_INET6 ? sizeof(SOCKADDR_IN6) : 0;
}

/* ---- Creating ---- */

/* Makes a descriptor a SOCKET. On failure closes it, and returns NULL with the last error set. */
static struct regioi_ws_socket *adopt(int fd, int family, int type, bool registered_io)
{
	struct regioi_ws_socket *socket = place_of((uint64_t)fd, true);

	if (!socket) {
		close(fd);
		return regioi_ws_fail_null(WSAENOBUFS);
	}
	REGIOI_LOCKED(&socket->lock);
	/* The number may have been that of a socket that was closed: all but the lock is new. */
	memset((char *)socket + sizeof(socket->lock), 0, sizeof(*socket) - sizeof(socket->lock));
	socket->open = true;
	socket->fd = fd;
	socket->family = family;
	socket->type = type;
	socket->registered_io = registered_io;
	return socket;
}

int regioi_ws_descriptor_make(int family, int type, int protocol)
{
	int fd = sys_socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		return -1;
	/*
	 * Errors are ignored: if the kernel does not know an option, its default cannot be changed.
	 */
	if (family == AF_INET6)
		regioi_option_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	/* No messages for groups that only other sockets of the host have joined. */
	if (family == AF_INET && type == SOCK_DGRAM)
		regioi_option_set(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	if (family == AF_INET6 && type == SOCK_DGRAM)
		regioi_option_set(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	return fd;
}

/* What is not given follows from the rest. Returns 0 or a Winsock error. */
static int complete_kind(int *family, int *type, int protocol)
{
	if (*family == AF_UNSPEC && *type == 0 && protocol == 0)
		return WSAEINVAL;
	if (*family == AF_UNSPEC)
		*family = AF_INET;
	if (*type == 0 && (*family == AF_INET || *family == AF_INET6))
		*type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
	/* Higher bits would be the kernel's flags. */
	return *type < SOCK_STREAM || *type > SOCK_SEQPACKET ? WSAESOCKTNOSUPPORT : 0;
}

static SOCKET socket_create(int family, int type, int protocol, DWORD flags)
{
	const DWORD known =
		WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT | WSA_FLAG_REGISTERED_IO;
	int fd, error;

	if (!regioi_ws_started())
		return INVALID_SOCKET;
	error = flags & ~known ? WSAEINVAL : complete_kind(&family, &type, protocol);
	if (error)
		return (SOCKET)regioi_ws_fail(error, SOCKET_ERROR);
	fd = regioi_ws_descriptor_make(family, type, protocol);
	if (fd < 0)
		return (SOCKET)regioi_ws_fail(regioi_ws_error(errno), SOCKET_ERROR);
	return adopt(fd, family, type, flags & WSA_FLAG_REGISTERED_IO) ? (SOCKET)fd
								       : INVALID_SOCKET;
}

SOCKET regioi_ws_socket_inherit(int fd, const struct regioi_ws_socket *listener)
{
	struct regioi_ws_socket *socket =
		adopt(fd, listener->family, listener->type, listener->registered_io);

	if (!socket)
		return INVALID_SOCKET;
	socket->nonblocking = listener->nonblocking;
	socket->connected_ns = regioi_now_ns();
	return (SOCKET)fd;
}

SOCKET WSAAPI socket(int family, int type, int protocol)
{
	return socket_create(family, type, protocol, WSA_FLAG_OVERLAPPED);
}

SOCKET WSAAPI WSASocketA(int family, int type, int protocol, LPWSAPROTOCOL_INFOA info, GROUP group,
			 DWORD flags)
{
	/* That would be a socket passed on by another process. */
	if (info || group)
		return (SOCKET)regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	return socket_create(family, type, protocol, flags);
}

SOCKET WSAAPI WSASocketW(int family, int type, int protocol, LPWSAPROTOCOL_INFOW info, GROUP group,
			 DWORD flags) REGIOI_WS_SAME_AS(WSASocketA);
