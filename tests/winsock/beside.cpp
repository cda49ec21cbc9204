/* SPDX-License-Identifier: MIT */
/*
 * beside.cpp - the Windows headers beside the standard ones, and those of POSIX, in every order
 *
 * WINDOWS_FIRST and POSIX_FIRST choose the order; only compiled, never run.
 */
/* clang-format off */
#if defined(POSIX_FIRST)
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif
#if defined(WINDOWS_FIRST)
#include <winsock2.h>
#include <ws2tcpip.h>
#include <mswsock.h>
#include <windows.h>
#endif
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
#if __cplusplus >= 201703L
#include <filesystem>
#include <shared_mutex>
#endif
#if __cplusplus >= 202002L
#include <barrier>
#include <ranges>
#include <span>
#include <stop_token>
#endif
#if !defined(WINDOWS_FIRST)
#include <WinSock2.h>
#include <WS2tcpip.h>
#include <MSWSock.h>
#include <Windows.h>
#endif
#include <process.h>
#include <tchar.h>
#if defined(POSIX_LAST)
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

/* A program's own names must stay what they are in every translation unit. */
struct channel {
	int bind(int);
	int connect();
	void send(const char *);
	void listen();
	void accept();
	void recv();
	void select();
};

static int sum(int a, int b)
{
	return a + b;
}

static unsigned __stdcall run(void *)
{
	return 0;
}

static int sockets()
{
	SOCKET s = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
	SOCKADDR_IN name = {};
	int length = sizeof(name);
	char buffer[64];

	name.sin_family = AF_INET;
	name.sin_addr.S_un.S_addr = htonl(INADDR_LOOPBACK);
	name.sin_addr.s_addr = INADDR_ANY;
	if (bind(s, (SOCKADDR *)&name, sizeof(name)) == SOCKET_ERROR ||
	    connect(s, reinterpret_cast<sockaddr *>(&name), length) != 0)
		return WSAGetLastError();
	recvfrom(s, buffer, sizeof(buffer), 0, (sockaddr *)&name, &length);
	sendto(s, buffer, 1, 0, (sockaddr *)&name, sizeof(name));
	send(s, buffer, 1, 0);
	recv(s, buffer, sizeof(buffer), MSG_PEEK);
	getsockname(s, (sockaddr *)&name, &length);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (const char *)&length, sizeof(length));
	getsockopt(s, SOL_SOCKET, SO_ERROR, buffer, &length);
	listen(s, SOMAXCONN);
	closesocket(accept(s, NULL, NULL));
	shutdown(s, SD_BOTH);
	u_long one = 1;
	unsigned long other = 1;
	socklen_t size = sizeof(name);
	getpeername(s, (sockaddr *)&name, &size);
	return ioctlsocket(s, FIONBIO, &one) + ioctlsocket(s, FIONBIO, &other);
}

static void names()
{
	addrinfo hints = {}, *list = nullptr;
	in6_addr address = in6addr_any;
	in_addr v4;
	char text[64];

	getaddrinfo("localhost", "1", &hints, &list);
	freeaddrinfo(list);
	inet_pton(AF_INET6, "::1", &address);
	inet_ntop(AF_INET6, &address, text, sizeof(text));
	address.u.Byte[0] = address.s6_addr[1];
	InetPtonA(AF_INET, "127.0.0.1", &v4);
	printf_s("%s %d", inet_ntoa(v4), IN6_IS_ADDR_LOOPBACK(&address));
	gethostname(text, sizeof(text));
}

static void readiness(SOCKET s)
{
	timeval at_once = {0, 0};
	WSAPOLLFD descriptor = {s, POLLIN, 0};
	fd_set readable;

	FD_ZERO(&readable);
	FD_SET(s, &readable);
	select(0, &readable, NULL, NULL, &at_once);
	WSAPoll(&descriptor, 1, 0);
}

static void win32()
{
	volatile long plain = 0;
	LONG value = 0;
	LARGE_INTEGER count;
	OVERLAPPED overlapped = {};
	HANDLE event = CreateEvent(NULL, TRUE, FALSE, NULL);
	char text[32];

	InterlockedIncrement(&plain);
	InterlockedCompareExchange(&value, 1, 0);
	QueryPerformanceCounter(&count);
	overlapped.hEvent = event;
	WaitForSingleObject(overlapped.hEvent, 0);
	_beginthreadex(NULL, 0, run, NULL, 0, NULL);
	sprintf_s(text, "%d", (int)max(value, 1));
	strcpy_s(text, "x");
	std::cout << std::max<SIZE_T>(sizeof(text), ULONG_PTR(1)) << (std::min)(1, 2);
}

int main()
{
	auto bound = std::bind(sum, std::placeholders::_1, 2);
	WSADATA data;

	WSAStartup(MAKEWORD(2, 2), &data);
	names();
	readiness(0);
	win32();
	return bound(1) + sockets();
}
