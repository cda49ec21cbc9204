/* SPDX-License-Identifier: MIT */
/*
 * Affinity and priority of threads, and sleeping.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "winsock/win32/deadline.h"
#include "winsock/win32/error.h"
#include "winsock/win32/thread.h"

/* ---- Affinity ---- */

/* A set of CPUs begins with the first 64, as a number of the machine. */

static DWORD_PTR mask_of(pid_t id)
{
	cpu_set_t set;
	DWORD_PTR mask = 0;

	if (sched_getaffinity(id, sizeof(set), &set) == 0)
		memcpy(&mask, &set, sizeof(mask));
	return mask;
}

/* Returns 0 or a Win32 error. */
static int set_mask(pid_t id, DWORD_PTR mask)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	memcpy(&set, &mask, sizeof(mask));
	return sched_setaffinity(id, sizeof(set), &set) < 0 ? ERROR_INVALID_PARAMETER : 0;
}

DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask)
{
	pid_t id = regioi_ws_thread_id(thread);
	DWORD_PTR before = id ? mask_of(id) : 0;
	int error = before ? set_mask(id, mask) : 0;

	return error ? (DWORD_PTR)regioi_ws_fail(error, 0) : before;
}

BOOL WINAPI GetProcessAffinityMask(HANDLE process, PDWORD_PTR ret_process, PDWORD_PTR ret_system)
{
	if (process != GetCurrentProcess() || !ret_process || !ret_system)
		return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
	*ret_process = *ret_system = mask_of(getpid());
	return TRUE;
}

/* Threads that exist already keep their affinity. */
BOOL WINAPI SetProcessAffinityMask(HANDLE process, DWORD_PTR mask)
{
	int error = process != GetCurrentProcess() ? ERROR_INVALID_HANDLE : set_mask(0, mask);

	return error ? regioi_ws_fail(error, FALSE) : TRUE;
}

/* Only a hint on Windows; the kernel has no such hint. */
DWORD WINAPI SetThreadIdealProcessor(HANDLE thread, DWORD processor)
{
	return (DWORD)regioi_ws_fail(ERROR_NOT_SUPPORTED, -1);
}

DWORD WINAPI GetCurrentProcessorNumber(void)
{
	int cpu = sched_getcpu();

	return cpu < 0 ? 0 : (DWORD)cpu;
}

WORD WINAPI GetActiveProcessorGroupCount(void)
{
	return 1;
}

void WINAPI GetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ret_number)
{
	*ret_number = (PROCESSOR_NUMBER){.Number = (BYTE)GetCurrentProcessorNumber()};
}

BOOL WINAPI GetThreadGroupAffinity(HANDLE thread, PGROUP_AFFINITY ret_affinity)
{
	pid_t id = regioi_ws_thread_id(thread);

	if (!id || !ret_affinity)
		return id ? regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE) : FALSE;
	*ret_affinity = (GROUP_AFFINITY){.Mask = mask_of(id)};
	return TRUE;
}

BOOL WINAPI SetThreadGroupAffinity(HANDLE thread, const GROUP_AFFINITY *affinity,
				   PGROUP_AFFINITY ret_previous)
{
	pid_t id = regioi_ws_thread_id(thread);
	GROUP_AFFINITY previous = {.Mask = id ? mask_of(id) : 0};
	int error;

	if (!id)
		return FALSE;
	error = !affinity || affinity->Group != 0 ? ERROR_INVALID_PARAMETER
						  : set_mask(id, affinity->Mask);
	if (error)
		return regioi_ws_fail(error, FALSE);
	if (ret_previous)
		*ret_previous = previous;
	return TRUE;
}

/* ---- Priority ---- */

struct nice_value {
	DWORD of;
	int nice;
};

static const struct nice_value priorities[] = {
	{(DWORD)THREAD_PRIORITY_IDLE, 19},	     {(DWORD)THREAD_PRIORITY_LOWEST, 10},
	{(DWORD)THREAD_PRIORITY_BELOW_NORMAL, 5},    {(DWORD)THREAD_PRIORITY_NORMAL, 0},
	{(DWORD)THREAD_PRIORITY_ABOVE_NORMAL, -5},   {(DWORD)THREAD_PRIORITY_HIGHEST, -10},
	{(DWORD)THREAD_PRIORITY_TIME_CRITICAL, -20},
};

static const struct nice_value classes[] = {
	{IDLE_PRIORITY_CLASS, 15},  {BELOW_NORMAL_PRIORITY_CLASS, 5},
	{NORMAL_PRIORITY_CLASS, 0}, {ABOVE_NORMAL_PRIORITY_CLASS, -5},
	{HIGH_PRIORITY_CLASS, -10}, {REALTIME_PRIORITY_CLASS, -20},
};

/* A priority above normal needs a right that few programs have; the error shows that. */
static BOOL set_nice(pid_t id, DWORD wanted, const struct nice_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (values[i].of == wanted)
			return setpriority(PRIO_PROCESS, (id_t)id, values[i].nice) == 0 ||
			       regioi_ws_fail(ERROR_ACCESS_DENIED, FALSE);
	return regioi_ws_fail(ERROR_INVALID_PARAMETER, FALSE);
}

BOOL WINAPI SetThreadPriority(HANDLE thread, int priority)
{
	pid_t id = regioi_ws_thread_id(thread);

	return id && set_nice(id, (DWORD)priority, priorities, ARRAYSIZE(priorities));
}

int WINAPI GetThreadPriority(HANDLE thread)
{
	pid_t id = regioi_ws_thread_id(thread);
	int nice, i = 0;

	if (!id)
		return THREAD_PRIORITY_ERROR_RETURN;
	nice = getpriority(PRIO_PROCESS, (id_t)id);
	while (i + 1 < (int)ARRAYSIZE(priorities) && priorities[i].nice > nice)
		i++;
	return (int)priorities[i].of;
}

/* The kernel keeps 15 characters of the name; debuggers and top show them. */
HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR name)
{
	pid_t id = regioi_ws_thread_id(thread);
	char path[64], text[16];
	size_t length = 0;
	ssize_t written;
	int fd;

	if (!id || !name)
		return HRESULT_FROM_WIN32(id ? ERROR_INVALID_PARAMETER : GetLastError());
	for (; length < sizeof(text) - 1 && name[length]; length++)
		text[length] = name[length] > 0 && name[length] < 128 ? (char)name[length] : '?';
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", id);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	written = fd < 0 ? -1 : write(fd, text, length);
	if (fd >= 0)
		close(fd);
	return written < 0 ? HRESULT_FROM_WIN32(ERROR_ACCESS_DENIED) : S_OK;
}

BOOL WINAPI SetPriorityClass(HANDLE process, DWORD priority_class)
{
	if (process != GetCurrentProcess())
		return regioi_ws_fail(ERROR_INVALID_HANDLE, FALSE);
	return set_nice(0, priority_class, classes, ARRAYSIZE(classes));
}

/* ---- Yielding and sleeping ---- */

BOOL WINAPI SwitchToThread(void)
{
	sched_yield();
	return TRUE;
}

void WINAPI Sleep(DWORD timeout_ms)
{
	SleepEx(timeout_ms, FALSE);
}

/* There are no APCs here, so an alertable sleep is an ordinary one. */
DWORD WINAPI SleepEx(DWORD timeout_ms, BOOL alertable)
{
	const struct timespec until = regioi_timespec(regioi_ws_deadline(timeout_ms));

	if (timeout_ms == 0)
		sched_yield();
	else if (timeout_ms == INFINITE)
		for (;;)
			pause();
	else
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
			continue;
	return 0;
}
