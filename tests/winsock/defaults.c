/* SPDX-License-Identifier: MIT */
/*
 * defaults.c - what Windows sockets do without being told, and the kernel's do not
 */
#include "rig.h"

static SOCKADDR *address_of(SOCKADDR_INET *name)
{
	return (SOCKADDR *)name;
}

static void bind_any(SOCKET s, int family, USHORT port)
{
	SOCKADDR_INET name;

	memset(&name, 0, sizeof(name));
	name.si_family = (ADDRESS_FAMILY)family;
	name.Ipv4.sin_port = port;
	EXPECT(bind(s, address_of(&name), name_length(&name)) == 0, "error %d", WSAGetLastError());
}

START_TEST(ipv6_sockets_take_ipv6_only_until_asked)
{
	int types[] = {SOCK_DGRAM, SOCK_STREAM}, length;
	DWORD value;
	SOCKET s4, s6;

	rig_start();
	for (int i = 0; i < 2; i++) {
		s4 = socket(AF_INET, types[i], 0);
		s6 = socket(AF_INET6, types[i], 0);
		length = sizeof(value);
		EXPECT(getsockopt(s6, IPPROTO_IPV6, IPV6_V6ONLY, (char *)&value, &length) == 0 &&
			       value == 1,
		       "error %d", WSAGetLastError());
		bind_any(s4, AF_INET, 0);
		bind_any(s6, AF_INET6, name_of(s4).Ipv4.sin_port);
		closesocket(s4);
		closesocket(s6);
	}
}
END_TEST

/* A second socket of the same port, which is a member of another group. */
START_TEST(members_get_their_own_groups_only)
{
	IP_MREQ groups[2] = {{.imr_multiaddr.s_addr = inet_addr("239.7.7.1"),
			      .imr_interface.s_addr = inet_addr("127.0.0.1")},
			     {.imr_multiaddr.s_addr = inet_addr("239.7.7.2"),
			      .imr_interface.s_addr = inet_addr("127.0.0.1")}};
	SOCKET members[2], sender;
	SOCKADDR_INET name;
	BOOL on = TRUE;
	char text[4];

	rig_start();
	sender = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	EXPECT(setsockopt(sender, IPPROTO_IP, IP_MULTICAST_IF, (char *)&groups[0].imr_interface,
			  sizeof(IN_ADDR)) == 0,
	       "error %d", WSAGetLastError());
	for (int i = 0; i < 2; i++) {
		members[i] = socket(AF_INET, SOCK_DGRAM, 0);
		EXPECT(setsockopt(members[i], SOL_SOCKET, SO_REUSEADDR, (char *)&on, sizeof(on)) ==
			       0,
		       "error %d", WSAGetLastError());
		bind_any(members[i], AF_INET, i == 0 ? 0 : name_of(members[0]).Ipv4.sin_port);
		EXPECT(setsockopt(members[i], IPPROTO_IP, IP_ADD_MEMBERSHIP, (char *)&groups[i],
				  sizeof(groups[i])) == 0,
		       "error %d", WSAGetLastError());
	}
	name = name_of(members[0]);
	for (int i = 0; i < 2; i++) {
		name.Ipv4.sin_addr = groups[i].imr_multiaddr;
		EXPECT(sendto(sender, i == 0 ? "one" : "two", 3, 0, address_of(&name),
			      name_length(&name)) == 3,
		       "error %d", WSAGetLastError());
	}
	for (int i = 0; i < 2; i++) {
		EXPECT(recv(members[i], text, sizeof(text), 0) == 3, "error %d", WSAGetLastError());
		EXPECT(memcmp(text, i == 0 ? "one" : "two", 3) == 0, "%.3s", text);
		closesocket(members[i]);
	}
	closesocket(sender);
}
END_TEST

/* The end that closes first keeps the connection for a minute; its port is free all the same. */
START_TEST(port_of_a_server_that_has_ended_is_free)
{
	SOCKET listener, client, server, again;
	SOCKADDR_INET name;
	char byte;

	rig_start();
	listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	name = name_of(listener);
	client = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(connect(client, address_of(&name), name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	server = accept(listener, NULL, NULL);
	EXPECT(shutdown(server, SD_SEND) == 0, "error %d", WSAGetLastError());
	EXPECT(recv(client, &byte, 1, 0) == 0, "error %d", WSAGetLastError());
	closesocket(client);
	EXPECT(recv(server, &byte, 1, 0) == 0, "error %d", WSAGetLastError());
	closesocket(server);
	again = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_FAILS(WSAEADDRINUSE, SOCKET_ERROR,
		     bind(again, address_of(&name), name_length(&name)));
	closesocket(listener);
	EXPECT(bind(again, address_of(&name), name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(listen(again, 1) == 0, "error %d", WSAGetLastError());
	closesocket(again);
}
END_TEST

START_TEST(buffer_sizes_are_reported_as_they_were_set)
{
	const int names[] = {SO_RCVBUF, SO_SNDBUF};
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 2; i++) {
		int size = 65536, told = 0, length = sizeof(told);

		EXPECT(setsockopt(s, SOL_SOCKET, names[i], (char *)&size, sizeof(size)) == 0,
		       "error %d", WSAGetLastError());
		EXPECT(getsockopt(s, SOL_SOCKET, names[i], (char *)&told, &length) == 0, "error %d",
		       WSAGetLastError());
		EXPECT(told == size, "%d bytes", told);
	}
	closesocket(s);
}
END_TEST

/* They wait with GetOverlappedResult(), and bind once for all connections. */
START_TEST(clients_connect_again_without_event_and_bind)
{
	GUID ids[] = {WSAID_CONNECTEX, WSAID_DISCONNECTEX};
	SOCKET listener, client, server;
	LPFN_DISCONNECTEX disconnect_ex;
	OVERLAPPED overlapped = {0};
	LPFN_CONNECTEX connect_ex;
	SOCKADDR_INET name;
	DWORD bytes;

	rig_start();
	listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	name = name_of(listener);
	connect_ex = (LPFN_CONNECTEX)(ULONG_PTR)function_of(listener, ids[0]);
	disconnect_ex = (LPFN_DISCONNECTEX)(ULONG_PTR)function_of(listener, ids[1]);
	client = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	for (int round = 0; round < 3; round++) {
		EXPECT(connect_ex(client, address_of(&name), name_length(&name), NULL, 0, &bytes,
				  &overlapped) ||
			       WSAGetLastError() == WSA_IO_PENDING,
		       "error %d", WSAGetLastError());
		EXPECT_TRUE(GetOverlappedResult((HANDLE)client, &overlapped, &bytes, TRUE));
		EXPECT_FAILS(WSAEISCONN, FALSE,
			     connect_ex(client, address_of(&name), name_length(&name), NULL, 0,
					&bytes, &overlapped));
		server = accept(listener, NULL, NULL);
		EXPECT(server != INVALID_SOCKET, "error %d", WSAGetLastError());
		EXPECT_TRUE(disconnect_ex(client, NULL, TF_REUSE_SOCKET, 0));
		closesocket(server);
	}
	closesocket(client);
	closesocket(listener);
}
END_TEST

START_TEST(connection_made_without_blocking_is_one)
{
	GUID id = WSAID_DISCONNECTEX;
	LPFN_DISCONNECTEX disconnect_ex;
	int value = 0, length = sizeof(value);
	SOCKET listener, client;
	WSAPOLLFD descriptor;
	SOCKADDR_INET name;
	u_long on = 1;

	rig_start();
	listener = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);
	EXPECT(listen(listener, 1) == 0, "error %d", WSAGetLastError());
	name = name_of(listener);
	disconnect_ex = (LPFN_DISCONNECTEX)(ULONG_PTR)function_of(listener, id);
	client = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(ioctlsocket(client, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAEWOULDBLOCK, SOCKET_ERROR,
		     connect(client, address_of(&name), name_length(&name)));
	descriptor = (WSAPOLLFD){.fd = client, .events = POLLOUT};
	EXPECT(WSAPoll(&descriptor, 1, (INT)PATIENCE_MS) == 1, "error %d", WSAGetLastError());
	EXPECT(setsockopt(client, SOL_SOCKET, SO_UPDATE_CONNECT_CONTEXT, NULL, 0) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(getsockopt(client, SOL_SOCKET, SO_CONNECT_TIME, (char *)&value, &length) == 0 &&
		       value != -1,
	       "%d s", value);
	EXPECT_TRUE(disconnect_ex(client, NULL, 0, 0));
	closesocket(client);
	closesocket(listener);
}
END_TEST

/* Some programs read what the kernel tells in a byte as an int. */
START_TEST(type_of_service_can_be_read_as_a_number)
{
	const DWORD on = 1;
	WSACMSGHDR *message;
	RIORESULT result;
	int tos = 0x20;
	struct rig rig;
	RIO_BUF data, control;

	rig_open(&rig, &(struct rig_plan){.receives = 2});
	EXPECT(setsockopt(rig.s, IPPROTO_IP, IP_RECVTOS, (const char *)&on, sizeof(on)) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(setsockopt(rig.peer, IPPROTO_IP, IP_TOS, (const char *)&tos, sizeof(tos)) == 0,
	       "error %d", WSAGetLastError());
	data = slice(&rig, 0, SLOT_BYTES);
	control = slice(&rig, 1, SLOT_BYTES);
	memset(slot_of(&rig, 1), 0xFF, SLOT_BYTES);
	EXPECT_TRUE(rio.RIOReceiveEx(rig.rq, &data, 1, NULL, NULL, &control, NULL, 0, NULL));
	peer_send(&rig, "x", 1);
	result = take_one(rig.cq);
	expect_is(&result, 0, 1, 0);
	message = RIO_CMSG_FIRSTHDR((RIO_CMSG_BUFFER *)(void *)slot_of(&rig, 1));
	EXPECT(message && message->cmsg_level == IPPROTO_IP && message->cmsg_type == IP_TOS,
	       "no message");
	EXPECT(*(int *)(void *)WSA_CMSG_DATA(message) == tos, "%x",
	       (unsigned)*(int *)(void *)WSA_CMSG_DATA(message));
	rig_close(&rig);
}
END_TEST

START_TEST(options_are_there_for_both_families)
{
	struct group_source_req source = {.gsr_interface = 1};
	SOCKADDR_INET group = {.Ipv6 = {.sin6_family = AF_INET6}};
	DWORD on = 1, mtu = 0;
	SOCKET s;

	rig_start();
	s = socket(AF_INET6, SOCK_DGRAM, 0);
	EXPECT(setsockopt(s, IPPROTO_IPV6, IPV6_RECVTCLASS, (char *)&on, sizeof(on)) == 0,
	       "error %d", WSAGetLastError());
	EXPECT(InetPton(AF_INET6, "ff35::7", &group.Ipv6.sin6_addr) == 1, "no address");
	memcpy(&source.gsr_group, &group, sizeof(group));
	EXPECT(InetPton(AF_INET6, "::1", &group.Ipv6.sin6_addr) == 1, "no address");
	memcpy(&source.gsr_source, &group, sizeof(group));
	EXPECT(setsockopt(s, IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, (char *)&source,
			  sizeof(source)) == 0,
	       "error %d", WSAGetLastError());
	EXPECT_FAILS(WSAENOPROTOOPT, SOCKET_ERROR,
		     setsockopt(s, IPPROTO_IP, IP_ORIGINAL_ARRIVAL_IF, (char *)&on, sizeof(on)));
	closesocket(s);
	s = socket(AF_INET, SOCK_DGRAM, 0);
	mtu = IP_PMTUDISC_DO;
	EXPECT(setsockopt(s, IPPROTO_IP, IP_MTU_DISCOVER, (char *)&mtu, sizeof(mtu)) == 0,
	       "error %d", WSAGetLastError());
	closesocket(s);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(ipv6_sockets_take_ipv6_only_until_asked),
		CASE(members_get_their_own_groups_only),
		CASE(port_of_a_server_that_has_ended_is_free),
		CASE(buffer_sizes_are_reported_as_they_were_set),
		CASE(clients_connect_again_without_event_and_bind),
		CASE(connection_made_without_blocking_is_one),
		CASE(type_of_service_can_be_read_as_a_number),
		CASE(options_are_there_for_both_families),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
