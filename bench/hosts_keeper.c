/* SPDX-License-Identifier: MIT */
/*
 * Making hosts, and sockets in them. The process is the only one in its namespaces: when it ends,
 * and the sockets are closed, the kernel takes all of it away.
 */
#include "hosts_keeper.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hosts.h"
#include "netlink.h"

#define BRIDGE "hosts"
#define SUBNET 0x0a4d0000u /* 10.77.0.0; nobody outside sees it */
#define PREFIX_BITS 16u
#define LIMIT "sysctl user.max_net_namespaces"

struct keeper {
	int fd;
	int server; /* its network namespace */
	int hosts[HOSTS_MAX];
	uint32_t host_count;
	struct keeper_answer answer;
	int fds[KEEPER_FDS]; /* to be sent */
};

static bool fail(struct keeper *keeper, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps the first reason; returns false. */
static bool fail(struct keeper *keeper, int error, const char *format, ...)
{
	char what[KEEPER_TEXT_BYTES / 2];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	if (!keeper->answer.error[0])
		snprintf(keeper->answer.error, sizeof(keeper->answer.error), "%s: %.60s", what,
			 strerror(error < 0 ? -error : error));
	return false;
}

/* ---- Namespaces ---------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* An ordinary user is root in a user namespace of its own. */
static bool enter_user_namespace(void)
{
	unsigned user = geteuid(), group = getegid();
	char text[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		return false;
	write_text("/proc/self/setgroups", "deny");
	snprintf(text, sizeof(text), "0 %u 1", user);
	if (!write_text("/proc/self/uid_map", text))
		return false;
	snprintf(text, sizeof(text), "0 %u 1", group);
	return write_text("/proc/self/gid_map", text);
}

/* What IPv6 does on new interfaces would disturb the first seconds. */
static void quieten(void)
{
	write_text("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	write_text("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
}

static int this_namespace(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

static struct in_addr server_address(void)
{
	return (struct in_addr){.s_addr = htonl(SUBNET + 1)};
}

static struct in_addr host_address(uint32_t host)
{
	return (struct in_addr){.s_addr = htonl(SUBNET + 0x100 + host + 1)};
}

static bool enter(struct keeper *keeper, int namespace)
{
	return setns(namespace, CLONE_NEWNET) == 0 ||
	       fail(keeper, errno, "cannot enter a network namespace");
}

static bool make_server(struct keeper *keeper)
{
	int error;

	if (!enter_user_namespace() && unshare(CLONE_NEWNET))
		return fail(keeper, errno, "network namespace of the server (" LIMIT ")");
	quieten();
	keeper->server = this_namespace();
	if (keeper->server < 0)
		return fail(keeper, errno, "network namespace of the server");
	error = netlink_add_bridge(BRIDGE);
	if (error == 0)
		error = netlink_add_address(BRIDGE, server_address(), PREFIX_BITS);
	if (error == 0)
		error = netlink_set_up("lo");
	return error == 0 || fail(keeper, error, "bridge of the server");
}

static bool set_up_host(struct keeper *keeper, uint32_t host)
{
	int error = netlink_add_address("eth0", host_address(host), PREFIX_BITS);

	if (error == 0)
		error = netlink_set_up("eth0");
	if (error == 0)
		error = netlink_set_up("lo");
	return error == 0 || fail(keeper, error, "address of host %u", host + 1);
}

static bool connect_host(struct keeper *keeper, uint32_t host)
{
	char name[IF_NAMESIZE];
	int error;

	if (!enter(keeper, keeper->server))
		return false;
	snprintf(name, sizeof(name), "host%u", host + 1);
	error = netlink_add_veth(name, BRIDGE, "eth0", keeper->hosts[host]);
	if (error)
		return fail(keeper, error, "veth of host %u", host + 1);
	return enter(keeper, keeper->hosts[host]) && set_up_host(keeper, host);
}

/* One that fails is not counted, and ends with its descriptor. */
static bool make_host(struct keeper *keeper)
{
	uint32_t host = keeper->host_count;

	if (unshare(CLONE_NEWNET))
		return fail(keeper, errno, "network namespace of host %u (" LIMIT ")", host + 1);
	quieten();
	keeper->hosts[host] = this_namespace();
	if (keeper->hosts[host] < 0)
		return fail(keeper, errno, "network namespace of host %u", host + 1);
	if (!connect_host(keeper, host)) {
		close(keeper->hosts[host]);
		return false;
	}
	keeper->host_count++;
	return true;
}

static bool make_hosts(struct keeper *keeper, uint32_t count)
{
	bool made = true;

	while (made && keeper->host_count < count)
		made = make_host(keeper);
	return enter(keeper, keeper->server) && made;
}

/* ---- Sockets ------------------------------------------------------------- */

/* After a failure the answer is the reason, without descriptors. */
static bool send_answer(struct keeper *keeper)
{
	union {
		char bytes[CMSG_SPACE(sizeof(keeper->fds))];
		struct cmsghdr aligned;
	} control = {0};
	size_t bytes = keeper->answer.count * sizeof(int);
	struct iovec vector = {&keeper->answer, sizeof(keeper->answer)};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	bool sent;

	if (bytes > 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(bytes);
		control.aligned = (struct cmsghdr){.cmsg_len = CMSG_LEN(bytes),
						   .cmsg_level = SOL_SOCKET,
						   .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.aligned), keeper->fds, bytes);
	}
	sent = sendmsg(keeper->fd, &message, MSG_NOSIGNAL) >= 0 ||
	       fail(keeper, errno, "passing sockets");
	for (uint32_t i = 0; i < keeper->answer.count; i++)
		close(keeper->fds[i]);
	keeper->answer.count = 0;
	return sent;
}

static bool give(struct keeper *keeper, int fd)
{
	keeper->fds[keeper->answer.count++] = fd;
	return keeper->answer.count < KEEPER_FDS || send_answer(keeper);
}

static int open_bound(struct in_addr address, struct sockaddr_in *ret_name)
{
	struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = address};
	socklen_t bytes = sizeof(name);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !bind(fd, (struct sockaddr *)&name, sizeof(name)) &&
	    !getsockname(fd, (struct sockaddr *)ret_name, &bytes))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool give_queues(struct keeper *keeper, const struct keeper_request *request,
			struct sockaddr_in *ret_firsts)
{
	for (uint32_t i = 0; i < request->hosts * request->queues; i++) {
		struct sockaddr_in name;
		int fd = open_bound(server_address(), &name);

		if (fd < 0)
			return fail(keeper, errno, "socket of queue %u", i + 1);
		if (i % request->queues == 0)
			ret_firsts[i / request->queues] = name;
		if (!give(keeper, fd))
			return false;
	}
	return true;
}

static bool give_hosts(struct keeper *keeper, uint32_t hosts, const struct sockaddr_in *firsts)
{
	for (uint32_t i = 0; i < hosts; i++) {
		struct sockaddr_in name;
		int fd;

		if (!enter(keeper, keeper->hosts[i]))
			return false;
		fd = open_bound(host_address(i), &name);
		if (fd < 0 || connect(fd, (const struct sockaddr *)&firsts[i], sizeof(firsts[i])))
			return fail(keeper, errno, "socket of host %u", i + 1);
		if (!give(keeper, fd))
			return false;
	}
	return true;
}

static void answer(struct keeper *keeper, const struct keeper_request *request)
{
	struct sockaddr_in firsts[HOSTS_MAX];

	keeper->answer = (struct keeper_answer){0};
	if (make_hosts(keeper, request->hosts) && give_queues(keeper, request, firsts))
		give_hosts(keeper, request->hosts, firsts);
	/* The bench waits until it has all the sockets, or the reason. */
	if ((keeper->answer.count > 0 || keeper->answer.error[0]) && !send_answer(keeper))
		send_answer(keeper);
	/* Sockets of the server are made where the bridge is. */
	keeper->answer.error[0] = '\0';
	enter(keeper, keeper->server);
}

void keeper_run(int fd)
{
	struct keeper keeper = {.fd = fd};
	struct keeper_request request;

	if (!make_server(&keeper)) {
		send_answer(&keeper);
		_exit(1);
	}
	send_answer(&keeper);
	while (recv(fd, &request, sizeof(request), 0) == (ssize_t)sizeof(request))
		answer(&keeper, &request);
	_exit(0);
}
