/* SPDX-License-Identifier: MIT */
/*
 * Sending and receiving without request queues: plain, and overlapped.
 */
#include "winsock/socket/transfer.h"
#include "winsock/win32/error.h"

#define MESSAGE_FLAGS (MSG_OOB | MSG_PEEK | MSG_DONTROUTE | MSG_WAITALL)

int regioi_ws_take_buffers(const WSABUF *buffers, DWORD count, struct iovec *ret_vectors)
{
	if (!buffers || count == 0 || count > REGIOI_WS_BUFFERS_MAX)
		return WSAEINVAL;
	for (DWORD i = 0; i < count; i++)
		ret_vectors[i] = (struct iovec){buffers[i].buf, buffers[i].len};
	return 0;
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

int regioi_ws_receive_once(struct regioi_ws_socket *socket, struct msghdr *message, int flags,
			   ssize_t *ret_bytes)
{
	ssize_t bytes;

	if (atomic_exchange(&socket->unreachable, false))
		return WSAECONNRESET;
	do {
		bytes = recvmsg(socket->fd, message, flags);
	} while (bytes < 0 && ((errno == EINTR && !socket->closing) ||
			       (peer_is_gone(socket, errno) && socket->ignore_icmp)));
	if (bytes < 0)
		return errno == EAGAIN ? WSAEWOULDBLOCK : regioi_ws_transfer_error(socket, errno);
	/* The kernel reports a reset once, and then the end of the stream. */
	if (bytes == 0 && socket->was_reset)
		return WSAECONNRESET;
	*ret_bytes = bytes;
	return socket->type == SOCK_DGRAM && message->msg_flags & MSG_TRUNC ? WSAEMSGSIZE : 0;
}

int regioi_ws_send_once(struct regioi_ws_socket *socket, const struct msghdr *message, int flags,
			ssize_t *ret_bytes, bool *ret_gone)
{
	ssize_t bytes;

	do {
		bytes = sendmsg(socket->fd, message, flags | MSG_NOSIGNAL);
		if (bytes < 0 && peer_is_gone(socket, errno) && !socket->ignore_icmp)
			socket->unreachable = *ret_gone = true;
	} while (bytes < 0 &&
		 ((errno == EINTR && !socket->closing) || peer_is_gone(socket, errno)));
	*ret_bytes = bytes;
	return bytes < 0 ? regioi_ws_transfer_error(socket, errno) : 0;
}

/* ---- Plain ---- */

/* The error of a call on a socket that may block. */
static int blocking_error(const struct regioi_ws_socket *socket, int error)
{
	if (socket->closing)
		return WSAEINTR;
	/* The time of SO_RCVTIMEO or SO_SNDTIMEO has passed. */
	return error == WSAEWOULDBLOCK && !socket->nonblocking ? WSAETIMEDOUT : error;
}

ssize_t regioi_ws_receive_now(struct regioi_ws_socket *socket, struct regioi_ws_transfer *transfer)
{
	int flags = transfer->flags | (socket->nonblocking ? MSG_DONTWAIT : 0);
	ssize_t bytes = -1;
	int error = regioi_ws_receive_once(socket, &transfer->message, flags, &bytes);

	if (error || socket->closing)
		return regioi_ws_fail(blocking_error(socket, error), -1);
	return bytes;
}

ssize_t regioi_ws_send_now(struct regioi_ws_socket *socket, struct regioi_ws_transfer *transfer)
{
	int flags = transfer->flags | (socket->nonblocking ? MSG_DONTWAIT : 0);
	bool gone = false;
	ssize_t bytes;
	int error = regioi_ws_send_once(socket, &transfer->message, flags, &bytes, &gone);

	if (gone) {
		pthread_mutex_lock(&socket->lock);
		regioi_ws_operations_retry(socket);
		pthread_mutex_unlock(&socket->lock);
	}
	return error ? regioi_ws_fail(blocking_error(socket, error), -1) : bytes;
}

static struct regioi_ws_transfer transfer_of(struct iovec *vectors, DWORD count, int flags)
{
	return (struct regioi_ws_transfer){.message = {.msg_iov = vectors, .msg_iovlen = count},
					   .flags = flags};
}

int regioi_ws_check_receive(struct regioi_ws_socket *socket, const struct sockaddr *from,
			    const int *from_length)
{
	if (socket->receive_shut)
		return WSAESHUTDOWN;
	if (socket->type != SOCK_DGRAM)
		return 0;
	if (from && (!from_length || *from_length < regioi_ws_socket_name_bytes(socket)))
		return WSAEFAULT;
	return regioi_ws_socket_bound(socket) ? 0 : WSAEINVAL;
}

static int receive_plain(SOCKET s, struct iovec *vectors, DWORD count, int flags,
			 struct sockaddr *from, int *from_length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	struct regioi_ws_transfer transfer = transfer_of(vectors, count, flags);
	ssize_t bytes = -1;
	int error;

	if (!socket)
		return SOCKET_ERROR;
	if (from && from_length && *from_length > 0) {
		transfer.message.msg_name = from;
		transfer.message.msg_namelen = (socklen_t)*from_length;
	}
	error = flags & ~MESSAGE_FLAGS ? WSAEOPNOTSUPP
				       : regioi_ws_check_receive(socket, from, from_length);
	if (error)
		SetLastError((DWORD)error);
	else
		bytes = regioi_ws_receive_now(socket, &transfer);
	if (!error && from && from_length)
		*from_length = (int)transfer.message.msg_namelen;
	regioi_ws_socket_leave(socket);
	return (int)bytes;
}

static int send_plain(SOCKET s, struct iovec *vectors, DWORD count, int flags,
		      const struct sockaddr *to, int to_length)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	struct regioi_ws_transfer transfer = transfer_of(vectors, count, flags);
	ssize_t bytes = -1;

	if (!socket)
		return SOCKET_ERROR;
	if (to && to_length > 0) {
		transfer.message.msg_name = (void *)(uintptr_t)to;
		transfer.message.msg_namelen = (socklen_t)to_length;
	}
	if (flags & ~(MSG_OOB | MSG_DONTROUTE))
		SetLastError(WSAEOPNOTSUPP);
	else
		bytes = regioi_ws_send_now(socket, &transfer);
	regioi_ws_socket_leave(socket);
	return (int)bytes;
}

int WSAAPI recv(SOCKET s, char *buffer, int length, int flags)
{
	return recvfrom(s, buffer, length, flags, NULL, NULL);
}

int WSAAPI recvfrom(SOCKET s, char *buffer, int length, int flags, struct sockaddr *from,
		    int *from_length)
{
	struct iovec vector = {buffer, (size_t)length};

	if (length < 0)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	return receive_plain(s, &vector, 1, flags, from, from_length);
}

int WSAAPI send(SOCKET s, const char *buffer, int length, int flags)
{
	return sendto(s, buffer, length, flags, NULL, 0);
}

int WSAAPI sendto(SOCKET s, const char *buffer, int length, int flags, const struct sockaddr *to,
		  int to_length)
{
	struct iovec vector = {(void *)(uintptr_t)buffer, (size_t)length};

	if (length < 0)
		return regioi_ws_fail(WSAEFAULT, SOCKET_ERROR);
	return send_plain(s, &vector, 1, flags, to, to_length);
}

/* ---- Overlapped ---- */

static int attempt_receive(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct msghdr message = {
		.msg_iov = operation->vectors,
		.msg_iovlen = operation->vectors_count,
		.msg_name = operation->ret_address,
	};
	ssize_t bytes = 0;
	int error;

	if (operation->ret_address)
		message.msg_namelen = (socklen_t)*operation->ret_address_length;
	error = regioi_ws_receive_once(operation->socket, &message, operation->flags | MSG_DONTWAIT,
				       &bytes);
	*ret_bytes = (DWORD)bytes;
	if ((!error || error == WSAEMSGSIZE) && operation->ret_address)
		*operation->ret_address_length = (int)message.msg_namelen;
	return error;
}

/* Removes what has been sent from the vectors. */
static void advance(struct regioi_ws_operation *operation, size_t bytes)
{
	for (DWORD i = 0; i < operation->vectors_count && bytes > 0; i++) {
		struct iovec *vector = &operation->vectors[i];
		size_t part = bytes < vector->iov_len ? bytes : vector->iov_len;

		vector->iov_base = (char *)vector->iov_base + part;
		vector->iov_len -= part;
		bytes -= part;
	}
}

static int attempt_send(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct msghdr message = {
		.msg_iov = operation->vectors,
		.msg_iovlen = operation->vectors_count,
		.msg_name = operation->address.ss_family ? &operation->address : NULL,
		.msg_namelen = operation->sizes[0],
	};
	bool gone = false;
	size_t rest = 0;
	ssize_t bytes;
	int error;

	for (DWORD i = 0; i < operation->vectors_count; i++)
		rest += operation->vectors[i].iov_len;
	error = regioi_ws_send_once(operation->socket, &message, operation->flags | MSG_DONTWAIT,
				    &bytes, &gone);
	if (gone)
		regioi_ws_operations_retry(operation->socket);
	if (error)
		return error;
	operation->done_bytes += (DWORD)bytes;
	*ret_bytes = operation->done_bytes;
	advance(operation, (size_t)bytes);
	return (size_t)bytes < rest ? WSAEWOULDBLOCK : 0;
}

int regioi_ws_transfer_start(struct regioi_ws_operation *operation, LPDWORD ret_bytes)
{
	DWORD bytes = 0;
	int error = regioi_ws_operation_start(operation, &bytes);

	if (ret_bytes)
		*ret_bytes = error ? 0 : bytes;
	return error ? regioi_ws_fail(error, SOCKET_ERROR) : 0;
}

int WSAAPI WSARecvFrom(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		       struct sockaddr *from, LPINT from_length, LPWSAOVERLAPPED overlapped,
		       LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct iovec vectors[REGIOI_WS_BUFFERS_MAX];
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *socket;
	int error = flags ? regioi_ws_take_buffers(buffers, count, vectors) : WSAEFAULT, bytes;

	if (!overlapped && !ret_bytes)
		error = WSAEFAULT;
	if (error || routine)
		return regioi_ws_fail(error ? error : WSAEOPNOTSUPP, SOCKET_ERROR);
	if (!overlapped) {
		bytes = receive_plain(s, vectors, count, (int)*flags, from, from_length);
		if (bytes >= 0)
			*ret_bytes = (DWORD)bytes;
		*flags = 0;
		return bytes < 0 ? SOCKET_ERROR : 0;
	}
	if (*flags & ~(DWORD)MSG_PEEK)
		return regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	socket = regioi_ws_socket_enter(s);
	if (!socket)
		return SOCKET_ERROR;
	error = regioi_ws_check_receive(socket, from, from_length);
	if (error) {
		regioi_ws_socket_leave(socket);
		return regioi_ws_fail(error, SOCKET_ERROR);
	}
	operation = regioi_ws_operation_make(socket, overlapped, REGIOI_WS_IN);
	if (!operation)
		return SOCKET_ERROR;
	memcpy(operation->vectors, vectors, count * sizeof(*vectors));
	operation->vectors_count = count;
	operation->attempt = attempt_receive;
	operation->flags = (int)*flags;
	operation->ret_address = from_length ? from : NULL;
	operation->ret_address_length = from_length;
	return regioi_ws_transfer_start(operation, ret_bytes);
}

int WSAAPI WSARecv(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, LPDWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSARecvFrom(s, buffers, count, ret_bytes, flags, NULL, NULL, overlapped, routine);
}

int WSAAPI WSASendTo(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		     const struct sockaddr *to, int to_length, LPWSAOVERLAPPED overlapped,
		     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct iovec vectors[REGIOI_WS_BUFFERS_MAX];
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *socket;
	int error = regioi_ws_take_buffers(buffers, count, vectors), bytes;

	if (!overlapped && !ret_bytes)
		error = WSAEFAULT;
	if (to && (to_length < 0 || (size_t)to_length > sizeof(operation->address)))
		error = WSAEFAULT;
	if (error || routine)
		return regioi_ws_fail(error ? error : WSAEOPNOTSUPP, SOCKET_ERROR);
	if (!overlapped) {
		bytes = send_plain(s, vectors, count, (int)flags, to, to_length);
		if (bytes >= 0)
			*ret_bytes = (DWORD)bytes;
		return bytes < 0 ? SOCKET_ERROR : 0;
	}
	if (flags)
		return regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	socket = regioi_ws_socket_enter(s);
	operation = socket ? regioi_ws_operation_make(socket, overlapped, REGIOI_WS_OUT) : NULL;
	if (!operation)
		return SOCKET_ERROR;
	memcpy(operation->vectors, vectors, count * sizeof(*vectors));
	operation->vectors_count = count;
	operation->attempt = attempt_send;
	if (to) {
		memcpy(&operation->address, to, (size_t)to_length);
		operation->sizes[0] = (DWORD)to_length;
	}
	return regioi_ws_transfer_start(operation, ret_bytes);
}

int WSAAPI WSASend(SOCKET s, LPWSABUF buffers, DWORD count, LPDWORD ret_bytes, DWORD flags,
		   LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	return WSASendTo(s, buffers, count, ret_bytes, flags, NULL, 0, overlapped, routine);
}
