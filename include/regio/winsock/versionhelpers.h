/* SPDX-License-Identifier: MIT */
/*
 * versionhelpers.h - which version of Windows a program may rely on
 *
 * Programs ask before they use Registered I/O, which came with Windows 8. Here they may rely on
 * what Windows 10 has.
 */
#ifndef REGIO_WINSOCK_VERSIONHELPERS_H
#define REGIO_WINSOCK_VERSIONHELPERS_H

#include "windef.h"

static inline BOOL IsWindowsXPOrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindowsVistaOrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindows7OrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindows7SP1OrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindows8OrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindows8Point1OrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindowsThresholdOrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindows10OrGreater(void)
{
	return TRUE;
}

static inline BOOL IsWindowsServer(void)
{
	return FALSE;
}

static inline BOOL IsWindowsVersionOrGreater(WORD major, WORD minor, WORD service_pack)
{
	return major < 10 || (major == 10 && minor == 0 && service_pack == 0);
}

#endif
