/* SPDX-License-Identifier: MIT */
/*
 * WSAStartup and WSACleanup.
 */
#include <sys/resource.h>

#include "winsock/socket/socket.h"
#include "winsock/win32/error.h"

#define NEWEST MAKEWORD(2, 2)

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

/* The highest of 1.0, 1.1, 2.0, 2.1 and 2.2 that is not above the one requested. */
static WORD negotiated(WORD requested)
{
	BYTE major = LOBYTE(requested), minor = HIBYTE(requested);
	const BYTE minor_max = major == 1 ? 1 : 2;

	if (major > 2)
		return NEWEST;
	return MAKEWORD(major, minor > minor_max ? minor_max : minor);
}

int WSAAPI WSAStartup(WORD version, LPWSADATA data)
{
	if (!data)
		return WSAEFAULT;
	if (LOBYTE(version) < 1)
		return WSAVERNOTSUPPORTED;
	*data = (WSADATA){.wVersion = negotiated(version),
			  .wHighVersion = NEWEST,
			  .szDescription = "regio-winsock",
			  .szSystemStatus = "Running"};
	/* Programs of later versions do not look at these. */
	if (LOBYTE(version) == 1) {
		data->iMaxSockets = 32767;
		data->iMaxUdpDg = 65467;
	}
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
