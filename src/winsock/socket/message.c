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

/*
 * Enters the socket, and fills 'transfer', but for its vectors and flags. Returns 0 or a Winsock
 * error.
 */
static int take_message(SOCKET s, LPWSAMSG message, const void *routine,
			struct regioi_ws_transfer *transfer, struct regioi_ws_socket **ret_socket)
{
	int error = message ? regioi_ws_take_buffers(message->lpBuffers, message->dwBufferCount,
						     transfer)
			    : WSAEFAULT;

	if (error || routine)
		return error ? error : WSAEOPNOTSUPP;
	if (message->name) {
		transfer->message.msg_name = message->name;
		transfer->message.msg_namelen = (socklen_t)message->namelen;
	}
	if (message->Control.len) {
		transfer->message.msg_control = message->Control.buf;
		transfer->message.msg_controllen = message->Control.len;
	}
	*ret_socket = regioi_ws_socket_enter(s);
	if (!*ret_socket)
		return WSAGetLastError();
	if ((*ret_socket)->type == SOCK_DGRAM || (*ret_socket)->type == SOCK_RAW)
		return 0;
	regioi_ws_socket_leave(*ret_socket);
	return WSAEOPNOTSUPP;
}

INT PASCAL regioi_ws_receive_message(SOCKET s, LPWSAMSG message, LPDWORD ret_bytes,
				     LPWSAOVERLAPPED overlapped,
				     LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.ret_message = message};
	struct regioi_ws_socket *socket;
	int error = take_message(s, message, (const void *)(uintptr_t)routine, &transfer, &socket);

	if (error)
		return regioi_ws_fail(error, SOCKET_ERROR);
	transfer.flags = (int)message->dwFlags;
	transfer.ret_name_length = message->name ? &message->namelen : NULL;
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_IN, MSG_PEEK, overlapped,
				      ret_bytes);
}

INT PASCAL WSASendMsg(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD ret_bytes,
		      LPWSAOVERLAPPED overlapped, LPWSAOVERLAPPED_COMPLETION_ROUTINE routine)
{
	struct regioi_ws_transfer transfer = {.flags = (int)flags};
	struct regioi_ws_socket *socket;
	int error = take_message(s, message, (const void *)(uintptr_t)routine, &transfer, &socket);

	if (error)
		return regioi_ws_fail(error, SOCKET_ERROR);
	return regioi_ws_transfer_run(socket, &transfer, REGIOI_WS_OUT, MSG_DONTROUTE, overlapped,
				      ret_bytes);
}
