/* SPDX-License-Identifier: MIT */
/*
 * WSARecvMsg and WSASendMsg: datagrams with addresses and control messages.
 *
 * A control message of Windows has the form of the kernel's. Its names are the kernel's too, see
 * ws2def.h.
 */
#include "winsock/socket/extension.h"
#include "winsock/socket/transfer.h"
#include "winsock/win32/error.h"

_Static_assert(sizeof(WSACMSGHDR) == sizeof(struct cmsghdr) &&
		       offsetof(WSACMSGHDR, cmsg_level) == offsetof(struct cmsghdr, cmsg_level) &&
		       offsetof(WSACMSGHDR, cmsg_type) == offsetof(struct cmsghdr, cmsg_type),
	       "a WSACMSGHDR is a cmsghdr");

static struct msghdr header_of(const WSAMSG *message, struct iovec *vectors)
{
	return (struct msghdr){
		.msg_name = message->name,
		.msg_namelen = message->name ? (socklen_t)message->namelen : 0,
		.msg_iov = vectors,
		.msg_iovlen = message->dwBufferCount,
		.msg_control = message->Control.len ? message->Control.buf : NULL,
		.msg_controllen = message->Control.len,
	};
}

static void give_results(const struct msghdr *header, LPWSAMSG message)
{
	if (message->name)
		message->namelen = (INT)header->msg_namelen;
	message->Control.len = (ULONG)header->msg_controllen;
	message->dwFlags = (ULONG)header->msg_flags & (MSG_TRUNC | MSG_CTRUNC);
}

/* Enters the socket. Returns 0 or a Winsock error. */
static int check(SOCKET s, const WSAMSG *message, const void *routine, struct iovec *vectors,
		 struct regioi_ws_socket **ret_socket)
{
	int error = message ? regioi_ws_take_buffers(message->lpBuffers, message->dwBufferCount,
						     vectors)
			    : WSAEFAULT;

	if (error || routine)
		return error ? error : WSAEOPNOTSUPP;
	*ret_socket = regioi_ws_socket_enter(s);
	if (!*ret_socket)
		return WSAGetLastError();
	if ((*ret_socket)->type == SOCK_DGRAM || (*ret_socket)->type == SOCK_RAW)
		return 0;
	regioi_ws_socket_leave(*ret_socket);
	return WSAEOPNOTSUPP;
}

/* ---- Receiving ---- */

static int attempt_receive(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct msghdr header = header_of(operation->message, operation->vectors);
	ssize_t bytes = 0;
	int error = regioi_ws_receive_once(operation->socket, &header,
					   operation->flags | MSG_DONTWAIT, &bytes);

	*ret_bytes = (DWORD)bytes;
	if (!error || error == WSAEMSGSIZE)
		give_results(&header, operation->message);
	return error;
}

static int receive_plain(struct regioi_ws_socket *socket, LPWSAMSG message, struct iovec *vectors,
			 LPDWORD ret_bytes)
{
	struct regioi_ws_transfer transfer = {.message = header_of(message, vectors),
					      .flags = (int)message->dwFlags};
	ssize_t bytes = regioi_ws_receive_now(socket, &transfer);

	regioi_ws_socket_leave(socket);
	if (bytes < 0 && WSAGetLastError() != WSAEMSGSIZE)
		return SOCKET_ERROR;
	give_results(&transfer.message, message);
	if (ret_bytes && bytes >= 0)
		*ret_bytes = (DWORD)bytes;
	return bytes < 0 ? SOCKET_ERROR : 0;
}

INT PASCAL regioi_ws_receive_message(SOCKET s, LPWSAMSG message, LPDWORD ret_bytes,
				     LPWSAOVERLAPPED overlapped,
				     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct iovec vectors[REGIOI_WS_BUFFERS_MAX];
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *socket;
	int error = check(s, message, (const void *)(uintptr_t)routine, vectors, &socket);

	if (error)
		return regioi_ws_fail(error, SOCKET_ERROR);
	error = message->dwFlags & ~(ULONG)MSG_PEEK
			? WSAEOPNOTSUPP
			: regioi_ws_check_receive(socket, message->name, &message->namelen);
	if (error) {
		regioi_ws_socket_leave(socket);
		return regioi_ws_fail(error, SOCKET_ERROR);
	}
	if (!overlapped)
		return receive_plain(socket, message, vectors, ret_bytes);
	operation = regioi_ws_operation_make(socket, overlapped, REGIOI_WS_IN);
	if (!operation)
		return SOCKET_ERROR;
	memcpy(operation->vectors, vectors, message->dwBufferCount * sizeof(*vectors));
	operation->vectors_count = message->dwBufferCount;
	operation->attempt = attempt_receive;
	operation->flags = (int)message->dwFlags;
	operation->message = message;
	return regioi_ws_transfer_start(operation, ret_bytes);
}

/* ---- Sending ---- */

static int attempt_send(struct regioi_ws_operation *operation, DWORD *ret_bytes)
{
	struct msghdr header = header_of(operation->message, operation->vectors);
	bool gone = false;
	ssize_t bytes = 0;
	int error = regioi_ws_send_once(operation->socket, &header, operation->flags | MSG_DONTWAIT,
					&bytes, &gone);

	if (gone)
		regioi_ws_operations_retry(operation->socket);
	*ret_bytes = error ? 0 : (DWORD)bytes;
	return error;
}

INT PASCAL WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD ret_bytes,
		      LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct iovec vectors[REGIOI_WS_BUFFERS_MAX];
	struct regioi_ws_operation *operation;
	struct regioi_ws_socket *socket;
	int error = check(s, message, (const void *)(uintptr_t)routine, vectors, &socket);

	if (error)
		return regioi_ws_fail(error, SOCKET_ERROR);
	if (flags & ~(DWORD)MSG_DONTROUTE) {
		regioi_ws_socket_leave(socket);
		return regioi_ws_fail(WSAEOPNOTSUPP, SOCKET_ERROR);
	}
	if (!overlapped) {
		struct regioi_ws_transfer transfer = {.message = header_of(message, vectors),
						      .flags = (int)flags};
		ssize_t bytes = regioi_ws_send_now(socket, &transfer);

		regioi_ws_socket_leave(socket);
		if (ret_bytes && bytes >= 0)
			*ret_bytes = (DWORD)bytes;
		return bytes < 0 ? SOCKET_ERROR : 0;
	}
	operation = regioi_ws_operation_make(socket, overlapped, REGIOI_WS_OUT);
	if (!operation)
		return SOCKET_ERROR;
	memcpy(operation->vectors, vectors, message->dwBufferCount * sizeof(*vectors));
	operation->vectors_count = message->dwBufferCount;
	operation->attempt = attempt_send;
	operation->flags = (int)flags;
	operation->message = message;
	return regioi_ws_transfer_start(operation, ret_bytes);
}
