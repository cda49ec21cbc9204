/* SPDX-License-Identifier: MIT */
/*
 * readiness.c - select and WSAPoll: which sockets are ready, and for what
 */
#include "rig.h"

static const struct timeval at_once = {0, 0};

static SOCKET listening(void)
{
	SOCKET s = bound(socket(AF_INET, SOCK_STREAM, 0), AF_INET);

	EXPECT(listen(s, 5) == 0, "error %d", WSAGetLastError());
	return s;
}

/* What the socket is in of "r", "w" and "e", for the three sets of select(). */
static const char *sets_of(SOCKET s)
{
	static char sets[4];
	fd_set readable, writable, exceptional;
	char *at = sets;
	int count;

	FD_ZERO(&readable);
	FD_SET(s, &readable);
	writable = exceptional = readable;
	count = select(0, &readable, &writable, &exceptional, &at_once);
	EXPECT(count >= 0, "error %d", WSAGetLastError());
	if (FD_ISSET(s, &readable))
		*at++ = 'r';
	if (FD_ISSET(s, &writable))
		*at++ = 'w';
	if (FD_ISSET(s, &exceptional))
		*at++ = 'e';
	*at = 0;
	EXPECT(at - sets == count, "%d", count);
	return sets;
}

#define EXPECT_SETS(sets, s) EXPECT(strcmp(sets_of(s), (sets)) == 0, "it is in '%s'", sets_of(s))

static void expect_polled(SHORT wanted, SOCKET s, SHORT events)
{
	WSAPOLLFD descriptor = {.fd = s, .events = events, .revents = 0x7FFF};
	int count = WSAPoll(&descriptor, 1, 0);

	EXPECT(count == (wanted != 0), "%d, error %d", count, WSAGetLastError());
	EXPECT(descriptor.revents == wanted, "events %x, not %x", descriptor.revents, wanted);
}

static void wait_polled(SOCKET s, SHORT events)
{
	WSAPOLLFD descriptor = {.fd = s, .events = events};

	EXPECT(WSAPoll(&descriptor, 1, PATIENCE_MS) == 1, "error %d", WSAGetLastError());
}

static void reset_by(SOCKET s)
{
	struct linger abort = {1, 0};

	EXPECT(setsockopt(s, SOL_SOCKET, SO_LINGER, (char *)&abort, sizeof(abort)) == 0, "error %d",
	       WSAGetLastError());
	closesocket(s);
}

START_TEST(poll_has_the_names_of_Windows)
{
	SOCKADDR_INET name;
	SOCKET s;

	EXPECT(POLLIN == (POLLRDNORM | POLLRDBAND) && POLLOUT == POLLWRNORM, "names");
	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	name = name_of(s);
	expect_polled(POLLWRNORM, s, POLLIN | POLLOUT);
	EXPECT(sendto(s, "x", 1, 0, (struct sockaddr *)&name, name_length(&name)) == 1, "error %d",
	       WSAGetLastError());
	wait_readable(s);
	expect_polled(POLLRDNORM | POLLWRNORM, s, POLLIN | POLLOUT);
	expect_polled(POLLRDNORM, s, POLLIN);
	expect_polled(POLLWRNORM, s, POLLOUT);
	expect_polled(0, s, POLLRDBAND);
	expect_polled(0, s, 0);
	closesocket(s);
}
END_TEST

START_TEST(poll_refuses_what_Windows_refuses)
{
	static const SHORT refused[] = {POLLPRI, POLLWRBAND, POLLERR, POLLHUP, POLLNVAL};
	WSAPOLLFD descriptors[2];
	SOCKET s;

	rig_start();
	s = bound(socket(AF_INET, SOCK_DGRAM, 0), AF_INET);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		descriptors[0] = (WSAPOLLFD){.fd = s, .events = POLLIN | refused[i]};
		EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSAPoll(descriptors, 1, 0));
	}
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSAPoll(NULL, 1, 0));
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSAPoll(descriptors, 0, 0));
	descriptors[0] = (WSAPOLLFD){.fd = 12345, .events = POLLIN};
	descriptors[1] = (WSAPOLLFD){.fd = (SOCKET)-1, .events = POLLIN, .revents = 7};
	EXPECT_FAILS(WSAEINVAL, SOCKET_ERROR, WSAPoll(descriptors, 2, 0));
	descriptors[0] = (WSAPOLLFD){.fd = s, .events = POLLOUT};
	EXPECT(WSAPoll(descriptors, 2, 0) == 1 && descriptors[1].revents == 0, "error %d",
	       WSAGetLastError());
	closesocket(s);
}
END_TEST

START_TEST(end_of_a_stream_hangs_up)
{
	SOCKET client, server;
	char byte;

	rig_start();
	tcp_pair(&client, &server);
	EXPECT_SETS("w", client);
	EXPECT(send(server, "x", 1, 0) == 1, "error %d", WSAGetLastError());
	EXPECT(shutdown(server, SD_SEND) == 0, "error %d", WSAGetLastError());
	/* Without events it waits for the end only. */
	wait_polled(client, 0);
	expect_polled(POLLRDNORM | POLLWRNORM | POLLHUP, client, POLLIN | POLLOUT);
	EXPECT(recv(client, &byte, 1, 0) == 1, "error %d", WSAGetLastError());
	/* Only the end is left. */
	expect_polled(POLLHUP, client, POLLIN);
	expect_polled(POLLWRNORM | POLLHUP, client, POLLOUT);
	EXPECT_SETS("rw", client);
	EXPECT(recv(client, &byte, 1, 0) == 0, "error %d", WSAGetLastError());
	/* The side that has ended it sees nothing. */
	expect_polled(0, server, POLLIN);
	closesocket(client);
	closesocket(server);
}
END_TEST

START_TEST(urgent_data_is_its_own_event)
{
	SOCKET client, server;

	rig_start();
	tcp_pair(&client, &server);
	EXPECT(send(server, "x", 1, MSG_OOB) == 1, "error %d", WSAGetLastError());
	wait_polled(client, POLLRDBAND);
	EXPECT_SETS("we", client);
	expect_polled(POLLRDBAND, client, POLLIN);
	closesocket(client);
	closesocket(server);
}
END_TEST

START_TEST(reset_connection_is_readable_and_writable)
{
	SOCKET client, server;
	char byte;

	rig_start();
	tcp_pair(&client, &server);
	reset_by(server);
	wait_readable(client);
	for (int i = 0; i < 3; i++) {
		EXPECT_SETS("rw", client);
		expect_polled(POLLWRNORM | POLLERR | POLLHUP, client, POLLIN | POLLOUT);
		EXPECT_FAILS(WSAECONNRESET, SOCKET_ERROR, recv(client, &byte, 1, 0));
	}
	closesocket(client);
}
END_TEST

START_TEST(socket_that_was_never_connected_is_not_ready)
{
	struct timeval soon = {0, 50000};
	fd_set readable, writable;
	SOCKET s;

	rig_start();
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT_SETS("", s);
	FD_ZERO(&readable);
	FD_SET(s, &readable);
	writable = readable;
	EXPECT(select(0, &readable, &writable, NULL, &soon) == 0, "error %d", WSAGetLastError());
	expect_polled(0, s, POLLIN | POLLOUT);
	closesocket(s);
}
END_TEST

static DWORD WINAPI wait_until_writable(LPVOID argument)
{
	fd_set writable;

	FD_ZERO(&writable);
	FD_SET((SOCKET)argument, &writable);
	return (DWORD)select(0, NULL, &writable, NULL, NULL);
}

START_TEST(wait_for_a_socket_that_is_connected_meanwhile)
{
	SOCKET listener, s;
	SOCKADDR_INET name;
	HANDLE thread;
	DWORD code;

	rig_start();
	listener = listening();
	name = name_of(listener);
	s = socket(AF_INET, SOCK_STREAM, 0);
	thread = CreateThread(NULL, 0, wait_until_writable, (LPVOID)s, 0, NULL);
	EXPECT(WaitForSingleObject(thread, 50) == WAIT_TIMEOUT, "it did not wait");
	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(WaitForSingleObject(thread, PATIENCE_MS) == WAIT_OBJECT_0, "it waits");
	EXPECT(GetExitCodeThread(thread, &code) && code == 1, "%u", code);
	CloseHandle(thread);
	closesocket(s);
	closesocket(listener);
}
END_TEST

START_TEST(refused_connection_is_an_exception)
{
	struct timeval later = {PATIENCE_MS / 1000, 0};
	fd_set writable, exceptional;
	SOCKADDR_INET name;
	SOCKET listener, s;
	u_long on = 1;
	int error = 0, size = sizeof(error);

	rig_start();
	listener = listening();
	name = name_of(listener);
	closesocket(listener);
	s = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(ioctlsocket(s, FIONBIO, &on) == 0, "error %d", WSAGetLastError());
	/* On loopback it may be refused at once. */
	EXPECT(connect(s, (struct sockaddr *)&name, name_length(&name)) == SOCKET_ERROR, "it is");
	FD_ZERO(&writable);
	FD_SET(s, &writable);
	exceptional = writable;
	EXPECT(select(0, NULL, &writable, &exceptional, &later) == 1, "error %d",
	       WSAGetLastError());
	EXPECT_SETS("e", s);
	expect_polled(POLLWRNORM | POLLERR | POLLHUP, s, POLLIN | POLLOUT);
	EXPECT(getsockopt(s, SOL_SOCKET, SO_ERROR, (char *)&error, &size) == 0, "error %d",
	       WSAGetLastError());
	EXPECT(error == WSAECONNREFUSED, "%d", error);
	closesocket(s);
}
END_TEST

int main(void)
{
	const struct test_case cases[] = {
		CASE(poll_has_the_names_of_Windows),
		CASE(poll_refuses_what_Windows_refuses),
		CASE(end_of_a_stream_hangs_up),
		CASE(urgent_data_is_its_own_event),
		CASE(reset_connection_is_readable_and_writable),
		CASE(socket_that_was_never_connected_is_not_ready),
		CASE(wait_for_a_socket_that_is_connected_meanwhile),
		CASE(refused_connection_is_an_exception),
	};

	return run_cases(cases, ARRAY_SIZE(cases));
}
