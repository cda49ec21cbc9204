/* SPDX-License-Identifier: MIT */
/*
 * windef.h - the types and keywords of Win32
 *
 * DWORD, LONG and ULONG have 32 bits. Types of 64 bits on 64-bit Windows are those of int64_t and
 * size_t, so that templates and pointers agree with the standard headers. Every library function
 * has its own symbol name, so nothing here conflicts with another library's functions.
 */
#ifndef REGIO_WINSOCK_WINDEF_H
#define REGIO_WINSOCK_WINDEF_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <wchar.h>

#if !defined(__LP64__)
#error "regio-winsock needs a 64-bit system"
#endif

/* ---- Calling conventions and annotations, without a meaning here ---------- */

#define WINAPI
#define WSAAPI
#define APIENTRY
#define CALLBACK
#define PASCAL
#define FAR
#define NEAR
#define CONST const
#define VOID void
#define __stdcall
#define __cdecl
#define _cdecl
#define __fastcall
#define __vectorcall

#define __int8 char
#define __int16 short
#define __int32 int
#define __int64 long

#ifndef __forceinline
#define __forceinline inline __attribute__((always_inline))
#endif

#if !defined(__declspec) && !defined(_MSC_EXTENSIONS)
#define __declspec(what) REGIO_WINSOCK_DECLSPEC_##what
#define REGIO_WINSOCK_DECLSPEC_align(bytes) __attribute__((aligned(bytes)))
#define REGIO_WINSOCK_DECLSPEC_noinline __attribute__((noinline))
#define REGIO_WINSOCK_DECLSPEC_noreturn __attribute__((noreturn))
#define REGIO_WINSOCK_DECLSPEC_thread __thread
#define REGIO_WINSOCK_DECLSPEC_selectany __attribute__((weak))
#define REGIO_WINSOCK_DECLSPEC_deprecated __attribute__((deprecated))
#define REGIO_WINSOCK_DECLSPEC_restrict
#define REGIO_WINSOCK_DECLSPEC_noalias
#define REGIO_WINSOCK_DECLSPEC_nothrow
#define REGIO_WINSOCK_DECLSPEC_novtable
#define REGIO_WINSOCK_DECLSPEC_dllexport
#define REGIO_WINSOCK_DECLSPEC_dllimport
#endif
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define MEMORY_ALLOCATION_ALIGNMENT 16
#define SYSTEM_CACHE_ALIGNMENT_SIZE 64
#define DECLSPEC_CACHEALIGN __attribute__((aligned(64)))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define DECLSPEC_NOINLINE __attribute__((noinline))
#define FORCEINLINE static inline __attribute__((always_inline))

#include "sal.h"

/* ---- Types ---------------------------------------------------------------- */

typedef int BOOL, *PBOOL, *LPBOOL;
typedef unsigned char BYTE, *PBYTE, *LPBYTE, UCHAR, *PUCHAR, BOOLEAN, *PBOOLEAN;
typedef char CHAR, *PCHAR, *LPCH, *PCH, *NPSTR, *LPSTR, *PSTR;
typedef signed char INT8, *PINT8;
typedef const char *LPCSTR, *PCSTR, *LPCCH, *PCCH;
typedef wchar_t WCHAR, *PWCHAR, *LPWCH, *PWCH, *LPWSTR, *PWSTR;
typedef const wchar_t *LPCWSTR, *PCWSTR;
typedef short SHORT, *PSHORT, INT16, *PINT16;
typedef unsigned short WORD, *PWORD, *LPWORD, USHORT, *PUSHORT, UINT16, *PUINT16;
typedef int INT, *PINT, *LPINT, INT32, *PINT32, LONG32, *PLONG32;
typedef unsigned int UINT, *PUINT, *LPUINT, UINT32, *PUINT32, ULONG32, *PULONG32, DWORD32;
typedef unsigned char UINT8, *PUINT8;
typedef int LONG, *PLONG, *LPLONG;
typedef unsigned int ULONG, *PULONG, *LPULONG, DWORD, *PDWORD, *LPDWORD;
typedef int64_t LONGLONG, *PLONGLONG, INT64, *PINT64, LONG64, *PLONG64;
typedef uint64_t ULONGLONG, *PULONGLONG, UINT64, *PUINT64, ULONG64, *PULONG64;
typedef uint64_t DWORDLONG, *PDWORDLONG, DWORD64, *PDWORD64;
typedef int64_t INT_PTR, *PINT_PTR, LONG_PTR, *PLONG_PTR, SSIZE_T, *PSSIZE_T;
typedef uint64_t UINT_PTR, *PUINT_PTR, ULONG_PTR, *PULONG_PTR, DWORD_PTR, *PDWORD_PTR;
typedef size_t SIZE_T, *PSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;
typedef float FLOAT, *PFLOAT;
typedef double DOUBLE;
typedef void *PVOID, *LPVOID;
typedef const void *LPCVOID;
typedef void *HANDLE, **PHANDLE, **LPHANDLE;
typedef HANDLE HMODULE, HINSTANCE, HWND, HLOCAL, HGLOBAL;
typedef int HRESULT;
typedef int errno_t;
typedef ULONG_PTR WPARAM;
typedef LONG_PTR LPARAM, LRESULT;
typedef DWORD LCID;

/* The old BSD types of winsock2.h. */
#if !defined(__USE_MISC)
typedef unsigned char u_char;
typedef unsigned short u_short;
typedef unsigned int u_int;
#else
#include <sys/types.h>
#endif
/* The C library's u_long has 64 bits. */
#define u_long ULONG

#ifdef UNICODE
typedef WCHAR TCHAR, *PTCHAR;
typedef LPWSTR LPTSTR, PTSTR;
typedef LPCWSTR LPCTSTR, PCTSTR;
#define TEXT(text) L##text
#else
typedef CHAR TCHAR, *PTCHAR;
typedef LPSTR LPTSTR, PTSTR;
typedef LPCSTR LPCTSTR, PCTSTR;
#define TEXT(text) text
#endif

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)
#define INFINITE 0xFFFFFFFFu
#define MAX_PATH 260
#define MAXDWORD 0xFFFFFFFFu
#define MAXULONG 0xFFFFFFFFu
#define MAXULONG64 UINT64_MAX
#undef MAXLONG
#define MAXLONG 0x7FFFFFFF

#define LOWORD(value) ((WORD)((DWORD_PTR)(value)&0xFFFF))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xFFFF))
#define LOBYTE(value) ((BYTE)((DWORD_PTR)(value)&0xFF))
#define HIBYTE(value) ((BYTE)((DWORD_PTR)(value) >> 8 & 0xFF))
#define MAKEWORD(low, high)                                                                        \
	((WORD)((WORD)(BYTE)((DWORD_PTR)(low)&0xFF) | ((WORD)(BYTE)((DWORD_PTR)(high)&0xFF)) << 8))
#define MAKELONG(low, high)                                                                        \
	((LONG)((WORD)((DWORD_PTR)(low)&0xFFFF) | ((DWORD)(WORD)((DWORD_PTR)(high)&0xFFFF)) << 16))

#define UNREFERENCED_PARAMETER(name) ((void)(name))
#define DBG_UNREFERENCED_PARAMETER(name) ((void)(name))
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#define RTL_NUMBER_OF ARRAYSIZE
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field)                                                    \
	((type *)(void *)((char *)(address)-offsetof(type, field)))
#define C_ASSERT(condition) typedef char regio_winsock_assert[(condition) ? 1 : -1]
#define PtrToUlong(pointer) ((ULONG)(ULONG_PTR)(pointer))
#define UlongToPtr(value) ((void *)(ULONG_PTR)(ULONG)(value))
#define ULongToPtr UlongToPtr
#define PtrToUint PtrToUlong
#define UIntToPtr UlongToPtr

/* Programs rely on the standard headers of Microsoft's compiler, which reach this one. */
#if defined(__cplusplus)
#include <limits>
#endif

/* As in C on Windows; in C++ these are functions, which do not affect std::min(). */
#if !defined(NOMINMAX)
#if defined(__cplusplus)
template <typename A, typename B>
constexpr auto min(const A &a, const B &b) -> decltype(a < b ? a : b)
{
	return a < b ? a : b;
}
template <typename A, typename B>
constexpr auto max(const A &a, const B &b) -> decltype(a > b ? a : b)
{
	return a > b ? a : b;
}
#else
#ifndef min
#define min(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) ((a) > (b) ? (a) : (b))
#endif
#endif
#endif
#define __min(a, b) ((a) < (b) ? (a) : (b))
#define __max(a, b) ((a) > (b) ? (a) : (b))

typedef union _LARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		LONG HighPart;
	};
	struct {
		DWORD LowPart;
		LONG HighPart;
	} u;
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
	__extension__ struct {
		DWORD LowPart;
		DWORD HighPart;
	};
	struct {
		DWORD LowPart;
		DWORD HighPart;
	} u;
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef struct _FILETIME {
	DWORD dwLowDateTime;
	DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

typedef struct _SYSTEMTIME {
	WORD wYear;
	WORD wMonth;
	WORD wDayOfWeek;
	WORD wDay;
	WORD wHour;
	WORD wMinute;
	WORD wSecond;
	WORD wMilliseconds;
} SYSTEMTIME, *PSYSTEMTIME, *LPSYSTEMTIME;

typedef struct _PROCESSOR_NUMBER {
	WORD Group;
	BYTE Number;
	BYTE Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

typedef struct _GROUP_AFFINITY {
	KAFFINITY Mask;
	WORD Group;
	WORD Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

#ifndef GUID_DEFINED
#define GUID_DEFINED
typedef struct _GUID {
	DWORD Data1;
	WORD Data2;
	WORD Data3;
	BYTE Data4[8];
} GUID, *LPGUID;
#endif

/* ---- The names of the library's functions --------------------------------- */

/*
 * Each function is exported as regio_winsock_NAME, and declared with its Windows name and that
 * symbol, because POSIX has some of the names, with other types, and other libraries have others.
 */
#define REGIO_WINSOCK_SYMBOL(name)                                                                 \
	__asm__("regio_winsock_" #name) __attribute__((visibility("default")))

#if defined(__cplusplus)
#define REGIO_WINSOCK_BEGIN extern "C" {
#define REGIO_WINSOCK_END }
#else
#define REGIO_WINSOCK_BEGIN
#define REGIO_WINSOCK_END
#endif

#endif
