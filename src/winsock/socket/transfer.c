/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving without request queues: plain, and overlapped.
 */
#include "winsock/socket/transfer.h"
#include "winsock/win32/error.h"

#define MESSAGE_FLAGS (MSG_OOB | MSG_PEEK | MSG_DONTROUTE | MSG_WAITALL)

struct regioi_ws_socket *regioi_ws_transfer_begin(SOCKET s, const WSABUF *buffers, DWORD count,
						  LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
						  struct regioi_ws_transfer *transfer)
{
	if (!buffers || count == 0 || count > REGIOI_WS_BUFFERS_MAX)
		return regioi_ws_fail_null(WSAEINVAL);
	if (routine)
		return regioi_ws_fail_null(WSAEOPNOTSUPP);
	for (DWORD i = 0; i < count; i++)
		transfer->vectors[i] = (struct iovec){buffers[i].buf, buffers[i].len};
	transfer->message.msg_iov = transfer->vectors;
	transfer->message.msg_iovlen = count;
	return regioi_ws_socket_enter(s);
}

/* ---- One attempt ---- */

/*
 * An error that the peer of a datagram socket has caused ends receives, unless the program does not
 * want to know; it never ends a send.
 */
static bool peer_is_gone(const struct regioi_ws_socket *socket, int error)
{
	return error == ECONNREFUSED && socket->type == SOCK_DGRAM;
}

static void give_results(const struct regioi_ws_transfer *transfer, const struct msghdr *message)
{
	if (transfer->ret_name_length)
		*transfer->ret_name_length = (int)message->msg_namelen;
	if (!transfer->ret_message)
		return;
	transfer->ret_message->Control.len = (ULONG)message->msg_controllen;
	transfer->ret_message->dwFlags = (ULONG)message->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
}

/* Without locks. Returns 0 or a Winsock error. */
static int receive_once(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
			int more_flags, DWORD *ret_bytes)
{
	struct msghdr message = transfer->message;
	ssize_t bytes;

	if (atomic_exchange(&socket->unreachable, false))
		return WSAECONNRESET;
	do {
		bytes = recvmsg(socket->fd, &message, transfer->flags | more_flags);
	} while (bytes < 0 && ((errno == EINTR && !socket->closing) ||
			       (peer_is_gone(socket, errno) && socket->ignore_icmp)));
	if (bytes < 0)
		return regioi_ws_transfer_error(socket, errno);
	/* The kernel reports a reset once, and then the end of the stream. */
	if (bytes == 0 && socket->was_reset)
		return WSAECONNRESET;
	*ret_bytes = (DWORD)bytes;
	give_results(transfer, &message);
	return socket->type == SOCK_DGRAM && message.msg_flags & MSG_TRUNC ? WSAEMSGSIZE : 0;
}

/* The same; sets 'ret_gone' if receives have to report that the peer is gone. */
static int send_once(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
		     int more_flags, DWORD *ret_bytes, bool *ret_gone)
{
	ssize_t bytes;

	do {
		bytes = sendmsg(socket->fd, &transfer->message,
				transfer->flags | more_flags | MSG_NOSIGNAL);
		if (bytes < 0 && peer_is_gone(socket, errno) && !socket->ignore_icmp)
			socket->unreachable = *ret_gone = true;
	} while (bytes < 0 &&
		 ((errno == EINTR && !socket->closing) || peer_is_gone(socket, errno)));
	if (bytes < 0)
		return regioi_ws_transfer_error(socket, errno);
	*ret_bytes = (DWORD)bytes;
	return 0;
}

/* ---- Now ---- */

/* The error of a call on a socket that may block. */
static int blocking_error(const struct regioi_ws_socket *socket, int error)
{
	if (socket->closing)
		return WSAEINTR;
	/* The time of SO_RCVTIMEO or SO_SNDTIMEO has passed. */
	return error == WSAEWOULDBLOCK && !socket->nonblocking ? WSAETIMEDOUT : error;
}

static int receive_now(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
		       DWORD *ret_bytes)
{
	const int more_flags = socket->nonblocking ? MSG_DONTWAIT : 0;

	return blocking_error(socket, receive_once(socket, transfer, more_flags, ret_bytes));
}

static int send_now(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
		    DWORD *ret_bytes)
{
	bool gone = false;
	int error = send_once(socket, transfer, socket->nonblocking ? MSG_DONTWAIT : 0, ret_bytes,
			      &gone);

	if (gone) {
		REGIOI_LOCKED(&socket->lock);
		regioi_ws_operations_retry(socket);
	}
	return error ? blocking_error(socket, error) : 0;
}

/* ---- Overlapped ---- */

static int attempt_receive(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	return receive_once(operation->socket, &operation->transfer, MSG_DONTWAIT, ret_bytes);
}

/* Removes what has been sent from the vectors. */
static void advance(struct regioi_ws_transfer *transfer, size_t bytes)
{
	for (size_t i = 0; i < transfer->message.msg_iovlen && bytes > 0; i++) {
		struct iovec *vector = &transfer->vectors[i];
		size_t part = bytes < vector->iov_len ? bytes : vector->iov_len;

		vector->iov_base = (char *)vector->iov_base + part;
		vector->iov_len -= part;
		bytes -= part;
	}
}

static int attempt_send(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct regioi_ws_transfer *transfer = &operation->transfer;
	bool gone = false;
	size_t rest = 0;
	DWORD bytes = 0;
	int error;

	for (size_t i = 0; i < transfer->message.msg_iovlen; i++)
		rest += transfer->vectors[i].iov_len;
	error = send_once(operation->socket, transfer, MSG_DONTWAIT, &bytes, &gone);
	if (gone)
		regioi_ws_operations_retry(operation->socket);
	if (error)
		return error;
	operation->done_bytes += bytes;
	*ret_bytes = operation->done_bytes;
	advance(transfer, bytes);
	return bytes < rest ? WSAEWOULDBLOCK : 0;
}

static int start(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
		 enum regioi_ws_side side, OVERLAPPED *overlapped, DWORD *ret_bytes)
{
	struct regioi_ws_operation *operation = regioi_ws_operation_make(socket, overlapped, side);
	struct msghdr *message;
	int error;

	if (!operation)
		return SOCKET_ERROR;
	operation->attempt = side == REGIOI_WS_IN ? attempt_receive : attempt_send;
	operation->transfer = *transfer;
	message = &operation->transfer.message;
	message->msg_iov = operation->transfer.vectors;
	if (side == REGIOI_WS_OUT && message->msg_name) {
		memcpy(&operation->address, message->msg_name, message->msg_namelen);
		message->msg_name = &operation->address;
	}
	error = regioi_ws_operation_start(operation, ret_bytes);
	if (error)
		*ret_bytes = 0;
	return error ? regioi_ws_fail(error, SOCKET_ERROR) : 0;
}

/* ---- Either ---- */

/* Checks what Windows requires. Returns 0 or a Winsock error. */
static int check(struct regioi_ws_socket *socket, const struct regioi_ws_transfer *transfer,
		 enum regioi_ws_side side)
{
	if (side == REGIOI_WS_OUT)
		return transfer->message.msg_namelen > sizeof(SOCKADDR_STORAGE) ? WSAEFAULT : 0;
	if (socket->receive_shut)
		return WSAESHUTDOWN;
	if (socket->type != SOCK_DGRAM)
		return 0;
	if (transfer->message.msg_name &&
	    (int)transfer->message.msg_namelen < regioi_ws_socket_name_bytes(socket))
		return WSAEFAULT;
	return regioi_ws_socket_bound(socket) ? 0 : WSAEINVAL;
}

int regioi_ws_transfer_run(struct regioi_ws_socket *socket,
			   const struct regioi_ws_transfer *transfer, enum regioi_ws_side side,
			   int flags_known, OVERLAPPED *overlapped, LPDWORD ret_bytes)
{
	DWORD bytes = 0;
	int error = transfer->flags & ~flags_known ? WSAEOPNOTSUPP : check(socket, transfer, side);

	if (!error && overlapped) {
		error = start(socket, transfer, side, overlapped, &bytes);
	} else {
		if (!error && side == REGIOI_WS_IN)
			error = receive_now(socket, transfer, &bytes);
		else if (!error)
			error = send_now(socket, transfer, &bytes);
		error = regioi_ws_socket_leave_with(socket, error);
	}
	if (ret_bytes && (!error || overlapped))
		*ret_bytes = bytes;
	return error;
}

/* ---- The calls ---- */

int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		       struct sockaddr *from, LPINT from_length, LPWSAOVERLAPPED overlapped,
		       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.message.msg_name = from,
					      .ret_name_length = from ? from_length : NULL};
	struct regioi_ws_socket *socket;

	if (!flags || (!overlapped && !ret_bytes))
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	socket = regioi_ws_transfer_begin(s, buffers, count, routine, &transfer);
	if (!socket)
		return SOCKET_ERROR;
	if (from && from_length && *from_length > 0)
		transfer.message.msg_namelen = (socklen_t)*from_length;
	transfer.flags = (int)*flags;
	if (!overlapped)
		*flags = 0;
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_IN,
				      overlapped ? MSG_PEEK : MESSAGE_FLAGS, overlapped, ret_bytes);
}

int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSARecvFrom(s, buffers, count, ret_bytes, flags, NULL, NULL, overlapped, routine);
}

int WSAAPI recvfrom(SOCKET s, char *buffer, int length, int flags, struct sockaddr *from,
		    int *from_length)
{
	WSABUF data = {.len = (ULONG)length, .buf = buffer};
	DWORD bytes, wanted = (DWORD)flags;

	if (length < 0)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	return WSARecvFrom(s, &data, 1, &bytes, &wanted, from, from_length, NULL, NULL)
		       ? SOCKET_ERROR
		       : (int)bytes;
}

int WSAAPI recv(SOCKET s, char *buffer, int length, int flags)
{
	return recvfrom(s, buffer, length, flags, NULL, NULL);
}

int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		     const struct sockaddr *to, int to_length, LPWSAOVERLAPPED overlapped,
		     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.flags = (int)flags};
	struct regioi_ws_socket *socket;

	if (!overlapped && !ret_bytes)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	socket = regioi_ws_transfer_begin(s, buffers, count, routine, &transfer);
	if (!socket)
		return SOCKET_ERROR;
	if (to && to_length) {
		transfer.message.msg_name = (void *)(uintptr_t)to;
		transfer.message.msg_namelen = (socklen_t)to_length;
	}
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_OUT,
				      overlapped ? 0 : MSG_OOB | MSG_DONTROUTE, overlapped,
				      ret_bytes);
}

int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSASendTo(s, buffers, count, ret_bytes, flags, NULL, 0, overlapped, routine);
}

int WSAAPI sendto(SOCKET s, const char *buffer, int length, int flags, const struct sockaddr *to,
		  int to_length)
{
	WSABUF data = {.len = (ULONG)length, .buf = (char *)(uintptr_t)buffer};
	DWORD bytes;

	if (length < 0)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	return WSASendTo(s, &data, 1, &bytes, (DWORD)flags, to, to_length, NULL, NULL)
		       ? SOCKET_ERROR
		       : (int)bytes;
}

int WSAAPI send(SOCKET s, const char *buffer, int length, int flags)
{
	return sendto(s, buffer, length, flags, NULL, 0);
}
