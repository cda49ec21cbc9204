/* SPDX-License-Identifier: MIT */
/*
 * Errors: each thread's last error, the Windows errors for errno values, and their texts.
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

static inline void *regioi_ws_fail_null(int error)
{
	SetLastError((DWORD)error);
	return NULL;
}

/* Numbers of the two interfaces that mean the same. */
struct regioi_ws_pair {
	int posix;
	int windows;
};

static inline int regioi_ws_windows_of(const struct regioi_ws_pair *pairs, size_t count, int posix,
				       int otherwise)
{
	for (size_t i = 0; i < count; i++)
		if (pairs[i].posix == posix)
			return pairs[i].windows;
	return otherwise;
}

/* The text of any error that this library returns, or NULL. */
const char *regioi_ws_error_text(DWORD error);
/* The Winsock error for a positive errno value. */
int regioi_ws_error(int error);
/* The same for a receive or send. */
int regioi_ws_status(int error);

/* The Win32 error with which an overlapped operation ends, for a Winsock error. */
DWORD regioi_ws_completion_error(int error, bool datagram);
/* The Winsock error for a result of regioi_ws_completion_error(). */
int regioi_ws_completion_winsock(DWORD error);

#endif
