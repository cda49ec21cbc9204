/* SPDX-License-Identifier: MIT */
/*
 * Errors: each thread's last error, the Windows errors for errno values, and their texts.
 */
#include "winsock/win32/error.h"

static _Thread_local DWORD last_error;

DWORD WINAPI GetLastError(void)
{
	return last_error;
}

void WINAPI SetLastError(DWORD error)
{
	last_error = error;
}

int WSAAPI WSAGetLastError(void)
{
	return (int)last_error;
}

void WSAAPI WSASetLastError(int error)
{
	last_error = (DWORD)error;
}

/* All others are WSAEINVAL. Where an error has several numbers here, the text is with one. */
static const struct {
	int posix;
	int windows;
	const char *text;
} errors[] = {
	{EPERM, WSAEACCES, NULL},
	{EINTR, WSAEINTR, "The call was interrupted, for instance because its socket was closed."},
	{EBADF, WSAENOTSOCK, NULL},
	{EAGAIN, WSAEWOULDBLOCK, "The operation cannot complete without waiting."},
	{ENOMEM, WSAENOBUFS, NULL},
	{EACCES, WSAEACCES, "The socket may not be used like that."},
	{EFAULT, WSAEFAULT, "An address, a length or a buffer id is not valid."},
	{ENFILE, WSAEMFILE, NULL},
	{EMFILE, WSAEMFILE, "Too many sockets are open."},
	{ENOSPC, WSAENOBUFS, NULL},
	{EPIPE, WSAESHUTDOWN, NULL},
	{ENOTSOCK, WSAENOTSOCK, "It is not a socket."},
	{EDESTADDRREQ, WSAENOTCONN, NULL},
	{EMSGSIZE, WSAEMSGSIZE, "The message is longer than its buffer, or than can be sent."},
	{EPROTOTYPE, WSAEPROTOTYPE, "The protocol does not match the type of the socket."},
	{ENOPROTOOPT, WSAENOPROTOOPT, "The option is not known, or not supported, at that level."},
	{EPROTONOSUPPORT, WSAEPROTONOSUPPORT, "The protocol is not supported."},
	{ESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT, "The type of socket is not supported."},
	{EOPNOTSUPP, WSAEOPNOTSUPP, "The operation is not supported."},
	{EPFNOSUPPORT, WSAEPFNOSUPPORT, "The protocol family is not supported."},
	{EAFNOSUPPORT, WSAEAFNOSUPPORT, "The address family is not supported."},
	{EADDRINUSE, WSAEADDRINUSE, "The address is in use."},
	{EADDRNOTAVAIL, WSAEADDRNOTAVAIL, "The address is not valid here."},
	{ENODEV, WSAEADDRNOTAVAIL, NULL},
	{ENETDOWN, WSAENETDOWN, "The network is down."},
	{ENETUNREACH, WSAENETUNREACH, "The network cannot be reached."},
	{ENETRESET, WSAENETRESET, "The connection was broken by the network."},
	{ECONNABORTED, WSAECONNABORTED, "The connection was ended by this host."},
	{ECONNRESET, WSAECONNRESET, "The connection was reset by the other end."},
	{ENOBUFS, WSAENOBUFS, "There is no room in a queue, or not enough memory."},
	{EISCONN, WSAEISCONN, "The socket is connected already."},
	{ENOTCONN, WSAENOTCONN, "The socket is not connected, and no address was given."},
	{ESHUTDOWN, WSAESHUTDOWN, "The socket has been shut down."},
	{ETOOMANYREFS, WSAETOOMANYREFS, "More is in use than the new size allows."},
	{ETIMEDOUT, WSAETIMEDOUT, "The other end did not answer in time."},
	{ECONNREFUSED, WSAECONNREFUSED, "The other end refused the connection."},
	{EHOSTDOWN, WSAEHOSTDOWN, "The host is down."},
	{EHOSTUNREACH, WSAEHOSTUNREACH, "The host cannot be reached."},
	{EALREADY, WSAEALREADY, "The operation is in progress already."},
	{EINPROGRESS, WSAEWOULDBLOCK, NULL},
	{ECANCELED, WSA_OPERATION_ABORTED, "The operation was cancelled, or its socket closed."},
};

/* The texts of errors that no errno value becomes. */
static const struct {
	DWORD error;
	const char *text;
} others[] = {
	{ERROR_SUCCESS, "The operation succeeded."},
	{ERROR_INVALID_FUNCTION, "The function is not valid here."},
	{ERROR_FILE_NOT_FOUND, "The file was not found."},
	{ERROR_TOO_MANY_OPEN_FILES, "Too many files are open."},
	{ERROR_ACCESS_DENIED, "Access is denied."},
	{ERROR_INVALID_HANDLE, "The handle is not valid."},
	{ERROR_NOT_ENOUGH_MEMORY, "There is not enough memory."},
	{ERROR_OUTOFMEMORY, "There is not enough memory."},
	{ERROR_NOT_SUPPORTED, "The request is not supported."},
	{ERROR_NETNAME_DELETED, "The connection was lost."},
	{ERROR_INVALID_PARAMETER, "A parameter is not valid."},
	{ERROR_SEM_TIMEOUT, "The operation timed out."},
	{ERROR_INSUFFICIENT_BUFFER, "The buffer is too small."},
	{ERROR_BUSY, "The resource is in use."},
	{ERROR_ALREADY_EXISTS, "It exists already."},
	{ERROR_MORE_DATA, "There is more data than the buffer holds."},
	{WAIT_TIMEOUT, "The wait timed out."},
	{ERROR_INVALID_ADDRESS, "The address is not valid."},
	{ERROR_ABANDONED_WAIT_0, "The handle was closed while a thread waited for it."},
	{WSA_IO_INCOMPLETE, "The overlapped operation has not finished."},
	{WSA_IO_PENDING, "The overlapped operation is in progress."},
	{ERROR_NOT_FOUND, "There is no such element."},
	{ERROR_CONNECTION_REFUSED, "The other end refused the connection."},
	{ERROR_HOST_UNREACHABLE, "The host cannot be reached."},
	{ERROR_NETWORK_UNREACHABLE, "The network cannot be reached."},
	{ERROR_PORT_UNREACHABLE, "Nothing listens on that port."},
	{ERROR_CONNECTION_ABORTED, "The connection was ended by this host."},
	{ERROR_TIMEOUT, "The operation timed out."},
	{WSAEBADF, "The file handle is not valid."},
	{WSAEINVAL, "An argument is not valid."},
	{WSAEINPROGRESS, "Another blocking operation is in progress."},
	{WSAEDESTADDRREQ, "An address is needed."},
	{WSASYSNOTREADY, "The network is not ready."},
	{WSAVERNOTSUPPORTED, "That version of Winsock is not supported."},
	{WSANOTINITIALISED, "WSAStartup has not been called."},
	{WSATYPE_NOT_FOUND, "There is no such service."},
	{WSAHOST_NOT_FOUND, "There is no such host."},
	{WSATRY_AGAIN, "The host was not found now; it may be later."},
	{WSANO_RECOVERY, "The name could not be looked up."},
	{WSANO_DATA, "The name has no address of that kind."},
};

/* Receives and sends, plain, overlapped and of Registered I/O, where their errors are others. */
static const struct regioi_ws_pair transfer_errors[] = {
	{EBADF, WSA_OPERATION_ABORTED}, /* the socket was closed */
	{EPIPE, WSAECONNRESET},
	{ECONNREFUSED, WSAECONNRESET}, /* a datagram's peer has no such port */
};

int regioi_ws_error(int error)
{
	for (size_t i = 0; i < ARRAYSIZE(errors); i++)
		if (errors[i].posix == error)
			return errors[i].windows;
	return WSAEINVAL;
}

const char *regioi_ws_error_text(DWORD error)
{
	for (size_t i = 0; i < ARRAYSIZE(errors); i++)
		if ((DWORD)errors[i].windows == error && errors[i].text)
			return errors[i].text;
	for (size_t i = 0; i < ARRAYSIZE(others); i++)
		if (others[i].error == error)
			return others[i].text;
	return NULL;
}

int regioi_ws_status(int error)
{
	return regioi_ws_windows_of(transfer_errors, ARRAYSIZE(transfer_errors), error,
				    regioi_ws_error(error));
}

/* The Win32 errors of overlapped operations, where they are not those of Winsock. */
static const struct {
	int winsock;
	DWORD stream;
	DWORD datagram;
} completions[] = {
	{WSAECONNRESET, ERROR_NETNAME_DELETED, ERROR_PORT_UNREACHABLE},
	{WSAECONNREFUSED, ERROR_CONNECTION_REFUSED, ERROR_CONNECTION_REFUSED},
	{WSAECONNABORTED, ERROR_CONNECTION_ABORTED, ERROR_CONNECTION_ABORTED},
	{WSAEMSGSIZE, ERROR_MORE_DATA, ERROR_MORE_DATA},
	{WSAETIMEDOUT, ERROR_SEM_TIMEOUT, ERROR_SEM_TIMEOUT},
	{WSAEHOSTUNREACH, ERROR_HOST_UNREACHABLE, ERROR_HOST_UNREACHABLE},
	{WSAENETUNREACH, ERROR_NETWORK_UNREACHABLE, ERROR_NETWORK_UNREACHABLE},
};

DWORD regioi_ws_completion_error(int error, bool datagram)
{
	for (size_t i = 0; i < ARRAYSIZE(completions); i++)
		if (completions[i].winsock == error)
			return datagram ? completions[i].datagram : completions[i].stream;
	return (DWORD)error;
}

int regioi_ws_completion_winsock(DWORD error)
{
	for (size_t i = 0; i < ARRAYSIZE(completions); i++)
		if (completions[i].stream == error || completions[i].datagram == error)
			return completions[i].winsock;
	return (int)error;
}
