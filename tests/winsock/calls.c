/* SPDX-License-Identifier: MIT */
/*
 * calls.c - calls whose errors and states Microsoft's pages describe, and the kernel's differ
 */
#include "rig.h"

static SOCKADDR *address_of(SOCKADDR_INET *name)
{
	return (SOCKADDR *)name;
}

static SOCKET listening(void)
{
	SOCKET s = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);

	EXPECT(listen(s, 5) == 0, "error %d", WSAGetLastError());
	return s;
}

static int number_option(SOCKET s, int level, int name)
{
	int value = -1, size = sizeof(value);

	EXPECT(getsockopt(s, level, name, (char *)&value, &size) == 0, "error %d",
	       WSAGetLastError());
	return value;
}

/* ---- Life ---- */

START_TEST(nothing_works_before_startup_and_after_cleanup)
{
	struct timeval at_once = {0, 0};
	SOCKADDR_INET name = {.si_family = AF_INET};
	WSAPOLLFD descriptor = {.fd = 3, .events = POLLIN};
	char text[8];
	fd_set set;
	SOCKET s = 3;

	FD_ZERO(&set);
	FD_SET(s, &set);
	for (int i = 0; i < 2; i++) {
		EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR, closesocket(s));
		EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR, send(s, "x", 1, 0));
		EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR,
			     bind(s, address_of(&name), sizeof(name)));
		EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR,
			     select(0, &set, NULL, NULL, &at_once));
		EXPECT_FAILS(WSANOTINITIALISED, SOCKET_ERROR, WSAPoll(&descriptor, 1, 0));
		EXPECT(getnameinfo(address_of(&name), sizeof(name.Ipv4), text, sizeof(text), NULL,
				   0, NI_NUMERICHOST) == WSANOTINITIALISED,
		       "a name");
		rig_start();
		s = socket(AF_INET, SOCK_STREAM, 0);
		EXPECT(WSACleanup() == 0, "error %d", WSAGetLastError());
	}
}
END_TEST

START_TEST(startup_gives_the_highest_version_that_was_asked_for)
{
	static const struct {
		WORD asked, given;
	} versions[] = {{MAKEWORD(1, 0), MAKEWORD(1, 0)},   {MAKEWORD(1, 1), MAKEWORD(1, 1)},
			{MAKEWORD(1, 7), MAKEWORD(1, 1)},   {MAKEWORD(2, 0), MAKEWORD(2, 0)},
			{MAKEWORD(2, 1), MAKEWORD(2, 1)},   {MAKEWORD(2, 2), MAKEWORD(2, 2)},
			{MAKEWORD(2, 255), MAKEWORD(2, 2)}, {MAKEWORD(3, 0), MAKEWORD(2, 2)}};
	WSADATA data;

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		EXPECT(WSAStartup(versions[i].asked, &data) == 0, "version %x", versions[i].asked);
		EXPECT(data.wVersion == versions[i].given && data.wHighVersion == MAKEWORD(2, 2),
		       "%x for %x", data.wVersion, versions[i].asked);
		EXPECT((data.iMaxSockets != 0) == (LOBYTE(versions[i].asked) == 1), "%u sockets",
		       data.iMaxSockets);
	}
}
END_TEST

START_TEST(kind_of_a_socket_follows_from_what_is_given)
{
	static const struct {
		int family, type, protocol, made;
	} kinds[] = {{AF_INET, 0, 0, SOCK_STREAM},
		     {AF_INET6, 0, 0, SOCK_STREAM},
		     {AF_INET, 0, IPPROTO_UDP, SOCK_DGRAM},
		     {AF_INET, 0, IPPROTO_TCP, SOCK_STREAM},
		     {AF_UNSPEC, 0, IPPROTO_UDP, SOCK_DGRAM},
		     {AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, SOCK_STREAM},
		     {AF_UNSPEC, SOCK_DGRAM, 0, SOCK_DGRAM}};
	SOCKET s;

	rig_start();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		s = socket(kinds[i].family, kinds[i].type, kinds[i].protocol);
		EXPECT(s != INVALID_SOCKET, "kind %zu: error %d", i, WSAGetLastError());
		EXPECT(number_option(s, SOL_SOCKET, SO_TYPE) == kinds[i].made, "kind %zu", i);
		closesocket(s);
	}
	EXPECT_FAILS(WSAEINVAL, INVALID_SOCKET, socket(AF_UNSPEC, 0, 0));
}
END_TEST

/* ---- Connecting and shutting down ---- */

START_TEST(connecting_to_no_address)
{
	SOCKADDR_INET name = {.si_family = AF_UNSPEC};
	SOCKET client, server;

	rig_start();
	tcp_pair(&client, &server);
	EXPECT_FAILS(WSAEAFNOSUPPORT, SOCKET_ERROR,
		     connect(client, address_of(&name), sizeof(name.Ipv4)));
	/* It is still connected. */
	EXPECT(send(client, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	closesocket(client);
	client = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FAILS(WSAEAFNOSUPPORT, SOCKET_ERROR,
		     connect(client, address_of(&name), sizeof(name.Ipv4)));
	name.Ipv4.sin_family = AF_INET;
	name.Ipv4.sin_port = htons(80);
	EXPECT_FAILS(WSAEADDRNOTAVAIL, SOCKET_ERROR,
		     connect(client, address_of(&name), sizeof(name.Ipv4)));
	closesocket(client);
	closesocket(server);
}
END_TEST

START_TEST(zero_address_disconnects_a_datagram_socket)
{
	static const ADDRESS_FAMILY zeros[] = {AF_INET, AF_UNSPEC};
	SOCKET s, peer, stranger;
	SOCKADDR_INET to, name;
	char byte;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	peer = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	stranger = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	for (int i = 0; i < 2; i++) {
		to = name_of(peer);
		EXPECT(connect(s, address_of(&to), name_length(&to)) == 0, "error %d",
		       WSAGetLastError());
		EXPECT(send(s, "x", 1, 0) == 1, "error %d", WSAGetLastError());
		memset(&name, 0, sizeof(name));
		name.si_family = zeros[i];
		EXPECT(connect(s, address_of(&name), sizeof(name.Ipv4)) == 0, "error %d",
		       WSAGetLastError());
		EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR, send(s, "x", 1, 0));
		EXPECT(sendto(s, "x", 1, 0, address_of(&to), name_length(&to)) == 1, "error %d",
		       WSAGetLastError());
		to = name_of(s);
		EXPECT(sendto(stranger, "x", 1, 0, address_of(&to), name_length(&to)) == 1,
		       "error %d", WSAGetLastError());
		EXPECT(recvfrom(s, &byte, 1, 0, NULL, NULL) == 1, "error %d", WSAGetLastError());
	}
	/* Also that of another peer. */
	to = name_of(peer);
	EXPECT(connect(s, address_of(&to), name_length(&to)) == 0, "error %d", WSAGetLastError());
	to = name_of(stranger);
	EXPECT(connect(s, address_of(&to), name_length(&to)) == 0, "error %d", WSAGetLastError());
	closesocket(s);
	closesocket(peer);
	closesocket(stranger);
}
END_TEST

START_TEST(connecting_again)
{
	struct timeval later = {PATIENCE_MS / 1000, 0};
	SOCKET listener, s;
	SOCKADDR_INET name;
	fd_set writable;
	u_long on = 1;

	rig_start();
	listener = listening();
	name = name_of(listener);
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
		     connect(listener, address_of(&name), name_length(&name)));
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(ioctlsocket(s, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	EXPECT(connect(s, address_of(&name), name_length(&name)) == 0 ||
		       WSAGetLastError() == WSAEWOULDBLOCK,
	       "error %d", WSAGetLastError());
	FD_ZERO(&writable);
	FD_SET(s, &writable);
	EXPECT(select(0, NULL, &writable, NULL, &later) == 1, "error %d", WSAGetLastError());
	for (int i = 0; i < 2; i++)
		EXPECT_FAILS(WSAEISCONN, SOCKET_ERROR,
			     connect(s, address_of(&name), name_length(&name)));
	closesocket(s);
	closesocket(listener);
}
END_TEST

START_TEST(connecting_again_after_a_refusal)
{
	struct timeval later = {PATIENCE_MS / 1000, 0};
	SOCKET listener, s;
	SOCKADDR_INET nobody, name;
	fd_set writable, exceptional;
	u_long on = 1;

	rig_start();
	listener = listening();
	nobody = name_of(listener);
	closesocket(listener);
	listener = listening();
	name = name_of(listener);
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(ioctlsocket(s, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	for (int i = 0; i < 3; i++) {
		EXPECT(connect(s, address_of(&nobody), name_length(&nobody)) == SOCKET_ERROR,
		       "connected");
		EXPECT(WSAGetLastError() == WSAEWOULDBLOCK || WSAGetLastError() == WSAECONNREFUSED,
		       "error %d", WSAGetLastError());
		FD_ZERO(&exceptional);
		FD_SET(s, &exceptional);
		EXPECT(select(0, NULL, NULL, &exceptional, &later) == 1, "error %d",
		       WSAGetLastError());
	}
	EXPECT(connect(s, address_of(&name), name_length(&name)) == 0 ||
		       WSAGetLastError() == WSAEWOULDBLOCK,
	       "error %d", WSAGetLastError());
	FD_ZERO(&writable);
	FD_SET(s, &writable);
	EXPECT(select(0, NULL, &writable, NULL, &later) == 1, "error %d", WSAGetLastError());
	EXPECT(send(s, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	closesocket(s);
	closesocket(listener);
}
END_TEST

START_TEST(no_receive_after_shutting_that_side_down)
{
	OVERLAPPED overlapped = {0};
	DWORD flags = 0;
	SOCKET client, server;
	char byte;
	WSABUF buffer = {1, &byte};

	rig_start();
	tcp_pair(&client, &server);
	EXPECT(send(server, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	EXPECT(shutdown(client, SD_RECEIVE) == 0, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAESHUTDOWN, SOCKET_ERROR, recv(client, &byte, 1, 0));
	EXPECT_FAILS(WSAESHUTDOWN, SOCKET_ERROR,
		     WSARecv(client, &buffer, 1, NULL, &flags, &overlapped, NULL));
	EXPECT(send(client, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	EXPECT(recv(server, &byte, 1, 0) == 1, "error %d", WSAGetLastError());
	closesocket(client);
	closesocket(server);
	client = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	EXPECT(shutdown(client, SD_RECEIVE) == 0, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAESHUTDOWN, SOCKET_ERROR, recv(client, &byte, 1, 0));
	closesocket(client);
}
END_TEST

/* ---- Options ---- */

START_TEST(options_that_are_only_of_Windows_can_be_read)
{
	struct linger wait = {1, 3};
	BOOL on = TRUE;
	SOCKET s, tcp;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(number_option(tcp, SOL_SOCKET, SO_DONTLINGER) == 1, "it lingers");
	EXPECT(setsockopt(tcp, SOL_SOCKET, SO_LINGER, (char *)&wait, sizeof(wait)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(number_option(tcp, SOL_SOCKET, SO_DONTLINGER) == 0, "it does not linger");
	EXPECT(setsockopt(tcp, SOL_SOCKET, SO_DONTLINGER, (char *)&on, sizeof(on)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(number_option(tcp, SOL_SOCKET, SO_DONTLINGER) == 1, "it lingers");
	EXPECT(number_option(s, IPPROTO_IP, IP_DONTFRAGMENT) == 0, "it is set");
	EXPECT(setsockopt(s, IPPROTO_IP, IP_DONTFRAGMENT, (char *)&on, sizeof(on)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(number_option(s, IPPROTO_IP, IP_DONTFRAGMENT) == 1, "it is not set");
	closesocket(s);
	closesocket(tcp);
}
END_TEST

START_TEST(numbers_are_not_shorter_than_they_are)
{
	static const int names[] = {SO_RCVBUF, SO_SNDBUF, SO_RCVTIMEO, SO_SNDTIMEO};
	struct linger wait = {1, 3};
	int value = 5000, length;
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_STREAM, 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (length = 1; length < 4; length++) {
			int short_length = length;

			EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
				     setsockopt(s, SOL_SOCKET, names[i], (char *)&value, length));
			EXPECT_FAILS(
				WSAEFAULT, SOCKET_ERROR,
				getsockopt(s, SOL_SOCKET, names[i], (char *)&value, &short_length));
		}
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&wait, 3));
	EXPECT(setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&wait, sizeof(wait)) == 0, "error %d",
	       WSAGetLastError());
	memset(&wait, 0, sizeof(wait));
	length = sizeof(wait);
	EXPECT(getsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&wait, &length) == 0 && length == 4 &&
		       wait.l_onoff == 1 && wait.l_linger == 3,
	       "%d bytes, %u s", length, wait.l_linger);
	/* A BOOL may be. */
	EXPECT(setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, (char *)&value, 1) == 0, "error %d",
	       WSAGetLastError());
	closesocket(s);
}
END_TEST

/* ---- Look-ups and handles ---- */

START_TEST(look_up_without_a_type_gives_an_address_once)
{
	ADDRINFOA hints = {.ai_family = AF_INET6, .ai_flags = AI_NUMERICHOST}, *list = NULL;

	rig_start();
	EXPECT(getaddrinfo("127.0.0.1", "80", NULL, &list) == 0, "error %d", WSAGetLastError());
	EXPECT(!list->ai_next && list->ai_socktype == 0 && list->ai_protocol == 0, "type %d",
	       list->ai_socktype);
	freeaddrinfo(list);
	hints.ai_socktype = SOCK_DGRAM;
	EXPECT(getaddrinfo("::1", "80", &hints, &list) == 0, "error %d", WSAGetLastError());
	EXPECT(!list->ai_next && list->ai_socktype == SOCK_DGRAM, "type %d", list->ai_socktype);
	freeaddrinfo(list);
	/* An address of another family. */
	EXPECT(getaddrinfo("127.0.0.1", NULL, &hints, &list) == WSAHOST_NOT_FOUND, "error %d",
	       WSAGetLastError());
}
END_TEST

static DWORD WINAPI wait_for_itself(LPVOID argument)
{
	return WaitForSingleObject(GetCurrentThread(), 1);
}

START_TEST(waits_for_this_process_and_thread_end_with_their_time)
{
	HANDLE event = CreateEvent(NULL, FALSE, TRUE, NULL);
	HANDLE both[2] = {GetCurrentProcess(), event}, thread;
	DWORD code = 1;

	EXPECT(WaitForSingleObject(GetCurrentThread(), 0) == WAIT_TIMEOUT, "it has ended");
	EXPECT(WaitForSingleObject(GetCurrentProcess(), 0) == WAIT_TIMEOUT, "it has ended");
	EXPECT(WaitForMultipleObjects(2, both, FALSE, PATIENCE_MS) == WAIT_OBJECT_0 + 1,
	       "no event");
	EXPECT_TRUE(GetExitCodeThread(GetCurrentThread(), &code));
	EXPECT(code == STILL_ACTIVE, "%u", code);
	EXPECT_TRUE(CloseHandle(GetCurrentProcess()));
	thread = CreateThread(NULL, 0, wait_for_itself, NULL, 0, NULL);
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it goes on");
	EXPECT(GetExitCodeThread(thread, &code) && code == WAIT_TIMEOUT, "%u", code);
	CloseHandle(thread);
	CloseHandle(event);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(nothing_works_before_startup_and_after_cleanup),
		CASE(startup_gives_the_highest_version_that_was_asked_for),
		CASE(kind_of_a_socket_follows_from_what_is_given),
		CASE(connecting_to_no_address),
		CASE(zero_address_disconnects_a_datagram_socket),
		CASE(connecting_again),
		CASE(connecting_again_after_a_refusal),
		CASE(no_receive_after_shutting_that_side_down),
		CASE(options_that_are_only_of_Windows_can_be_read),
		CASE(numbers_are_not_shorter_than_they_are),
		CASE(look_up_without_a_type_gives_an_address_once),
		CASE(waits_for_this_process_and_thread_end_with_their_time),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
