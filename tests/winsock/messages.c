/* SPDX-License-Identifier: MIT */
/*
 * messages.c - WSARecvMsg and WSASendMsg, and datagrams that pass through the stack together
 */
#include "rig.h"

#define PIECES 8
#define PIECE 100u

static SOCKADDR *address_of(SOCKADDR_INET *name)
{
	return (SOCKADDR *)name;
}

static void set_option(SOCKET s, int level, int name)
{
	int on = 1;

	EXPECT(setsockopt(s, level, name, (char *)&on, sizeof(on)) == 0, "error %d",
	       WSAGetLastError());
}

static LPFN_WSARECVMSG receive_function(SOCKET s)
{
	GUID id = WSAID_WSARECVMSG;

	return (LPFN_WSARECVMSG)(ULONG_PTR)function_of(s, id);
}

static LPFN_WSASENDMSG send_function(SOCKET s)
{
	GUID id = WSAID_WSASENDMSG;

	return (LPFN_WSASENDMSG)(ULONG_PTR)function_of(s, id);
}

static WSACMSGHDR *control_of(WSAMSG *message, int level, int type)
{
	WSACMSGHDR *header = WSA_CMSG_FIRSTHDR(message);

	while (header && (header->cmsg_level != level || header->cmsg_type != type))
		header = WSA_CMSG_NXTHDR(message, header);
	return header;
}

START_TEST(messages_carry_addresses_and_control)
{
	char out[] = "hello", in[16], control[128] = {0};
	WSABUF parts[2] = {{2, out}, {3, out + 2}}, room = {sizeof(in), in};
	SOCKADDR_INET to, from;
	WSAMSG sent = {0}, received = {0};
	WSACMSGHDR *header;
	OVERLAPPED overlapped = {.hEvent = CreateEvent(NULL, TRUE, FALSE, NULL)};
	DWORD bytes = 0, flags;
	SOCKET s, peer;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	peer = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	set_option(s, IPPROTO_IP, IP_PKTINFO);
	set_option(s, IPPROTO_IP, IP_RECVECN);
	to = name_of(s);
	for (int round = 0; round < 4; round++) {
		const bool at_once = round & 1, pending = round & 2;

		received = (WSAMSG){.name = address_of(&from),
				    .namelen = sizeof(from),
				    .lpBuffers = &room,
				    .dwBufferCount = 1,
				    .Control = {sizeof(control), control}};
		memset(in, 0, sizeof(in));
		if (pending)
			EXPECT_FAILS(WSA_IO_PENDING, SOCKET_ERROR,
				     receive_function(s)(s, &received, &bytes, &overlapped, NULL));
		sent = (WSAMSG){.name = address_of(&to),
				.namelen = name_length(&to),
				.lpBuffers = parts,
				.dwBufferCount = 2};
		EXPECT(send_function(peer)(peer, &sent, 0, &bytes, NULL, NULL) == 0 && bytes == 5,
		       "error %d", WSAGetLastError());
		if (!pending)
			wait_readable(s);
		if (!pending)
			EXPECT(receive_function(s)(s, &received, &bytes,
						   at_once ? &overlapped : NULL, NULL) == 0 &&
				       bytes == 5,
			       "%u bytes, error %d", bytes, WSAGetLastError());
		else
			EXPECT(WaitForSingleObject(overlapped.hEvent, PATIENCE_MS) ==
					       WAIT_OBJECT_0 &&
				       WSAGetOverlappedResult(s, &overlapped, &bytes, FALSE,
							      &flags) &&
				       bytes == 5,
			       "%u bytes, error %d", bytes, WSAGetLastError());
		EXPECT(memcmp(in, "hello", 5) == 0, "another content");
		EXPECT(from.Ipv4.sin_port == name_of(peer).Ipv4.sin_port &&
			       received.namelen == name_length(&from),
		       "another sender");
		header = control_of(&received, IPPROTO_IP, IP_PKTINFO);
		EXPECT(header && ((IN_PKTINFO *)(void *)WSA_CMSG_DATA(header))->ipi_addr.s_addr ==
					 htonl(INADDR_LOOPBACK),
		       "no local address");
		EXPECT(control_of(&received, IPPROTO_IP, IP_ECN), "no ECN");
		EXPECT(received.dwFlags == 0, "flags %x", received.dwFlags);
	}
	CloseHandle(overlapped.hEvent);
	closesocket(s);
	closesocket(peer);
}
END_TEST

START_TEST(messages_that_do_not_fit_are_marked)
{
	char in[2];
	WSABUF room = {sizeof(in), in};
	WSAMSG received = {.lpBuffers = &room, .dwBufferCount = 1};
	SOCKADDR_INET to;
	SOCKET s, tcp;
	DWORD bytes;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	tcp = socket(AF_INET, SOCK_STREAM, 0);
	to = name_of(s);
	EXPECT(sendto(s, "hello", 5, 0, address_of(&to), name_length(&to)) == 5, "error %d",
	       WSAGetLastError());
	EXPECT_FAILS(WSAEMSGSIZE, SOCKET_ERROR,
		     receive_function(s)(s, &received, &bytes, NULL, NULL));
	EXPECT(received.dwFlags == MSG_TRUNC && memcmp(in, "he", 2) == 0, "flags %x",
	       received.dwFlags);
	received.dwFlags = 0;
	EXPECT_FAILS(WSAEOPNOTSUPP, SOCKET_ERROR,
		     receive_function(s)(tcp, &received, &bytes, NULL, NULL));
	EXPECT_FAILS(WSAEFAULT, SOCKET_ERROR, receive_function(s)(s, NULL, &bytes, NULL, NULL));
	closesocket(s);
	closesocket(tcp);
}
END_TEST

/* Sends one buffer as PIECES datagrams. */
static void send_pieces(SOCKET s, SOCKET to)
{
	static char data[PIECES * PIECE];
	SOCKADDR_INET name = name_of(to);
	DWORD size = 0;

	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (char)(i / PIECE);
	EXPECT(WSASetUdpSendMessageSize(s, PIECE) == 0, "error %d", WSAGetLastError());
	EXPECT(WSAGetUdpSendMessageSize(s, &size) == 0 && size == PIECE, "%u", size);
	EXPECT(sendto(s, data, sizeof(data), 0, address_of(&name), name_length(&name)) ==
		       (int)sizeof(data),
	       "error %d", WSAGetLastError());
}

START_TEST(buffer_is_sent_as_messages_of_the_size_set)
{
	SOCKET s, to;
	char in[1000];

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	to = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	send_pieces(s, to);
	for (int i = 0; i < PIECES; i++)
		EXPECT(recv(to, in, sizeof(in), 0) == (int)PIECE && in[0] == i &&
			       in[PIECE - 1] == i,
		       "message %d", i);
	closesocket(s);
	closesocket(to);
}
END_TEST

START_TEST(messages_are_joined_for_a_program_that_asks_for_it)
{
	static char in[65536];
	char control[64] = {0};
	WSABUF room = {sizeof(in), in};
	DWORD size = 0, bytes, got = 0;
	SOCKET s, to;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	to = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	EXPECT(WSASetUdpRecvMaxCoalescedSize(to, 65527) == 0, "error %d", WSAGetLastError());
	EXPECT(WSAGetUdpRecvMaxCoalescedSize(to, &size) == 0 && size == 65527, "%u", size);
	send_pieces(s, to);
	while (got < PIECES * PIECE) {
		WSAMSG received = {.lpBuffers = &room,
				   .dwBufferCount = 1,
				   .Control = {sizeof(control), control}};
		WSACMSGHDR *header;

		EXPECT(receive_function(to)(to, &received, &bytes, NULL, NULL) == 0, "error %d",
		       WSAGetLastError());
		/* Those of kernels that do not join on loopback come alone. */
		header = control_of(&received, IPPROTO_UDP, UDP_COALESCED_INFO);
		EXPECT(header ? *(DWORD *)(void *)WSA_CMSG_DATA(header) == PIECE : bytes == PIECE,
		       "%u bytes", bytes);
		for (DWORD i = 0; i < bytes; i++)
			EXPECT(in[i] == (char)((got + i) / PIECE), "byte %u", got + i);
		got += bytes;
	}
	closesocket(s);
	closesocket(to);
}
END_TEST

START_TEST(messages_are_not_joined_for_a_buffer_that_is_too_short)
{
	SOCKET s, to;
	char in[1000];

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	to = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	EXPECT(WSASetUdpRecvMaxCoalescedSize(to, sizeof(in)) == 0, "error %d", WSAGetLastError());
	send_pieces(s, to);
	for (int i = 0; i < PIECES; i++)
		EXPECT(recv(to, in, sizeof(in), 0) == (int)PIECE, "message %d", i);
	closesocket(s);
	closesocket(to);
}
END_TEST

/* The control message that tells the size comes with the joined ones. */
START_TEST(request_queue_of_such_a_socket_leaves_them_joined)
{
	enum { DATA = 65536, CONTROL = 256 };
	char *memory;
	RIO_BUFFERID id;
	RIO_CMSG_BUFFER *control;
	WSACMSGHDR *header;
	DWORD got = 0, size;
	RIO_BUF data, slice;
	RIORESULT result;
	SOCKET s, to;
	RIO_CQ cq;
	RIO_RQ rq;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	to = bound(flagged_socket(AF_INET, SOCK_DGRAM), AF_INET);
	EXPECT(WSASetUdpRecvMaxCoalescedSize(to, 65527) == 0, "error %d", WSAGetLastError());
	memory = VirtualAlloc(NULL, DATA + CONTROL, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
	id = rio.RIORegisterBuffer(memory, DATA + CONTROL);
	cq = rio.RIOCreateCompletionQueue(8, NULL);
	rq = rio.RIOCreateRequestQueue(to, 4, 1, 1, 1, cq, cq, NULL);
	EXPECT(rq != RIO_INVALID_RQ, "error %u", GetLastError());
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSASetUdpRecvMaxCoalescedSize(to, 0));
	send_pieces(s, to);
	data = (RIO_BUF){id, 0, DATA};
	slice = (RIO_BUF){id, DATA, CONTROL};
	control = (RIO_CMSG_BUFFER *)(void *)(memory + DATA);
	while (got < PIECES * PIECE) {
		EXPECT_TRUE(rio.RIOReceiveEx(rq, &data, 1, NULL, NULL, &slice, NULL, 0, NULL));
		result = take_one(cq);
		EXPECT(result.Status == 0, "status %d", result.Status);
		header = RIO_CMSG_FIRSTHDR(control);
		while (header && header->cmsg_type != UDP_COALESCED_INFO)
			header = RIO_CMSG_NEXTHDR(control, header);
		size = header ? *(DWORD *)(void *)WSA_CMSG_DATA(header) : result.BytesTransferred;
		EXPECT(size == PIECE, "%u", size);
		got += result.BytesTransferred;
	}
	closesocket(s);
	closesocket(to);
	rio.RIODeregisterBuffer(id);
	rio.RIOCloseCompletionQueue(cq);
	VirtualFree(memory, 0, MEM_RELEASE);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(messages_carry_addresses_and_control),
		CASE(messages_that_do_not_fit_are_marked),
		CASE(buffer_is_sent_as_messages_of_the_size_set),
		CASE(messages_are_joined_for_a_program_that_asks_for_it),
		CASE(messages_are_not_joined_for_a_buffer_that_is_too_short),
		CASE(request_queue_of_such_a_socket_leaves_them_joined),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
