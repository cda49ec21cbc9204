/* SPDX-License-Identifier: MIT */
/*
 * overlapped.c - what overlapped operations cost, however many are posted
 */
#include "rig.h"

#include <stdlib.h>
#include <sys/syscall.h>

#include "../support/trap.h"

struct posted {
	OVERLAPPED overlapped;
	char byte;
};

static void post_receive(SOCKET s, struct posted *posted)
{
	WSABUF buffer = {1, &posted->byte};
	DWORD flags = 0;

	memset(&posted->overlapped, 0, sizeof(posted->overlapped));
	EXPECT_FAILS(WSA_IO_PENDING, SOCKET_ERROR,
		     WSARecv(s, &buffer, 1, NULL, &flags, &posted->overlapped, NULL));
}

/* A datagram for itself, and the receive that it completes. */
static void expect_next(SOCKET s, HANDLE port, const struct posted *posted, char byte)
{
	SOCKADDR_INET name = name_of(s);
	OVERLAPPED *overlapped;
	ULONG_PTR key;
	DWORD bytes;

	EXPECT(sendto(s, &byte, 1, 0, (struct sockaddr *)&name, name_length(&name)) == 1,
	       "error %d", WSAGetLastError());
	EXPECT_TRUE(GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	EXPECT(overlapped == &posted->overlapped && bytes == 1 && posted->byte == byte,
	       "another receive");
}

/* With a walk over those that are posted, posting them would take minutes. */
START_TEST(receives_complete_in_order_however_many_are_posted)
{
	const unsigned int many = (unsigned int)scaled(200000);
	struct posted *posted = calloc(many, sizeof(*posted));
	HANDLE port;
	SOCKET s;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	port = CreateIoCompletionPort((HANDLE)s, NULL, 0, 0);
	for (unsigned int i = 0; i < many; i++)
		post_receive(s, &posted[i]);
	for (unsigned int i = 0; i < 1000 && i < many; i++) {
		expect_next(s, port, &posted[i], (char)i);
		post_receive(s, &posted[i]);
	}
	closesocket(s);
	for (unsigned int i = 0; i < many; i++) {
		OVERLAPPED *overlapped;
		ULONG_PTR key;
		DWORD bytes;

		EXPECT_FAILS(
			ERROR_OPERATION_ABORTED, FALSE,
			GetQueuedCompletionStatus(port, &bytes, &key, &overlapped, PATIENCE_MS));
	}
	CloseHandle(port);
	free(posted);
}
END_TEST

START_TEST(receives_posted_after_the_first_make_no_system_call_of_their_own)
{
	enum { RECEIVES = 1000 };
	static const struct trap_call calls[] = {{"epoll_ctl", __NR_epoll_ctl, -1, 0, 0}};
	static struct posted posted[RECEIVES];
	unsigned int count;
	SOCKET s;
	HANDLE port;

	if (trap_refused())
		SKIP("%s", trap_refused());
	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	port = CreateIoCompletionPort((HANDLE)s, NULL, 0, 0);
	trap_calls(calls, ARRAY_SIZE(calls));
	trap_enter();
	for (int i = 0; i < RECEIVES; i++)
		post_receive(s, &posted[i]);
	trap_leave();
	count = trap_count(0);
	EXPECT(count == 1, "%u calls", count);
	for (int i = 0; i < RECEIVES; i++)
		expect_next(s, port, &posted[i], (char)i);
	closesocket(s);
	CloseHandle(port);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(receives_complete_in_order_however_many_are_posted),
		CASE(receives_posted_after_the_first_make_no_system_call_of_their_own),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
