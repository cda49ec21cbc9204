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

/* Where no 'transfer' is given, it is the same. */
static const struct {
	int posix;
	int call;     /* bind(), connect() and so on */
	int transfer; /* receives and sends: plain, overlapped and of Registered I/O */
} errors[] = {
	{EPERM, WSAEACCES, 0},
	{EINTR, WSAEINTR, 0},
	{EBADF, WSAENOTSOCK, WSA_OPERATION_ABORTED}, /* the socket was closed */
	{EAGAIN, WSAEWOULDBLOCK, 0},
	{ENOMEM, WSAENOBUFS, 0},
	{EACCES, WSAEACCES, 0},
	{EFAULT, WSAEFAULT, 0},
	{EEXIST, WSAEINVAL, 0},
	{EINVAL, WSAEINVAL, 0},
	{ENFILE, WSAEMFILE, 0},
	{EMFILE, WSAEMFILE, 0},
	{ENOSPC, WSAENOBUFS, 0},
	{EPIPE, WSAESHUTDOWN, WSAECONNRESET},
	{ENOTSOCK, WSAENOTSOCK, 0},
	{EDESTADDRREQ, WSAENOTCONN, 0},
	{EMSGSIZE, WSAEMSGSIZE, 0},
	{EPROTOTYPE, WSAEPROTOTYPE, 0},
	{ENOPROTOOPT, WSAENOPROTOOPT, 0},
	{EPROTONOSUPPORT, WSAEPROTONOSUPPORT, 0},
	{ESOCKTNOSUPPORT, WSAESOCKTNOSUPPORT, 0},
	{EOPNOTSUPP, WSAEOPNOTSUPP, 0},
	{EPFNOSUPPORT, WSAEPFNOSUPPORT, 0},
	{EAFNOSUPPORT, WSAEAFNOSUPPORT, 0},
	{EADDRINUSE, WSAEADDRINUSE, 0},
	{EADDRNOTAVAIL, WSAEADDRNOTAVAIL, 0},
	{ENODEV, WSAEADDRNOTAVAIL, 0},
	{ENETDOWN, WSAENETDOWN, 0},
	{ENETUNREACH, WSAENETUNREACH, 0},
	{ENETRESET, WSAENETRESET, 0},
	{ECONNABORTED, WSAECONNABORTED, 0},
	{ECONNRESET, WSAECONNRESET, 0},
	{ENOBUFS, WSAENOBUFS, 0},
	{EISCONN, WSAEISCONN, 0},
	{ENOTCONN, WSAENOTCONN, 0},
	{ESHUTDOWN, WSAESHUTDOWN, 0},
	{ETOOMANYREFS, WSAETOOMANYREFS, 0},
	{ETIMEDOUT, WSAETIMEDOUT, 0},
	{ECONNREFUSED, WSAECONNREFUSED, WSAECONNRESET}, /* a datagram's peer has no such port */
	{EHOSTDOWN, WSAEHOSTDOWN, 0},
	{EHOSTUNREACH, WSAEHOSTUNREACH, 0},
	{EALREADY, WSAEALREADY, 0},
	{EINPROGRESS, WSAEWOULDBLOCK, 0},
	{ECANCELED, WSA_OPERATION_ABORTED, 0},
	{ECHILD, WSAEINVAL, 0},
};

int regioi_ws_error(int error)
{
	for (size_t i = 0; i < ARRAYSIZE(errors); i++)
		if (errors[i].posix == error)
			return errors[i].call;
	return WSAEINVAL;
}

int regioi_ws_status(int error)
{
	for (size_t i = 0; i < ARRAYSIZE(errors); i++)
		if (errors[i].posix == error && errors[i].transfer)
			return errors[i].transfer;
	return regioi_ws_error(error);
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
