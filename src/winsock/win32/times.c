/* SPDX-License-Identifier: MIT */
/*
 * The times that the process and its threads have taken.
 */
#include <time.h>

#include "base/file.h"
#include "winsock/win32/error.h"
#include "winsock/win32/filetime.h"
#include "winsock/win32/thread.h"

/* Of proc_pid_stat(5), in clock ticks. */
struct taken {
	unsigned long user, kernel;
	unsigned long long start; /* after the system's */
};

static bool read_taken(const char *path, struct taken *ret_taken)
{
	char line[1024];
	/* The name may contain anything. */
	const char *at = regioi_file_line(path, line, sizeof(line)) ? strrchr(line, ')') : NULL;

	return at && sscanf(at + 1,
			    " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &ret_taken->user, &ret_taken->kernel, &ret_taken->start) == 3;
}

static uint64_t of_ticks(unsigned long long ticks)
{
	return ticks * REGIOI_WS_COUNTS_PER_SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
}

static FILETIME started_at(const struct taken *taken)
{
	struct timespec up;
	FILETIME now;

	clock_gettime(CLOCK_BOOTTIME, &up);
	GetSystemTimePreciseAsFileTime(&now);
	return regioi_ws_filetime(
		regioi_ws_filetime_counts(now) + of_ticks(taken->start) -
		((uint64_t)up.tv_sec * REGIOI_WS_COUNTS_PER_SECOND + (uint64_t)up.tv_nsec / 100));
}

/* One that has ended has no times any more. */
static BOOL get_times(const char *path, LPFILETIME ret_creation, LPFILETIME ret_exit,
		      LPFILETIME ret_kernel, LPFILETIME ret_user)
{
	struct taken taken;

	if (!ret_creation || !ret_exit || !ret_kernel || !ret_user)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	if (!read_taken(path, &taken))
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	*ret_creation = started_at(&taken);
	*ret_exit = regioi_ws_filetime(0);
	*ret_kernel = regioi_ws_filetime(of_ticks(taken.kernel));
	*ret_user = regioi_ws_filetime(of_ticks(taken.user));
	return TRUE;
}

BOOL WINAPI GetProcessTimes(HANDLE process, LPFILETIME ret_creation, LPFILETIME ret_exit,
			    LPFILETIME ret_kernel, LPFILETIME ret_user)
{
	if (process != GetCurrentProcess())
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	return get_times("/proc/self/stat", ret_creation, ret_exit, ret_kernel, ret_user);
}

BOOL WINAPI GetThreadTimes(HANDLE thread, LPFILETIME ret_creation, LPFILETIME ret_exit,
			   LPFILETIME ret_kernel, LPFILETIME ret_user)
{
	pid_t id = regioi_ws_thread_id(thread);
	char path[64];

	if (!id)
		return FALSE;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	return get_times(path, ret_creation, ret_exit, ret_kernel, ret_user);
}
