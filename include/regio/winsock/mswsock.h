/* SPDX-License-Identifier: MIT */
/*
 * mswsock.h - Registered I/O, and the extensions for accepting and connecting
 */
#ifndef REGIO_WINSOCK_MSWSOCK_H
#define REGIO_WINSOCK_MSWSOCK_H

#include "mswsockdef.h"
#include "winsock2.h"

/* ---- Registered I/O ----------------------------------------------------------- */

typedef enum _RIO_NOTIFICATION_COMPLETION_TYPE {
	RIO_EVENT_COMPLETION = 1,
	RIO_IOCP_COMPLETION = 2,
} RIO_NOTIFICATION_COMPLETION_TYPE,
	*PRIO_NOTIFICATION_COMPLETION_TYPE;

typedef struct _RIO_NOTIFICATION_COMPLETION {
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
} RIO_NOTIFICATION_COMPLETION, *PRIO_NOTIFICATION_COMPLETION;

typedef BOOL(PASCAL FAR *LPFN_RIORECEIVE)(RIO_RQ queue, PRIO_BUF data, ULONG data_count,
					  DWORD flags, PVOID context);
typedef int(PASCAL FAR *LPFN_RIORECEIVEEX)(RIO_RQ queue, PRIO_BUF data, ULONG data_count,
					   PRIO_BUF local_address, PRIO_BUF remote_address,
					   PRIO_BUF control, PRIO_BUF message_flags, DWORD flags,
					   PVOID context);
typedef BOOL(PASCAL FAR *LPFN_RIOSEND)(RIO_RQ queue, PRIO_BUF data, ULONG data_count, DWORD flags,
				       PVOID context);
typedef BOOL(PASCAL FAR *LPFN_RIOSENDEX)(RIO_RQ queue, PRIO_BUF data, ULONG data_count,
					 PRIO_BUF local_address, PRIO_BUF remote_address,
					 PRIO_BUF control, PRIO_BUF message_flags, DWORD flags,
					 PVOID context);
typedef void(PASCAL FAR *LPFN_RIOCLOSECOMPLETIONQUEUE)(RIO_CQ queue);
typedef RIO_CQ(PASCAL FAR *LPFN_RIOCREATECOMPLETIONQUEUE)(
	DWORD size, PRIO_NOTIFICATION_COMPLETION notification);
typedef RIO_RQ(PASCAL FAR *LPFN_RIOCREATEREQUESTQUEUE)(SOCKET s, ULONG max_receives,
						       ULONG max_receive_buffers, ULONG max_sends,
						       ULONG max_send_buffers, RIO_CQ receive_queue,
						       RIO_CQ send_queue, PVOID context);
typedef ULONG(PASCAL FAR *LPFN_RIODEQUEUECOMPLETION)(RIO_CQ queue, PRIORESULT ret_results,
						     ULONG results_max);
typedef void(PASCAL FAR *LPFN_RIODEREGISTERBUFFER)(RIO_BUFFERID buffer);
typedef INT(PASCAL FAR *LPFN_RIONOTIFY)(RIO_CQ queue);
typedef RIO_BUFFERID(PASCAL FAR *LPFN_RIOREGISTERBUFFER)(PCHAR address, DWORD length);
typedef BOOL(PASCAL FAR *LPFN_RIORESIZECOMPLETIONQUEUE)(RIO_CQ queue, DWORD size);
typedef BOOL(PASCAL FAR *LPFN_RIORESIZEREQUESTQUEUE)(RIO_RQ queue, DWORD max_receives,
						     DWORD max_sends);

typedef struct _RIO_EXTENSION_FUNCTION_TABLE {
	DWORD cbSize;
	LPFN_RIORECEIVE RIOReceive;
	LPFN_RIORECEIVEEX RIOReceiveEx;
	LPFN_RIOSEND RIOSend;
	LPFN_RIOSENDEX RIOSendEx;
	LPFN_RIOCLOSECOMPLETIONQUEUE RIOCloseCompletionQueue;
	LPFN_RIOCREATECOMPLETIONQUEUE RIOCreateCompletionQueue;
	LPFN_RIOCREATEREQUESTQUEUE RIOCreateRequestQueue;
	LPFN_RIODEQUEUECOMPLETION RIODequeueCompletion;
	LPFN_RIODEREGISTERBUFFER RIODeregisterBuffer;
	LPFN_RIONOTIFY RIONotify;
	LPFN_RIOREGISTERBUFFER RIORegisterBuffer;
	LPFN_RIORESIZECOMPLETIONQUEUE RIOResizeCompletionQueue;
	LPFN_RIORESIZEREQUESTQUEUE RIOResizeRequestQueue;
} RIO_EXTENSION_FUNCTION_TABLE, *PRIO_EXTENSION_FUNCTION_TABLE;

#define WSAID_MULTIPLE_RIO                                                                         \
	{                                                                                          \
		0x8509e081, 0x96dd, 0x4005,                                                        \
		{                                                                                  \
			0xb1, 0x65, 0x9e, 0x2e, 0xe8, 0xc7, 0x9e, 0x3f                             \
		}                                                                                  \
	}

/* ---- Accepting and connecting --------------------------------------------------- */

typedef BOOL(PASCAL FAR *LPFN_ACCEPTEX)(SOCKET listener, SOCKET accepted, PVOID buffer,
					DWORD receive_size, DWORD local_size, DWORD remote_size,
					LPDWORD ret_bytes, LPOVERLAPPED overlapped);
typedef BOOL(PASCAL FAR *LPFN_CONNECTEX)(SOCKET s, const struct sockaddr *address, int length,
					 PVOID data, DWORD data_size, LPDWORD ret_bytes,
					 LPOVERLAPPED overlapped);
typedef BOOL(PASCAL FAR *LPFN_DISCONNECTEX)(SOCKET s, LPOVERLAPPED overlapped, DWORD flags,
					    DWORD reserved);
typedef void(PASCAL FAR *LPFN_GETACCEPTEXSOCKADDRS)(PVOID buffer, DWORD receive_size,
						    DWORD local_size, DWORD remote_size,
						    struct sockaddr **ret_local,
						    LPINT ret_local_length,
						    struct sockaddr **ret_remote,
						    LPINT ret_remote_length);

typedef INT(PASCAL FAR *LPFN_WSARECVMSG)(SOCKET s, LPWSAMSG message, LPDWORD ret_bytes,
					 LPWSAOVERLAPPED overlapped,
					 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);
typedef INT(PASCAL FAR *LPFN_WSASENDMSG)(SOCKET s, LPWSAMSG message, DWORD flags, LPDWORD ret_bytes,
					 LPWSAOVERLAPPED overlapped,
					 LPWSAOVERLAPPED_COMPLETION_ROUTINE routine);

#define WSAID_WSARECVMSG                                                                           \
	{                                                                                          \
		0xf689d7c8, 0x6f1f, 0x436b,                                                        \
		{                                                                                  \
			0x8a, 0x53, 0xe5, 0x4f, 0xe3, 0x51, 0xc3, 0x22                             \
		}                                                                                  \
	}
#define WSAID_WSASENDMSG                                                                           \
	{                                                                                          \
		0xa441e712, 0x754f, 0x43ca,                                                        \
		{                                                                                  \
			0x84, 0xa7, 0x0d, 0xee, 0x44, 0xcf, 0x60, 0x6d                             \
		}                                                                                  \
	}
#define WSAID_ACCEPTEX                                                                             \
	{                                                                                          \
		0xb5367df1, 0xcbac, 0x11cf,                                                        \
		{                                                                                  \
			0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                             \
		}                                                                                  \
	}
#define WSAID_CONNECTEX                                                                            \
	{                                                                                          \
		0x25a207b9, 0xddf3, 0x4660,                                                        \
		{                                                                                  \
			0x8e, 0xe9, 0x76, 0xe5, 0x8c, 0x74, 0x06, 0x3e                             \
		}                                                                                  \
	}
#define WSAID_DISCONNECTEX                                                                         \
	{                                                                                          \
		0x7fda2e11, 0x8630, 0x436f,                                                        \
		{                                                                                  \
			0xa0, 0x31, 0xf5, 0x36, 0xa6, 0xee, 0xc1, 0x57                             \
		}                                                                                  \
	}
#define WSAID_GETACCEPTEXSOCKADDRS                                                                 \
	{                                                                                          \
		0xb5367df2, 0xcbac, 0x11cf,                                                        \
		{                                                                                  \
			0x95, 0xca, 0x00, 0x80, 0x5f, 0x48, 0xa1, 0x92                             \
		}                                                                                  \
	}

#define TF_DISCONNECT 0x01
#define TF_REUSE_SOCKET 0x02

REGIO_WINSOCK_BEGIN
BOOL PASCAL AcceptEx(SOCKET listener, SOCKET accepted, PVOID buffer, DWORD receive_size,
		     DWORD local_size, DWORD remote_size, LPDWORD ret_bytes,
		     LPOVERLAPPED overlapped) REGIO_WINSOCK_SYMBOL(AcceptEx);
void PASCAL GetAcceptExSockaddrs(PVOID buffer, DWORD receive_size, DWORD local_size,
				 DWORD remote_size, struct sockaddr **ret_local,
				 LPINT ret_local_length, struct sockaddr **ret_remote,
				 LPINT ret_remote_length)
	REGIO_WINSOCK_SYMBOL(GetAcceptExSockaddrs);
REGIO_WINSOCK_END

#endif
