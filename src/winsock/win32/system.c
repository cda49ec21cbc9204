/* SPDX-License-Identifier: MIT */
/*
 * Properties of the machine, and its clocks.
 */
#include "base/clock.h"
#include "base/file.h"
#include "winsock/win32/error.h"

#define ARCHITECTURE_AMD64 9
#define ARCHITECTURE_ARM64 12
#define PROCESSOR_AMD64 8664

/* As on Windows: a program may print it, or rely on products that do not overflow. */
#define COUNTS_PER_SECOND 10000000
#define NS_PER_COUNT 100u

void WINAPI GetSystemInfo(LPSYSTEM_INFO ret_info)
{
	DWORD_PTR process_mask, system_mask;

	GetProcessAffinityMask(GetCurrentProcess(), &process_mask, &system_mask);
	*ret_info = (SYSTEM_INFO)
	{
#if defined(__x86_64__)
		.wProcessorArchitecture = ARCHITECTURE_AMD64, .dwProcessorType = PROCESSOR_AMD64,
#else
		.wProcessorArchitecture = ARCHITECTURE_ARM64,
#endif
		.dwPageSize = (DWORD)sysconf(_SC_PAGESIZE),
		.lpMinimumApplicationAddress = (LPVOID)0x10000,
		.lpMaximumApplicationAddress = (LPVOID)0x7FFFFFFEFFFF,
		.dwActiveProcessorMask = system_mask,
		.dwNumberOfProcessors = (DWORD)__builtin_popcountll(system_mask),
		.dwAllocationGranularity = 0x10000,
	};
}

void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO ret_info) REGIOI_WS_SAME_AS(GetSystemInfo);

DWORD WINAPI GetActiveProcessorCount(WORD group)
{
	if (group == 0 || group == ALL_PROCESSOR_GROUPS)
		return (DWORD)sysconf(_SC_NPROCESSORS_ONLN);
	return (DWORD)regioi_ws_fail(ERROR_INVALID_PARAMETER, 0);
}

void WINAPI OutputDebugStringA(LPCSTR text)
{
}

void WINAPI OutputDebugStringW(LPCWSTR text) REGIOI_WS_SAME_AS(OutputDebugStringA);

LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter)
{
	static _Atomic(LPTOP_LEVEL_EXCEPTION_FILTER) current;

	return atomic_exchange(&current, filter);
}

/* Whether another process traces this one. */
BOOL WINAPI IsDebuggerPresent(void)
{
	REGIOI_FILE(status, "/proc/self/status");
	char line[128];
	long tracer = 0;

	while (status && !tracer && fgets(line, sizeof(line), status))
		if (!strncmp(line, "TracerPid:", 10))
			tracer = strtol(line + 10, NULL, 10);
	return tracer != 0;
}

BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *ret_count)
{
	ret_count->QuadPart = (LONGLONG)(regioi_now_ns() / NS_PER_COUNT);
	return TRUE;
}

BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *ret_frequency)
{
	ret_frequency->QuadPart = COUNTS_PER_SECOND;
	return TRUE;
}

ULONGLONG WINAPI GetTickCount64(void)
{
	return regioi_now_ns() / 1000000u;
}

DWORD WINAPI GetTickCount(void)
{
	return (DWORD)GetTickCount64();
}
