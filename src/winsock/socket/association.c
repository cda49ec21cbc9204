/* SPDX-License-Identifier: MIT */
/*
 * Creating completion ports, and associating a socket's operations with one.
 */
#include "winsock/socket/socket.h"
#include "winsock/win32/port.h"

HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE handle, ULONG_PTR key, DWORD threads)
{
	HANDLE result = handle;
	struct regioi_ws_port *port;
	int error;

	if (file == INVALID_HANDLE_VALUE) {
		if (!handle)
			return regioi_ws_port_create();
		SetLastError(ERROR_INVALID_PARAMETER);
		return NULL;
	}
	if (!handle)
		result = regioi_ws_port_create();
	port = regioi_ws_port_get(result);
	error = port ? regioi_ws_socket_associate((SOCKET)file, port, key) : ERROR_INVALID_HANDLE;
	if (port)
		regioi_ws_object_drop(&port->object);
	if (!error)
		return result;
	if (!handle && result)
		CloseHandle(result);
	SetLastError((DWORD)error);
	return NULL;
}
