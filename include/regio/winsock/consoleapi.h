/* SPDX-License-Identifier: MIT */
/*
 * consoleapi.h - console control events
 *
 * SIGINT is CTRL_C_EVENT and SIGTERM CTRL_BREAK_EVENT; SIGHUP is CTRL_CLOSE_EVENT, after which the
 * process ends, as on Windows. If no handler takes a signal, it has its default effect.
 */
#ifndef REGIO_WINSOCK_CONSOLEAPI_H
#define REGIO_WINSOCK_CONSOLEAPI_H

#include "windef.h"

#define CTRL_C_EVENT 0
#define CTRL_BREAK_EVENT 1
#define CTRL_CLOSE_EVENT 2
#define CTRL_LOGOFF_EVENT 5
#define CTRL_SHUTDOWN_EVENT 6

typedef BOOL(WINAPI *PHANDLER_ROUTINE)(DWORD event);

REGIO_WINSOCK_BEGIN
BOOL WINAPI SetConsoleCtrlHandler(PHANDLER_ROUTINE handler, BOOL add)
	REGIO_WINSOCK_SYMBOL(SetConsoleCtrlHandler);
REGIO_WINSOCK_END

#endif
