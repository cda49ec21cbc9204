/* SPDX-License-Identifier: MIT */
/*
 * FILETIME and the number that it holds in two halves: units of 100 ns.
 */
#ifndef REGIO_WINSOCK_WIN32_FILETIME_H
#define REGIO_WINSOCK_WIN32_FILETIME_H

#include "winsock/win32/posix.h"

#define REGIOI_WS_COUNTS_PER_SECOND 10000000

static inline FILETIME regioi_ws_filetime(uint64_t counts)
{
	return (FILETIME){.dwLowDateTime = (DWORD)counts, .dwHighDateTime = (DWORD)(counts >> 32)};
}

static inline uint64_t regioi_ws_filetime_counts(FILETIME time)
{
	return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

#endif
