/* SPDX-License-Identifier: MIT */
/*
 * timeapi.h - the multimedia clock. Its resolution is always the best one.
 */
#ifndef REGIO_WINSOCK_TIMEAPI_H
#define REGIO_WINSOCK_TIMEAPI_H

#include "winbase.h"

typedef UINT MMRESULT;

#define TIMERR_NOERROR 0u
#define TIMERR_NOCANDO 97u

static inline DWORD timeGetTime(void)
{
	return GetTickCount();
}

static inline MMRESULT timeBeginPeriod(UINT period_ms)
{
	return period_ms ? TIMERR_NOERROR : TIMERR_NOCANDO;
}

static inline MMRESULT timeEndPeriod(UINT period_ms)
{
	return timeBeginPeriod(period_ms);
}

#endif
