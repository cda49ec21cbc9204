/* SPDX-License-Identifier: MIT */
/*
 * Closing a socket: its request queue, its overlapped operations, and calls in progress.
 */
#include "winsock/socket/overlapped.h"
#include "winsock/socket/socket.h"

int WSAAPI closesocket(SOCKET s)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter(s);
	struct regio_rq *rq;

	if (!socket)
		return SOCKET_ERROR;
	pthread_mutex_lock(&socket->lock);
	if (socket->closing) {
		pthread_mutex_unlock(&socket->lock);
		return regioi_ws_socket_leave_with(socket, WSAENOTSOCK);
	}
	socket->closing = true;
	rq = socket->rq;
	socket->rq = NULL;
	pthread_mutex_unlock(&socket->lock);
	if (rq)
		regio_rq_close(rq, 0);
	regioi_ws_operations_cancel(socket, NULL);
	pthread_mutex_lock(&socket->lock);
	if (socket->calls > 1)
		sys_shutdown(socket->fd, SHUT_RDWR);
	pthread_mutex_unlock(&socket->lock);
	regioi_ws_socket_leave(socket);
	return 0;
}
