/* SPDX-License-Identifier: MIT */
/*
 * Errors: each thread's last error, and the Windows errors for errno values.
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

/* All others are WSAEINVAL. */
static const struct regioi_ws_pair errors[] = {
	{EPERM, WSAEACCES},
	{EINTR, WSAEINTR},
	{EBADF, WSAENOTSOCK},
	{EAGAIN, WSAEWOULDBLOCK},
	{ENOMEM, WSAENOBUFS},
	{EACCES, WSAEACCES},
	{EFAULT, WSAEFAULT},
	{ENFILE, WSAEMFILE},
	{EMFILE, WSAEMFILE},
	{ENOSPC, WSAENOBUFS},
	{EPIPE, WSAESHUTDOWN},
	{ENOTSOCK, WSAENOTSOCK},
	{EDESTADDRREQ, WSAENOTCONN},
	{EMSGSIZE, WSAEMSGSIZE},
	{EPROTOTYPE, WSAEPROTOTYPE},
	{ENOPROTOOPT, WSAENOPROTOOPT},
	{EPROTONOSUPPORT, WSAEPROTONOSUPPORT},
	{ESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT},
	{EOPNOTSUPP, WSAEOPNOTSUPP},
	{EPFNOSUPPORT, WSAEPFNOSUPPORT},
	{EAFNOSUPPORT, WSAEAFNOSUPPORT},
	{EADDRINUSE, WSAEADDRINUSE},
	{EADDRNOTAVAIL, WSAEADDRNOTAVAIL},
	{ENODEV, WSAEADDRNOTAVAIL},
	{ENETDOWN, WSAENETDOWN},
	{ENETUNREACH, WSAENETUNREACH},
	{ENETRESET, WSAENETRESET},
	{ECONNABORTED, WSAECONNABORTED},
	{ECONNRESET, WSAECONNRESET},
	{ENOBUFS, WSAENOBUFS},
	{EISCONN, WSAEISCONN},
	{ENOTCONN, WSAENOTCONN},
	{ESHUTDOWN, WSAESHUTDOWN},
	{ETOOMANYREFS, WSAETOOMANYREFS},
	{ETIMEDOUT, WSAETIMEDOUT},
	{ECONNREFUSED, WSAECONNREFUSED},
	{EHOSTDOWN, WSAEHOSTDOWN},
	{EHOSTUNREACH, WSAEHOSTUNREACH},
	{EALREADY, WSAEALREADY},
	{EINPROGRESS, WSAEWOULDBLOCK},
	{ECANCELED, WSA_OPERATION_ABORTED},
};

/* Receives and sends, plain, overlapped and of Registered I/O, where their errors are others. */
static const struct regioi_ws_pair transfer_errors[] = {
	{EBADF, WSA_OPERATION_ABORTED}, /* the socket was closed */
	{EPIPE, WSAECONNRESET},
	{ECONNREFUSED, WSAECONNRESET}, /* a datagram's peer has no such port */
};

int regioi_ws_error(int error)
{
	return regioi_ws_windows_of(errors, ARRAYSIZE(errors), error, WSAEINVAL);
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
