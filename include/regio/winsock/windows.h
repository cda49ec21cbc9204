/* SPDX-License-Identifier: MIT */
/*
 * windows.h - the part of Win32 that Registered I/O programs use
 *
 * It does not include the sockets: winsock2.h does that; the two may be included in any order.
 */
#ifndef REGIO_WINSOCK_WINDOWS_H
#define REGIO_WINSOCK_WINDOWS_H
#define _WINDOWS_
#define _INC_WINDOWS

#include "consoleapi.h"
#include "interlocked.h"
#include "securecrt.h"
#include "winbase.h"
#include "windef.h"
#include "winerror.h"
#if !defined(WIN32_LEAN_AND_MEAN)
#include "timeapi.h"
#endif

#endif
