/* SPDX-License-Identifier: MIT */
/*
 * net.c - plain sockets for the far end of a test
 */
#include "net.h"

#include "running.h"
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

socklen_t address_length(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

uint16_t address_port(const union address *address)
{
	return ntohs(address->any.sa_family == AF_INET ? address->v4.sin_port
						       : address->v6.sin6_port);
}

union address loopback(int family)
{
	union address address = {.any.sa_family = (sa_family_t)family};

	if (family == AF_INET)
		address.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.v6.sin6_addr = in6addr_loopback;
	return address;
}

union address own_address(int fd)
{
	union address address = {0};
	socklen_t length = sizeof(address);

	EXPECT(getsockname(fd, &address.any, &length) == 0, "%m");
	return address;
}

int udp_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	EXPECT(fd >= 0, "%m");
	return fd;
}

int bound_socket(int family)
{
	union address address = loopback(family);
	int fd = udp_socket(family);

	set_option(fd, SOL_SOCKET, SO_RCVBUF, 4 << 20);
	EXPECT(bind(fd, &address.any, address_length(&address)) == 0, "%m");
	return fd;
}

int peer_of(int fd)
{
	int peer = bound_socket(own_address(fd).any.sa_family);

	connect_to(peer, fd);
	return peer;
}

/*
 * The thread sanitizer takes connect(2) for the making of a descriptor, and use of it by another
 * thread for a race with that. Connecting a socket beside a driver's thread is allowed: the kernel
 * orders the two.
 */
const char *__tsan_default_suppressions(void);

const char *__tsan_default_suppressions(void)
{
	return "race:_interceptor_connect$\n";
}

void connect_to(int fd, int other)
{
	union address address = own_address(other);

	EXPECT(connect(fd, &address.any, address_length(&address)) == 0, "%m");
}

void await_way(int from, int to)
{
	struct pollfd readable = {.fd = to, .events = POLLIN};
	int64_t deadline_ns = running_ns() + PATIENCE_NS;

	connect_to(from, to);
	do {
		EXPECT(running_ns() < deadline_ns, "nothing passes the link");
		/* Refused while the link comes up. */
		if (send(from, "", 0, MSG_DONTWAIT) < 0)
			sched_yield();
	} while (poll(&readable, 1, 10) == 0);
}

void set_option(int fd, int level, int name, int value)
{
	EXPECT(setsockopt(fd, level, name, &value, sizeof(value)) == 0, "option %d: %m", name);
}

int get_option(int fd, int level, int name)
{
	int value = 0;
	socklen_t length = sizeof(value);

	EXPECT(getsockopt(fd, level, name, &value, &length) == 0, "option %d: %m", name);
	return value;
}

void send_plain(int fd, const void *data, size_t length)
{
	EXPECT(send(fd, data, length, 0) == (ssize_t)length, "%m");
}

static void await_datagram(int fd)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};

	EXPECT(poll(&readable, 1, PATIENCE_NS / MILLISECOND_NS) == 1, "no datagram came");
}

size_t receive_plain(int fd, void *ret_data, size_t size)
{
	await_datagram(fd);

	ssize_t length = recv(fd, ret_data, size, MSG_DONTWAIT);

	EXPECT(length >= 0, "%m");
	return (size_t)length;
}

void await_arrival(int family)
{
	char data;
	int to = bound_socket(family), from = peer_of(to);

	send_plain(from, "", 0);
	receive_plain(to, &data, sizeof(data));
	close(from);
	close(to);
}

bool nothing_queued(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN;
}

union train_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static ssize_t try_train(int fd, const void *data, size_t length, uint16_t message_size)
{
	union train_control control = {0};
	struct iovec vector = {.iov_base = (void *)(uintptr_t)data, .iov_len = length};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = CMSG_SPACE(sizeof(message_size))};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_UDP;
	head->cmsg_type = UDP_SEGMENT;
	head->cmsg_len = CMSG_LEN(sizeof(message_size));
	memcpy(CMSG_DATA(head), &message_size, sizeof(message_size));
	return sendmsg(fd, &message, 0);
}

void send_train(int fd, const void *data, size_t length, size_t message_size)
{
	ssize_t sent = try_train(fd, data, length, (uint16_t)message_size);

	EXPECT(sent == (ssize_t)length, "%zu bytes by %zu: %m", length, message_size);
}

unsigned int train_limit(void)
{
	static unsigned int limit;

	if (limit)
		return limit;

	char data[TRAIN_MESSAGES_MAX] = {0};
	int target = bound_socket(AF_INET);
	int fd = peer_of(target);

	limit = TRAIN_MESSAGES_MAX;
	while (limit >= 64 && try_train(fd, data, limit, 1) < 0)
		limit /= 2;
	if (limit < 64)
		limit = 1;
	close(fd);
	close(target);
	return limit;
}

size_t receive_train(int fd, void *ret_data, size_t size, size_t *ret_message_size)
{
	union train_control control;
	struct iovec vector = {.iov_base = ret_data, .iov_len = size};
	struct msghdr message = {.msg_iov = &vector,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};

	await_datagram(fd);

	ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int message_size = (int)length;

	EXPECT(length >= 0, "%m");
	if (head && head->cmsg_level == SOL_UDP && head->cmsg_type == UDP_GRO)
		memcpy(&message_size, CMSG_DATA(head), sizeof(message_size));
	*ret_message_size = (size_t)message_size;
	return (size_t)length;
}

const char *trains_not_joined(void)
{
	char data[2] = {0};
	size_t message_size, length;
	int target, fd;

	if (train_limit() == 1)
		return "the kernel has no UDP_SEGMENT";
	target = bound_socket(AF_INET);
	set_option(target, SOL_UDP, UDP_GRO, 1);
	fd = peer_of(target);
	send_train(fd, data, sizeof(data), 1);
	length = receive_train(target, data, sizeof(data), &message_size);
	close(fd);
	close(target);
	return length == sizeof(data) ? NULL : "loopback takes trains apart here";
}

int wildcard_socket(int family)
{
	union address any = {.any.sa_family = (sa_family_t)family};
	int fd = udp_socket(family);

	if (family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	EXPECT(bind(fd, &any.any, address_length(&any)) == 0, "%m");
	return fd;
}

unsigned int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	EXPECT(directory, "%m");
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static void configure_loopback(unsigned long request, struct ifreq *settings)
{
	int fd = udp_socket(AF_INET);

	snprintf(settings->ifr_name, sizeof(settings->ifr_name), "lo");
	EXPECT(ioctl(fd, request, settings) == 0, "%m");
	close(fd);
}

/* Root inside, so that programs it starts keep their rights over the network. */
static bool enter_own_user_namespace(void)
{
	unsigned int user = getuid();
	int map;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	map = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
	if (map >= 0) {
		dprintf(map, "0 %u 1", user);
		close(map);
	}
	return true;
}

const char *enter_own_network(void)
{
	struct ifreq up = {.ifr_flags = IFF_UP | IFF_RUNNING};

	if (unshare(CLONE_NEWNET) < 0 && !enter_own_user_namespace())
		return "no network namespace allowed (CAP_SYS_ADMIN or user namespaces needed)";
	configure_loopback(SIOCSIFFLAGS, &up);
	return NULL;
}

const char *enter_slow_network(void)
{
	const char *refused = enter_own_network();

	if (refused)
		return refused;
	if (system("tc qdisc add dev lo root tbf rate 10mbit burst 4kb limit 1mb 2>/dev/null"))
		return "tc cannot add a tbf queue (iproute2, or sch_tbf, is missing)";
	return NULL;
}

void set_loopback_mtu(int mtu)
{
	struct ifreq settings = {.ifr_mtu = mtu};

	configure_loopback(SIOCSIFMTU, &settings);
}

bool descriptors_for(uint32_t count)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_NOFILE, &limit) == 0, "%m");
	if (limit.rlim_cur >= count)
		return true;
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == count;
}
