/* SPDX-License-Identifier: MIT */
/*
 * Namespaces, interfaces and addresses of the two sides.
 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Neighbours have to be found first. */
#define CHECK_MS 200
#define CHECK_ATTEMPTS 10

static int fail(const char *what, const char *detail, const char *remedy)
{
	fprintf(stderr, "regio bench: %s %s: %s%s\n", what, detail, strerror(errno), remedy);
	return -1;
}

/* ---- Namespaces ---------------------------------------------------------- */

/* A socket belongs to the network namespace its maker was in. */
static int open_in_namespace(const char *name, int type)
{
	char path[256];
	int home, there;
	int fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || there < 0 || setns(there, CLONE_NEWNET)) {
		fail("--netns: enter network namespace", name,
		     errno == EPERM ? "; only root may" : "; `ip netns` lists those there are");
	} else {
		fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
		if (fd < 0)
			fail("open a socket in network namespace", name, "");
		if (setns(home, CLONE_NEWNET))
			abort(); /* nothing that follows would be where it says */
	}
	if (home >= 0)
		close(home);
	if (there >= 0)
		close(there);
	return fd;
}

/* ---- Interfaces ---------------------------------------------------------- */

static struct ifreq request_for(const char *interface)
{
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	return request;
}

static int confine(int fd, const char *interface)
{
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, (socklen_t)strlen(interface)) ==
	    0)
		return 0;
	return fail("--interface", interface,
		    errno == ENODEV  ? "; see `ip link`, in its namespace if it has one"
		    : errno == EPERM ? "; kernels before 5.7 need CAP_NET_RAW for it"
				     : "");
}

static int find_address_of(int fd, const char *interface, struct in_addr *ret_address)
{
	struct ifreq request = request_for(interface);
	struct sockaddr_in found;

	if (ioctl(fd, SIOCGIFADDR, &request)) {
		fprintf(stderr,
			"regio bench: --interface %s: %s; give it one with `ip address add`, or "
			"name one with --addresses\n",
			interface,
			errno == EADDRNOTAVAIL ? "it has no IPv4 address" : strerror(errno));
		return -1;
	}
	memcpy(&found, &request.ifr_addr, sizeof(found));
	*ret_address = found.sin_addr;
	return 0;
}

/* ---- Sockets ------------------------------------------------------------- */

int endpoint_find_address(int fd, const struct socket_opts *opts, enum bench_role role,
			  struct in_addr *ret_address)
{
	const char *text = opts->addresses[role];

	if (!text && opts->interfaces[role])
		return find_address_of(fd, opts->interfaces[role], ret_address);
	if (inet_pton(AF_INET, text ? text : "127.0.0.1", ret_address) == 1)
		return 0;
	errno = EINVAL;
	return fail("not an IPv4 address:", text, "");
}

int endpoint_find_way(int fd, const struct socket_opts *opts, enum bench_role role,
		      struct ip_mreqn *ret_way)
{
	const char *interface = opts->interfaces[role];
	struct ifreq request;

	if (endpoint_find_address(fd, opts, role, &ret_way->imr_address))
		return -1;
	ret_way->imr_ifindex = 0;
	if (!interface)
		return 0;
	request = request_for(interface);
	if (ioctl(fd, SIOCGIFINDEX, &request))
		return fail("--interface", interface, "; see `ip link`");
	ret_way->imr_ifindex = request.ifr_ifindex;
	return 0;
}

int endpoint_open(const struct socket_opts *opts, enum bench_role role, int type)
{
	const char *namespace = opts->namespaces[role];
	const char *interface = opts->interfaces[role];
	int fd = namespace ? open_in_namespace(namespace, type)
			   : socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return namespace ? -1 : fail("open", "a socket", "");
	if (interface && confine(fd, interface)) {
		close(fd);
		return -1;
	}
	return fd;
}

int endpoint_bind(int fd, const struct socket_opts *opts, enum bench_role role)
{
	struct sockaddr_in local = {.sin_family = AF_INET};
	char text[INET_ADDRSTRLEN];

	if (endpoint_find_address(fd, opts, role, &local.sin_addr))
		return -1;
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) == 0)
		return 0;
	return fail("bind to", inet_ntop(AF_INET, &local.sin_addr, text, sizeof(text)),
		    errno == EADDRNOTAVAIL ? "; see `ip address`, in its namespace if it has one"
					   : "");
}

/* ---- Whether there is a way ---------------------------------------------- */

static struct sockaddr_in name_of(int fd)
{
	struct sockaddr_in name = {.sin_family = AF_INET};
	socklen_t bytes = sizeof(name);

	getsockname(fd, (struct sockaddr *)&name, &bytes);
	return name;
}

static int fail_way(int from, int to)
{
	struct sockaddr_in names[] = {name_of(from), name_of(to)};
	char texts[2][INET_ADDRSTRLEN];

	for (int i = 0; i < 2; i++)
		inet_ntop(AF_INET, &names[i].sin_addr, texts[i], sizeof(texts[i]));
	fprintf(stderr,
		"regio bench: nothing that %s sends reaches %s; are both up, with a route and no "
		"firewall? Between addresses of one host messages take loopback: with --interface "
		"the sides need namespaces of their own, --netns\n",
		texts[0], texts[1]);
	return -1;
}

static int check_way(int from, int to)
{
	struct pollfd arrival = {.fd = to, .events = POLLIN};
	struct sockaddr_in name = name_of(to);
	char byte = 0;

	for (int i = 0; i < CHECK_ATTEMPTS; i++) {
		sendto(from, &byte, 1, 0, (struct sockaddr *)&name, sizeof(name));
		if (poll(&arrival, 1, CHECK_MS) > 0)
			return 0;
	}
	return fail_way(from, to);
}

static bool is_loopback(const struct socket_opts *opts)
{
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (opts->addresses[role] || opts->namespaces[role] || opts->interfaces[role])
			return false;
	}
	return true;
}

int endpoints_check(const struct socket_opts *opts)
{
	int fds[BENCH_ROLES] = {-1, -1};
	int status = 0;

	if (is_loopback(opts))
		return 0;
	for (int role = 0; role < BENCH_ROLES && status == 0; role++) {
		fds[role] = endpoint_open(opts, (enum bench_role)role, SOCK_DGRAM);
		status = fds[role] < 0 ? -1 : endpoint_bind(fds[role], opts, (enum bench_role)role);
	}
	if (status == 0)
		status = check_way(fds[BENCH_TX], fds[BENCH_RX]);
	if (status == 0)
		status = check_way(fds[BENCH_RX], fds[BENCH_TX]);
	for (int role = 0; role < BENCH_ROLES; role++) {
		if (fds[role] >= 0)
			close(fds[role]);
	}
	return status;
}
