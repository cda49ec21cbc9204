/* SPDX-License-Identifier: MIT */
/*
 * Socket options.
 *
 * Most are passed to the kernel unchanged, except that a BOOL of one or two bytes becomes an int. A
 * few have another meaning on Windows or exist only there. All others are refused.
 */
#include <netinet/udp.h>

#include "base/clock.h"
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

#define IPV6_PKTINFO_WANTED 49	/* IPV6_RECVPKTINFO of linux/in6.h */
#define IPV6_HOPLIMIT_WANTED 51 /* IPV6_RECVHOPLIMIT */
#define NEVER_CONNECTED 0xFFFFFFFFu
_Static_assert(sizeof(LINGER) == sizeof(DWORD), "it is read and written as a number");
/* The longest payload: as much as the kernel may join. */
#define COALESCED_MAX 65507u

/* Some options of a level; the name of none is 0. */
struct options {
	int level;
	int names[16];
};

/* Passed to the kernel. */
static const struct options plain[] = {
	{SOL_SOCKET,
	 {SO_BROADCAST, SO_KEEPALIVE, SO_DONTROUTE, SO_OOBINLINE, SO_SNDBUF, SO_RCVBUF, SO_SNDLOWAT,
	  SO_RCVLOWAT, SO_TYPE, SO_ACCEPTCONN}},
	{IPPROTO_UDP, {UDP_SEND_MSG_SIZE}},
	{IPPROTO_TCP,
	 {TCP_NODELAY, TCP_MAXSEG, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT, TCP_FASTOPEN}},
	{IPPROTO_IP,
	 {IP_TOS, IP_TTL, IP_HDRINCL, IP_OPTIONS, IP_UNICAST_IF, IP_MTU_DISCOVER, IP_MTU,
	  IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}},
	{IPPROTO_IP,
	 {IP_MULTICAST_IF, IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_ADD_MEMBERSHIP,
	  IP_DROP_MEMBERSHIP, IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE,
	  IP_UNBLOCK_SOURCE, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP,
	  MCAST_LEAVE_SOURCE_GROUP}},
	{IPPROTO_IPV6,
	 {IPV6_V6ONLY, IPV6_UNICAST_HOPS, IPV6_UNICAST_IF, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF,
	  IPV6_MULTICAST_LOOP, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_TCLASS, IPV6_RECVTCLASS,
	  IPV6_MTU_DISCOVER, IPV6_MTU, MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, MCAST_JOIN_SOURCE_GROUP,
	  MCAST_LEAVE_SOURCE_GROUP}},
};

/* All bytes of these are needed; others may be BOOLs, of any length. */
static const struct options whole = {
	SOL_SOCKET,
	{SO_SNDBUF, SO_RCVBUF, SO_SNDLOWAT, SO_RCVLOWAT, SO_SNDTIMEO, SO_RCVTIMEO, SO_ERROR,
	 SO_TYPE, SO_LINGER},
};

static bool includes(const struct options *options, int level, int name)
{
	for (size_t i = 0; options->level == level && i < ARRAYSIZE(options->names); i++)
		if (name && options->names[i] == name)
			return true;
	return false;
}

static bool is_plain(int level, int name)
{
	bool found = false;

	for (size_t i = 0; i < ARRAYSIZE(plain); i++)
		found |= includes(&plain[i], level, name);
	return found;
}

/*
 * The kernel's option that enables a control message; Windows uses the message's own name for that.
 */
static int kernel_name(int level, int name)
{
	if (level == IPPROTO_IPV6 && name == IPV6_PKTINFO)
		return IPV6_PKTINFO_WANTED;
	if (level == IPPROTO_IPV6 && name == IPV6_HOPLIMIT)
		return IPV6_HOPLIMIT_WANTED;
	return is_plain(level, name) ? name : -1;
}

static int number_of(const char *value, int length)
{
	int number = 0;

	memcpy(&number, value, (size_t)length < sizeof(number) ? (size_t)length : sizeof(number));
	return number;
}

static int set_kernel(const struct regioi_ws_socket *socket, int level, int name, const void *value,
		      int length)
{
	return sys_setsockopt(socket->fd, level, name, value, (socklen_t)length) < 0
		       ? regioi_ws_error(errno)
		       : 0;
}

/* ---- Setting ---- */

static int set_timeout(const struct regioi_ws_socket *socket, int name, const char *value,
		       int length)
{
	uint32_t ms = (uint32_t)number_of(value, length);
	struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	return set_kernel(socket, SOL_SOCKET, name, &timeout, sizeof(timeout));
}

/* SO_DONTLINGER is a BOOL. */
static int set_linger(const struct regioi_ws_socket *socket, int name, const char *value,
		      int length)
{
	LINGER wanted = {.l_onoff = number_of(value, length) == 0};
	sys_linger times;

	if (name == SO_LINGER)
		memcpy(&wanted, value, sizeof(wanted));
	times = (sys_linger){.l_onoff = wanted.l_onoff, .l_linger = wanted.l_linger};
	return set_kernel(socket, SOL_SOCKET, SO_LINGER, &times, sizeof(times));
}

/* Only one of SO_REUSEADDR and SO_EXCLUSIVEADDRUSE may be set. */
static int set_reuse(struct regioi_ws_socket *socket, bool on)
{
	int error = socket->exclusive && on
			    ? WSAEINVAL
			    : regioi_ws_socket_set(socket, SOL_SOCKET, SO_REUSEADDR, on);

	if (!error)
		socket->reuse_address = on;
	return error;
}

/* An accepted socket has its listener's options already. */
static int update_accepted(struct regioi_ws_socket *socket, const char *value, int length)
{
	struct regioi_ws_socket *listener;
	SOCKET s;

	if (length != sizeof(s))
		return WSAEFAULT;
	memcpy(&s, value, sizeof(s));
	listener = regioi_ws_socket_enter(s);
	if (!listener)
		return WSAENOTSOCK;
	regioi_ws_socket_leave(listener);
	return regioi_ws_socket_connected(socket) ? 0 : WSAENOTCONN;
}

/*
 * Messages are joined only if the program takes all that the kernel joins: it has no limit, and
 * what a shorter buffer cuts off would be lost.
 */
static int set_coalesced(struct regioi_ws_socket *socket, DWORD size)
{
	REGIOI_LOCKED(&socket->lock);
	/* A request queue has decided about it when it was created. */
	int error = socket->rq ? WSAEINVAL
			       : regioi_ws_socket_set(socket, IPPROTO_UDP, UDP_GRO,
						      size >= COALESCED_MAX);

	if (!error)
		socket->coalesced_max = size;
	return error;
}

/* Options of the socket level that are not passed to the kernel. Returns -1 for all others. */
static int set_special(struct regioi_ws_socket *socket, int name, const char *value, int length)
{
	switch (name) {
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return set_timeout(socket, name, value, length);
	case SO_DONTLINGER:
	case SO_LINGER:
		return set_linger(socket, name, value, length);
	case SO_REUSEADDR:
		return set_reuse(socket, number_of(value, length) != 0);
	case SO_EXCLUSIVEADDRUSE:
		/* The kernel's default, unless SO_REUSEADDR is set. */
		if (socket->reuse_address && number_of(value, length))
			return WSAEINVAL;
		socket->exclusive = number_of(value, length) != 0;
		return 0;
	case SO_UPDATE_ACCEPT_CONTEXT:
		return update_accepted(socket, value, length);
	case SO_UPDATE_CONNECT_CONTEXT:
		return regioi_ws_socket_connected(socket) ? 0 : WSAENOTCONN;
	default:
		return -1;
	}
}

static int set_option(struct regioi_ws_socket *socket, int level, int name, const char *value,
		      int length)
{
	int error;

	if (includes(&whole, level, name) && length < (int)sizeof(int))
		return WSAEFAULT;
	error = level == SOL_SOCKET ? set_special(socket, name, value, length) : -1;
	if (error >= 0)
		return error;
	if (level == IPPROTO_IP && name == IP_DONTFRAGMENT)
		return regioi_ws_socket_set(socket, IPPROTO_IP, IP_MTU_DISCOVER,
					    number_of(value, length) ? IP_PMTUDISC_DO
								     : IP_PMTUDISC_DONT);
	if (level == IPPROTO_UDP && name == UDP_RECV_MAX_COALESCED_SIZE)
		return set_coalesced(socket, (DWORD)number_of(value, length));
	name = kernel_name(level, name);
	if (name < 0)
		return WSAENOPROTOOPT;
	if (length < (int)sizeof(int))
		return regioi_ws_socket_set(socket, level, name, number_of(value, length));
	return set_kernel(socket, level, name, value, length);
}

int WSAAPI setsockopt(SOCKET s, int level, int name, const char *value, int length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error = WSAEFAULT;

	if (!socket)
		return SOCKET_ERROR;
	if ((value && length > 0) ||
	    (level == SOL_SOCKET && name == SO_UPDATE_CONNECT_CONTEXT && length == 0))
		error = set_option(socket, level, name, value, length);
	return regioi_ws_socket_leave_with(socket, error);
}

/* ---- Getting ---- */

static int get_timeout(const struct regioi_ws_socket *socket, int name, DWORD *ret_number)
{
	struct timeval timeout;
	socklen_t size = sizeof(timeout);

	if (sys_getsockopt(socket->fd, SOL_SOCKET, name, &timeout, &size) < 0)
		return regioi_ws_error(errno);
	*ret_number = (DWORD)(timeout.tv_sec * 1000 + timeout.tv_usec / 1000);
	return 0;
}

static int get_number(const struct regioi_ws_socket *socket, int level, int name, DWORD *ret_number)
{
	socklen_t size = sizeof(*ret_number);

	return sys_getsockopt(socket->fd, level, name, ret_number, &size) < 0
		       ? regioi_ws_error(errno)
		       : 0;
}

static int get_linger(const struct regioi_ws_socket *socket, int name, DWORD *ret_number)
{
	sys_linger times;
	socklen_t size = sizeof(times);
	LINGER found;

	if (sys_getsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &times, &size) < 0)
		return regioi_ws_error(errno);
	found = (LINGER){.l_onoff = (USHORT)times.l_onoff, .l_linger = (USHORT)times.l_linger};
	*ret_number = !found.l_onoff;
	if (name == SO_LINGER)
		memcpy(ret_number, &found, sizeof(found));
	return 0;
}

static int get_dontfragment(const struct regioi_ws_socket *socket, DWORD *ret_number)
{
	int error = get_number(socket, IPPROTO_IP, IP_MTU_DISCOVER, ret_number);

	*ret_number = *ret_number == IP_PMTUDISC_DO;
	return error;
}

static int get_coalesced(const struct regioi_ws_socket *socket, DWORD *ret_number)
{
	*ret_number = socket->coalesced_max;
	return socket->type == SOCK_DGRAM ? 0 : WSAENOPROTOOPT;
}

/*
 * Numeric options that the kernel does not have, or returns in another form. Returns -1 for all
 * others.
 */
static int get_special(struct regioi_ws_socket *socket, int name, DWORD *ret_number)
{
	int error;

	switch (name) {
	case SO_RCVTIMEO:
	case SO_SNDTIMEO:
		return get_timeout(socket, name, ret_number);
	case SO_DONTLINGER:
	case SO_LINGER:
		return get_linger(socket, name, ret_number);
	case SO_ERROR:
		error = get_number(socket, SOL_SOCKET, SO_ERROR, ret_number);
		if (!error && *ret_number == ECONNRESET)
			socket->was_reset = true;
		if (!error && *ret_number)
			*ret_number = (DWORD)regioi_ws_error((int)*ret_number);
		return error;
	case SO_SNDBUF:
	case SO_RCVBUF:
		/* The kernel doubles the value that is set. */
		error = get_number(socket, SOL_SOCKET, name, ret_number);
		*ret_number /= 2;
		return error;
	case SO_REUSEADDR:
		*ret_number = socket->reuse_address;
		return 0;
	case SO_EXCLUSIVEADDRUSE:
		*ret_number = socket->exclusive;
		return 0;
	case SO_MAX_MSG_SIZE:
		*ret_number = socket->family == AF_INET6 ? 65527 : 65507;
		return socket->type == SOCK_DGRAM ? 0 : WSAENOPROTOOPT;
	case SO_CONNECT_TIME:
		*ret_number = NEVER_CONNECTED;
		if (regioi_ws_socket_connected(socket))
			*ret_number =
				(DWORD)((regioi_now_ns() - socket->connected_ns) / 1000000000u);
		return 0;
	default:
		return -1;
	}
}

static int get_option(struct regioi_ws_socket *socket, int level, int name, char *value,
		      int *length)
{
	socklen_t size = (socklen_t)*length;
	DWORD number = 0;
	int error = -1;

	if (includes(&whole, level, name) && *length < (int)sizeof(number))
		return WSAEFAULT;
	if (level == SOL_SOCKET)
		error = get_special(socket, name, &number);
	else if (level == IPPROTO_IP && name == IP_DONTFRAGMENT)
		error = get_dontfragment(socket, &number);
	else if (level == IPPROTO_UDP && name == UDP_RECV_MAX_COALESCED_SIZE)
		error = get_coalesced(socket, &number);
	if (error > 0)
		return error;
	if (error == 0) {
		/* A BOOL may be requested as one byte. */
		if (*length > (int)sizeof(number))
			*length = sizeof(number);
		memcpy(value, &number, (size_t)*length);
		return 0;
	}
	name = kernel_name(level, name);
	if (name < 0)
		return WSAENOPROTOOPT;
	if (sys_getsockopt(socket->fd, level, name, value, &size) < 0)
		return regioi_ws_error(errno);
	*length = (int)size;
	return 0;
}

int WSAAPI getsockopt(SOCKET s, int level, int name, char *value, int *length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error = WSAEFAULT;

	if (!socket)
		return SOCKET_ERROR;
	if (value && length && *length > 0)
		error = get_option(socket, level, name, value, length);
	return regioi_ws_socket_leave_with(socket, error);
}
