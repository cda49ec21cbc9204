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

/* One call, and its output. */
struct request {
	const void *in;
	DWORD in_size;
	void *out;
	DWORD out_size;
	DWORD out_bytes;
};

/* Returns 0 or WSAEFAULT. */
static int read_in(const struct request *request, void *ret_value, DWORD size)
{
	if (!request->in || request->in_size < size)
		return WSAEFAULT;
	memcpy(ret_value, request->in, size);
	return 0;
}

/* The same. */
static int write_out(struct request *request, const void *value, DWORD size)
{
	if (!request->out || request->out_size < size)
		return WSAEFAULT;
	memcpy(request->out, value, size);
	request->out_bytes = size;
	return 0;
}

static int write_number(struct request *request, int number)
{
	int error = write_out(request, &number, sizeof(number));

	/* The upper half of a program's 64-bit unsigned long may be left. */
	if (!error)
		memset((char *)request->out + sizeof(number), 0,
		       request->out_size - sizeof(number));
	return error;
}

/* ---- The extensions ---- */

static int give_table(struct request *request)
{
	static const GUID rio = WSAID_MULTIPLE_RIO;
	GUID wanted;

	if (read_in(request, &wanted, sizeof(wanted)) || !request->out)
		return WSAEFAULT;
	if (memcmp(&wanted, &rio, sizeof(rio)) != 0)
		return WSAEINVAL;
	return write_out(request, &regioi_ws_rio_table, sizeof(regioi_ws_rio_table));
}

static int give_function(struct request *request)
{
	const void *function;
	GUID wanted;

	if (read_in(request, &wanted, sizeof(wanted)) || request->out_size < sizeof(function))
		return WSAEFAULT;
	function = regioi_ws_extension_find(&wanted);
	return function ? write_out(request, &function, sizeof(function)) : WSAEINVAL;
}

/* ---- The others ---- */

static int set_keepalive(const struct regioi_ws_socket *socket, const struct request *request)
{
	struct tcp_keepalive values;
	int idle, interval, error;

	if (read_in(request, &values, sizeof(values)))
		return WSAEFAULT;
	if (socket->type != SOCK_STREAM)
		return WSAENOPROTOOPT;
	/* The kernel uses seconds. */
	idle = values.keepalivetime < 1000 ? 1 : (int)(values.keepalivetime / 1000);
	interval = values.keepaliveinterval < 1000 ? 1 : (int)(values.keepaliveinterval / 1000);
	error = regioi_ws_socket_set(socket, SOL_SOCKET, SO_KEEPALIVE, values.onoff != 0);
	if (!error && values.onoff)
		error = regioi_ws_socket_set(socket, IPPROTO_TCP, TCP_KEEPIDLE, idle);
	if (!error && values.onoff)
		error = regioi_ws_socket_set(socket, IPPROTO_TCP, TCP_KEEPINTVL, interval);
	return error;
}

/*
 * Sets whether receives report that a peer is unreachable. On Windows they do by default; receives
 * of Registered I/O do so only if it was set before the request queue was created.
 */
static int set_report(struct regioi_ws_socket *socket, const struct request *request)
{
	DWORD on;

	if (read_in(request, &on, sizeof(on)))
		return WSAEFAULT;
	if (socket->type != SOCK_DGRAM)
		return WSAEOPNOTSUPP;
	socket->report_icmp = on != 0;
	socket->ignore_icmp = on == 0;
	if (!on)
		socket->unreachable = false;
	return 0;
}

/* Among sockets that share a port, the kernel prefers the one of the CPU that a packet arrives on.
 */
static int set_cpu(const struct regioi_ws_socket *socket, const struct request *request)
{
	USHORT processor;

	if (read_in(request, &processor, sizeof(processor)))
		return WSAEFAULT;
	return regioi_ws_socket_set(socket, SOL_SOCKET, SO_INCOMING_CPU, processor);
}

/* The kernel's first time-out is fixed; it takes the number of retransmissions. */
static int set_initial_rto(const struct regioi_ws_socket *socket, const struct request *request)
{
	TCP_INITIAL_RTO_PARAMETERS wanted;
	int count;

	if (read_in(request, &wanted, sizeof(wanted)))
		return WSAEFAULT;
	if (socket->type != SOCK_STREAM)
		return WSAEOPNOTSUPP;
	count = wanted.MaxSynRetransmissions;
	if (count == TCP_INITIAL_RTO_UNSPECIFIED_MAX_SYN_RETRANSMISSIONS ||
	    count == TCP_INITIAL_RTO_DEFAULT_MAX_SYN_RETRANSMISSIONS)
		return 0;
	/* The kernel makes one at least. */
	if (count == TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS)
		count = 1;
	return regioi_ws_socket_set(socket, IPPROTO_TCP, TCP_SYNCNT, count);
}

/* Ends all requests that have been posted and not begun. */
static int flush(struct regioi_ws_socket *socket)
{
	REGIOI_LOCKED(&socket->lock);

	if (socket->rq)
		regio_rq_cancel(socket->rq, REGIO_HALF_RECEIVE | REGIO_HALF_SEND);
	return 0;
}

static int set_nonblocking(struct regioi_ws_socket *socket, const struct request *request)
{
	DWORD on;
	int error = read_in(request, &on, sizeof(on));

	if (!error)
		socket->nonblocking = on != 0;
	return error;
}

static int get_number(const struct regioi_ws_socket *socket, DWORD code, struct request *request)
{
	int number = 0;

	if (ioctl(socket->fd, code, &number) < 0)
		return regioi_ws_error(errno);
	/* Of urgent data Windows reports whether all has been read. */
	return write_number(request, code == SIOCATMARK ? !number : number);
}

/*
 * Translated first, because on some machines the two values are equal and could not both be cases
 * of a switch.
 */
static DWORD kernel_code(DWORD code)
{
	if (code == WINDOWS_FIONBIO)
		return FIONBIO;
	if (code == WINDOWS_FIONREAD)
		return FIONREAD;
	return code == WINDOWS_SIOCATMARK ? SIOCATMARK : code;
}

static int control(struct regioi_ws_socket *socket, DWORD code, struct request *request)
{
	code = kernel_code(code);
	switch (code) {
	case SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER:
		return give_table(request);
	case SIO_GET_EXTENSION_FUNCTION_POINTER:
		return give_function(request);
	case SIO_KEEPALIVE_VALS:
		return set_keepalive(socket, request);
	case SIO_UDP_CONNRESET:
		return set_report(socket, request);
	case SIO_UDP_NETRESET: {
		DWORD on;

		/* The kernel never reports this. */
		if (read_in(request, &on, sizeof(on)))
			return WSAEFAULT;
		return on ? WSAEOPNOTSUPP : 0;
	}
	case SIO_CPU_AFFINITY:
		return set_cpu(socket, request);
	case SIO_TCP_INITIAL_RTO:
		return set_initial_rto(socket, request);
	case SIO_LOOPBACK_FAST_PATH:
		/* The kernel's loopback has only one path, so there is nothing to set. */
		return socket->type == SOCK_STREAM ? 0 : WSAEOPNOTSUPP;
	case SIO_FLUSH:
		return flush(socket);
	case FIONBIO:
		return set_nonblocking(socket, request);
	case FIONREAD:
	case SIOCATMARK:
		return get_number(socket, code, request);
	default:
		return WSAEOPNOTSUPP;
	}
}

int WSAAPI WSAIoctl(SOCKET s, DWORD code, LPVOID in, DWORD in_size, LPVOID out, DWORD out_size,
		    LPDWORD ret_bytes, LPWSAOVERLAPPED overlapped,
		    LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct request request = {in, in_size, out, out_size, 0};
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error;

	if (!socket)
		return SOCKET_ERROR;
	/* None of these ioctls takes time, so they cannot be overlapped. */
	if (overlapped || routine)
		error = WSAEOPNOTSUPP;
	else if (!ret_bytes)
		error = WSAEFAULT;
	else
		error = control(socket, code, &request);
	if (ret_bytes)
		*ret_bytes = request.out_bytes;
	return regioi_ws_socket_leave_with(socket, error);
}

/* In C a macro of this name passes the size, see winsock2.h. */
int regio_winsock_ioctlsocket(SOCKET s, DWORD command, void *argument, size_t size)
{
	struct request request = {argument, (DWORD)size, argument, (DWORD)size, 0};
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	int error;

	if (!socket)
		return SOCKET_ERROR;
	switch (kernel_code(command)) {
	case FIONBIO:
	case FIONREAD:
	case SIOCATMARK:
		error = control(socket, command, &request);
		break;
	default:
		error = WSAEOPNOTSUPP;
	}
	return regioi_ws_socket_leave_with(socket, error);
}
