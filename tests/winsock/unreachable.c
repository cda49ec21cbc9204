/* SPDX-License-Identifier: MIT */
/*
 * unreachable.c - how plain and overlapped calls report that the peer of a datagram socket is gone
 */
#include "rig.h"

#include <mstcpip.h>

/* Connected to a port that is closed. */
static SOCKET alone(void)
{
	SOCKET s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	SOCKET peer = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	SOCKADDR_INET name = name_of(peer);

	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	closesocket(peer);
	return s;
}

static void set_report(SOCKET s, BOOL on)
{
	DWORD bytes;

	EXPECT(WSAIoctl(s, SIO_UDP_CONNRESET, &on, sizeof(on), NULL, 0, &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
}

static void set_nonblocking(SOCKET s)
{
	u_long on = 1;

	EXPECT(ioctlsocket(s, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
}

static void send_byte(SOCKET s)
{
	EXPECT(send(s, "x", 1, 0) == 1, "error %d", WSAGetLastError());
}

START_TEST(receives_report_it_and_sends_do_not)
{
	char byte;
	SOCKET s;

	rig_start();
	s = alone();
	for (int i = 0; i < 3; i++)
		send_byte(s);
	/* Blocking: on loopback the answer is there when the send returns. */
	EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, recv(s, &byte, 1, 0));
	send_byte(s);
	EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, recvfrom(s, &byte, 1, 0, NULL, NULL));
	set_nonblocking(s);
	/* Reported at most once for each send. */
	for (int reports = 0; WSAGetLastError() == WSAECONNRESET; reports++)
		EXPECT(recv(s, &byte, 1, 0) < 0 && reports < 4, "%d reports", reports);
	EXPECT(WSAGetLastError() == WSAEWOULDBLOCK, "error %d", WSAGetLastError());
	closesocket(s);
}
END_TEST

START_TEST(sockets_that_do_not_want_to_know_are_not_disturbed)
{
	struct timeval at_once = {0, 0};
	WSAPOLLFD descriptor;
	fd_set readable;
	char byte;
	SOCKET s;

	rig_start();
	s = alone();
	set_report(s, FALSE);
	set_nonblocking(s);
	for (int i = 0; i < 3; i++) {
		send_byte(s);
		descriptor = (WSAPOLLFD){.fd = s, .events = POLLIN};
		EXPECT(WSAPoll(&descriptor, 1, 0) == 0, "events %x", descriptor.revents);
		send_byte(s);
		FD_ZERO(&readable);
		FD_SET(s, &readable);
		EXPECT(select(0, &readable, NULL, NULL, &at_once) == 0, "it is readable");
		send_byte(s);
		EXPECT_FAILS(WSAEWOULDBLOCK, SOCKET_ERROR, recv(s, &byte, 1, 0));
	}
	set_report(s, TRUE);
	send_byte(s);
	wait_readable(s);
	EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, recv(s, &byte, 1, 0));
	closesocket(s);
}
END_TEST

START_TEST(readiness_includes_what_a_send_has_found)
{
	struct timeval at_once = {0, 0};
	fd_set readable, writable;
	WSAPOLLFD descriptor;
	SOCKET s;

	rig_start();
	s = alone();
	for (int sends = 1; sends <= 2; sends++) {
		send_byte(s);
		wait_readable(s);
		FD_ZERO(&readable);
		FD_ZERO(&writable);
		FD_SET(s, &readable);
		FD_SET(s, &writable);
		EXPECT(select(0, &readable, &writable, NULL, &at_once) == 2, "%u and %u",
		       readable.fd_count, writable.fd_count);
		descriptor = (WSAPOLLFD){.fd = s, .events = POLLIN};
		EXPECT(WSAPoll(&descriptor, 1, 0) == 1, "it is not ready");
	}
	closesocket(s);
}
END_TEST

START_TEST(overlapped_receives_report_it_also_if_a_send_has_found_it)
{
	OVERLAPPED receiving = {0}, *overlapped;
	DWORD bytes, flags = 0;
	ULONG_PTR key;
	char data[8];
	WSABUF buffer = {sizeof(data), data};
	HANDLE port;
	SOCKET s;

	rig_start();
	s = alone();
	set_nonblocking(s);
	port = CreateIoCompletionPort((HANDLE)s, NULL, 0, 0);
	for (int i = 0; i < 50; i++) {
		memset(&receiving, 0, sizeof(receiving));
		EXPECT(WSARecv(s, &buffer, 1, NULL, &flags, &receiving, NULL) == SOCKET_ERROR,
		       "%u bytes", buffer.len);
		/* The last answer of the round before may come late. */
		if (WSAGetLastError() == WSAECONNRESET)
			continue;
		EXPECT(WSAGetLastError() == WSA_IO_PENDING, "error %d", WSAGetLastError());
		/* The second may find the answer to the first before the receive does. */
		send_byte(s);
		send_byte(s);
		EXPECT_FAILS(
			ERROR_PORT_UNREACHABLE, FALSE,
			GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
		EXPECT(overlapped == &receiving, "another packet");
		EXPECT_FAILS(WSAECONNRESET, FALSE,
			     WSAGetOverlappedResult(s, &receiving, &bytes, FALSE, &flags));
		/* The answer to the second is dropped. */
		set_report(s, FALSE);
		EXPECT_FAILS(WSAEWOULDBLOCK, SOCKET_ERROR, recv(s, data, sizeof(data), 0));
		set_report(s, TRUE);
	}
	closesocket(s);
	CloseHandle(port);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(receives_report_it_and_sends_do_not),
		CASE(sockets_that_do_not_want_to_know_are_not_disturbed),
		CASE(readiness_includes_what_a_send_has_found),
		CASE(overlapped_receives_report_it_also_if_a_send_has_found_it),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
