/* SPDX-License-Identifier: MIT */
/*
 * WSAStartup and WSACleanup.
 */
#include <stdio.h>
#include <sys/resource.h>

#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

static _Atomic int started;

/*
 * A Windows program expects to have any number of handles, and handles use descriptors here. So the
 * limit is raised to what the administrator allows.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int WSAAPI WSAStartup(WORD version, LPWSADATA data)
{
	const WORD newest = MAKEWORD(2, 2);

	if (!data)
		return WSAEFAULT;
	if (LOBYTE(version) < 1)
		return WSAVERNOTSUPPORTED;
	*data = (WSADATA){.wHighVersion = newest};
	data->wVersion = LOBYTE(version) > 2 || (LOBYTE(version) == 2 && HIBYTE(version) > 2)
				 ? newest
				 : version;
	snprintf(data->szDescription, sizeof(data->szDescription), "regio-winsock");
	snprintf(data->szSystemStatus, sizeof(data->szSystemStatus), "Running");
	if (atomic_fetch_add(&started, 1) == 0)
		raise_descriptor_limit();
	return 0;
}

int WSAAPI WSACleanup(void)
{
	int count = atomic_load(&started);

	while (count > 0 && !atomic_compare_exchange_weak(&started, &count, count - 1))
		continue;
	return count > 0 ? 0 : regioi_ws_fail(WSANOTINITIALISED, SOCKET_ERROR);
}

bool regioi_ws_started(void)
{
	return atomic_load(&started) > 0 || regioi_ws_fail(WSANOTINITIALISED, false);
}
