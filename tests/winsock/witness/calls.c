/* SPDX-License-Identifier: MIT */
/*
 * calls.c - prints what calls of Winsock do, for a comparison of two implementations
 *
 * Each line is an observation: its name, and the result with the error. The same source is compiled
 * for Windows and against the Windows interface of regio, see ../witness.py.
 */
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
/* MinGW's other headers need these first. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <mstcpip.h>
#include <mswsock.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

#ifndef SIO_UDP_CONNRESET
#define SIO_UDP_CONNRESET 0x9800000Cu
#endif

#define WAIT_MS 2000
/* Not every implementation reports it, so this time may pass. */
#define GONE_MS 300

/* A call that returns an int, SOCKET_ERROR if it fails. */
#define CALL(name, call)                                                                           \
	do {                                                                                       \
		int result_;                                                                       \
		WSASetLastError(0);                                                                \
		result_ = (int)(call);                                                             \
		print(name, result_, result_ == SOCKET_ERROR ? WSAGetLastError() : 0);             \
	} while (0)
/* A call that returns a BOOL. */
#define TRUTH(name, call)                                                                          \
	do {                                                                                       \
		int result_;                                                                       \
		SetLastError(0);                                                                   \
		result_ = (call) ? 1 : 0;                                                          \
		print(name, result_, result_ ? 0 : (int)GetLastError());                           \
	} while (0)

static void print(const char *name, int result, int error)
{
	printf("%s: %d, error %d\n", name, result, error);
	fflush(stdout);
}

/* ---- Sockets ---- */

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in name;

	memset(&name, 0, sizeof(name));
	name.sin_family = AF_INET;
	name.sin_port = htons((u_short)port);
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return name;
}

static SOCKET bound(int type, struct sockaddr_in *ret_name)
{
	SOCKET s = socket(AF_INET, type, 0);
	int length = sizeof(*ret_name);

	*ret_name = loopback(0);
	(void)bind(s, (struct sockaddr *)ret_name, sizeof(*ret_name));
	getsockname(s, (struct sockaddr *)ret_name, &length);
	return s;
}

static SOCKET listening(struct sockaddr_in *ret_name)
{
	SOCKET s = bound(SOCK_STREAM, ret_name);

	listen(s, 5);
	return s;
}

static void pair(SOCKET *ret_client, SOCKET *ret_server)
{
	struct sockaddr_in name;
	SOCKET listener = listening(&name);

	*ret_client = socket(AF_INET, SOCK_STREAM, 0);
	(void)connect(*ret_client, (struct sockaddr *)&name, sizeof(name));
	*ret_server = accept(listener, NULL, NULL);
	closesocket(listener);
}

static void reset_by(SOCKET s)
{
	LINGER abort = {1, 0};

	setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&abort, sizeof(abort));
	closesocket(s);
}

static void set_nonblocking(SOCKET s)
{
	u_long on = 1;

	ioctlsocket(s, FIONBIO, &on);
}

/* Waits for what may come, in a way that changes nothing. */
static void wait_for(SOCKET s, int ms)
{
	struct timeval time = {ms / 1000, ms % 1000 * 1000};
	fd_set set;

	FD_ZERO(&set);
	FD_SET(s, &set);
	select(0, &set, NULL, NULL, &time);
}

static void wait_readable(SOCKET s)
{
	wait_for(s, WAIT_MS);
}

/* ---- Observations ---- */

static void observe_startup(void)
{
	static const WORD versions[] = {0x0009, 0x0001, 0x0101, 0x0701, 0x0002, 0x0202, 0xFF02, 3};
	WSADATA data;
	char name[64];

	CALL("before startup: closesocket", closesocket(4));
	CALL("before startup: send", send(4, "x", 1, 0));
	CALL("before startup: WSACleanup", WSACleanup());
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		int error = WSAStartup(versions[i], &data);

		snprintf(name, sizeof(name), "startup: version %04x", versions[i]);
		print(name, error ? -1 : data.wVersion, error);
		snprintf(name, sizeof(name), "startup: highest for %04x", versions[i]);
		print(name, error ? -1 : data.wHighVersion, error);
	}
}

static void observe_kinds(void)
{
	static const int kinds[][3] = {{AF_INET, 0, 0},
				       {AF_INET, 0, IPPROTO_UDP},
				       {AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP},
				       {AF_UNSPEC, 0, 0},
				       {AF_INET, 99, 0},
				       {77, SOCK_STREAM, 0},
				       {AF_INET, SOCK_STREAM, IPPROTO_UDP}};
	char name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		SOCKET s;

		WSASetLastError(0);
		s = socket(kinds[i][0], kinds[i][1], kinds[i][2]);
		snprintf(name, sizeof(name), "socket: family %d, type %d, protocol %d", kinds[i][0],
			 kinds[i][1], kinds[i][2]);
		print(name, s != INVALID_SOCKET, s == INVALID_SOCKET ? WSAGetLastError() : 0);
		if (s != INVALID_SOCKET)
			closesocket(s);
	}
}

static void observe_connect(void)
{
	struct sockaddr_in name, nobody, zero;
	SOCKET listener = listening(&name), s, closed;

	closed = listening(&nobody);
	closesocket(closed);
	memset(&zero, 0, sizeof(zero));
	CALL("connect: a listener", connect(listener, (struct sockaddr *)&name, sizeof(name)));
	s = socket(AF_INET, SOCK_STREAM, 0);
	CALL("connect: family 0", connect(s, (struct sockaddr *)&zero, sizeof(zero)));
	zero.sin_family = AF_INET;
	CALL("connect: address 0", connect(s, (struct sockaddr *)&zero, sizeof(zero)));
	CALL("connect: short", connect(s, (struct sockaddr *)&name, 8));
	CALL("connect: refused", connect(s, (struct sockaddr *)&nobody, sizeof(nobody)));
	CALL("connect: after a refusal", connect(s, (struct sockaddr *)&name, sizeof(name)));
	CALL("connect: again", connect(s, (struct sockaddr *)&name, sizeof(name)));
	closesocket(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	CALL("connect: UDP", connect(s, (struct sockaddr *)&name, sizeof(name)));
	CALL("connect: UDP, address 0", connect(s, (struct sockaddr *)&zero, sizeof(zero)));
	CALL("connect: UDP, then send", send(s, "x", 1, 0));
	closesocket(s);
	closesocket(listener);
}

static void observe_datagrams(void)
{
	struct sockaddr_in name, peer_name;
	BOOL off = FALSE;
	DWORD bytes;
	char data[8];

	for (int round = 0; round < 2; round++) {
		const char *how = round ? "off" : "on";
		SOCKET s = bound(SOCK_DGRAM, &name), peer = bound(SOCK_DGRAM, &peer_name);
		char text[64];

		closesocket(peer);
		if (round)
			WSAIoctl(s, SIO_UDP_CONNRESET, &off, sizeof(off), NULL, 0, &bytes, NULL,
				 NULL);
		(void)connect(s, (struct sockaddr *)&peer_name, sizeof(peer_name));
		set_nonblocking(s);
		snprintf(text, sizeof(text), "peer gone, report %s: send", how);
		CALL(text, send(s, "x", 1, 0));
		wait_for(s, GONE_MS);
		snprintf(text, sizeof(text), "peer gone, report %s: recv", how);
		CALL(text, recv(s, data, sizeof(data), 0));
		send(s, "x", 1, 0);
		wait_for(s, GONE_MS);
		snprintf(text, sizeof(text), "peer gone, report %s: later send", how);
		CALL(text, send(s, "y", 1, 0));
		closesocket(s);
	}
}

static void observe_ends(void)
{
	SOCKET client, server;
	char byte;

	pair(&client, &server);
	CALL("shutdown: receiving", shutdown(client, SD_RECEIVE));
	CALL("shutdown: recv", recv(client, &byte, 1, 0));
	CALL("shutdown: sending", shutdown(client, SD_SEND));
	CALL("shutdown: send", send(client, "x", 1, 0));
	CALL("shutdown: wrong", shutdown(client, 7));
	wait_readable(server);
	CALL("shutdown: recv of the other", recv(server, &byte, 1, 0));
	closesocket(client);
	closesocket(server);
	pair(&client, &server);
	reset_by(server);
	wait_readable(client);
	CALL("reset: recv", recv(client, &byte, 1, 0));
	CALL("reset: recv again", recv(client, &byte, 1, 0));
	CALL("reset: send", send(client, "x", 1, 0));
	closesocket(client);
}

/* The events by name, as their values differ. */
static void print_polled(const char *name, SOCKET s, short events)
{
	static const struct {
		short event;
		const char *name;
	} names[] = {{POLLRDNORM, "RDNORM"}, {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"},
		     {POLLERR, "ERR"},	     {POLLHUP, "HUP"},	     {POLLNVAL, "NVAL"}};
	WSAPOLLFD descriptor;
	int result;

	memset(&descriptor, 0, sizeof(descriptor));
	descriptor.fd = s;
	descriptor.events = events;
	WSASetLastError(0);
	result = WSAPoll(&descriptor, 1, 0);
	printf("poll: %s: %d, error %d,", name, result, result < 0 ? WSAGetLastError() : 0);
	for (size_t i = 0; result > 0 && i < sizeof(names) / sizeof(names[0]); i++)
		if (descriptor.revents & names[i].event)
			printf(" %s", names[i].name);
	printf("\n");
}

static void print_selected(const char *name, SOCKET s)
{
	struct timeval at_once = {0, 0};
	fd_set sets[3];
	int result;

	for (int i = 0; i < 3; i++) {
		FD_ZERO(&sets[i]);
		FD_SET(s, &sets[i]);
	}
	result = select(0, &sets[0], &sets[1], &sets[2], &at_once);
	printf("select: %s: %d,%s%s%s\n", name, result, FD_ISSET(s, &sets[0]) ? " read" : "",
	       FD_ISSET(s, &sets[1]) ? " write" : "", FD_ISSET(s, &sets[2]) ? " except" : "");
}

static void observe_readiness(void)
{
	struct sockaddr_in name;
	SOCKET s = socket(AF_INET, SOCK_STREAM, 0), client, server;
	WSAPOLLFD descriptor;
	char byte;

	print_polled("never connected", s, POLLIN | POLLOUT);
	print_selected("never connected", s);
	print_polled("POLLPRI", s, POLLPRI);
	print_polled("POLLWRBAND", s, POLLWRBAND);
	print_polled("POLLERR", s, POLLERR);
	print_polled("no socket", (SOCKET)-1, POLLIN);
	closesocket(s);
	s = bound(SOCK_DGRAM, &name);
	print_polled("UDP", s, POLLIN | POLLOUT);
	print_selected("UDP", s);
	sendto(s, "x", 1, 0, (struct sockaddr *)&name, sizeof(name));
	wait_readable(s);
	print_polled("UDP with data", s, POLLIN | POLLOUT);
	closesocket(s);
	s = listening(&name);
	print_polled("listener", s, POLLIN | POLLOUT);
	print_selected("listener", s);
	closesocket(s);
	pair(&client, &server);
	print_polled("connected", client, POLLIN | POLLOUT);
	print_selected("connected", client);
	send(server, "x", 1, MSG_OOB);
	descriptor.fd = client;
	descriptor.events = POLLRDBAND;
	WSAPoll(&descriptor, 1, WAIT_MS);
	print_polled("urgent data", client, POLLIN | POLLOUT);
	print_selected("urgent data", client);
	recv(client, &byte, 1, MSG_OOB);
	shutdown(server, SD_SEND);
	wait_readable(client);
	print_polled("end", client, POLLIN | POLLOUT);
	print_selected("end", client);
	closesocket(client);
	closesocket(server);
	pair(&client, &server);
	reset_by(server);
	wait_readable(client);
	print_polled("reset", client, POLLIN | POLLOUT);
	print_selected("reset", client);
	closesocket(client);
}

static void print_option(const char *name, SOCKET s, int level, int option)
{
	int value = 0, length = sizeof(value), result;

	WSASetLastError(0);
	result = getsockopt(s, level, option, (char *)&value, &length);
	print(name, result ? -1 : value, result ? WSAGetLastError() : 0);
}

static void observe_options(void)
{
	SOCKET s = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);
	int value = 5000, length = 2;

	print_option("option: SO_DONTLINGER", tcp, SOL_SOCKET, SO_DONTLINGER);
	print_option("option: IP_DONTFRAGMENT", s, IPPROTO_IP, IP_DONTFRAGMENT);
	print_option("option: SO_TYPE", s, SOL_SOCKET, SO_TYPE);
	print_option("option: SO_ERROR", s, SOL_SOCKET, SO_ERROR);
	print_option("option: SO_EXCLUSIVEADDRUSE", s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE);
	print_option("option: SO_ACCEPTCONN", tcp, SOL_SOCKET, SO_ACCEPTCONN);
	print_option("option: unknown", s, SOL_SOCKET, 0x7777);
	CALL("option: SO_RCVBUF of 2 bytes",
	     setsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, 2));
	CALL("option: SO_RCVBUF to 2 bytes",
	     getsockopt(s, SOL_SOCKET, SO_RCVBUF, (char *)&value, &length));
	CALL("option: SO_LINGER of 3 bytes",
	     setsockopt(tcp, SOL_SOCKET, SO_LINGER, (char *)&value, 3));
	CALL("option: SO_KEEPALIVE of 1 byte",
	     setsockopt(tcp, SOL_SOCKET, SO_KEEPALIVE, (char *)&value, 1));
	CALL("option: no value", setsockopt(s, SOL_SOCKET, SO_RCVBUF, NULL, 4));
	closesocket(s);
	closesocket(tcp);
}

static void observe_names(void)
{
	struct addrinfo hints, *list = NULL;
	int count = 0, error;

	error = getaddrinfo("127.0.0.1", "80", NULL, &list);
	for (const struct addrinfo *entry = list; !error && entry; entry = entry->ai_next)
		count++;
	print("look-up: entries without a type", count, error);
	print("look-up: their type", error || !list ? -1 : list->ai_socktype, error);
	if (!error)
		freeaddrinfo(list);
	memset(&hints, 0, sizeof(hints));
	hints.ai_family = AF_INET6;
	hints.ai_flags = AI_NUMERICHOST;
	print("look-up: another family", 0, getaddrinfo("127.0.0.1", NULL, &hints, &list));
	print("look-up: no number", 0, getaddrinfo("not.a.number", NULL, &hints, &list));
	hints.ai_family = AF_INET;
	print("look-up: no such service", 0, getaddrinfo("127.0.0.1", "nosuch", &hints, &list));
	print("look-up: no name", 0, getaddrinfo(NULL, NULL, &hints, &list));
}

static void observe_handles(void)
{
	HANDLE event = CreateEventA(NULL, TRUE, FALSE, NULL), other = NULL;
	DWORD code = 1;

	print("handle: wait for this thread", (int)WaitForSingleObject(GetCurrentThread(), 0), 0);
	print("handle: wait for this process", (int)WaitForSingleObject(GetCurrentProcess(), 0), 0);
	TRUTH("handle: exit code of this thread", GetExitCodeThread(GetCurrentThread(), &code));
	print("handle: that code", (int)code, 0);
	TRUTH("handle: duplicate", DuplicateHandle(GetCurrentProcess(), event, GetCurrentProcess(),
						   &other, 0, FALSE, DUPLICATE_SAME_ACCESS));
	TRUTH("handle: close", CloseHandle(event));
	TRUTH("handle: close again", CloseHandle(event));
	SetEvent(other);
	print("handle: wait for the duplicate", (int)WaitForSingleObject(other, 0), 0);
	TRUTH("handle: set what is none", SetEvent(NULL));
	CloseHandle(other);
}

static void observe_overlapped(void)
{
	HANDLE port = CreateIoCompletionPort(INVALID_HANDLE_VALUE, NULL, 0, 0);
	struct sockaddr_in name, peer_name;
	SOCKET s = bound(SOCK_DGRAM, &name), peer = bound(SOCK_DGRAM, &peer_name);
	OVERLAPPED overlapped, *done = NULL;
	DWORD bytes = 0, flags = 0;
	ULONG_PTR key = 0;
	char data[8];
	WSABUF buffer = {sizeof(data), data};

	CreateIoCompletionPort((HANDLE)s, port, 5, 0);
	closesocket(peer);
	(void)connect(s, (struct sockaddr *)&peer_name, sizeof(peer_name));
	memset(&overlapped, 0, sizeof(overlapped));
	CALL("overlapped: receive", WSARecv(s, &buffer, 1, NULL, &flags, &overlapped, NULL));
	send(s, "x", 1, 0);
	TRUTH("overlapped: peer gone",
	      GetQueuedCompletionStatus(port, &bytes, &key, &done, WAIT_MS));
	TRUTH("overlapped: its result",
	      WSAGetOverlappedResult(s, &overlapped, &bytes, FALSE, &flags));
	memset(&overlapped, 0, sizeof(overlapped));
	CALL("overlapped: another receive",
	     WSARecv(s, &buffer, 1, NULL, &flags, &overlapped, NULL));
	TRUTH("overlapped: cancel", CancelIoEx((HANDLE)s, &overlapped));
	TRUTH("overlapped: cancelled",
	      GetQueuedCompletionStatus(port, &bytes, &key, &done, WAIT_MS));
	TRUTH("overlapped: nothing to cancel", CancelIoEx((HANDLE)s, &overlapped));
	TRUTH("overlapped: nothing comes", GetQueuedCompletionStatus(port, &bytes, &key, &done, 0));
	closesocket(s);
	CloseHandle(port);
}

int main(void)
{
	observe_startup();
	observe_kinds();
	observe_connect();
	observe_datagrams();
	observe_ends();
	observe_readiness();
	observe_options();
	observe_names();
	observe_handles();
	observe_overlapped();
	return 0;
}
