/* SPDX-License-Identifier: MIT */
/*
 * winbase.h - the part of Win32 that Registered I/O programs use
 *
 * Objects with handles (events, completion ports, threads), waiting, locks, memory, time, errors.
 */
#ifndef REGIO_WINSOCK_WINBASE_H
#define REGIO_WINSOCK_WINBASE_H

#include <signal.h>

#include "windef.h"
#include "winerror.h"

typedef struct _SECURITY_ATTRIBUTES {
	DWORD nLength;
	LPVOID lpSecurityDescriptor;
	BOOL bInheritHandle;
} SECURITY_ATTRIBUTES, *PSECURITY_ATTRIBUTES, *LPSECURITY_ATTRIBUTES;

typedef struct _OVERLAPPED {
	ULONG_PTR Internal;
	ULONG_PTR InternalHigh;
	union {
		__extension__ struct {
			DWORD Offset;
			DWORD OffsetHigh;
		};
		PVOID Pointer;
	};
	HANDLE hEvent;
} OVERLAPPED, *LPOVERLAPPED;

typedef struct _OVERLAPPED_ENTRY {
	ULONG_PTR lpCompletionKey;
	LPOVERLAPPED lpOverlapped;
	ULONG_PTR Internal;
	DWORD dwNumberOfBytesTransferred;
} OVERLAPPED_ENTRY, *LPOVERLAPPED_ENTRY;

#define HasOverlappedIoCompleted(overlapped) ((DWORD)(overlapped)->Internal != STATUS_PENDING)
#define STATUS_PENDING 0x00000103u
#define STATUS_WAIT_0 0x00000000u

#define MAXIMUM_WAIT_OBJECTS 64
#define WAIT_OBJECT_0 0u
#define WAIT_ABANDONED 0x80u
#define WAIT_ABANDONED_0 0x80u
#define WAIT_IO_COMPLETION 0xC0u
#define WAIT_FAILED 0xFFFFFFFFu

#define STILL_ACTIVE 259u
#define CREATE_SUSPENDED 0x4u
#define STACK_SIZE_PARAM_IS_A_RESERVATION 0x10000u

#define THREAD_PRIORITY_IDLE (-15)
#define THREAD_PRIORITY_LOWEST (-2)
#define THREAD_PRIORITY_BELOW_NORMAL (-1)
#define THREAD_PRIORITY_NORMAL 0
#define THREAD_PRIORITY_ABOVE_NORMAL 1
#define THREAD_PRIORITY_HIGHEST 2
#define THREAD_PRIORITY_TIME_CRITICAL 15
#define THREAD_PRIORITY_ERROR_RETURN 0x7FFFFFFF

#define IDLE_PRIORITY_CLASS 0x40u
#define BELOW_NORMAL_PRIORITY_CLASS 0x4000u
#define NORMAL_PRIORITY_CLASS 0x20u
#define ABOVE_NORMAL_PRIORITY_CLASS 0x8000u
#define HIGH_PRIORITY_CLASS 0x80u
#define REALTIME_PRIORITY_CLASS 0x100u

REGIO_WINSOCK_BEGIN

/* ---- Errors ------------------------------------------------------------------ */

DWORD WINAPI GetLastError(void) REGIO_WINSOCK_SYMBOL(GetLastError);
void WINAPI SetLastError(DWORD error) REGIO_WINSOCK_SYMBOL(SetLastError);

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x0100u
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x0200u
#define FORMAT_MESSAGE_FROM_STRING 0x0400u
#define FORMAT_MESSAGE_FROM_HMODULE 0x0800u
#define FORMAT_MESSAGE_FROM_SYSTEM 0x1000u
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x2000u
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x00FFu
#define LANG_NEUTRAL 0
#define LANG_ENGLISH 9
#define SUBLANG_NEUTRAL 0
#define SUBLANG_DEFAULT 1
#define SUBLANG_ENGLISH_US 1
#define MAKELANGID(primary, sub) ((WORD)((WORD)(sub) << 10 | (WORD)(primary)))

DWORD WINAPI FormatMessageA(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPSTR buffer, DWORD size, void *arguments)
	REGIO_WINSOCK_SYMBOL(FormatMessageA);
DWORD WINAPI FormatMessageW(DWORD flags, LPCVOID source, DWORD message, DWORD language,
			    LPWSTR buffer, DWORD size, void *arguments)
	REGIO_WINSOCK_SYMBOL(FormatMessageW);
HLOCAL WINAPI LocalFree(HLOCAL memory) REGIO_WINSOCK_SYMBOL(LocalFree);

#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)
#define EXCEPTION_MAXIMUM_PARAMETERS 15

typedef struct _EXCEPTION_RECORD {
	DWORD ExceptionCode;
	DWORD ExceptionFlags;
	struct _EXCEPTION_RECORD *ExceptionRecord;
	PVOID ExceptionAddress;
	DWORD NumberParameters;
	ULONG_PTR ExceptionInformation[EXCEPTION_MAXIMUM_PARAMETERS];
} EXCEPTION_RECORD, *PEXCEPTION_RECORD;

typedef struct _CONTEXT CONTEXT, *PCONTEXT;

typedef struct _EXCEPTION_POINTERS {
	PEXCEPTION_RECORD ExceptionRecord;
	PCONTEXT ContextRecord;
} EXCEPTION_POINTERS, *PEXCEPTION_POINTERS;

typedef LONG(WINAPI *PTOP_LEVEL_EXCEPTION_FILTER)(EXCEPTION_POINTERS *exception);
typedef PTOP_LEVEL_EXCEPTION_FILTER LPTOP_LEVEL_EXCEPTION_FILTER;

/* The filter is returned by the next call and never called: there are signals instead. */
LPTOP_LEVEL_EXCEPTION_FILTER WINAPI SetUnhandledExceptionFilter(LPTOP_LEVEL_EXCEPTION_FILTER filter)
	REGIO_WINSOCK_SYMBOL(SetUnhandledExceptionFilter);

/*
 * There is no debugger that reads the text, so this does nothing, as on Windows without a debugger.
 */
void WINAPI OutputDebugStringA(LPCSTR text) REGIO_WINSOCK_SYMBOL(OutputDebugStringA);
void WINAPI OutputDebugStringW(LPCWSTR text) REGIO_WINSOCK_SYMBOL(OutputDebugStringW);
BOOL WINAPI IsDebuggerPresent(void) REGIO_WINSOCK_SYMBOL(IsDebuggerPresent);
#define DebugBreak() raise(SIGTRAP)

/* ---- Objects and waiting ------------------------------------------------------- */

BOOL WINAPI CloseHandle(HANDLE handle) REGIO_WINSOCK_SYMBOL(CloseHandle);

#define DUPLICATE_CLOSE_SOURCE 0x1u
#define DUPLICATE_SAME_ACCESS 0x2u
BOOL WINAPI DuplicateHandle(HANDLE source_process, HANDLE source, HANDLE target_process,
			    LPHANDLE ret_target, DWORD access, BOOL inherit, DWORD options)
	REGIO_WINSOCK_SYMBOL(DuplicateHandle);

#define SYNCHRONIZE 0x00100000u
#define EVENT_MODIFY_STATE 0x0002u
#define EVENT_ALL_ACCESS 0x001F0003u
#define CREATE_EVENT_MANUAL_RESET 0x1u
#define CREATE_EVENT_INITIAL_SET 0x2u

HANDLE WINAPI CreateEventA(LPSECURITY_ATTRIBUTES security, BOOL manual_reset, BOOL initial_state,
			   LPCSTR name) REGIO_WINSOCK_SYMBOL(CreateEventA);
HANDLE WINAPI CreateEventW(LPSECURITY_ATTRIBUTES security, BOOL manual_reset, BOOL initial_state,
			   LPCWSTR name) REGIO_WINSOCK_SYMBOL(CreateEventW);
HANDLE WINAPI CreateEventExA(LPSECURITY_ATTRIBUTES security, LPCSTR name, DWORD flags, DWORD access)
	REGIO_WINSOCK_SYMBOL(CreateEventExA);
HANDLE WINAPI CreateEventExW(LPSECURITY_ATTRIBUTES security, LPCWSTR name, DWORD flags,
			     DWORD access) REGIO_WINSOCK_SYMBOL(CreateEventExW);
/* There are no named events, so none is ever found. */
HANDLE WINAPI OpenEventA(DWORD access, BOOL inherit, LPCSTR name) REGIO_WINSOCK_SYMBOL(OpenEventA);
HANDLE WINAPI OpenEventW(DWORD access, BOOL inherit, LPCWSTR name) REGIO_WINSOCK_SYMBOL(OpenEventW);
BOOL WINAPI SetEvent(HANDLE event) REGIO_WINSOCK_SYMBOL(SetEvent);
BOOL WINAPI ResetEvent(HANDLE event) REGIO_WINSOCK_SYMBOL(ResetEvent);

DWORD WINAPI WaitForSingleObject(HANDLE handle, DWORD timeout_ms)
	REGIO_WINSOCK_SYMBOL(WaitForSingleObject);
DWORD WINAPI WaitForSingleObjectEx(HANDLE handle, DWORD timeout_ms, BOOL alertable)
	REGIO_WINSOCK_SYMBOL(WaitForSingleObjectEx);
DWORD WINAPI WaitForMultipleObjects(DWORD count, const HANDLE *handles, BOOL wait_all,
				    DWORD timeout_ms) REGIO_WINSOCK_SYMBOL(WaitForMultipleObjects);
DWORD WINAPI WaitForMultipleObjectsEx(DWORD count, const HANDLE *handles, BOOL wait_all,
				      DWORD timeout_ms, BOOL alertable)
	REGIO_WINSOCK_SYMBOL(WaitForMultipleObjectsEx);

HANDLE WINAPI CreateIoCompletionPort(HANDLE file, HANDLE port, ULONG_PTR key, DWORD threads)
	REGIO_WINSOCK_SYMBOL(CreateIoCompletionPort);
BOOL WINAPI GetQueuedCompletionStatus(HANDLE port, LPDWORD ret_bytes, PULONG_PTR ret_key,
				      LPOVERLAPPED *ret_overlapped, DWORD timeout_ms)
	REGIO_WINSOCK_SYMBOL(GetQueuedCompletionStatus);
BOOL WINAPI GetQueuedCompletionStatusEx(HANDLE port, LPOVERLAPPED_ENTRY entries, ULONG entries_max,
					PULONG ret_count, DWORD timeout_ms, BOOL alertable)
	REGIO_WINSOCK_SYMBOL(GetQueuedCompletionStatusEx);
BOOL WINAPI PostQueuedCompletionStatus(HANDLE port, DWORD bytes, ULONG_PTR key,
				       LPOVERLAPPED overlapped)
	REGIO_WINSOCK_SYMBOL(PostQueuedCompletionStatus);

#define FILE_SKIP_COMPLETION_PORT_ON_SUCCESS 0x1
#define FILE_SKIP_SET_EVENT_ON_HANDLE 0x2
BOOL WINAPI SetFileCompletionNotificationModes(HANDLE file, UCHAR flags)
	REGIO_WINSOCK_SYMBOL(SetFileCompletionNotificationModes);

BOOL WINAPI GetOverlappedResult(HANDLE file, LPOVERLAPPED overlapped, LPDWORD ret_bytes, BOOL wait)
	REGIO_WINSOCK_SYMBOL(GetOverlappedResult);
BOOL WINAPI CancelIo(HANDLE file) REGIO_WINSOCK_SYMBOL(CancelIo);
BOOL WINAPI CancelIoEx(HANDLE file, LPOVERLAPPED overlapped) REGIO_WINSOCK_SYMBOL(CancelIoEx);

/* ---- Threads --------------------------------------------------------------------- */

typedef DWORD(WINAPI *LPTHREAD_START_ROUTINE)(LPVOID);
typedef LPTHREAD_START_ROUTINE PTHREAD_START_ROUTINE;

HANDLE WINAPI CreateThread(LPSECURITY_ATTRIBUTES security, SIZE_T stack_size,
			   LPTHREAD_START_ROUTINE start, LPVOID argument, DWORD flags,
			   LPDWORD ret_id) REGIO_WINSOCK_SYMBOL(CreateThread);
DECLSPEC_NORETURN void WINAPI ExitThread(DWORD code) REGIO_WINSOCK_SYMBOL(ExitThread);
DWORD WINAPI ResumeThread(HANDLE thread) REGIO_WINSOCK_SYMBOL(ResumeThread);
BOOL WINAPI GetExitCodeThread(HANDLE thread, LPDWORD ret_code)
	REGIO_WINSOCK_SYMBOL(GetExitCodeThread);
HANDLE WINAPI GetCurrentThread(void) REGIO_WINSOCK_SYMBOL(GetCurrentThread);
DWORD WINAPI GetCurrentThreadId(void) REGIO_WINSOCK_SYMBOL(GetCurrentThreadId);
DWORD WINAPI GetThreadId(HANDLE thread) REGIO_WINSOCK_SYMBOL(GetThreadId);
HANDLE WINAPI GetCurrentProcess(void) REGIO_WINSOCK_SYMBOL(GetCurrentProcess);
DWORD WINAPI GetCurrentProcessId(void) REGIO_WINSOCK_SYMBOL(GetCurrentProcessId);
DWORD WINAPI GetCurrentProcessorNumber(void) REGIO_WINSOCK_SYMBOL(GetCurrentProcessorNumber);
DWORD_PTR WINAPI SetThreadAffinityMask(HANDLE thread, DWORD_PTR mask)
	REGIO_WINSOCK_SYMBOL(SetThreadAffinityMask);
DWORD WINAPI SetThreadIdealProcessor(HANDLE thread, DWORD processor)
	REGIO_WINSOCK_SYMBOL(SetThreadIdealProcessor);
BOOL WINAPI SetThreadPriority(HANDLE thread, int priority) REGIO_WINSOCK_SYMBOL(SetThreadPriority);
int WINAPI GetThreadPriority(HANDLE thread) REGIO_WINSOCK_SYMBOL(GetThreadPriority);
BOOL WINAPI SetPriorityClass(HANDLE process, DWORD priority_class)
	REGIO_WINSOCK_SYMBOL(SetPriorityClass);
BOOL WINAPI SetProcessAffinityMask(HANDLE process, DWORD_PTR mask)
	REGIO_WINSOCK_SYMBOL(SetProcessAffinityMask);
BOOL WINAPI GetProcessAffinityMask(HANDLE process, PDWORD_PTR ret_process, PDWORD_PTR ret_system)
	REGIO_WINSOCK_SYMBOL(GetProcessAffinityMask);
WORD WINAPI GetActiveProcessorGroupCount(void) REGIO_WINSOCK_SYMBOL(GetActiveProcessorGroupCount);
void WINAPI GetCurrentProcessorNumberEx(PPROCESSOR_NUMBER ret_number)
	REGIO_WINSOCK_SYMBOL(GetCurrentProcessorNumberEx);
/* There is one group, number 0, of the CPUs 0 to 63. */
BOOL WINAPI SetThreadGroupAffinity(HANDLE thread, const GROUP_AFFINITY *affinity,
				   PGROUP_AFFINITY ret_previous)
	REGIO_WINSOCK_SYMBOL(SetThreadGroupAffinity);
BOOL WINAPI GetThreadGroupAffinity(HANDLE thread, PGROUP_AFFINITY ret_affinity)
	REGIO_WINSOCK_SYMBOL(GetThreadGroupAffinity);
BOOL WINAPI GetThreadTimes(HANDLE thread, LPFILETIME ret_creation, LPFILETIME ret_exit,
			   LPFILETIME ret_kernel, LPFILETIME ret_user)
	REGIO_WINSOCK_SYMBOL(GetThreadTimes);
BOOL WINAPI GetProcessTimes(HANDLE process, LPFILETIME ret_creation, LPFILETIME ret_exit,
			    LPFILETIME ret_kernel, LPFILETIME ret_user)
	REGIO_WINSOCK_SYMBOL(GetProcessTimes);
BOOL WINAPI SwitchToThread(void) REGIO_WINSOCK_SYMBOL(SwitchToThread);
void WINAPI Sleep(DWORD timeout_ms) REGIO_WINSOCK_SYMBOL(Sleep);
DWORD WINAPI SleepEx(DWORD timeout_ms, BOOL alertable) REGIO_WINSOCK_SYMBOL(SleepEx);

HRESULT WINAPI SetThreadDescription(HANDLE thread, PCWSTR name)
	REGIO_WINSOCK_SYMBOL(SetThreadDescription);

#define TLS_OUT_OF_INDEXES 0xFFFFFFFFu
DWORD WINAPI TlsAlloc(void) REGIO_WINSOCK_SYMBOL(TlsAlloc);
BOOL WINAPI TlsFree(DWORD index) REGIO_WINSOCK_SYMBOL(TlsFree);
LPVOID WINAPI TlsGetValue(DWORD index) REGIO_WINSOCK_SYMBOL(TlsGetValue);
BOOL WINAPI TlsSetValue(DWORD index, LPVOID value) REGIO_WINSOCK_SYMBOL(TlsSetValue);

/* ---- Locks ------------------------------------------------------------------------- */

/* Large enough for the C library's locks; all zeros is a free lock. */
typedef struct _RTL_CRITICAL_SECTION {
	ULONG_PTR reserved[8];
} CRITICAL_SECTION, RTL_CRITICAL_SECTION, *PCRITICAL_SECTION, *LPCRITICAL_SECTION;

typedef struct _RTL_SRWLOCK {
	ULONG_PTR reserved[8];
} SRWLOCK, RTL_SRWLOCK, *PSRWLOCK;

typedef struct _RTL_CONDITION_VARIABLE {
	ULONG_PTR reserved[12];
} CONDITION_VARIABLE, RTL_CONDITION_VARIABLE, *PCONDITION_VARIABLE;

#define SRWLOCK_INIT                                                                               \
	{                                                                                          \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define CONDITION_VARIABLE_INIT                                                                    \
	{                                                                                          \
		{                                                                                  \
			0                                                                          \
		}                                                                                  \
	}
#define CONDITION_VARIABLE_LOCKMODE_SHARED 0x1u

void WINAPI InitializeCriticalSection(LPCRITICAL_SECTION section)
	REGIO_WINSOCK_SYMBOL(InitializeCriticalSection);
BOOL WINAPI InitializeCriticalSectionAndSpinCount(LPCRITICAL_SECTION section, DWORD spins)
	REGIO_WINSOCK_SYMBOL(InitializeCriticalSectionAndSpinCount);
BOOL WINAPI InitializeCriticalSectionEx(LPCRITICAL_SECTION section, DWORD spins, DWORD flags)
	REGIO_WINSOCK_SYMBOL(InitializeCriticalSectionEx);
void WINAPI EnterCriticalSection(LPCRITICAL_SECTION section)
	REGIO_WINSOCK_SYMBOL(EnterCriticalSection);
BOOL WINAPI TryEnterCriticalSection(LPCRITICAL_SECTION section)
	REGIO_WINSOCK_SYMBOL(TryEnterCriticalSection);
void WINAPI LeaveCriticalSection(LPCRITICAL_SECTION section)
	REGIO_WINSOCK_SYMBOL(LeaveCriticalSection);
void WINAPI DeleteCriticalSection(LPCRITICAL_SECTION section)
	REGIO_WINSOCK_SYMBOL(DeleteCriticalSection);

typedef union _RTL_RUN_ONCE {
	PVOID Ptr;
} INIT_ONCE, RTL_RUN_ONCE, *PINIT_ONCE, *LPINIT_ONCE;
#define INIT_ONCE_STATIC_INIT                                                                      \
	{                                                                                          \
		NULL                                                                               \
	}
typedef BOOL(WINAPI *PINIT_ONCE_FN)(PINIT_ONCE once, PVOID parameter, PVOID *ret_context);
void WINAPI InitOnceInitialize(PINIT_ONCE once) REGIO_WINSOCK_SYMBOL(InitOnceInitialize);
BOOL WINAPI InitOnceExecuteOnce(PINIT_ONCE once, PINIT_ONCE_FN function, PVOID parameter,
				LPVOID *ret_context) REGIO_WINSOCK_SYMBOL(InitOnceExecuteOnce);

void WINAPI InitializeSRWLock(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(InitializeSRWLock);
void WINAPI AcquireSRWLockExclusive(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(AcquireSRWLockExclusive);
void WINAPI AcquireSRWLockShared(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(AcquireSRWLockShared);
BOOLEAN WINAPI TryAcquireSRWLockExclusive(PSRWLOCK lock)
	REGIO_WINSOCK_SYMBOL(TryAcquireSRWLockExclusive);
BOOLEAN WINAPI TryAcquireSRWLockShared(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(TryAcquireSRWLockShared);
void WINAPI ReleaseSRWLockExclusive(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(ReleaseSRWLockExclusive);
void WINAPI ReleaseSRWLockShared(PSRWLOCK lock) REGIO_WINSOCK_SYMBOL(ReleaseSRWLockShared);

void WINAPI InitializeConditionVariable(PCONDITION_VARIABLE condition)
	REGIO_WINSOCK_SYMBOL(InitializeConditionVariable);
BOOL WINAPI SleepConditionVariableCS(PCONDITION_VARIABLE condition, LPCRITICAL_SECTION section,
				     DWORD timeout_ms)
	REGIO_WINSOCK_SYMBOL(SleepConditionVariableCS);
BOOL WINAPI SleepConditionVariableSRW(PCONDITION_VARIABLE condition, PSRWLOCK lock,
				      DWORD timeout_ms, ULONG flags)
	REGIO_WINSOCK_SYMBOL(SleepConditionVariableSRW);
void WINAPI WakeConditionVariable(PCONDITION_VARIABLE condition)
	REGIO_WINSOCK_SYMBOL(WakeConditionVariable);
void WINAPI WakeAllConditionVariable(PCONDITION_VARIABLE condition)
	REGIO_WINSOCK_SYMBOL(WakeAllConditionVariable);

/* ---- Memory --------------------------------------------------------------------------- */

#define MEM_COMMIT 0x1000u
#define MEM_RESERVE 0x2000u
#define MEM_DECOMMIT 0x4000u
#define MEM_RELEASE 0x8000u
#define MEM_TOP_DOWN 0x100000u
#define MEM_LARGE_PAGES 0x20000000u

#define PAGE_NOACCESS 0x01u
#define PAGE_READONLY 0x02u
#define PAGE_READWRITE 0x04u
#define PAGE_EXECUTE_READWRITE 0x40u
#define NUMA_NO_PREFERRED_NODE 0xFFFFFFFFu

LPVOID WINAPI VirtualAlloc(LPVOID address, SIZE_T size, DWORD type, DWORD protection)
	REGIO_WINSOCK_SYMBOL(VirtualAlloc);
LPVOID WINAPI VirtualAllocEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
			     DWORD protection) REGIO_WINSOCK_SYMBOL(VirtualAllocEx);
LPVOID WINAPI VirtualAllocExNuma(HANDLE process, LPVOID address, SIZE_T size, DWORD type,
				 DWORD protection, DWORD node)
	REGIO_WINSOCK_SYMBOL(VirtualAllocExNuma);
BOOL WINAPI VirtualFree(LPVOID address, SIZE_T size, DWORD type) REGIO_WINSOCK_SYMBOL(VirtualFree);
BOOL WINAPI VirtualFreeEx(HANDLE process, LPVOID address, SIZE_T size, DWORD type)
	REGIO_WINSOCK_SYMBOL(VirtualFreeEx);
BOOL WINAPI VirtualLock(LPVOID address, SIZE_T size) REGIO_WINSOCK_SYMBOL(VirtualLock);
BOOL WINAPI VirtualUnlock(LPVOID address, SIZE_T size) REGIO_WINSOCK_SYMBOL(VirtualUnlock);
SIZE_T WINAPI GetLargePageMinimum(void) REGIO_WINSOCK_SYMBOL(GetLargePageMinimum);
BOOL WINAPI GetNumaHighestNodeNumber(PULONG ret_node)
	REGIO_WINSOCK_SYMBOL(GetNumaHighestNodeNumber);

#define HEAP_NO_SERIALIZE 0x1u
#define HEAP_GENERATE_EXCEPTIONS 0x4u
#define HEAP_ZERO_MEMORY 0x8u
#define HEAP_REALLOC_IN_PLACE_ONLY 0x10u
HANDLE WINAPI GetProcessHeap(void) REGIO_WINSOCK_SYMBOL(GetProcessHeap);
LPVOID WINAPI HeapAlloc(HANDLE heap, DWORD flags, SIZE_T size) REGIO_WINSOCK_SYMBOL(HeapAlloc);
LPVOID WINAPI HeapReAlloc(HANDLE heap, DWORD flags, LPVOID memory, SIZE_T size)
	REGIO_WINSOCK_SYMBOL(HeapReAlloc);
BOOL WINAPI HeapFree(HANDLE heap, DWORD flags, LPVOID memory) REGIO_WINSOCK_SYMBOL(HeapFree);

/* ---- The machine and its clocks -------------------------------------------------------- */

typedef struct _SYSTEM_INFO {
	union {
		DWORD dwOemId;
		__extension__ struct {
			WORD wProcessorArchitecture;
			WORD wReserved;
		};
	};
	DWORD dwPageSize;
	LPVOID lpMinimumApplicationAddress;
	LPVOID lpMaximumApplicationAddress;
	DWORD_PTR dwActiveProcessorMask;
	DWORD dwNumberOfProcessors;
	DWORD dwProcessorType;
	DWORD dwAllocationGranularity;
	WORD wProcessorLevel;
	WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

void WINAPI GetSystemInfo(LPSYSTEM_INFO ret_info) REGIO_WINSOCK_SYMBOL(GetSystemInfo);
void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO ret_info) REGIO_WINSOCK_SYMBOL(GetNativeSystemInfo);
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *ret_count)
	REGIO_WINSOCK_SYMBOL(QueryPerformanceCounter);
BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *ret_frequency)
	REGIO_WINSOCK_SYMBOL(QueryPerformanceFrequency);
DWORD WINAPI GetTickCount(void) REGIO_WINSOCK_SYMBOL(GetTickCount);
ULONGLONG WINAPI GetTickCount64(void) REGIO_WINSOCK_SYMBOL(GetTickCount64);
void WINAPI GetSystemTimeAsFileTime(LPFILETIME ret_time)
	REGIO_WINSOCK_SYMBOL(GetSystemTimeAsFileTime);
void WINAPI GetSystemTimePreciseAsFileTime(LPFILETIME ret_time)
	REGIO_WINSOCK_SYMBOL(GetSystemTimePreciseAsFileTime);
void WINAPI GetSystemTime(LPSYSTEMTIME ret_time) REGIO_WINSOCK_SYMBOL(GetSystemTime);
void WINAPI GetLocalTime(LPSYSTEMTIME ret_time) REGIO_WINSOCK_SYMBOL(GetLocalTime);
BOOL WINAPI FileTimeToSystemTime(const FILETIME *time, LPSYSTEMTIME ret_time)
	REGIO_WINSOCK_SYMBOL(FileTimeToSystemTime);
BOOL WINAPI SystemTimeToFileTime(const SYSTEMTIME *time, LPFILETIME ret_time)
	REGIO_WINSOCK_SYMBOL(SystemTimeToFileTime);

#define ALL_PROCESSOR_GROUPS 0xFFFF
DWORD WINAPI GetActiveProcessorCount(WORD group) REGIO_WINSOCK_SYMBOL(GetActiveProcessorCount);

/* ---- Processors -------------------------------------------------------------------------- */

typedef enum _LOGICAL_PROCESSOR_RELATIONSHIP {
	RelationProcessorCore = 0,
	RelationNumaNode = 1,
	RelationCache = 2,
	RelationProcessorPackage = 3,
	RelationGroup = 4,
	RelationAll = 0xFFFF,
} LOGICAL_PROCESSOR_RELATIONSHIP;

typedef enum _PROCESSOR_CACHE_TYPE {
	CacheUnified = 0,
	CacheInstruction = 1,
	CacheData = 2,
	CacheTrace = 3,
} PROCESSOR_CACHE_TYPE;

typedef struct _CACHE_DESCRIPTOR {
	BYTE Level;
	BYTE Associativity;
	WORD LineSize;
	DWORD Size;
	PROCESSOR_CACHE_TYPE Type;
} CACHE_DESCRIPTOR, *PCACHE_DESCRIPTOR;

#define LTP_PC_SMT 0x1

typedef struct _SYSTEM_LOGICAL_PROCESSOR_INFORMATION {
	ULONG_PTR ProcessorMask;
	LOGICAL_PROCESSOR_RELATIONSHIP Relationship;
	union {
		struct {
			BYTE Flags;
		} ProcessorCore;
		struct {
			DWORD NodeNumber;
		} NumaNode;
		CACHE_DESCRIPTOR Cache;
		ULONGLONG Reserved[2];
	};
} SYSTEM_LOGICAL_PROCESSOR_INFORMATION, *PSYSTEM_LOGICAL_PROCESSOR_INFORMATION;

typedef struct _PROCESSOR_RELATIONSHIP {
	BYTE Flags;
	BYTE EfficiencyClass;
	BYTE Reserved[20];
	WORD GroupCount;
	GROUP_AFFINITY GroupMask[1];
} PROCESSOR_RELATIONSHIP, *PPROCESSOR_RELATIONSHIP;

typedef struct _NUMA_NODE_RELATIONSHIP {
	DWORD NodeNumber;
	BYTE Reserved[18];
	WORD GroupCount;
	GROUP_AFFINITY GroupMask;
} NUMA_NODE_RELATIONSHIP, *PNUMA_NODE_RELATIONSHIP;

typedef struct _CACHE_RELATIONSHIP {
	BYTE Level;
	BYTE Associativity;
	WORD LineSize;
	DWORD CacheSize;
	PROCESSOR_CACHE_TYPE Type;
	BYTE Reserved[18];
	WORD GroupCount;
	GROUP_AFFINITY GroupMask;
} CACHE_RELATIONSHIP, *PCACHE_RELATIONSHIP;

typedef struct _PROCESSOR_GROUP_INFO {
	BYTE MaximumProcessorCount;
	BYTE ActiveProcessorCount;
	BYTE Reserved[38];
	KAFFINITY ActiveProcessorMask;
} PROCESSOR_GROUP_INFO, *PPROCESSOR_GROUP_INFO;

typedef struct _GROUP_RELATIONSHIP {
	WORD MaximumGroupCount;
	WORD ActiveGroupCount;
	BYTE Reserved[20];
	PROCESSOR_GROUP_INFO GroupInfo[1];
} GROUP_RELATIONSHIP, *PGROUP_RELATIONSHIP;

typedef struct _SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX {
	LOGICAL_PROCESSOR_RELATIONSHIP Relationship;
	DWORD Size;
	union {
		PROCESSOR_RELATIONSHIP Processor;
		NUMA_NODE_RELATIONSHIP NumaNode;
		CACHE_RELATIONSHIP Cache;
		GROUP_RELATIONSHIP Group;
	};
} SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX, *PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX;

BOOL WINAPI GetLogicalProcessorInformation(PSYSTEM_LOGICAL_PROCESSOR_INFORMATION ret_entries,
					   PDWORD size)
	REGIO_WINSOCK_SYMBOL(GetLogicalProcessorInformation);
BOOL WINAPI GetLogicalProcessorInformationEx(LOGICAL_PROCESSOR_RELATIONSHIP relationship,
					     PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX ret_entries,
					     PDWORD size)
	REGIO_WINSOCK_SYMBOL(GetLogicalProcessorInformationEx);

#define DLL_PROCESS_DETACH 0
#define DLL_PROCESS_ATTACH 1
#define DLL_THREAD_ATTACH 2
#define DLL_THREAD_DETACH 3

REGIO_WINSOCK_END

#if defined(UNICODE)
#define CreateEvent CreateEventW
#define CreateEventEx CreateEventExW
#define OpenEvent OpenEventW
#define FormatMessage FormatMessageW
#define OutputDebugString OutputDebugStringW
#else
#define CreateEvent CreateEventA
#define CreateEventEx CreateEventExA
#define OpenEvent OpenEventA
#define FormatMessage FormatMessageA
#define OutputDebugString OutputDebugStringA
#endif

#define ZeroMemory(destination, length) __builtin_memset((destination), 0, (length))
#define SecureZeroMemory(destination, length) __builtin_memset((destination), 0, (length))
#define RtlZeroMemory ZeroMemory
#define FillMemory(destination, length, byte) __builtin_memset((destination), (byte), (length))
#define CopyMemory(destination, source, length) __builtin_memcpy((destination), (source), (length))
#define RtlCopyMemory CopyMemory
#define MoveMemory(destination, source, length) __builtin_memmove((destination), (source), (length))

#endif
