/* SPDX-License-Identifier: MIT */
/*
 * refusals.c - what the kernel would let pass, and Windows does not
 */
#include "rig.h"

static const DWORD room = sizeof(SOCKADDR_IN) + 16;

static SOCKADDR *address_of(SOCKADDR_INET *name)
{
	return (SOCKADDR *)name;
}

START_TEST(types_and_lengths_that_are_none)
{
	SOCKADDR_INET name = {.Ipv4 = {.sin_family = AF_INET}};
	SOCKET s, tcp;

	rig_start();
	EXPECT_FAILS(WSAESOCKTNOSUPPORT, INVALID_SOCKET, socket(AF_INET, 99, 0));
	/* SOCK_NONBLOCK, which is the kernel's. */
	EXPECT_FAILS(WSAESOCKTNOSUPPORT, INVALID_SOCKET, socket(AF_INET, SOCK_STREAM | 0x800, 0));
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, bind(s, address_of(&name), sizeof(SOCKADDR_IN)));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, bind(tcp, address_of(&name), 8));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, connect(tcp, address_of(&name), 8));
	closesocket(tcp);
	closesocket(s);
}
END_TEST

START_TEST(sockets_in_the_wrong_state)
{
	struct timeval backwards = {-1, 0};
	SOCKET s, tcp;
	fd_set set;
	char byte;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, listen(tcp, 5));
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR, listen(s, 5));
	EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR, send(tcp, "x", 1, 0));
	EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR, shutdown(tcp, SD_SEND));
	/* It would wait for ever. */
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, recv(s, &byte, 1, 0));
	FD_ZERO(&set);
	FD_SET(s, &set);
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, select(0, &set, NULL, NULL, &backwards));
	EXPECT(shutdown(s, SD_BOTH) == 0, "error %d", WSAGetLastError());
	closesocket(tcp);
	closesocket(s);
}
END_TEST

START_TEST(sends_report_a_shutdown_and_a_reset_apart)
{
	struct linger abort = {1, 0};
	struct rig rig;
	char byte;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .sends = 1, .stream = true});
	EXPECT(shutdown(rig.peer, SD_SEND) == 0, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAESHUTDOWN, SOCKET_ERROR, send(rig.peer, "x", 1, 0));
	rig_close(&rig);
	rig_open(&rig, &(struct rig_plan){.receives = 1, .sends = 1, .stream = true});
	EXPECT(setsockopt(rig.s, SOL_SOCKET, SO_LINGER, (char *)&abort, sizeof(abort)) == 0,
	       "error %d", WSAGetLastError());
	closesocket(rig.s);
	EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, recv(rig.peer, &byte, 1, 0));
	EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, send(rig.peer, "x", 1, 0));
	rig.s = socket(AF_INET, SOCK_STREAM, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(addresses_have_room_for_their_family)
{
	SOCKET s, to, listener, tcp;
	int length = sizeof(SOCKADDR_IN) - 1;
	SOCKADDR_INET name;
	char byte;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	to = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	name = name_of(to);
	EXPECT(sendto(s, "x", 1, 0, address_of(&name), name_length(&name)) == 1, "error %d",
	       WSAGetLastError());
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR,
		     recvfrom(to, &byte, 1, 0, address_of(&name), &length));
	EXPECT(recvfrom(to, &byte, 1, 0, NULL, NULL) == 1, "error %d", WSAGetLastError());
	listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	name = name_of(listener);
	EXPECT(connect(tcp, address_of(&name), name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT_FAILS(WSAEFAULT, INVALID_SOCKET, accept(listener, address_of(&name), &length));
	closesocket(tcp);
	closesocket(listener);
	closesocket(to);
	closesocket(s);
}
END_TEST

START_TEST(overlapped_calls_with_bad_arguments)
{
	OVERLAPPED overlapped = {.hEvent = (HANDLE)(ULONG_PTR)0x12340};
	DWORD flags = 0, bytes;
	char data[8];
	WSABUF buffer = {sizeof(data), data};
	SOCKET s, bare;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	bare = socket(AF_INET, SOCK_DGRAM, 0);
	/* Without an OVERLAPPED they have to say how many. */
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, WSARecv(s, &buffer, 1, NULL, &flags, NULL, NULL));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, WSASend(s, &buffer, 1, NULL, 0, NULL, NULL));
	EXPECT_FAILS(WSA_INVALID_HANDLE, SOCKET_ERROR,
		     WSARecv(s, &buffer, 1, NULL, &flags, &overlapped, NULL));
	overlapped.hEvent = NULL;
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
		     WSARecv(bare, &buffer, 1, &bytes, &flags, &overlapped, NULL));
	closesocket(bare);
	closesocket(s);
}
END_TEST

START_TEST(accept_ex_wants_a_fresh_socket_of_the_listeners_kind)
{
	SOCKET listener, server, others[3];
	OVERLAPPED overlapped = {0};
	char addresses[256];
	DWORD bytes;

	rig_start();
	listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	server = socket(AF_INET, SOCK_STREAM, 0);
	others[0] = socket(AF_INET, SOCK_DGRAM, 0);
	others[1] = socket(AF_INET6, SOCK_STREAM, 0);
	others[2] = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	for (int i = 0; i < 3; i++) {
		EXPECT_FAILS(WSAEINVAL, FALSE,
			     AcceptEx(listener, others[i], addresses, 0, room, room, &bytes,
				      &overlapped));
		closesocket(others[i]);
	}
	EXPECT_FAILS(WSA_IO_PENDING, FALSE,
		     AcceptEx(listener, server, addresses, 0, room, room, &bytes, &overlapped));
	EXPECT_FAILS(WSAEINVAL, FALSE,
		     AcceptEx(listener, server, addresses, 0, room, room, &bytes, &overlapped));
	EXPECT_TRUE(CancelIoEx((HANDLE)listener, &overlapped));
	closesocket(server);
	closesocket(listener);
}
END_TEST

START_TEST(contexts_of_accepting_and_connecting_are_looked_at)
{
	SOCKET s, none = 12345;
	struct rig rig;

	rig_open(&rig, &(struct rig_plan){.receives = 1, .stream = true});
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FAILS(WSAENOTSOCK, SOCKET_ERROR,
		     setsockopt(rig.peer, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&none,
				sizeof(none)));
	EXPECT_FAILS(WSAENOTCONN, SOCKET_ERROR,
		     setsockopt(s, SOL_SOCKET, SO_UPDATE_ACCEPT_CONTEXT, (char *)&rig.peer,
				sizeof(rig.peer)));
	closesocket(s);
	rig_close(&rig);
}
END_TEST

START_TEST(an_address_is_exclusive_or_reused)
{
	BOOL on = TRUE, value = TRUE;
	int length = sizeof(value);
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(getsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&value, &length) == 0 &&
		       !value,
	       "exclusive by default");
	EXPECT(setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on)) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
		     setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on)));
	closesocket(s);
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR,
		     setsockopt(s, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on)));
	closesocket(s);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(types_and_lengths_that_are_none),
		CASE(sockets_in_the_wrong_state),
		CASE(sends_report_a_shutdown_and_a_reset_apart),
		CASE(addresses_have_room_for_their_family),
		CASE(overlapped_calls_with_bad_arguments),
		CASE(accept_ex_wants_a_fresh_socket_of_the_listeners_kind),
		CASE(contexts_of_accepting_and_connecting_are_looked_at),
		CASE(an_address_is_exclusive_or_reused),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
