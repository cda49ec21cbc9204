/* SPDX-License-Identifier: MIT */
/*
 * Creating completion ports, and associating a socket's operations with one.
 */
#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

/* Returns 0 or a Win32 error. */
static int associate(SOCKET s, HANDLE handle, ULONG_PTR key)
{
	struct regioi_ws_port *port = regioi_ws_port_get(handle);
	struct regioi_ws_socket *socket = port ? regioi_ws_socket_enter(s) : NULL;
	int error = ERROR_INVALID_HANDLE;

	if (socket) {
		pthread_mutex_lock(&socket->lock);
		error = socket->port ? ERROR_INVALID_PARAMETER : 0;
		if (!error) {
			regioi_ws_object_hold(&port->object);
			socket->port = port;
			socket->key = key;
		}
		pthread_mutex_unlock(&socket->lock);
		regioi_ws_socket_leave(socket);
	}
	if (port)
		regioi_ws_object_drop(&port->object);
	return error;
}

HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE handle, ULONG_PTR key, DWORD threads)
{
	HANDLE result = handle ? handle : regioi_ws_port_create();
	int error;

	if (file == INVALID_HANDLE_VALUE)
		return handle ? regioi_ws_fail_null(ERROR_INVALID_PARAMETER) : result;
	error = associate((SOCKET)file, result, key);
	if (!error)
		return result;
	if (!handle && result)
		CloseHandle(result);
	return regioi_ws_fail_null(error);
}

BOOL WINAPI SetFileCompletionNotificationModes(HANDLE file, UCHAR flags)
{
	struct regioi_ws_socket *socket = regioi_ws_socket_enter((SOCKET)file);

	if (!socket)
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	if (flags & ~(FILE_SKIP_COMPLETION_PORT_ON_SUCCESS | FILE_SKIP_SET_EVENT_ON_HANDLE))
		return regioi_ws_socket_leave_with(socket, ERROR_INVALID_PARAMETER) == 0;
	if (flags & FILE_SKIP_COMPLETION_PORT_ON_SUCCESS)
		socket->skip_port_on_success = true;
	return regioi_ws_socket_leave_with(socket, 0) == 0;
}
