/* SPDX-License-Identifier: MIT */
/*
 * mswsockdef.h - the structures and constants of Registered I/O
 */
#ifndef REGIO_WINSOCK_MSWSOCKDEF_H
#define REGIO_WINSOCK_MSWSOCKDEF_H

#include "winsock2.h"

typedef struct RIO_BUFFERID_t *RIO_BUFFERID, **PRIO_BUFFERID;
typedef struct RIO_CQ_t *RIO_CQ, **PRIO_CQ;
typedef struct RIO_RQ_t *RIO_RQ, **PRIO_RQ;

#define RIO_MSG_DONT_NOTIFY 0x00000001u
#define RIO_MSG_DEFER 0x00000002u
#define RIO_MSG_WAITALL 0x00000004u
#define RIO_MSG_COMMIT_ONLY 0x00000008u

#define RIO_INVALID_BUFFERID ((RIO_BUFFERID)(ULONG_PTR)0xFFFFFFFF)
#define RIO_INVALID_CQ ((RIO_CQ)0)
#define RIO_INVALID_RQ ((RIO_RQ)0)
#define RIO_MAX_CQ_SIZE 0x8000000u
#define RIO_CORRUPT_CQ 0xFFFFFFFFu

typedef struct _RIORESULT {
	LONG Status;
	ULONG BytesTransferred;
	ULONGLONG SocketContext;
	ULONGLONG RequestContext;
} RIORESULT, *PRIORESULT;

typedef struct _RIO_BUF {
	RIO_BUFFERID BufferId;
	ULONG Offset;
	ULONG Length;
} RIO_BUF, *PRIO_BUF;

typedef struct _RIO_CMSG_BUFFER {
	ULONG TotalLength;
	/* control messages follow, at RIO_CMSG_BASE_SIZE */
} RIO_CMSG_BUFFER, *PRIO_CMSG_BUFFER;

#define RIO_CMSG_BASE_SIZE WSA_CMSGHDR_ALIGN(sizeof(RIO_CMSG_BUFFER))
#define RIO_CMSG_FIRSTHDR(buffer)                                                                  \
	((buffer)->TotalLength >= RIO_CMSG_BASE_SIZE &&                                            \
			 (buffer)->TotalLength - RIO_CMSG_BASE_SIZE >= sizeof(WSACMSGHDR)          \
		 ? (PWSACMSGHDR)(void *)((UCHAR *)(buffer) + RIO_CMSG_BASE_SIZE)                   \
		 : (PWSACMSGHDR)NULL)
#define RIO_CMSG_NEXTHDR(buffer, header)                                                           \
	((header) == NULL ? RIO_CMSG_FIRSTHDR(buffer)                                              \
	 : (UCHAR *)(header) + WSA_CMSGHDR_ALIGN((header)->cmsg_len) + sizeof(WSACMSGHDR) >        \
			 (UCHAR *)(buffer) + (buffer)->TotalLength                                 \
		 ? (PWSACMSGHDR)NULL                                                               \
		 : (PWSACMSGHDR)(void *)((UCHAR *)(header) +                                       \
					 WSA_CMSGHDR_ALIGN((header)->cmsg_len)))

#endif
