/* SPDX-License-Identifier: MIT */
/*
 * Packet information, received and sent.
 */
#include "local_name.h"

#include <errno.h>
#include <netinet/in.h>
#include <regio.h>
#include <string.h>
#include <sys/socket.h>

static bool is_any(const struct address *bound)
{
	return bound->name.any.sa_family == AF_INET6
		       ? IN6_IS_ADDR_UNSPECIFIED(&bound->name.v6.sin6_addr)
		       : bound->name.v4.sin_addr.s_addr == INADDR_ANY;
}

int local_name_request(int fd, const struct address *bound)
{
	int on = 1;

	if (!is_any(bound))
		return 0;
	/* An IPv6 socket gets the messages of IPv4, too. */
	if (bound->name.any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on)))
		return -errno;
	return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ? -errno : 1;
}

/* The interface is left to the routes: the way back may be another than the way here. */
static size_t turn_v4(struct cmsghdr *item)
{
	struct in_pktinfo info;

	memcpy(&info, CMSG_DATA(item), sizeof(info));
	info.ipi_ifindex = 0;
	memcpy(CMSG_DATA(item), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

/* IPv4 inside IPv6 has packet information of its own, which knows broadcasts. */
static size_t turn_v6(struct cmsghdr *item)
{
	struct in6_pktinfo info;

	memcpy(&info, CMSG_DATA(item), sizeof(info));
	if (IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr) || IN6_IS_ADDR_MULTICAST(&info.ipi6_addr))
		return 0;
	if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
		info.ipi6_ifindex = 0;
	memcpy(CMSG_DATA(item), &info, sizeof(info));
	return CMSG_SPACE(sizeof(info));
}

void local_name_turn(void *control)
{
	struct regio_control head;
	uint8_t kept[LOCAL_NAME_BYTES];
	struct msghdr header = {.msg_control = (uint8_t *)control + sizeof(head)};
	size_t bytes = sizeof(head);

	memcpy(&head, control, sizeof(head));
	header.msg_controllen = head.total_length - sizeof(head);
	for (struct cmsghdr *item = CMSG_FIRSTHDR(&header); item;
	     item = CMSG_NXTHDR(&header, item)) {
		size_t length = 0;

		if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO)
			length = turn_v4(item);
		else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO)
			length = turn_v6(item);
		if (bytes + length > sizeof(kept))
			break;
		memcpy(kept + bytes, item, length);
		bytes += length;
	}
	head.total_length = (uint32_t)bytes;
	memcpy(kept, &head, sizeof(head));
	memcpy(control, kept, bytes);
}
