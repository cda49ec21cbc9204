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

static const struct {
	int posix;
	int winsock;
} errors[] = {
	{EPERM, WSAEACCES},
	{EINTR, WSAEINTR},
	{EBADF, WSAENOTSOCK},
	{EAGAIN, WSAEWOULDBLOCK},
	{ENOMEM, WSAENOBUFS},
	{EACCES, WSAEACCES},
	{EFAULT, WSAEFAULT},
	{EEXIST, WSAEINVAL},
	{EINVAL, WSAEINVAL},
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
	{ECHILD, WSAEINVAL},
};

int regioi_ws_error(int error)
{
	for (size_t i = 0; i < ARRAYSIZE(errors); i++)
		if (errors[i].posix == error)
			return errors[i].winsock;
	return WSAEINVAL;
}

int regioi_ws_status(int error)
{
	switch (error) {
	case ECONNREFUSED: /* a datagram's peer has no such port */
	case EPIPE:
		return WSAECONNRESET;
	case EBADF: /* the socket was closed */
		return WSA_OPERATION_ABORTED;
	case EPERM: /* a firewall rule */
		return WSAEACCES;
	default:
		return regioi_ws_error(error);
	}
}
