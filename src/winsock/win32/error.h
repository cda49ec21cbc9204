/* SPDX-License-Identifier: MIT */
/*
 * Errors: each thread's last error, and the Windows errors for errno values.
 */
#ifndef REGIO_WINSOCK_WIN32_ERROR_H
#define REGIO_WINSOCK_WIN32_ERROR_H

#include "winsock/win32/posix.h"

/* Sets the last error and returns 'result', the failing call's return value. */
static inline int regioi_ws_fail(int error, int result)
{
	SetLastError((DWORD)error);
	return result;
}

/* The Winsock error for a positive errno value. */
int regioi_ws_error(int error);
/* The same for a receive or send. */
int regioi_ws_status(int error);

/* The Win32 error with which an overlapped operation ends, for a Winsock error. */
DWORD regioi_ws_completion_error(int error, bool datagram);
/* The Winsock error for a result of regioi_ws_completion_error(). */
int regioi_ws_completion_winsock(DWORD error);

/* Sets the Winsock error for errno, and returns SOCKET_ERROR. */
static inline int regioi_ws_fail_errno(void)
{
	return regioi_ws_fail(regioi_ws_error(errno), SOCKET_ERROR);
}

#endif
