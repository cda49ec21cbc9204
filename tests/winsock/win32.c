/* SPDX-License-Identifier: MIT */
/*
 * win32.c - the part of Win32 that Registered I/O programs use
 */
#include <conio.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "rig.h"

/* ---- Events and waits ---- */

START_TEST(events_set_reset_and_end_waits)
{
	HANDLE manual = CreateEvent(NULL, TRUE, FALSE, NULL);
	HANDLE automatic = CreateEvent(NULL, FALSE, TRUE, NULL);
	HANDLE both[2] = {manual, automatic};

	EXPECT(WaitForSingleObject(automatic, 0) == WAIT_OBJECT_0, "not set at first");
	EXPECT(WaitForSingleObject(automatic, 0) == WAIT_TIMEOUT, "it was not reset");
	SetEvent(manual);
	EXPECT(WaitForSingleObject(manual, INFINITE) == WAIT_OBJECT_0 &&
		       WaitForSingleObject(manual, 0) == WAIT_OBJECT_0,
	       "it was reset");
	EXPECT(WaitForMultipleObjects(2, both, FALSE, 5) == WAIT_OBJECT_0, "another object");
	EXPECT(WaitForMultipleObjects(2, both, TRUE, 5) == WAIT_TIMEOUT, "all are set");
	SetEvent(automatic);
	EXPECT(WaitForMultipleObjects(2, both, TRUE, 5) == WAIT_OBJECT_0, "not all are set");
	EXPECT(WaitForSingleObject(automatic, 0) == WAIT_TIMEOUT, "it was not taken");
	ResetEvent(manual);
	EXPECT(WSAWaitForMultipleEvents(2, both, FALSE, 1, FALSE) == WSA_WAIT_TIMEOUT, "set");
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, WAIT_FAILED,
		     WaitForMultipleObjects(0, both, FALSE, 0));
	EXPECT_TRUE(CloseHandle(manual));
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE, CloseHandle(manual));
	EXPECT_FAILS(ERROR_INVALID_HANDLE, WAIT_FAILED, WaitForSingleObject(manual, 0));
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE, SetEvent(INVALID_HANDLE_VALUE));
	EXPECT_FAILS(ERROR_NOT_SUPPORTED, NULL, CreateEventA(NULL, TRUE, FALSE, "named"));
	EXPECT_TRUE(CloseHandle(automatic));
}
END_TEST

/* In checked builds a slot has few generations, and is retired here. */
START_TEST(handles_are_never_given_twice)
{
	enum { HANDLES = 64 };
	HANDLE handles[HANDLES];

	for (int i = 0; i < HANDLES; i++) {
		handles[i] = CreateEvent(NULL, TRUE, FALSE, NULL);
		EXPECT_TRUE(CloseHandle(handles[i]));
		for (int before = 0; before < i; before++) {
			ULONG_PTR old = (ULONG_PTR)handles[before], last = (ULONG_PTR)handles[i];

			/* Of one slot the later has the higher generation. */
			EXPECT((uint32_t)old != (uint32_t)last || old < last, "handles %d and %d",
			       before, i);
		}
	}
}
END_TEST

struct turns {
	HANDLE mine, other;
	int count;
};

static DWORD WINAPI take_turns(LPVOID argument)
{
	struct turns *turns = argument;

	for (int i = 0; i < turns->count; i++) {
		if (WaitForSingleObject(turns->mine, PATIENCE_MS) != WAIT_OBJECT_0)
			return 1;
		SetEvent(turns->other);
	}
	return 7;
}

START_TEST(threads_take_turns_and_report_their_exit_codes)
{
	HANDLE a = CreateEvent(NULL, FALSE, TRUE, NULL), b = CreateEvent(NULL, FALSE, FALSE, NULL);
	struct turns turns[2] = {{a, b, (int)scaled(5000)}, {b, a, (int)scaled(5000)}};
	HANDLE threads[2];
	DWORD code, id = 0;

	threads[0] = CreateThread(NULL, 0, take_turns, &turns[0], 0, &id);
	threads[1] = CreateThread(NULL, 1 << 20, take_turns, &turns[1], CREATE_SUSPENDED, NULL);
	EXPECT(threads[0] && threads[1] && id && GetThreadId(threads[1]), "error %u",
	       GetLastError());
	EXPECT_TRUE(GetExitCodeThread(threads[1], &code));
	EXPECT(code == STILL_ACTIVE, "%u", code);
	EXPECT(SetThreadAffinityMask(threads[1], 1) != 0, "error %u", GetLastError());
	EXPECT_TRUE(SetThreadPriority(threads[1], THREAD_PRIORITY_BELOW_NORMAL));
	EXPECT(GetThreadPriority(threads[1]) == THREAD_PRIORITY_BELOW_NORMAL, "another priority");
	EXPECT(ResumeThread(threads[1]) == 1, "it was not suspended");
	EXPECT(WaitForMultipleObjects(2, threads, TRUE, 3 * PATIENCE_MS) == WAIT_OBJECT_0,
	       "they go on");
	for (int i = 0; i < 2; i++) {
		EXPECT_TRUE(GetExitCodeThread(threads[i], &code));
		EXPECT(code == 7, "%u", code);
		EXPECT_TRUE(CloseHandle(threads[i]));
	}
	CloseHandle(a);
	CloseHandle(b);
}
END_TEST

static unsigned __stdcall end_early(void *argument)
{
	(void)argument;
	SetLastError(99);
	_endthreadex(12);
	return 0;
}

START_TEST(beginthreadex_ends_with_its_code_and_errors_are_each_threads_own)
{
	HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, end_early, NULL, 0, NULL);
	DWORD code;

	SetLastError(5);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 12 && GetLastError() == 5, "%u, %u", code, GetLastError());
	CloseHandle(thread);
}
END_TEST

/* ---- Ports ---- */

static DWORD WINAPI wait_on_port(LPVOID port)
{
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	return GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE)
		       ? (DWORD)key
		       : GetLastError();
}

START_TEST(port_gives_packets_in_order_and_wakes_waiters_when_it_is_closed)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0), threads[3];
	OVERLAPPED_ENTRY entries[8];
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes, code;
	ULONG count;

	EXPECT_FAILS(WAIT_TIMEOUT, FALSE,
		     GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, 0));
	for (ULONG i = 0; i < 5; i++)
		EXPECT_TRUE(PostQueuedCompletionStatus(port, i, i * 10, (OVERLAPPED *)&key));
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, INFINITE));
	EXPECT(bytes == 0 && key == 0 && overlapped == (OVERLAPPED *)&key, "another packet");
	EXPECT_TRUE(GetQueuedCompletionStatusEx(port, entries, 8, &count, INFINITE, FALSE));
	EXPECT(count == 4 && entries[3].lpCompletionKey == 40 &&
		       entries[0].dwNumberOfBytesTransferred == 1,
	       "%u packets", count);
	for (int i = 0; i < 3; i++)
		threads[i] = CreateThread(NULL, 0, wait_on_port, port, 0, NULL);
	EXPECT_TRUE(PostQueuedCompletionStatus(port, 0, 1, NULL));
	EXPECT(WaitForMultipleObjects(3, threads, FALSE, PATIENCE_MS) < 3, "nobody was woken");
	EXPECT(WaitForMultipleObjects(3, threads, TRUE, 20) == WAIT_TIMEOUT, "too many were");
	EXPECT_TRUE(CloseHandle(port));
	EXPECT(WaitForMultipleObjects(3, threads, TRUE, PATIENCE_MS) == WAIT_OBJECT_0,
	       "they were not told");
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(GetExitCodeThread(threads[i], &code));
		EXPECT(code == 1 || code == ERROR_ABANDONED_WAIT_0 || code == ERROR_INVALID_HANDLE,
		       "%u", code);
		CloseHandle(threads[i]);
	}
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE, PostQueuedCompletionStatus(port, 0, 0, NULL));
}
END_TEST

/* ---- Locks ---- */

static struct {
	CRITICAL_SECTION section;
	SRWLOCK lock;
	CONDITION_VARIABLE filled, emptied;
	int items;
	LONG sum;
} shared = {.lock = SRWLOCK_INIT,
	    .filled = CONDITION_VARIABLE_INIT,
	    .emptied = CONDITION_VARIABLE_INIT};

static DWORD WINAPI consume(LPVOID argument)
{
	int count = (int)(LONG_PTR)argument;

	for (int i = 0; i < count; i++) {
		AcquireSRWLockExclusive(&shared.lock);
		while (shared.items == 0)
			if (!SleepConditionVariableSRW(&shared.filled, &shared.lock, PATIENCE_MS,
						       0))
				return 1;
		shared.items--;
		ReleaseSRWLockExclusive(&shared.lock);
		WakeConditionVariable(&shared.emptied);
		EnterCriticalSection(&shared.section);
		EnterCriticalSection(&shared.section); /* once more by the same thread */
		shared.sum++;
		LeaveCriticalSection(&shared.section);
		LeaveCriticalSection(&shared.section);
	}
	return 0;
}

START_TEST(locks_and_conditions_lose_nothing)
{
	int count = (int)scaled(5000);
	HANDLE threads[2];

	InitializeCriticalSection(&shared.section);
	for (int i = 0; i < 2; i++)
		threads[i] = CreateThread(NULL, 0, consume, (LPVOID)(LONG_PTR)count, 0, NULL);
	for (int i = 0; i < 2 * count; i++) {
		AcquireSRWLockExclusive(&shared.lock);
		while (shared.items == 4)
			EXPECT_TRUE(SleepConditionVariableSRW(&shared.emptied, &shared.lock,
							      PATIENCE_MS, 0));
		shared.items++;
		ReleaseSRWLockExclusive(&shared.lock);
		WakeAllConditionVariable(&shared.filled);
	}
	EXPECT(WaitForMultipleObjects(2, threads, TRUE, 3 * PATIENCE_MS) == WAIT_OBJECT_0,
	       "they go on");
	EXPECT(shared.sum == 2 * count, "%d", shared.sum);
	AcquireSRWLockShared(&shared.lock);
	EXPECT(TryAcquireSRWLockShared(&shared.lock) && !TryAcquireSRWLockExclusive(&shared.lock),
	       "shared is not shared");
	ReleaseSRWLockShared(&shared.lock);
	EXPECT_FAILS(ERROR_TIMEOUT, FALSE,
		     SleepConditionVariableSRW(&shared.filled, &shared.lock, 1,
					       CONDITION_VARIABLE_LOCKMODE_SHARED));
	ReleaseSRWLockShared(&shared.lock);
	EnterCriticalSection(&shared.section);
	EXPECT_FAILS(ERROR_TIMEOUT, FALSE,
		     SleepConditionVariableCS(&shared.filled, &shared.section, 1));
	LeaveCriticalSection(&shared.section);
	DeleteCriticalSection(&shared.section);
	CloseHandle(threads[0]);
	CloseHandle(threads[1]);
}
END_TEST

START_TEST(interlocked_functions_return_what_they_should)
{
	LONG value = 5;
	long plain = 5;
	LONG64 wide = 1ll << 40;
	PVOID pointer = &value;

	EXPECT(InterlockedIncrement(&value) == 6 && InterlockedDecrement(&value) == 5, "inc");
	EXPECT(InterlockedExchangeAdd(&value, 10) == 5 && value == 15, "add");
	EXPECT(InterlockedExchange(&value, 3) == 15 && value == 3, "exchange");
	EXPECT(InterlockedCompareExchange(&value, 9, 4) == 3 && value == 3, "compare");
	EXPECT(InterlockedCompareExchange(&value, 9, 3) == 3 && value == 9, "compare");
	EXPECT(InterlockedOr(&value, 6) == 9 && value == 15, "or");
	EXPECT(InterlockedAnd(&value, 3) == 15 && value == 3, "and");
	EXPECT(InterlockedIncrement(&plain) == 6, "long");
	EXPECT(InterlockedIncrement64(&wide) == (1ll << 40) + 1, "wide");
	EXPECT(InterlockedExchangePointer(&pointer, NULL) == &value && !pointer, "pointer");
	EXPECT(InterlockedCompareExchangePointer(&pointer, &wide, NULL) == NULL && pointer == &wide,
	       "pointer");
}
END_TEST

/* ---- Memory, time, texts ---- */

START_TEST(memory_is_reserved_committed_and_released)
{
	SYSTEM_INFO info;
	ULONG node = 99;
	char *memory, *part;

	GetSystemInfo(&info);
	EXPECT(info.dwPageSize == 4096 && info.dwAllocationGranularity == 65536 &&
		       info.dwNumberOfProcessors >= 1,
	       "%u", info.dwPageSize);
	memory = VirtualAlloc(NULL, 100000, MEM_RESERVE, PAGE_READWRITE);
	EXPECT(memory && (ULONG_PTR)memory % 65536 == 0, "error %u", GetLastError());
	part = VirtualAlloc(memory + 5000, 10, MEM_COMMIT, PAGE_READWRITE);
	EXPECT(part == memory + 4096, "error %u", GetLastError());
	part[0] = 1;
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE, VirtualFree(memory, 10, MEM_RELEASE));
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
	EXPECT_FAILS(ERROR_INVALID_ADDRESS, FALSE, VirtualFree(memory, 0, MEM_RELEASE));
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, NULL, VirtualAlloc(NULL, 0, MEM_COMMIT, 4));
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, NULL, VirtualAlloc(NULL, 1, MEM_COMMIT, 0x99));
	memory = VirtualAlloc(NULL, 4 << 20, MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES,
			      PAGE_READWRITE);
	EXPECT(memory && (ULONG_PTR)memory % GetLargePageMinimum() == 0, "error %u",
	       GetLastError());
	memory[0] = 1;
	EXPECT_TRUE(VirtualFree(memory, 0, MEM_RELEASE));
	EXPECT_TRUE(GetNumaHighestNodeNumber(&node));
	EXPECT(node < 64, "%u", node);
	memory = VirtualAllocExNuma(GetCurrentProcess(), NULL, 65536, MEM_RESERVE | MEM_COMMIT,
				    PAGE_READWRITE, 0);
	if (!memory)
		SKIP("no NUMA here: error %u", GetLastError());
	memory[65535] = 1;
	EXPECT_TRUE(VirtualFreeEx(GetCurrentProcess(), memory, 0, MEM_RELEASE));
}
END_TEST

START_TEST(clocks_go_forward)
{
	LARGE_INTEGER frequency, before, after;
	ULONGLONG ticks = GetTickCount64();

	EXPECT_TRUE(QueryPerformanceFrequency(&frequency));
	EXPECT_TRUE(QueryPerformanceCounter(&before));
	Sleep(2);
	EXPECT_TRUE(QueryPerformanceCounter(&after));
	EXPECT(frequency.QuadPart == 10000000 &&
		       after.QuadPart - before.QuadPart >= frequency.QuadPart / 500,
	       "%lld", (long long)(after.QuadPart - before.QuadPart));
	EXPECT(GetTickCount64() >= ticks + 1, "ticks stand still");
}
END_TEST

START_TEST(texts_of_errors)
{
	char text[256], *allocated = NULL;
	DWORD length;

	length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL,
				WSAECONNRESET, 0, text, sizeof(text), NULL);
	EXPECT(length == strlen(text) && strcmp(text + length - 2, "\r\n") == 0, "%s", text);
	length = FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_ALLOCATE_BUFFER, NULL,
				WSAENOBUFS, 0, (char *)&allocated, 0, NULL);
	EXPECT(length && allocated && strlen(allocated) == length, "error %u", GetLastError());
	EXPECT(LocalFree(allocated) == NULL, "LocalFree");
	EXPECT_FAILS(ERROR_MR_MID_NOT_FOUND, 0,
		     FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, 0x12345678, 0, text,
				    sizeof(text), NULL));
	EXPECT_FAILS(
		ERROR_INSUFFICIENT_BUFFER, 0,
		FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM, NULL, WSAENOBUFS, 0, text, 3, NULL));
}
END_TEST

START_TEST(calendar_agrees_with_the_clock)
{
	SYSTEMTIME time = {.wYear = 2024,
			   .wMonth = 2,
			   .wDay = 29,
			   .wHour = 23,
			   .wMinute = 59,
			   .wSecond = 58,
			   .wMilliseconds = 999};
	SYSTEMTIME again, now;
	FILETIME counts, precise;
	uint64_t a, b;

	EXPECT_TRUE(SystemTimeToFileTime(&time, &counts));
	EXPECT_TRUE(FileTimeToSystemTime(&counts, &again));
	/* 133537247989990000 is what Windows has for it. */
	a = (uint64_t)counts.dwHighDateTime << 32 | counts.dwLowDateTime;
	EXPECT(a == 133537247989990000, "%llu", (unsigned long long)a);
	time.wDayOfWeek = 4;
	EXPECT(memcmp(&time, &again, sizeof(time)) == 0, "day %u of the week", again.wDayOfWeek);
	time.wYear = 2023;
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE, SystemTimeToFileTime(&time, &counts));
	GetSystemTime(&now);
	GetSystemTimePreciseAsFileTime(&precise);
	EXPECT_TRUE(SystemTimeToFileTime(&now, &counts));
	a = (uint64_t)counts.dwHighDateTime << 32 | counts.dwLowDateTime;
	b = (uint64_t)precise.dwHighDateTime << 32 | precise.dwLowDateTime;
	EXPECT(b >= a && b - a < UINT64_C(10000000) * 60, "%llu counts apart",
	       (unsigned long long)(b - a));
	GetLocalTime(&now);
	EXPECT(now.wYear >= 2024 && now.wMonth >= 1 && now.wMonth <= 12, "%u", now.wYear);
}
END_TEST

/* ---- Threads' own values ---- */

static DWORD WINAPI set_own_value(LPVOID argument)
{
	DWORD index = *(DWORD *)argument;

	if (TlsGetValue(index) || !TlsSetValue(index, argument))
		return 1;
	return TlsGetValue(index) == argument ? 7 : 1;
}

START_TEST(threads_have_values_and_names_of_their_own)
{
	DWORD index = TlsAlloc(), code;
	char name[16] = "";
	HANDLE thread;

	EXPECT(index != TLS_OUT_OF_INDEXES, "error %u", GetLastError());
	EXPECT_TRUE(TlsSetValue(index, name));
	thread = CreateThread(NULL, 0, set_own_value, &index, 0, NULL);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT_TRUE(GetExitCodeThread(thread, &code));
	EXPECT(code == 7 && TlsGetValue(index) == name, "%u", code);
	EXPECT_TRUE(TlsFree(index));
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE, TlsSetValue(index, name));
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE, TlsFree(TLS_OUT_OF_INDEXES));
	EXPECT(SetThreadDescription(GetCurrentThread(), L"a name of seventeen") == S_OK, "no name");
	pthread_getname_np(pthread_self(), name, sizeof(name));
	EXPECT(strcmp(name, "a name of seven") == 0, "%s", name);
	EXPECT(FAILED(SetThreadDescription(thread, L"it has ended")), "it has a name");
	CloseHandle(thread);
	EXPECT(GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) >= 1, "no processor");
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, 0, GetActiveProcessorCount(1));
}
END_TEST

/* ---- Being told to stop ---- */

static volatile LONG asked[2], events_seen[3];
static HANDLE told;

static BOOL WINAPI wants_all(DWORD event)
{
	InterlockedIncrement(&asked[0]);
	InterlockedIncrement(&events_seen[event]);
	SetEvent(told);
	return TRUE;
}

static BOOL WINAPI wants_none(DWORD event)
{
	(void)event;
	/* Added last, so asked first. */
	if (InterlockedIncrement(&asked[1]) != asked[0] + 1)
		InterlockedExchange(&asked[1], 1000);
	return FALSE;
}

START_TEST(handlers_get_signals)
{
	told = CreateEvent(NULL, FALSE, FALSE, NULL);
	EXPECT_TRUE(SetConsoleCtrlHandler(wants_all, TRUE));
	EXPECT_TRUE(SetConsoleCtrlHandler(wants_none, TRUE));
	kill(getpid(), SIGINT);
	EXPECT(WaitForSingleObject(told, PATIENCE_MS) == WAIT_OBJECT_0, "nobody was told");
	EXPECT(events_seen[CTRL_C_EVENT] == 1 && asked[1] == 1, "%d, %d", asked[0], asked[1]);
	EXPECT_TRUE(SetConsoleCtrlHandler(wants_none, FALSE));
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, FALSE, SetConsoleCtrlHandler(wants_none, FALSE));
	/* With Ctrl+C ignored the next event is the other one. */
	EXPECT_TRUE(SetConsoleCtrlHandler(NULL, TRUE));
	kill(getpid(), SIGINT);
	kill(getpid(), SIGTERM);
	EXPECT(WaitForSingleObject(told, PATIENCE_MS) == WAIT_OBJECT_0, "nobody was told");
	EXPECT(events_seen[CTRL_BREAK_EVENT] == 1 && events_seen[CTRL_C_EVENT] == 1, "%d, %d",
	       events_seen[CTRL_BREAK_EVENT], events_seen[CTRL_C_EVENT]);
	CloseHandle(told);
}
END_TEST

START_TEST(signal_that_no_handler_wants_ends_the_process)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		pid_t child = fork();
		int status = 0;

		if (child == 0) {
			told = CreateEvent(NULL, FALSE, FALSE, NULL);
			/* Even one who wants it does not keep a console that closes. */
			SetConsoleCtrlHandler(signals[i] == SIGHUP ? wants_all : wants_none, TRUE);
			kill(getpid(), signals[i]);
			Sleep(PATIENCE_MS);
			_exit(0);
		}
		EXPECT(child > 0 && waitpid(child, &status, 0) == child, "no child");
		EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == signals[i], "status %#x", status);
	}
}
END_TEST

START_TEST(forked_child_is_not_its_parents_console)
{
	pid_t child;
	int status = 0;

	told = CreateEvent(NULL, FALSE, FALSE, NULL);
	EXPECT_TRUE(SetConsoleCtrlHandler(wants_all, TRUE));
	child = fork();
	if (child == 0) {
		kill(getpid(), SIGTERM);
		Sleep(PATIENCE_MS);
		_exit(0);
	}
	EXPECT(child > 0 && waitpid(child, &status, 0) == child, "no child");
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM, "status %#x", status);
	EXPECT(asked[0] == 0, "the parent was told");
	CloseHandle(told);
}
END_TEST

START_TEST(keys_come_from_standard_input)
{
	int ends[2];

	EXPECT(pipe(ends) == 0 && dup2(ends[0], STDIN_FILENO) >= 0, "no pipe");
	EXPECT(!_kbhit(), "a key");
	EXPECT(write(ends[1], "kx", 2) == 2, "no room");
	EXPECT(_kbhit() && _getch() == 'k' && _getch() == 'x' && !_kbhit(), "other keys");
	close(ends[1]);
	EXPECT(_getch() == EOF, "a key");
	close(ends[0]);
}
END_TEST

/* ---- The C library ---- */

START_TEST(texts_that_do_not_fit_are_errors_or_cut)
{
	char text[8], *copy = NULL, *rest = NULL;
	char list[] = "a,b";
	wchar_t wide[4];
	size_t size = 9;

	EXPECT(sprintf_s(text, sizeof(text), "%d", 1234567) == 7, "%s", text);
	EXPECT(sprintf_s(text, sizeof(text), "%d", 12345678) == -1 && !text[0], "%s", text);
	EXPECT(_snprintf_s(text, sizeof(text), _TRUNCATE, "%s", "123456789") == -1 &&
		       strcmp(text, "1234567") == 0,
	       "%s", text);
	EXPECT(strcpy_s(text, 4, "1234") == ERANGE && !text[0], "%s", text);
	EXPECT(strcat_s(text, 4, "12") == 0 && strcat_s(text, 4, "34") == ERANGE, "%s", text);
	EXPECT(strncpy_s(text, 4, "12345", 3) == 0 && strcmp(text, "123") == 0, "%s", text);
	EXPECT(wcscpy_s(wide, 4, L"123") == 0 && wcscat_s(wide, 4, L"4") == ERANGE && !wide[3],
	       "it fits");
	EXPECT(swprintf_s(wide, 4, L"%d", 123) == 3 && swprintf_s(wide, 4, L"%d", 1234) == -1 &&
		       !wide[0],
	       "it fits");
	EXPECT(strcmp(strtok_s(list, ",", &rest), "a") == 0 && strcmp(rest, "b") == 0, "%s", rest);
	setenv("REGIO_TEST_TEXT", "value", 1);
	EXPECT(getenv_s(&size, text, sizeof(text), "REGIO_TEST_TEXT") == 0 && size == 6 &&
		       strcmp(text, "value") == 0,
	       "%s, %zu", text, size);
	EXPECT(getenv_s(&size, text, 5, "REGIO_TEST_TEXT") == ERANGE, "it fits");
	EXPECT(_dupenv_s(&copy, &size, "REGIO_TEST_TEXT") == 0 && copy &&
		       strcmp(copy, "value") == 0,
	       "%s", copy ? copy : "nothing");
	free(copy);
	EXPECT(_dupenv_s(&copy, &size, "REGIO_TEST_NONE") == 0 && !copy && size == 0, "a value");
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(events_set_reset_and_end_waits),
		CASE(handles_are_never_given_twice),
		CASE_SLOW(threads_take_turns_and_report_their_exit_codes),
		CASE(beginthreadex_ends_with_its_code_and_errors_are_each_threads_own),
		CASE(port_gives_packets_in_order_and_wakes_waiters_when_it_is_closed),
		CASE_SLOW(locks_and_conditions_lose_nothing),
		CASE(interlocked_functions_return_what_they_should),
		CASE(memory_is_reserved_committed_and_released),
		CASE(clocks_go_forward),
		CASE(texts_of_errors),
		CASE(calendar_agrees_with_the_clock),
		CASE(threads_have_values_and_names_of_their_own),
		CASE(handlers_get_signals),
		CASE(signal_that_no_handler_wants_ends_the_process),
		CASE(forked_child_is_not_its_parents_console),
		CASE(keys_come_from_standard_input),
		CASE(texts_that_do_not_fit_are_errors_or_cut),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
