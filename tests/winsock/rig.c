/* SPDX-License-Identifier: MIT */
/*
 * rig.c - what the tests of the Windows spelling share
 */
#include "rig.h"

#include "../support/running.h"

#include <pthread.h>

RIO_EXTENSION_FUNCTION_TABLE rio;

static void ask_for_table(void)
{
	GUID id = WSAID_MULTIPLE_RIO;
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0);
	DWORD bytes = 0;

	EXPECT(WSAIoctl(s, SIO_GET_MULTIPLE_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &rio,
			sizeof(rio), &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	closesocket(s);
}

void rig_start(void)
{
	static pthread_once_t asked = PTHREAD_ONCE_INIT;
	WSADATA data;

	EXPECT(WSAStartup(MAKEWORD(2, 2), &data) == 0, "WSAStartup");
	/* Threads of the first rig use the table while others are opened. */
	pthread_once(&asked, ask_for_table);
}

SOCKET flagged_socket(int family, int type)
{
	SOCKET s = WSASocketW(family, type, 0, NULL, 0, WSA_FLAG_REGISTERED_IO);

	EXPECT(s != INVALID_SOCKET, "error %d", WSAGetLastError());
	return s;
}

int name_length(const SOCKADDR_INET *name)
{
	return name->si_family == AF_INET ? (int)sizeof(name->Ipv4) : (int)sizeof(name->Ipv6);
}

SOCKET bound(SOCKET s, int family)
{
	SOCKADDR_INET name;

	memset(&name, 0, sizeof(name));
	name.si_family = (ADDRESS_FAMILY)family;
	if (family == AF_INET)
		name.Ipv4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		name.Ipv6.sin6_addr = in6addr_loopback;
	EXPECT(s != INVALID_SOCKET, "error %d", WSAGetLastError());
	EXPECT(bind(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	return s;
}

SOCKADDR_INET name_of(SOCKET s)
{
	SOCKADDR_INET name;
	int length = sizeof(name);

	memset(&name, 0, sizeof(name));
	EXPECT(getsockname(s, (struct sockaddr *)&name, &length) == 0, "error %d",
	       WSAGetLastError());
	return name;
}

static void connect_to(SOCKET s, SOCKET to)
{
	SOCKADDR_INET name = name_of(to);

	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
}

void wait_readable(SOCKET s)
{
	struct timeval time = {PATIENCE_MS / 1000, 0};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s, &set);
	EXPECT(select(0, &set, NULL, NULL, &time) == 1, "error %d", WSAGetLastError());
}

void *function_of(SOCKET s, GUID id)
{
	void *function = NULL;
	DWORD bytes = 0;

	EXPECT(WSAIoctl(s, SIO_GET_EXTENSION_FUNCTION_POINTER, &id, sizeof(id), &function,
			sizeof(function), &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	return function;
}

void tcp_pair(SOCKET *ret_flagged, SOCKET *ret_plain)
{
	SOCKET listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);

	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	*ret_flagged = flagged_socket(AF_INET, SOCK_STREAM);
	connect_to(*ret_flagged, listener);
	*ret_plain = accept(listener, NULL, NULL);
	EXPECT(*ret_plain != INVALID_SOCKET, "error %d", WSAGetLastError());
	closesocket(listener);
}

void rig_open(struct rig *rig, const struct rig_plan *plan)
{
	DWORD bytes = (plan->receives + plan->sends) * SLOT_BYTES;

	rig_start();
	rig->family = plan->family ? plan->family : AF_INET;
	rig->slots = plan->receives + plan->sends;
	if (plan->stream) {
		tcp_pair(&rig->s, &rig->peer);
	} else {
		rig->s = bound(flagged_socket(rig->family, SOCK_DGRAM), rig->family);
		rig->peer = bound(socket(rig->family, SOCK_DGRAM, 0), rig->family);
		connect_to(rig->s, rig->peer);
		connect_to(rig->peer, rig->s);
	}
	rig->memory = VirtualAlloc(NULL, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	EXPECT(rig->memory, "error %u", GetLastError());
	rig->id = rio.RIORegisterBuffer(rig->memory, bytes);
	EXPECT(rig->id != RIO_INVALID_BUFFERID, "error %u", GetLastError());
	rig->cq = rio.RIOCreateCompletionQueue(rig->slots, plan->notification);
	EXPECT(rig->cq != RIO_INVALID_CQ, "error %u", GetLastError());
	rig->rq = rio.RIOCreateRequestQueue(rig->s, plan->receives, 1, plan->sends, 1, rig->cq,
					    rig->cq, (PVOID)(ULONG_PTR)SOCKET_CONTEXT);
	EXPECT(rig->rq != RIO_INVALID_RQ, "error %u", GetLastError());
}

void rig_close(struct rig *rig)
{
	EXPECT(closesocket(rig->s) == 0, "error %d", WSAGetLastError());
	EXPECT(closesocket(rig->peer) == 0, "error %d", WSAGetLastError());
	rio.RIOCloseCompletionQueue(rig->cq);
	rio.RIODeregisterBuffer(rig->id);
	EXPECT_TRUE(VirtualFree(rig->memory, 0, MEM_RELEASE));
	EXPECT(WSACleanup() == 0, "error %d", WSAGetLastError());
}

RIO_BUF slice(const struct rig *rig, ULONG slot, ULONG length)
{
	return (RIO_BUF){rig->id, slot * SLOT_BYTES, length};
}

char *slot_of(const struct rig *rig, ULONG slot)
{
	return rig->memory + (size_t)slot * SLOT_BYTES;
}

BOOL receive(const struct rig *rig, ULONG slot, DWORD flags)
{
	RIO_BUF buffer = slice(rig, slot, SLOT_BYTES);

	return rio.RIOReceive(rig->rq, &buffer, 1, flags, (PVOID)(ULONG_PTR)slot);
}

BOOL transmit(const struct rig *rig, ULONG slot, ULONG length, DWORD flags)
{
	RIO_BUF buffer = slice(rig, slot, length);

	return rio.RIOSend(rig->rq, &buffer, 1, flags, (PVOID)(ULONG_PTR)slot);
}

void peer_send(const struct rig *rig, const void *data, int length)
{
	EXPECT(send(rig->peer, data, length, 0) == length, "error %d", WSAGetLastError());
}

int peer_receive(const struct rig *rig, void *data, int length)
{
	DWORD timeout_ms = PATIENCE_MS;
	int bytes;

	setsockopt(rig->peer, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout_ms, sizeof(timeout_ms));
	bytes = recv(rig->peer, data, length, 0);
	EXPECT(bytes >= 0, "error %d", WSAGetLastError());
	return bytes;
}

void take(RIO_CQ cq, RIORESULT *results, ULONG count)
{
	const int64_t until_ns = running_ns() + PATIENCE_NS;
	ULONG have = 0, got;

	while (have < count) {
		got = rio.RIODequeueCompletion(cq, results + have, count - have);
		EXPECT(got != RIO_CORRUPT_CQ, "the CQ is corrupt");
		EXPECT(got || running_ns() < until_ns, "%u of %u completions", have, count);
		have += got;
		if (!got)
			SwitchToThread();
	}
}

RIORESULT take_one(RIO_CQ cq)
{
	RIORESULT result;

	take(cq, &result, 1);
	return result;
}

void expect_none(RIO_CQ cq)
{
	RIORESULT result;

	for (int looks = 0; looks < 4; looks++)
		EXPECT(rio.RIODequeueCompletion(cq, &result, 1) == 0, "status %d, %u bytes",
		       result.Status, result.BytesTransferred);
}

void expect_is(const RIORESULT *result, LONG status, ULONG bytes, ULONGLONG context)
{
	EXPECT(result->Status == status && result->BytesTransferred == bytes &&
		       result->RequestContext == context && result->SocketContext == SOCKET_CONTEXT,
	       "status %d, %u bytes, context %llu; wanted %d, %u, %llu", result->Status,
	       result->BytesTransferred, (unsigned long long)result->RequestContext, status, bytes,
	       (unsigned long long)context);
}

RIO_NOTIFICATION_COMPLETION by_event(HANDLE event, BOOL reset)
{
	RIO_NOTIFICATION_COMPLETION notification = {.Type = RIO_EVENT_COMPLETION};

	notification.Event.EventHandle = event;
	notification.Event.NotifyReset = reset;
	return notification;
}

RIO_NOTIFICATION_COMPLETION by_port(HANDLE port, void *key, void *overlapped)
{
	RIO_NOTIFICATION_COMPLETION notification = {.Type = RIO_IOCP_COMPLETION};

	notification.Iocp.IocpHandle = port;
	notification.Iocp.CompletionKey = key;
	notification.Iocp.Overlapped = overlapped;
	return notification;
}
