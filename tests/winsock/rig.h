/* SPDX-License-Identifier: MIT */
/*
 * rig.h - what the tests of the Windows spelling share
 *
 * A rig is a flagged socket with a request queue, a completion queue for both halves, a region of
 * slots, and a plain socket to talk to it with.
 */
#ifndef REGIO_TESTS_WINSOCK_RIG_H
#define REGIO_TESTS_WINSOCK_RIG_H

#include <mswsock.h>
#include <process.h>
#include <windows.h>
#include <winsock2.h>
#include <ws2tcpip.h>

#include "../support/suite.h"

#define SLOT_BYTES 256u
#define SOCKET_CONTEXT 0x50C4E7u
/* Long enough for what must come; a test that waits so long has failed. */
#define PATIENCE_MS 10000u

extern RIO_EXTENSION_FUNCTION_TABLE rio;

/* WSAStartup and the function table; each test calls it first. */
void rig_start(void);

SOCKET flagged_socket(int family, int type);
/* Bound to a free port of the loopback interface; plain or flagged. */
SOCKET bound(SOCKET s, int family);
SOCKADDR_INET name_of(SOCKET s);
int name_length(const SOCKADDR_INET *name);
/* What is sent over loopback may arrive after the call that sends it has returned. */
void wait_readable(SOCKET s);
/* AcceptEx and its like. */
void *function_of(SOCKET s, GUID id);
/* Two ends of a TCP connection; the first is flagged. */
void tcp_pair(SOCKET *ret_flagged, SOCKET *ret_plain);

struct rig {
	int family;
	SOCKET s;
	SOCKET peer;
	RIO_CQ cq;
	RIO_RQ rq;
	RIO_BUFFERID id;
	char *memory;
	ULONG slots;
};

struct rig_plan {
	int family; /* 0: IPv4 */
	bool stream;
	ULONG receives, sends;
	RIO_NOTIFICATION_COMPLETION *notification;
};

/* UDP: both sockets bound and connected to each other. */
void rig_open(struct rig *rig, const struct rig_plan *plan);
void rig_close(struct rig *rig);

RIO_BUF slice(const struct rig *rig, ULONG slot, ULONG length);
char *slot_of(const struct rig *rig, ULONG slot);
/* The slot's number is the request's context. */
BOOL receive(const struct rig *rig, ULONG slot, DWORD flags);
BOOL transmit(const struct rig *rig, ULONG slot, ULONG length, DWORD flags);
/* From the peer. */
void peer_send(const struct rig *rig, const void *data, int length);
/* To the peer; returns the bytes. */
int peer_receive(const struct rig *rig, void *data, int length);

/* Dequeues until there are 'count'; they must come. */
void take(RIO_CQ cq, RIORESULT *results, ULONG count);
RIORESULT take_one(RIO_CQ cq);
void expect_none(RIO_CQ cq);
void expect_is(const RIORESULT *result, LONG status, ULONG bytes, ULONGLONG context);

RIO_NOTIFICATION_COMPLETION by_event(HANDLE event, BOOL reset);
RIO_NOTIFICATION_COMPLETION by_port(HANDLE port, void *key, void *overlapped);

/* The call gives 'failure' and leaves 'error'. */
#define EXPECT_FAILS(error, failure, call)                                                         \
	do {                                                                                       \
		SetLastError(ERROR_SUCCESS);                                                       \
		EXPECT((call) == (failure), "it did not fail");                                    \
		EXPECT(GetLastError() == (error), "%s: error %u, not %u", #call, GetLastError(),   \
		       (unsigned)(error));                                                         \
	} while (0)
#define EXPECT_TRUE(call) EXPECT((call) == TRUE, "error %u", GetLastError())

#endif
