/* SPDX-License-Identifier: MIT */
/*
 * What the MinGW headers lack of Registered I/O, declared as the reference pages have it. Included
 * ahead of an example to see that it is a Windows program.
 */
#ifndef REGIO_TESTS_MINGW_RIO_H
#define REGIO_TESTS_MINGW_RIO_H

#include <mswsock.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#ifndef SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER
#define SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER _WSAIORW(IOC_WS2, 36)
#endif

typedef struct RIO_BUFFERID_t *RIO_BUFFERID;
typedef struct RIO_CQ_t *RIO_CQ;
typedef struct RIO_RQ_t *RIO_RQ;

#define RIO_MSG_DEFER 0x2
#define RIO_MSG_COMMIT_ONLY 0x8
#define RIO_INVALID_BUFFERID ((RIO_BUFFERID)(ULONG_PTR)0xFFFFFFFF)
#define RIO_INVALID_CQ ((RIO_CQ)0)
#define RIO_INVALID_RQ ((RIO_RQ)0)
#define RIO_CORRUPT_CQ 0xFFFFFFFF

typedef struct {
	LONG Status;
	ULONG BytesTransferred;
	ULONGLONG SocketContext;
	ULONGLONG RequestContext;
} RIORESULT;

typedef struct {
	RIO_BUFFERID BufferId;
	ULONG Offset;
	ULONG Length;
} RIO_BUF;

typedef enum { RIO_EVENT_COMPLETION = 1, RIO_IOCP_COMPLETION = 2 } RIO_NOTIFICATION_COMPLETION_TYPE;

typedef struct {
	RIO_NOTIFICATION_COMPLETION_TYPE Type;
	union {
		struct {
			HANDLE EventHandle;
			BOOL NotifyReset;
		} Event;
		struct {
			HANDLE IocpHandle;
			PVOID CompletionKey;
			PVOID Overlapped;
		} Iocp;
	};
} RIO_NOTIFICATION_COMPLETION;

typedef struct {
	DWORD cbSize;
	BOOL(WINAPI *RIOReceive)(RIO_RQ, RIO_BUF *, ULONG, DWORD, PVOID);
	int(WINAPI *RIOReceiveEx)(RIO_RQ, RIO_BUF *, ULONG, RIO_BUF *, RIO_BUF *, RIO_BUF *,
				  RIO_BUF *, DWORD, PVOID);
	BOOL(WINAPI *RIOSend)(RIO_RQ, RIO_BUF *, ULONG, DWORD, PVOID);
	BOOL(WINAPI *RIOSendEx)
	(RIO_RQ, RIO_BUF *, ULONG, RIO_BUF *, RIO_BUF *, RIO_BUF *, RIO_BUF *, DWORD, PVOID);
	void(WINAPI *RIOCloseCompletionQueue)(RIO_CQ);
	RIO_CQ(WINAPI *RIOCreateCompletionQueue)(DWORD, RIO_NOTIFICATION_COMPLETION *);
	RIO_RQ(WINAPI *RIOCreateRequestQueue)
	(SOCKET, ULONG, ULONG, ULONG, ULONG, RIO_CQ, RIO_CQ, PVOID);
	ULONG(WINAPI *RIODequeueCompletion)(RIO_CQ, RIORESULT *, ULONG);
	void(WINAPI *RIODeregisterBuffer)(RIO_BUFFERID);
	INT(WINAPI *RIONotify)(RIO_CQ);
	RIO_BUFFERID(WINAPI *RIORegisterBuffer)(PCHAR, DWORD);
	BOOL(WINAPI *RIOResizeCompletionQueue)(RIO_CQ, DWORD);
	BOOL(WINAPI *RIOResizeRequestQueue)(RIO_RQ, DWORD, DWORD);
} RIO_EXTENSION_FUNCTION_TABLE;

#define WSAID_MULTIPLE_RIO                                                                         \
	{                                                                                          \
		0x8509e081, 0x96dd, 0x4005,                                                        \
		{                                                                                  \
			0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f                             \
		}                                                                                  \
	}

#endif
