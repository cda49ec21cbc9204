/* SPDX-License-Identifier: MIT */
/*
 * sockets.c - sockets under the Windows spelling, beside Registered I/O
 */
#include <pthread.h>

#include "rig.h"

#include <mstcpip.h>
#include <sys/ioctl.h>

static SOCKET listening(void)
{
	SOCKET s = bound(flagged_socket(AF_INET, SOCK_STREAM), AF_INET);

	EXPECT(listen(s, SOMAXCONN) == 0, "error %d", WSAGetLastError());
	return s;
}

static SOCKET connected_to(SOCKET listener)
{
	SOCKADDR_INET name = name_of(listener);
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0);

	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	return s;
}

static RIO_RQ queue_on(SOCKET s, RIO_CQ cq)
{
	return rio.RIOCreateRequestQueue(s, 2, 1, 2, 1, cq, cq, NULL);
}

/* ---- Life ---- */

START_TEST(startup_comes_first)
{
	WSADATA data;

	EXPECT_FAILS(WSANOTINITIALISED, INVALID_SOCKET, socket(AF_INET, SOCK_DGRAM, 0));
	EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR, WSACleanup());
	EXPECT(WSAStartup(MAKEWORD(0, 9), &data) == WSAVERNOTSUPPORTED, "version 0.9");
	EXPECT(WSAStartup(MAKEWORD(2, 2), &data) == 0 && data.wVersion == MAKEWORD(2, 2),
	       "version %x", data.wVersion);
	EXPECT_FAILS(WSAEINVAL, INVALID_SOCKET,
		     WSASocketW(AF_INET, SOCK_DGRAM, 0, NULL, 0, 0x4000));
	EXPECT_FAILS(WSAEAFNOSUPPORT, INVALID_SOCKET, socket(77, SOCK_DGRAM, 0));
}
END_TEST

START_TEST(accepted_socket_is_flagged_as_its_listener_is)
{
	SOCKET listener, client, accepted, plain;
	RIO_CQ cq;

	rig_start();
	cq = rio.RIOCreateCompletionQueue(16, NULL);
	listener = listening();
	client = connected_to(listener);
	/* Our choice: the flag is inherited. */
	accepted = WSAAccept(listener, NULL, NULL, NULL, 0);
	EXPECT(queue_on(accepted, cq) != RIO_INVALID_RQ, "error %u", GetLastError());
	closesocket(listener);
	closesocket(client);
	closesocket(accepted);
	plain = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(plain, 5) == 0, "error %d", WSAGetLastError());
	client = connected_to(plain);
	accepted = accept(plain, NULL, NULL);
	EXPECT_FAILS(WSAEINVAL, RIO_INVALID_RQ, queue_on(accepted, cq));
	closesocket(client);
}
END_TEST

static DWORD WINAPI accept_blocking(LPVOID argument)
{
	SOCKET s = accept((SOCKET)argument, NULL, NULL);

	return s == INVALID_SOCKET ? (DWORD)WSAGetLastError() : 0;
}

static DWORD WINAPI receive_blocking(LPVOID argument)
{
	char byte;

	return recv((SOCKET)argument, &byte, 1, 0) < 0 ? (DWORD)WSAGetLastError() : 0;
}

START_TEST(closing_wakes_a_thread_that_is_blocked_on_the_socket)
{
	LPTHREAD_START_ROUTINE blocked[] = {accept_blocking, receive_blocking};
	HANDLE thread;
	DWORD code;
	SOCKET s;

	rig_start();
	for (int i = 0; i < 2; i++) {
		s = i == 0 ? listening() : bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
		thread = CreateThread(NULL, 0, blocked[i], (LPVOID)s, 0, NULL);
		/* Most likely it is in its call by then; it must end either way. */
		EXPECT(WaitForSingleObject(thread, 50) == WAIT_TIMEOUT, "it did not block");
		EXPECT(closesocket(s) == 0, "error %d", WSAGetLastError());
		EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
		EXPECT_TRUE(GetExitCodeThread(thread, &code));
		EXPECT(code == WSAEINTR || code == WSAENOTSOCK, "error %u", code);
		CloseHandle(thread);
	}
}
END_TEST

/* ---- Readiness ---- */

START_TEST(select_and_poll_report_what_is_ready)
{
	struct timeval at_once = {0, 0};
	WSAPOLLFD descriptors[2];
	SOCKET listener, client, accepted;
	fd_set readable, writable;

	rig_start();
	listener = listening();
	client = connected_to(listener);
	accepted = accept(listener, NULL, NULL);
	FD_ZERO(&readable);
	FD_ZERO(&writable);
	FD_SET(client, &readable);
	FD_SET(accepted, &readable);
	FD_SET(client, &writable);
	EXPECT(send(client, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	EXPECT(select(0, &readable, &writable, NULL, NULL) == 2, "error %d", WSAGetLastError());
	EXPECT(FD_ISSET(accepted, &readable) && !FD_ISSET(client, &readable) &&
		       FD_ISSET(client, &writable) && readable.fd_count == 1,
	       "other sockets");
	FD_CLR(accepted, &readable);
	FD_SET(client, &readable);
	EXPECT(select(0, &readable, NULL, NULL, &at_once) == 0 && readable.fd_count == 0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, select(0, NULL, NULL, NULL, &at_once));
	FD_SET((SOCKET)12345, &readable);
	EXPECT_FAILS(WSAENOTSOCK, SOCKET_ERROR, select(0, &readable, NULL, NULL, &at_once));
	descriptors[0] = (WSAPOLLFD){.fd = accepted, .events = POLLIN};
	descriptors[1] = (WSAPOLLFD){.fd = 12345, .events = POLLIN};
	EXPECT(WSAPoll(descriptors, 2, 1000) == 2, "error %d", WSAGetLastError());
	EXPECT(descriptors[0].revents & POLLIN && descriptors[1].revents == POLLNVAL, "events");
	/* What is no socket is reported at once, whatever else is waited for. */
	descriptors[0].fd = client;
	EXPECT(WSAPoll(descriptors, 2, -1) == 1 && descriptors[1].revents == POLLNVAL, "error %d",
	       WSAGetLastError());
}
END_TEST

START_TEST(nonblocking_sockets_would_block)
{
	SOCKET listener, client, accepted;
	u_long on = 1, bytes = 77;
	DWORD timeout_ms = 20;
	char byte;

	rig_start();
	listener = listening();
	EXPECT(ioctlsocket(listener, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEWOULDBLOCK, INVALID_SOCKET, accept(listener, NULL, NULL));
	client = connected_to(listener);
	accepted = accept(listener, NULL, NULL);
	EXPECT(accepted != INVALID_SOCKET, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEWOULDBLOCK, SOCKET_ERROR, recv(accepted, &byte, 1, 0));
	EXPECT(ioctlsocket(client, FIONREAD, &bytes) == 0 && bytes == 0, "%u", (unsigned)bytes);
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR, ioctlsocket(client, 0x1234, &bytes));
	EXPECT(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, (char *)&timeout_ms,
			  sizeof(timeout_ms)) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAETIMEDOUT, SOCKET_ERROR, recv(client, &byte, 1, 0));
}
END_TEST

/* ---- Options and ioctls ---- */

/* The value of Windows and the one that the POSIX ioctl() takes in the same file. */
START_TEST(ioctls_by_both_values)
{
	static const DWORD nonblocking[] = {0x8004667E, FIONBIO};
	static const DWORD readable[] = {0x4004667F, FIONREAD};
	static const DWORD at_mark[] = {0x40047307, SIOCATMARK};
	SOCKET listener, client, accepted;
	char byte = 0;

	rig_start();
	listener = listening();
	client = connected_to(listener);
	accepted = accept(listener, NULL, NULL);
	for (size_t i = 0; i < 2; i++) {
		u_long on = 1, bytes = 77, mark = 77;
		int posix_bytes = 77;

		EXPECT(ioctlsocket(accepted, nonblocking[i], &on) == 0, "error %d",
		       WSAGetLastError());
		EXPECT_FAILS(WSAEWOULDBLOCK, SOCKET_ERROR, recv(accepted, &byte, 1, 0));
		on = 0;
		EXPECT(ioctlsocket(accepted, nonblocking[i], &on) == 0, "error %d",
		       WSAGetLastError());
		EXPECT(send(client, &byte, 1, 0) == 1 && recv(accepted, &byte, 1, MSG_PEEK) == 1,
		       "error %d", WSAGetLastError());
		EXPECT(ioctlsocket(accepted, readable[i], &bytes) == 0 && bytes == 1, "%u",
		       (unsigned)bytes);
		EXPECT(ioctl((int)accepted, FIONREAD, &posix_bytes) == 0 && posix_bytes == 1, "%d",
		       posix_bytes);
		EXPECT(ioctlsocket(accepted, at_mark[i], &mark) == 0 && mark == 1, "%u",
		       (unsigned)mark);
		EXPECT(recv(accepted, &byte, 1, 0) == 1, "error %d", WSAGetLastError());
	}
}
END_TEST

START_TEST(options_by_their_windows_names)
{
	int value = 0, length = sizeof(value);
	char flag = 1;
	BOOL on = TRUE;
	SOCKET s, tcp;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	/* A BOOL of one byte. */
	EXPECT(setsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, &flag, 1) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(getsockopt(tcp, IPPROTO_TCP, TCP_NODELAY, (char *)&value, &length) == 0 && value,
	       "error %d", WSAGetLastError());
	EXPECT(setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on)) == 0,
	       "error %d", WSAGetLastError());
	length = sizeof(value);
	EXPECT(getsockopt(s, SOL_SOCKET, SO_MAX_MSG_SIZE, (char *)&value, &length) == 0 &&
		       value == 65507,
	       "%d", value);
	length = sizeof(value);
	EXPECT(getsockopt(tcp, SOL_SOCKET, SO_CONNECT_TIME, (char *)&value, &length) == 0 &&
		       value == -1,
	       "%d", value);
	length = sizeof(value);
	EXPECT(getsockopt(s, SOL_SOCKET, SO_TYPE, (char *)&value, &length) == 0 &&
		       value == SOCK_DGRAM,
	       "%d", value);
	EXPECT_FAILS(WSAENOPROTOOPT, SOCKET_ERROR,
		     setsockopt(s, SOL_SOCKET, SO_CONDITIONAL_ACCEPT, (char *)&on, sizeof(on)));
	EXPECT_FAILS(WSAENOPROTOOPT, SOCKET_ERROR,
		     setsockopt(s, 12345, 1, (char *)&on, sizeof(on)));
	EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR,
		     setsockopt(tcp, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, setsockopt(s, SOL_SOCKET, SO_RCVBUF, NULL, 4));
}
END_TEST

START_TEST(ioctls_that_programs_use)
{
	struct tcp_keepalive keepalive = {1, 10000, 2000};
	DWORD bytes = 0, off = 0, on = 1;
	int value = 0, length = sizeof(value);
	SOCKET s, tcp;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	tcp = flagged_socket(AF_INET, SOCK_STREAM);
	EXPECT(WSAIoctl(tcp, SIO_KEEPALIVE_VALS, &keepalive, sizeof(keepalive), NULL, 0, &bytes,
			NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(getsockopt(tcp, IPPROTO_TCP, TCP_KEEPIDLE, (char *)&value, &length) == 0 &&
		       value == 10,
	       "%d", value);
	EXPECT(WSAIoctl(s, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(WSAIoctl(s, SIO_UDP_NETRESET, &off, sizeof(off), NULL, 0, &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(WSAIoctl(tcp, SIO_LOOPBACK_FAST_PATH, &on, sizeof(on), NULL, 0, &bytes, NULL,
			NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR,
		     WSAIoctl(s, 0x98000099, &on, sizeof(on), NULL, 0, &bytes, NULL, NULL));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     WSAIoctl(s, SIO_UDP_CONNRESET, NULL, 0, NULL, 0, &bytes, NULL, NULL));
}
END_TEST

START_TEST(connection_resets_are_reported_where_asked_for)
{
	DWORD bytes = 0, on = 1;
	SOCKET s, peer;
	char memory[64] = "x";
	SOCKADDR_INET name;
	RIO_BUFFERID id;
	RIO_BUF buffer;
	RIORESULT result;
	RIO_CQ cq;
	RIO_RQ rq;

	rig_start();
	s = flagged_socket(AF_INET, SOCK_DGRAM);
	EXPECT(WSAIoctl(s, SIO_UDP_CONNRESET, &on, sizeof(on), NULL, 0, &bytes, NULL, NULL) == 0,
	       "error %d", WSAGetLastError());
	peer = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	name = name_of(peer);
	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	closesocket(peer);
	cq = rio.RIOCreateCompletionQueue(8, NULL);
	rq = queue_on(s, cq);
	id = rio.RIORegisterBuffer(memory, sizeof(memory));
	buffer = (RIO_BUF){id, 0, 1};
	EXPECT_TRUE(rio.RIOReceive(rq, &buffer, 1, 0, (PVOID)1));
	EXPECT_TRUE(rio.RIOSend(rq, &buffer, 1, 0, (PVOID)2));
	result = take_one(cq);
	EXPECT(result.RequestContext == 2 && result.Status == 0, "status %d", result.Status);
	result = take_one(cq);
	EXPECT(result.RequestContext == 1 && result.Status == WSAECONNRESET, "status %d",
	       result.Status);
	rio.RIODeregisterBuffer(id);
}
END_TEST

/* ---- Names ---- */

START_TEST(names_and_addresses)
{
	ADDRINFOA hints = {.ai_family = AF_INET,
			   .ai_socktype = SOCK_DGRAM,
			   .ai_flags = AI_NUMERICHOST | AI_PASSIVE};
	ADDRINFOA *list = NULL;
	char text[64], service[16];
	IN_ADDR address;
	SOCKADDR_INET name;
	int length = sizeof(name);
	SOCKET s;

	rig_start();
	EXPECT(getaddrinfo("127.0.0.1", "4660", &hints, &list) == 0, "error %d", WSAGetLastError());
	EXPECT(list->ai_family == AF_INET && list->ai_addrlen == sizeof(SOCKADDR_IN) &&
		       ((SOCKADDR_IN *)(void *)list->ai_addr)->sin_port == htons(4660),
	       "another address");
	EXPECT(getnameinfo(list->ai_addr, (int)list->ai_addrlen, text, sizeof(text), service,
			   sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(strcmp(text, "127.0.0.1") == 0 && strcmp(service, "4660") == 0, "%s %s", text,
	       service);
	freeaddrinfo(list);
	EXPECT(getaddrinfo("not.a.number", NULL, &hints, &list) == WSAHOST_NOT_FOUND, "a host");
	hints.ai_flags = 0x40000000;
	EXPECT(getaddrinfo("127.0.0.1", NULL, &hints, &list) == WSAEINVAL, "a flag");
	EXPECT(InetPton(AF_INET, "10.1.2.3", &address) == 1 && address.S_un.S_un_b.s_b2 == 1,
	       "another address");
	EXPECT(InetPton(AF_INET, "nonsense", &address) == 0, "an address");
	EXPECT(InetNtop(AF_INET, &address, text, sizeof(text)) && strcmp(text, "10.1.2.3") == 0,
	       "%s", text);
	EXPECT(inet_addr("1.2.3.4") == htonl(0x01020304) && inet_addr("x") == INADDR_NONE, "addr");
	EXPECT(strcmp(inet_ntoa(address), "10.1.2.3") == 0, "%s", inet_ntoa(address));
	EXPECT(htonll(UINT64_C(0x0102030405060708)) == UINT64_C(0x0807060504030201), "htonll");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, getsockname(s, (struct sockaddr *)&name, &length));
	EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR, getpeername(s, (struct sockaddr *)&name, &length));
}
END_TEST

/* ---- Overlapped ---- */

struct operation {
	OVERLAPPED overlapped;
	WSABUF buffer;
	char data[64];
};

/* What programs print. */
START_TEST(addresses_as_text_have_port_and_scope)
{
	SOCKADDR_INET name = {.Ipv4 = {.sin_family = AF_INET, .sin_port = htons(80)}};
	struct sockaddr *any = (struct sockaddr *)&name;
	IN6_ADDR address;
	wchar_t wide[64];
	char text[64];
	DWORD size = sizeof(text);

	rig_start();
	EXPECT(InetPtonW(AF_INET, L"10.1.2.3", &name.Ipv4.sin_addr) == 1, "no address");
	EXPECT(InetPtonW(AF_INET, L"10.1.2.\u0663", &name.Ipv4.sin_addr) == 0, "an address");
	EXPECT(WSAAddressToStringA(any, sizeof(name), NULL, text, &size) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(strcmp(text, "10.1.2.3:80") == 0 && size == 12, "%s, %u", text, size);
	size = 11;
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     WSAAddressToStringA(any, sizeof(name), NULL, text, &size));
	EXPECT(size == 12, "%u", size);
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSAAddressToStringA(any, 4, NULL, text, &size));
	memset(&name, 0, sizeof(name));
	name.si_family = AF_INET6;
	name.Ipv6.sin6_scope_id = 3;
	EXPECT(InetPtonW(AF_INET6, L"fe80::1", &name.Ipv6.sin6_addr) == 1, "no address");
	size = ARRAYSIZE(wide);
	EXPECT(WSAAddressToStringW(any, sizeof(name), NULL, wide, &size) == 0 &&
		       wcscmp(wide, L"fe80::1%3") == 0 && size == 10,
	       "%ls, %u", wide, size);
	name.Ipv6.sin6_port = htons(443);
	size = ARRAYSIZE(wide);
	EXPECT(WSAAddressToStringW(any, sizeof(name), NULL, wide, &size) == 0 &&
		       wcscmp(wide, L"[fe80::1%3]:443") == 0,
	       "%ls, %u", wide, size);
	address = in6addr_loopback;
	EXPECT(InetNtopW(AF_INET6, &address, wide, 4) && wcscmp(wide, L"::1") == 0, "%ls", wide);
	EXPECT_FAILS(ERROR_INVALID_PARAMETER, NULL, InetNtopW(AF_INET6, &address, wide, 3));
}
END_TEST

START_TEST(overlapped_receive_and_send_report_to_port_and_event)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	struct operation operation = {0};
	OVERLAPPED *overlapped;
	struct rig rig;
	DWORD bytes, flags = 0;
	ULONG_PTR key;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .stream = true});
	EXPECT(CreateIoCompletionPort((HANDLE)rig.peer, port, 42, 0) == port, "error %u",
	       GetLastError());
	operation.buffer = (WSABUF){sizeof(operation.data), operation.data};
	operation.overlapped.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	EXPECT_FAILS(
		WSA_IO_PENDING, SOCKET_ERROR,
		WSARecv(rig.peer, &operation.buffer, 1, NULL, &flags, &operation.overlapped, NULL));
	EXPECT(!HasOverlappedIoCompleted(&operation.overlapped), "it has completed");
	EXPECT_FAILS(ERROR_IO_INCOMPLETE, FALSE,
		     GetOverlappedResult((HANDLE)rig.peer, &operation.overlapped, &bytes, FALSE));
	EXPECT(send(rig.s, "hello", 5, 0) == 5, "error %d", WSAGetLastError());
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(bytes == 5 && key == 42 && overlapped == &operation.overlapped &&
		       memcmp(operation.data, "hello", 5) == 0,
	       "another packet");
	EXPECT(WaitForSingleObject(operation.overlapped.hEvent, PATIENCE_MS) == WAIT_OBJECT_0,
	       "no event");
	EXPECT(WSAGetOverlappedResult(rig.peer, &operation.overlapped, &bytes, TRUE, &flags) &&
		       bytes == 5,
	       "error %d", WSAGetLastError());
	EXPECT(WSASend(rig.peer, &operation.buffer, 1, &bytes, 0, &operation.overlapped, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(bytes == sizeof(operation.data), "%u bytes", bytes);
	EXPECT_FAILS(
		WSA_IO_PENDING, SOCKET_ERROR,
		WSARecv(rig.peer, &operation.buffer, 1, NULL, &flags, &operation.overlapped, NULL));
	EXPECT_TRUE(CancelIoEx((HANDLE)rig.peer, &operation.overlapped));
	EXPECT_FAILS(ERROR_OPERATION_ABORTED, FALSE,
		     GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(overlapped == &operation.overlapped, "another packet");
	EXPECT_FAILS(ERROR_NOT_FOUND, FALSE, CancelIoEx((HANDLE)rig.peer, &operation.overlapped));
	CloseHandle(operation.overlapped.hEvent);
	rig_close(&rig);
	CloseHandle(port);
}
END_TEST

static void *read_mebibytes(void *argument)
{
	enum { BYTES = 16 << 20 };
	const struct rig *rig = argument;
	char *data = malloc(BYTES);
	int got = 0, part;

	while (got < BYTES && (part = recv(rig->s, data + got, BYTES - got, 0)) > 0)
		got += part;
	for (int i = 0; i < got; i++)
		EXPECT(data[i] == (char)(i % 251), "byte %d is %d", i, data[i]);
	free(data);
	return (void *)(intptr_t)got;
}

START_TEST(overlapped_send_above_the_socket_buffer_completes_whole)
{
	enum { BYTES = 16 << 20, FIRST = 1000003 };
	OVERLAPPED overlapped = {.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL)};
	char *data = malloc(BYTES);
	WSABUF buffers[] = {{FIRST, data}, {BYTES - FIRST, data + FIRST}};
	DWORD bytes, flags;
	pthread_t reader;
	struct rig rig;
	void *got;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .stream = true});
	for (int i = 0; i < BYTES; i++)
		data[i] = (char)(i % 251);
	EXPECT_FAILS(WSA_IO_PENDING, SOCKET_ERROR,
		     WSASend(rig.peer, buffers, 2, NULL, 0, &overlapped, NULL));
	EXPECT(pthread_create(&reader, NULL, read_mebibytes, &rig) == 0, "no thread");
	EXPECT(WaitForSingleObject(overlapped.hEvent, PATIENCE_MS) == WAIT_OBJECT_0, "no event");
	EXPECT(WSAGetOverlappedResult(rig.peer, &overlapped, &bytes, FALSE, &flags) &&
		       bytes == BYTES,
	       "%u bytes, error %d", bytes, WSAGetLastError());
	pthread_join(reader, &got);
	EXPECT((intptr_t)got == BYTES, "%d bytes arrived", (int)(intptr_t)got);
	CloseHandle(overlapped.hEvent);
	rig_close(&rig);
	free(data);
}
END_TEST

START_TEST(cancelling_one_overlapped_operation_leaves_the_others)
{
	OVERLAPPED overlapped[3] = {0};
	char data[3][8] = {{0}};
	DWORD bytes, flags = 0;
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .stream = true});
	for (int i = 0; i < 3; i++) {
		WSABUF buffer = {5, data[i]};

		overlapped[i].hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
		EXPECT_FAILS(WSA_IO_PENDING, SOCKET_ERROR,
			     WSARecv(rig.peer, &buffer, 1, NULL, &flags, &overlapped[i], NULL));
	}
	EXPECT_TRUE(CancelIoEx((HANDLE)rig.peer, &overlapped[1]));
	EXPECT_FAILS(ERROR_OPERATION_ABORTED, FALSE,
		     GetOverlappedResult((HANDLE)rig.peer, &overlapped[1], &bytes, TRUE));
	EXPECT(send(rig.s, "helloworld", 10, 0) == 10, "error %d", WSAGetLastError());
	for (int i = 0; i < 3; i += 2) {
		EXPECT(GetOverlappedResult((HANDLE)rig.peer, &overlapped[i], &bytes, TRUE) &&
			       bytes == 5,
		       "operation %d: error %u", i, GetLastError());
		EXPECT(memcmp(data[i], i ? "world" : "hello", 5) == 0, "another content");
	}
	for (int i = 0; i < 3; i++)
		CloseHandle(overlapped[i].hEvent);
	rig_close(&rig);
}
END_TEST

/* The number of a socket is used again. */
START_TEST(new_socket_knows_nothing_of_the_one_that_had_its_number)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	struct operation operation = {0};
	SOCKET listener, s, before;
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	rig_start();
	listener = listening();
	before = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_TRUE(SetFileCompletionNotificationModes((HANDLE)before,
						       FILE_SKIP_COMPLETION_PORT_ON_SUCCESS));
	closesocket(before);
	s = connected_to(listener);
	EXPECT(s == before, "the number is not used again");
	EXPECT(CreateIoCompletionPort((HANDLE)s, port, 42, 0) == port, "error %u", GetLastError());
	operation.buffer = (WSABUF){sizeof(operation.data), operation.data};
	EXPECT(WSASend(s, &operation.buffer, 1, &bytes, 0, &operation.overlapped, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(overlapped == &operation.overlapped && key == 42, "another packet");
	closesocket(s);
	closesocket(listener);
	CloseHandle(port);
}
END_TEST

/* ---- AcceptEx and its like ---- */

static DWORD wait_for(OVERLAPPED *overlapped)
{
	DWORD bytes;

	EXPECT(WaitForSingleObject(overlapped->hEvent, PATIENCE_MS) == WAIT_OBJECT_0, "no event");
	return GetOverlappedResult(NULL, overlapped, &bytes, FALSE) ? 0 : GetLastError();
}

START_TEST(wsa_connect_carries_no_data_and_cancel_io_ends_all_that_waits)
{
	char byte;
	WSABUF buffer = {1, &byte};
	OVERLAPPED overlapped = {0};
	SOCKET listener, client;
	SOCKADDR_INET name;
	DWORD flags = 0;

	rig_start();
	listener = listening();
	client = socket(AF_INET, SOCK_STREAM, 0);
	name = name_of(listener);
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR,
		     WSAConnect(client, (struct sockaddr *)&name, name_length(&name), &buffer, NULL,
				NULL, NULL));
	EXPECT(WSAConnect(client, (struct sockaddr *)&name, name_length(&name), NULL, NULL, NULL,
			  NULL) == 0,
	       "error %d", WSAGetLastError());
	overlapped.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	EXPECT_FAILS(WSA_IO_PENDING, SOCKET_ERROR,
		     WSARecv(client, &buffer, 1, NULL, &flags, &overlapped, NULL));
	EXPECT_TRUE(CancelIo((HANDLE)client));
	EXPECT(wait_for(&overlapped) == ERROR_OPERATION_ABORTED, "not cancelled");
	/* With nothing left to cancel it succeeds as well. */
	EXPECT_TRUE(CancelIo((HANDLE)client));
	EXPECT_FAILS(ERROR_INVALID_HANDLE, FALSE, CancelIo(INVALID_HANDLE_VALUE));
	CloseHandle(overlapped.hEvent);
	closesocket(client);
	closesocket(listener);
}
END_TEST

START_TEST(overlapped_send_goes_to_the_address_it_was_given)
{
	char out = 'x', in = 0;
	WSABUF buffer = {1, &out};
	OVERLAPPED overlapped = {0};
	SOCKADDR_INET name;
	SOCKET s, target;
	DWORD bytes = 0;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	target = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	name = name_of(target);
	overlapped.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	EXPECT(WSASendTo(s, &buffer, 1, &bytes, 0, (struct sockaddr *)&name, name_length(&name),
			 &overlapped, NULL) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(wait_for(&overlapped) == 0 && bytes == 1, "%u bytes", bytes);
	EXPECT(recv(target, &in, 1, 0) == 1 && in == out, "another message");
	CloseHandle(overlapped.hEvent);
	closesocket(s);
	closesocket(target);
}
END_TEST

START_TEST(queue_made_before_accept_ex_and_connect_ex_follows_its_socket)
{
	LPFN_CONNECTEX connect_ex;
	LPFN_DISCONNECTEX disconnect_ex;
	char addresses[2 * (sizeof(SOCKADDR_IN) + 16)], memory[128] = "across";
	const DWORD room = sizeof(SOCKADDR_IN) + 16;
	OVERLAPPED accepting = {0}, connecting = {0};
	SOCKET listener, server, client;
	SOCKADDR_INET name, peer;
	int length = sizeof(peer);
	RIO_RQ server_queue, client_queue;
	RIO_BUFFERID id;
	RIO_BUF out, in;
	DWORD bytes;
	RIO_CQ cq;
	GUID ids[] = {WSAID_CONNECTEX, WSAID_DISCONNECTEX};

	rig_start();
	cq = rio.RIOCreateCompletionQueue(16, NULL);
	listener = listening();
	connect_ex = (LPFN_CONNECTEX)(ULONG_PTR)function_of(listener, ids[0]);
	disconnect_ex = (LPFN_DISCONNECTEX)(ULONG_PTR)function_of(listener, ids[1]);
	server = flagged_socket(AF_INET, SOCK_STREAM);
	client = bound(flagged_socket(AF_INET, SOCK_STREAM), AF_INET);
	server_queue = queue_on(server, cq);
	client_queue = queue_on(client, cq);
	EXPECT(server_queue && client_queue, "error %u", GetLastError());
	id = rio.RIORegisterBuffer(memory, sizeof(memory));
	out = (RIO_BUF){id, 0, 6};
	in = (RIO_BUF){id, 64, 64};
	accepting.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	connecting.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	name = name_of(listener);
	for (ULONG round = 1; round <= 3; round++) {
		RIORESULT results[2];

		memset(memory + 64, 0, 64);
		/* Posted before there is a connection. */
		EXPECT_TRUE(rio.RIOReceive(server_queue, &in, 1, 0, (PVOID)1));
		EXPECT_FAILS(
			WSA_IO_PENDING, FALSE,
			AcceptEx(listener, server, addresses, 0, room, room, &bytes, &accepting));
		EXPECT(connect_ex(client, (struct sockaddr *)&name, name_length(&name), NULL, 0,
				  &bytes, &connecting) ||
			       WSAGetLastError() == WSA_IO_PENDING,
		       "error %d", WSAGetLastError());
		EXPECT(wait_for(&connecting) == 0, "error %u", GetLastError());
		EXPECT(wait_for(&accepting) == 0, "error %u", GetLastError());
		EXPECT(setsockopt(client, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) == 0,
		       "error %d", WSAGetLastError());
		EXPECT(setsockopt(server, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&listener,
				  sizeof(listener)) == 0,
		       "error %d", WSAGetLastError());
		EXPECT(getpeername(server, (struct sockaddr *)&peer, &length) == 0, "error %d",
		       WSAGetLastError());
		EXPECT_TRUE(rio.RIOSend(client_queue, &out, 1, 0, (PVOID)2));
		take(cq, results, 2);
		for (int i = 0; i < 2; i++)
			EXPECT(results[i].Status == 0 && results[i].BytesTransferred == 6,
			       "round %u: context %u, status %d", round,
			       (unsigned)results[i].RequestContext, results[i].Status);
		EXPECT(memcmp(memory + 64, "across", 6) == 0, "another content");
		EXPECT_TRUE(disconnect_ex(client, &connecting, TF_REUSE_SOCKET, 0));
		EXPECT(wait_for(&connecting) == 0, "error %u", GetLastError());
		EXPECT_TRUE(disconnect_ex(server, NULL, TF_REUSE_SOCKET, 0));
		bound(client, AF_INET);
	}
	EXPECT_FAILS(WSAENOTCONN, FALSE, disconnect_ex(server, NULL, 0, 0));
	closesocket(server);
	closesocket(client);
	closesocket(listener);
	rio.RIODeregisterBuffer(id);
}
END_TEST

static int number_option(SOCKET s, int level, int name)
{
	int value = -1, size = sizeof(value);

	EXPECT(getsockopt(s, level, name, (char *)&value, &size) == 0, "error %d",
	       WSAGetLastError());
	return value;
}

START_TEST(accept_ex_keeps_options_and_reports_both_addresses)
{
	const struct {
		int level, name, value;
	} options[] = {{IPPROTO_TCP, TCP_NODELAY, 1},
		       {SOL_SOCKET, SO_KEEPALIVE, 1},
		       {SOL_SOCKET, SO_RCVBUF, 50000},
		       {SOL_SOCKET, SO_SNDBUF, 60000}};
	char addresses[2 * (sizeof(SOCKADDR_IN) + 16)];
	const DWORD room = sizeof(SOCKADDR_IN) + 16;
	OVERLAPPED accepting = {.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL)};
	SOCKADDR_IN *local, *remote;
	SOCKET listener, server, client;
	SOCKADDR_INET name, client_name;
	int set[ARRAYSIZE(options)], local_length, remote_length;
	DWORD bytes;

	rig_start();
	listener = listening();
	name = name_of(listener);
	server = flagged_socket(AF_INET, SOCK_STREAM);
	for (size_t i = 0; i < ARRAYSIZE(options); i++) {
		EXPECT(setsockopt(server, options[i].level, options[i].name,
				  (const char *)&options[i].value, sizeof(int)) == 0,
		       "error %d", WSAGetLastError());
		set[i] = number_option(server, options[i].level, options[i].name);
	}
	EXPECT_FAILS(WSA_IO_PENDING, FALSE,
		     AcceptEx(listener, server, addresses, 0, room, room, &bytes, &accepting));
	client = connected_to(listener);
	client_name = name_of(client);
	EXPECT(wait_for(&accepting) == 0, "error %u", GetLastError());
	for (size_t i = 0; i < ARRAYSIZE(options); i++)
		EXPECT(number_option(server, options[i].level, options[i].name) == set[i],
		       "option %zu: %d, not %d", i,
		       number_option(server, options[i].level, options[i].name), set[i]);
	GetAcceptExSockaddrs(addresses, 0, room, room, (struct sockaddr **)&local, &local_length,
			     (struct sockaddr **)&remote, &remote_length);
	EXPECT(local_length == sizeof(*local) && remote_length == sizeof(*remote),
	       "%d and %d bytes", local_length, remote_length);
	EXPECT(local->sin_family == AF_INET && local->sin_port == name.Ipv4.sin_port,
	       "local port %u", ntohs(local->sin_port));
	EXPECT(remote->sin_family == AF_INET && remote->sin_port == client_name.Ipv4.sin_port,
	       "remote port %u", ntohs(remote->sin_port));
	closesocket(client);
	closesocket(server);
	closesocket(listener);
	CloseHandle(accepting.hEvent);
}
END_TEST

START_TEST(accept_ex_refuses_what_it_does_not_do_and_ends_with_its_listener)
{
	char addresses[256];
	const DWORD room = sizeof(SOCKADDR_IN) + 16;
	OVERLAPPED overlapped = {0};
	SOCKET listener, server;
	DWORD bytes;

	rig_start();
	listener = listening();
	server = flagged_socket(AF_INET, SOCK_STREAM);
	overlapped.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL);
	EXPECT_FAILS(WSAEOPNOTSUPP, FALSE,
		     AcceptEx(listener, server, addresses, 10, room, room, &bytes, &overlapped));
	EXPECT_FAILS(WSAEFAULT, FALSE,
		     AcceptEx(listener, server, addresses, 0, 8, room, &bytes, &overlapped));
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     AcceptEx(server, server, addresses, 0, room, room, &bytes, &overlapped));
	EXPECT_FAILS(WSA_IO_PENDING, FALSE,
		     AcceptEx(listener, server, addresses, 0, room, room, &bytes, &overlapped));
	closesocket(listener);
	EXPECT(wait_for(&overlapped) == ERROR_OPERATION_ABORTED, "error %u", GetLastError());
	closesocket(server);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(startup_comes_first),
		CASE(accepted_socket_is_flagged_as_its_listener_is),
		CASE(closing_wakes_a_thread_that_is_blocked_on_the_socket),
		CASE(select_and_poll_report_what_is_ready),
		CASE(nonblocking_sockets_would_block),
		CASE(ioctls_by_both_values),
		CASE(options_by_their_windows_names),
		CASE(ioctls_that_programs_use),
		CASE(connection_resets_are_reported_where_asked_for),
		CASE(names_and_addresses),
		CASE(addresses_as_text_have_port_and_scope),
		CASE(overlapped_receive_and_send_report_to_port_and_event),
		CASE(overlapped_send_above_the_socket_buffer_completes_whole),
		CASE(cancelling_one_overlapped_operation_leaves_the_others),
		CASE(new_socket_knows_nothing_of_the_one_that_had_its_number),
		CASE(wsa_connect_carries_no_data_and_cancel_io_ends_all_that_waits),
		CASE(overlapped_send_goes_to_the_address_it_was_given),
		CASE(queue_made_before_accept_ex_and_connect_ex_follows_its_socket),
		CASE(accept_ex_keeps_options_and_reports_both_addresses),
		CASE(accept_ex_refuses_what_it_does_not_do_and_ends_with_its_listener),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
