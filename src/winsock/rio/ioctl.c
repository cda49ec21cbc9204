/* SPDX-License-Identifier: MIT */
/*
 * ioctlsocket and WSAIoctl; the latter gives access to Registered I/O and the other extensions.
 */
#include <sys/ioctl.h>

#include "winsock/rio/rio.h"
#include "winsock/socket/extension.h"
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

#define WINDOWS_FIONREAD 0x4004667Fu
#define WINDOWS_FIONBIO 0x8004667Eu
#define WINDOWS_SIOCATMARK 0x40047307u

/* What a program gives. */
union input {
	GUID guid;
	DWORD number;
	USHORT processor;
	struct tcp_keepalive keepalive;
	TCP_INITIAL_RTO_PARAMETERS initial_rto;
};

/* One call, and its output. */
struct request {
	struct regioi_ws_socket *socket;
	DWORD code; /* the kernel's for what the kernel has */
	union input in;
	void *out;
	DWORD out_size;
	DWORD out_bytes;
};

/* Returns 0 or WSAEFAULT. */
static int write_out(struct request *request, const void *value, DWORD size)
{
	if (!request->out || request->out_size < size)
		return WSAEFAULT;
	memcpy(request->out, value, size);
	request->out_bytes = size;
	return 0;
}

/* ---- The extensions ---- */

static int give_table(struct request *request)
{
	static const GUID rio = WSAID_MULTIPLE_RIO;

	if (!request->out)
		return WSAEFAULT;
	if (memcmp(&request->in.guid, &rio, sizeof(rio)) != 0)
		return WSAEINVAL;
	return write_out(request, &regioi_ws_rio_table, sizeof(regioi_ws_rio_table));
}

static int give_function(struct request *request)
{
	const void *function = regioi_ws_extension_find(&request->in.guid);

	if (request->out_size < sizeof(function))
		return WSAEFAULT;
	return function ? write_out(request, &function, sizeof(function)) : WSAEINVAL;
}

/* ---- The others ---- */

static int set_keepalive(struct request *request)
{
	const struct tcp_keepalive *values = &request->in.keepalive;
	const struct regioi_ws_socket *socket = request->socket;
	int idle, interval, error;

	if (socket->type != SOCK_STREAM)
		return WSAENOPROTOOPT;
	/* The kernel uses seconds. */
	idle = values->keepalivetime < 1000 ? 1 : (int)(values->keepalivetime / 1000);
	interval = values->keepaliveinterval < 1000 ? 1 : (int)(values->keepaliveinterval / 1000);
	error = regioi_ws_socket_set(socket, SOL_SOCKET, SO_KEEPALIVE, values->onoff != 0);
	if (!error && values->onoff)
		error = regioi_ws_socket_set(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle);
	if (!error && values->onoff)
		error = regioi_ws_socket_set(socket, IPPROTO_TCP, TCP_KEEPINTVL, interval);
	return error;
}

/*
 * Sets whether receives report that a peer is unreachable. On Windows they do by default; receives
 * of Registered I/O do so only if it was set before the request queue was created.
 */
static int set_report(struct request *request)
{
	struct regioi_ws_socket *socket = request->socket;
	const bool on = request->in.number != 0;

	if (socket->type != SOCK_DGRAM)
		return WSAEOPNOTSUPP;
	socket->report_icmp = on;
	socket->ignore_icmp = !on;
	if (!on)
		socket->unreachable = false;
	return 0;
}

/* The kernel never reports this. */
static int set_network_report(struct request *request)
{
	return request->in.number ? WSAEOPNOTSUPP : 0;
}

/* Among sockets that share a port, the kernel prefers the one of the CPU that a packet arrives on.
 */
static int set_cpu(struct request *request)
{
	return regioi_ws_socket_set(request->socket, SOL_SOCKET, SO_INCOMING_CPU,
				    request->in.processor);
}

/* The kernel's first time-out is fixed; it takes the number of retransmissions. */
static int set_initial_rto(struct request *request)
{
	int count = request->in.initial_rto.MaxSynRetransmissions;

	if (request->socket->type != SOCK_STREAM)
		return WSAEOPNOTSUPP;
	if (count == TCP_INITIAL_RTO_UNSPECIFIED_MAX_SYN_RETRANSMISSIONS ||
	    count == TCP_INITIAL_RTO_DEFAULT_MAX_SYN_RETRANSMISSIONS)
		return 0;
	/* The kernel makes one at least. */
	if (count == TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS)
		count = 1;
	return regioi_ws_socket_set(request->socket, IPPROTO_TCP, TCP_SYNCNT, count);
}

/* The kernel's loopback has only one path, so there is nothing to set. */
static int set_fast_path(struct request *request)
{
	return request->socket->type == SOCK_STREAM ? 0 : WSAEOPNOTSUPP;
}

/* Ends all requests that have been posted and not begun. */
static int flush(struct request *request)
{
	struct regioi_ws_socket *socket = request->socket;
	REGIOI_LOCKED(&socket->lock);

	if (socket->rq)
		regio_rq_cancel(socket->rq, REGIO_HALF_RECEIVE | REGIO_HALF_SEND);
	return 0;
}

static int set_nonblocking(struct request *request)
{
	request->socket->nonblocking = request->in.number != 0;
	return 0;
}

static int get_number(struct request *request)
{
	int number = 0, error;

	if (ioctl(request->socket->fd, request->code, &number) < 0)
		return regioi_ws_error(errno);
	/* Of urgent data Windows reports whether all has been read. */
	if (request->code == SIOCATMARK)
		number = !number;
	error = write_out(request, &number, sizeof(number));
	/* The upper half of a program's 64-bit unsigned long may be left. */
	if (!error)
		memset((char *)request->out + sizeof(number), 0,
		       request->out_size - sizeof(number));
	return error;
}

static const struct control {
	DWORD code;
	DWORD in_size;
	int (*run)(struct request *request);
	bool old; /* ioctlsocket() has it, too */
} controls[] = {
	{SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, sizeof(GUID), give_table, false},
	{SIO_GET_EXTENSION_FUNCTION_POINTER, sizeof(GUID), give_function, false},
	{SIO_KEEPALIVE_VALS, sizeof(struct tcp_keepalive), set_keepalive, false},
	{SIO_UDP_CONNRESET, sizeof(DWORD), set_report, false},
	{SIO_UDP_NETRESET, sizeof(DWORD), set_network_report, false},
	{SIO_CPU_AFFINITY, sizeof(USHORT), set_cpu, false},
	{SIO_TCP_INITIAL_RTO, sizeof(TCP_INITIAL_RTO_PARAMETERS), set_initial_rto, false},
	{SIO_LOOPBACK_FAST_PATH, 0, set_fast_path, false},
	{SIO_FLUSH, 0, flush, false},
	{FIONBIO, sizeof(DWORD), set_nonblocking, true},
	{FIONREAD, 0, get_number, true},
	{SIOCATMARK, 0, get_number, true},
};

static DWORD kernel_code(DWORD code)
{
	if (code == WINDOWS_FIONBIO)
		return FIONBIO;
	if (code == WINDOWS_FIONREAD)
		return FIONREAD;
	return code == WINDOWS_SIOCATMARK ? SIOCATMARK : code;
}

static int control(struct request *request, const void *in, DWORD in_size, bool old)
{
	const struct control *end = controls + ARRAYSIZE(controls), *found = controls;

	request->code = kernel_code(request->code);
	while (found < end && (found->code != request->code || (old && !found->old)))
		found++;
	if (found == end)
		return WSAEOPNOTSUPP;
	if (found->in_size && (!in || in_size < found->in_size))
		return WSAEFAULT;
	if (found->in_size)
		memcpy(&request->in, in, found->in_size);
	return found->run(request);
}

int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
		    LPDWORD ret_bytes, LPWSAOVERLAPPED overlapped,
		    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct request request = {
		.socket = regioi_ws_socket_enter(s),
		.code = code,
		.out = out,
		.out_size = out_size,
	};
	int error;

	if (!request.socket)
		return SOCKET_ERROR;
	/* None of these ioctls takes time, so they cannot be overlapped. */
	if (overlapped || routine)
		error = WSAEOPNOTSUPP;
	else if (!ret_bytes)
		error = WSAEFAULT;
	else
		error = control(&request, in, in_size, false);
	if (ret_bytes)
		*ret_bytes = request.out_bytes;
	return regioi_ws_socket_leave_with(request.socket, error);
}

/* In C a macro of this name passes the size, see winsock2.h. */
int regio_winsock_ioctlsocket(SOCKET s, DWORD command, void *argument, size_t size)
{
	struct request request = {
		.socket = regioi_ws_socket_enter(s),
		.code = command,
		.out = argument,
		.out_size = (DWORD)size,
	};

	if (!request.socket)
		return SOCKET_ERROR;
	return regioi_ws_socket_leave_with(request.socket,
					   control(&request, argument, (DWORD)size, true));
}
