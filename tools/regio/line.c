/* SPDX-License-Identifier: MIT */
/*
 * Multicast sockets by the ordinary socket options.
 */
#include "line.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "console.h"
#include "socket_buffers.h"

#define LOOPBACK "lo"

static bool is_v6(const struct address *address)
{
	return address->name.any.sa_family == AF_INET6;
}

bool line_is_group(const struct address *address)
{
	return is_v6(address) ? IN6_IS_ADDR_MULTICAST(&address->name.v6.sin6_addr)
			      : IN_MULTICAST(ntohl(address->name.v4.sin_addr.s_addr));
}

int lines_read(int count, char **names, struct address *ret_lines, uint32_t lines_max)
{
	if (count < 1 || count > (int)lines_max)
		return console_fail("%d groups given: must be 1 to %u, as 239.1.1.1:5000", count,
				    lines_max);
	for (int i = 0; i < count; i++) {
		if (strchr(names[i], '@'))
			return console_fail("%s: a source is not part of the group: give the group "
					    "alone, and --source ADDRESS",
					    names[i]);
		if (address_read(names[i], &ret_lines[i]) || address_need_port(&ret_lines[i]))
			return -1;
	}
	return 0;
}

/* ---- Sources ------------------------------------------------------------- */

/* The ranges of RFC 4607, where a group is nothing without its source. */
static bool is_source_specific(const struct address *group)
{
	const uint8_t *byte = group->name.v6.sin6_addr.s6_addr;

	if (!is_v6(group))
		return ntohl(group->name.v4.sin_addr.s_addr) >> 24 == 232;
	return byte[0] == 0xff && byte[1] >> 4 == 3 && byte[2] == 0 && byte[3] == 0;
}

bool line_has_source(const struct address *group, const struct address *source)
{
	return source->name.any.sa_family == group->name.any.sa_family && line_is_group(group);
}

static bool has_source(const struct address *group, const struct line_sources *sources)
{
	for (uint32_t i = 0; i < sources->count; i++) {
		if (line_has_source(group, &sources->list[i]))
			return true;
	}
	return false;
}

int lines_check_sources(const struct address *lines, uint32_t count,
			const struct line_sources *sources)
{
	for (uint32_t i = 0; i < count; i++) {
		if (is_source_specific(&lines[i]) && !has_source(&lines[i], sources))
			return console_fail("%s: a source-specific group: name who sends to it, "
					    "with --source ADDRESS",
					    address_text(&lines[i]).text);
	}
	for (uint32_t i = 0; i < sources->count; i++) {
		uint32_t line = 0;

		while (line < count && !line_has_source(&lines[line], &sources->list[i]))
			line++;
		if (line == count)
			return console_fail("--source %s: no multicast group of its family is "
					    "given",
					    address_host_text(&sources->list[i]).text);
	}
	return 0;
}

/* ---- Failures ------------------------------------------------------------ */

const char *line_remedy(int error, const struct address *group)
{
	switch (error) {
	case ENETUNREACH:
	case EHOSTUNREACH:
		return is_v6(group) ? "; is the interface of --interface up? For loopback, which "
				      "is taken where none is named: ip -6 route add local "
				      "ff00::/8 dev lo"
				    : "; is the interface of --interface up?";
	case EADDRINUSE:
		return "; a program that does not share has the port";
	case ENODEV:
	case EADDRNOTAVAIL:
		return line_is_group(group)
			       ? "; name an interface that carries multicast with --interface"
			       : "; it is neither a multicast group nor an address of this host";
	case ENOBUFS:
		return "; a socket may not join more groups, or a group of more sources: sysctl "
		       "net.ipv4.igmp_max_memberships, net.ipv4.igmp_max_msf";
	default:
		return "";
	}
}

static int fail(int fd, const char *step, const struct address *group)
{
	int error = errno;

	console_fail("%s %s: %s%s", step, address_text(group).text, strerror(error),
		     line_remedy(error, group));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- Interfaces ---------------------------------------------------------- */

struct interface {
	unsigned index;
	struct in_addr address; /* its first IPv4 address, or 0.0.0.0 */
};

static int find_interface(const char *name, struct interface *ret_interface)
{
	struct ifaddrs *all, *next;

	ret_interface->index = if_nametoindex(name);
	ret_interface->address.s_addr = INADDR_ANY;
	if (ret_interface->index == 0)
		return console_fail("--interface %s: %s; `ip link` lists those there are", name,
				    strerror(errno));
	if (getifaddrs(&all))
		return 0;
	for (next = all; next; next = next->ifa_next) {
		if (!next->ifa_addr || next->ifa_addr->sa_family != AF_INET ||
		    strcmp(next->ifa_name, name) != 0)
			continue;
		memcpy(&ret_interface->address,
		       &((const struct sockaddr_in *)(const void *)next->ifa_addr)->sin_addr,
		       sizeof(ret_interface->address));
		break;
	}
	freeifaddrs(all);
	return 0;
}

/* The interface of a group: the one its zone names, or --interface does, or loopback. */
static int choose_interface(const struct address *group, const struct line_opts *opts,
			    struct interface *ret_interface)
{
	unsigned zone = address_zone(group);
	const char *name = opts->interface;
	char zone_name[IF_NAMESIZE];

	if (zone > 0 && !name && !(name = if_indextoname(zone, zone_name)))
		return console_fail("%s: its interface is gone", address_text(group).text);
	if (find_interface(name ? name : LOOPBACK, ret_interface))
		return -1;
	if (zone > 0 && ret_interface->index != zone)
		return console_fail("--interface %s: the zone of %s names another; leave one out",
				    name, address_text(group).text);
	return 0;
}

/* ---- Sending ------------------------------------------------------------- */

static int set_up_sending(int fd, const struct address *group, const struct line_opts *opts)
{
	struct interface interface = {0};
	int index, loop = !opts->no_loop;

	if (choose_interface(group, opts, &interface))
		return -2;
	index = (int)interface.index;
	if (is_v6(group))
		return setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) ||
		       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &opts->ttl,
				  sizeof(opts->ttl)) ||
		       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &loop, sizeof(loop));

	struct ip_mreqn request = {.imr_address = interface.address, .imr_ifindex = index};

	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof(request)) ||
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &opts->ttl, sizeof(opts->ttl)) ||
	       setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &loop, sizeof(loop));
}

int line_prepare_sender(int fd, const struct address *group, const struct line_opts *opts)
{
	int status = set_up_sending(fd, group, opts);

	if (status == -2)
		return -1;
	return status ? fail(-1, "choose the interface for", group) : 0;
}

int line_open_sender(const struct address *group, const struct line_opts *opts)
{
	int fd = socket(group->name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail(fd, "open a socket for", group);
	if (line_is_group(group) && line_prepare_sender(fd, group, opts)) {
		close(fd);
		return -1;
	}
	if (connect(fd, &group->name.any, group->bytes))
		return fail(fd, "connect to", group);
	return fd;
}

/* ---- Receiving ----------------------------------------------------------- */

static int join_sources(int fd, const struct address *group, const struct interface *interface,
			const struct line_sources *sources)
{
	struct group_source_req request = {.gsr_interface = interface->index};

	memcpy(&request.gsr_group, &group->name, sizeof(group->name));
	for (uint32_t i = 0; i < sources->count; i++) {
		if (!line_has_source(group, &sources->list[i]))
			continue;
		memcpy(&request.gsr_source, &sources->list[i].name, sizeof(sources->list[i].name));
		if (setsockopt(fd, is_v6(group) ? IPPROTO_IPV6 : IPPROTO_IP,
			       MCAST_JOIN_SOURCE_GROUP, &request, sizeof(request)))
			return -1;
	}
	return 0;
}

static int join_any_source(int fd, const struct address *group, const struct interface *interface)
{
	if (is_v6(group)) {
		struct ipv6_mreq request = {.ipv6mr_multiaddr = group->name.v6.sin6_addr,
					    .ipv6mr_interface = interface->index};

		return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof(request));
	}

	struct ip_mreqn request = {.imr_multiaddr = group->name.v4.sin_addr,
				   .imr_ifindex = (int)interface->index};

	return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
}

static int confine_v4(int fd)
{
	int off = 0;

	return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off));
}

/* Messages to a group of IPv6 reach its members whatever interface each of them has joined at. */
static int confine_v6(int fd, const struct interface *interface)
{
	char name[IF_NAMESIZE];

	if (!if_indextoname(interface->index, name))
		return -1;
	/* Kernels before 5.7 do not let everybody: they go on as they are. */
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)strlen(name)) &&
	       errno != EPERM;
}

static int join(int fd, const struct address *group, const struct interface *interface,
		const struct line_sources *sources)
{
	/* Only what this socket has joined, not what others on the host have. */
	if (is_v6(group) ? confine_v6(fd, interface) : confine_v4(fd))
		return -1;
	return has_source(group, sources) ? join_sources(fd, group, interface, sources)
					  : join_any_source(fd, group, interface);
}

bool line_is_joined(unsigned interface)
{
	char name[IF_NAMESIZE];

	return interface == 0 || if_indextoname(interface, name) || errno != ENXIO;
}

int line_open_receiver(const struct address *group, const struct line_opts *opts,
		       unsigned *ret_interface)
{
	struct address local = *group;
	struct interface interface = {0};
	int fd, on = 1;

	if (line_is_group(group) && choose_interface(group, opts, &interface))
		return -1;
	/* A scoped address is bound on one interface. */
	if (is_v6(group) && local.name.v6.sin6_scope_id == 0)
		local.name.v6.sin6_scope_id = interface.index;
	fd = socket(group->name.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(fd, "open a socket for", group);
	socket_ask_receive_buffer(fd, opts->buffer_bytes);
	if (line_is_group(group) && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)))
		return fail(fd, "share the port of", group);
	if (bind(fd, &local.name.any, local.bytes))
		return fail(fd, "bind to", group);
	if (line_is_group(group) && join(fd, group, &interface, &opts->sources))
		return fail(fd, "join", group);
	*ret_interface = interface.index;
	return fd;
}
