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

/* Enters the socket, and fills 'transfer', but for its flags. NULL, with the last error set. */
static struct regioi_ws_socket *take_message(SOCKET s, LPWSAMSG message,
					     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine,
					     struct regioi_ws_transfer *transfer)
{
	struct regioi_ws_socket *socket;

	if (!message)
		return regioi_ws_fail_null(WSAEFAULT);
	if (message->name) {
		transfer->message.msg_name = message->name;
		transfer->message.msg_namelen = (socklen_t)message->namelen;
	}
	if (message->Control.len) {
		transfer->message.msg_control = message->Control.buf;
		transfer->message.msg_controllen = message->Control.len;
	}
	socket = regioi_ws_transfer_begin(s, message->lpBuffers, message->dwBufferCount, routine,
					  transfer);
	if (!socket || socket->type == SOCK_DGRAM || socket->type == SOCK_RAW)
		return socket;
	regioi_ws_socket_leave(socket);
	return regioi_ws_fail_null(WSAEOPNOTSUPP);
}

INT PASCAL regioi_ws_receive_message(SOCKET s, LPWSAMSG message, LPDWORD ret_bytes,
				     LPWSAOVERLAPPED overlapped,
				     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.ret_message = message};
	struct regioi_ws_socket *socket = take_message(s, message, routine, &transfer);

	if (!socket)
		return SOCKET_ERROR;
	transfer.flags = (int)message->dwFlags;
	transfer.ret_name_length = message->name ? &message->namelen : NULL;
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_IN, MSG_PEEK, overlapped,
				      ret_bytes);
}

INT PASCAL WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD ret_bytes,
		      LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.flags = (int)flags};
	struct regioi_ws_socket *socket = take_message(s, message, routine, &transfer);

	if (!socket)
		return SOCKET_ERROR;
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_OUT, MSG_DONTROUTE, overlapped,
				      ret_bytes);
}
