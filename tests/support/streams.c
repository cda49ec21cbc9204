/* SPDX-License-Identifier: MIT */
/*
 * streams.c - connected stream sockets, and bytes that prove their place in a stream
 */
#include "streams.h"

#include "suite.h"

#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

const int stream_families[STREAM_FAMILIES] = {AF_INET, AF_INET6, AF_UNIX};
const char *const stream_family_names[STREAM_FAMILIES] = {"TCP over IPv4", "TCP over IPv6", "unix"};

int stream_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0, "%m");
	return fd;
}

int stream_listener(int family)
{
	union address address = loopback(family == AF_UNIX ? AF_INET : family);
	socklen_t length = address_length(&address);
	int fd = stream_socket(family);

	/* An unnamed unix socket gets a name of its own. */
	if (family == AF_UNIX) {
		address.any.sa_family = AF_UNIX;
		length = sizeof(address.any.sa_family);
	}
	EXPECT(bind(fd, &address.any, length) == 0, "%m");
	EXPECT(listen(fd, 64) == 0, "%m");
	return fd;
}

int connect_stream(int fd, int listener)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	int other;

	EXPECT(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "%m");
	EXPECT(connect(fd, (struct sockaddr *)&address, length) == 0 || errno == EINPROGRESS, "%m");
	other = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	EXPECT(other >= 0, "%m");
	return other;
}

void stream_pair(int family, int ret_fds[2])
{
	int listener = stream_listener(family);

	ret_fds[0] = stream_socket(family);
	ret_fds[1] = connect_stream(ret_fds[0], listener);
	close(listener);
}

void reset_stream(int fd)
{
	struct linger now = {.l_onoff = 1, .l_linger = 0};

	EXPECT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0, "%m");
	close(fd);
}

static uint64_t stream_word(uint64_t number)
{
	uint64_t word = (number + 1) * UINT64_C(0x9E3779B97F4A7C15);

	return word ^ word >> 29;
}

void fill_stream(void *ret_data, size_t length, uint64_t offset)
{
	uint8_t *at = ret_data;

	while (length > 0) {
		uint64_t word = stream_word(offset / 8);
		size_t skipped = offset % 8;
		size_t part = 8 - skipped < length ? 8 - skipped : length;

		memcpy(at, (uint8_t *)&word + skipped, part);
		at += part;
		offset += part;
		length -= part;
	}
}

void expect_stream(const void *data, size_t length, uint64_t offset)
{
	const uint8_t *at = data;

	while (length > 0) {
		uint64_t word = stream_word(offset / 8);
		size_t skipped = offset % 8;
		size_t part = 8 - skipped < length ? 8 - skipped : length;

		EXPECT(memcmp(at, (uint8_t *)&word + skipped, part) == 0,
		       "wrong bytes at %llu of the stream", (unsigned long long)offset);
		at += part;
		offset += part;
		length -= part;
	}
}

static void await(int fd, short events)
{
	struct pollfd ready = {.fd = fd, .events = events};

	EXPECT(poll(&ready, 1, PATIENCE_NS / MILLISECOND_NS) == 1, "the peer makes no progress");
}

void write_all(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;

	while (length > 0) {
		ssize_t written = send(fd, at, length, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (written < 0 && errno == EAGAIN) {
			await(fd, POLLOUT);
			continue;
		}
		EXPECT(written > 0, "%m");
		at += written;
		length -= (size_t)written;
	}
}

void write_stream(int fd, size_t length, uint64_t offset)
{
	static uint8_t data[65536];

	while (length > 0) {
		size_t part = length < sizeof(data) ? length : sizeof(data);

		fill_stream(data, part, offset);
		write_all(fd, data, part);
		offset += part;
		length -= part;
	}
}

void read_all(int fd, void *ret_data, size_t length)
{
	uint8_t *at = ret_data;

	while (length > 0) {
		ssize_t got;

		await(fd, POLLIN);
		got = recv(fd, at, length, MSG_DONTWAIT);
		EXPECT(got != 0, "the stream has ended with %zu bytes missing", length);
		EXPECT(got > 0, "%m");
		at += got;
		length -= (size_t)got;
	}
}

void read_stream(int fd, size_t length, uint64_t offset)
{
	static uint8_t data[65536];

	while (length > 0) {
		size_t part = length < sizeof(data) ? length : sizeof(data);

		read_all(fd, data, part);
		expect_stream(data, part, offset);
		offset += part;
		length -= part;
	}
}

void expect_end(int fd)
{
	char byte;

	await(fd, POLLIN);
	EXPECT(recv(fd, &byte, 1, MSG_DONTWAIT) == 0, "no end: %m");
}
