/* SPDX-License-Identifier: MIT */
/*
 * Requests to rtnetlink: one message, one acknowledgement.
 */
#include "netlink.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_BYTES 512u

struct request {
	struct nlmsghdr header;
	uint8_t rest[REQUEST_BYTES];
};

static void *add_bytes(struct request *request, const void *data, size_t bytes)
{
	void *place = (uint8_t *)request + NLMSG_ALIGN(request->header.nlmsg_len);

	if (data)
		memcpy(place, data, bytes);
	request->header.nlmsg_len =
		NLMSG_ALIGN(request->header.nlmsg_len) + (uint32_t)NLMSG_ALIGN(bytes);
	return place;
}

static void begin(struct request *request, uint16_t type, uint16_t flags, const void *body,
		  size_t bytes)
{
	memset(request, 0, sizeof(*request));
	request->header = (struct nlmsghdr){
		.nlmsg_len = NLMSG_HDRLEN,
		.nlmsg_type = type,
		.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags),
	};
	add_bytes(request, body, bytes);
}

static void add(struct request *request, uint16_t type, const void *data, size_t bytes)
{
	struct rtattr *attribute = add_bytes(request, NULL, RTA_LENGTH(bytes));

	*attribute = (struct rtattr){.rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(bytes)};
	memcpy(RTA_DATA(attribute), data, bytes);
}

static void add_text(struct request *request, uint16_t type, const char *text)
{
	add(request, type, text, strlen(text) + 1);
}

/* An attribute that holds those which follow, until close_nest(). */
static struct rtattr *open_nest(struct request *request, uint16_t type)
{
	struct rtattr *attribute = add_bytes(request, NULL, RTA_LENGTH(0));

	attribute->rta_type = type;
	return attribute;
}

static void close_nest(struct request *request, struct rtattr *attribute)
{
	uint8_t *end = (uint8_t *)request + request->header.nlmsg_len;

	attribute->rta_len = (uint16_t)(end - (uint8_t *)attribute);
}

static int transact(const struct request *request)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		uint8_t rest[2 * REQUEST_BYTES];
	} answer;
	int result = 0;

	if (fd < 0)
		return -errno;
	if (send(fd, request, request->header.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		result = -errno;
	else if (answer.header.nlmsg_type == NLMSG_ERROR)
		result = answer.error.error;
	close(fd);
	return result;
}

int netlink_add_bridge(const char *name)
{
	const struct ifinfomsg body = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request request;
	struct rtattr *information;

	begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add_text(&request, IFLA_IFNAME, name);
	information = open_nest(&request, IFLA_LINKINFO);
	add_text(&request, IFLA_INFO_KIND, "bridge");
	close_nest(&request, information);
	return transact(&request);
}

int netlink_add_veth(const char *name, const char *bridge, const char *peer, int peer_namespace)
{
	const struct ifinfomsg body = {.ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	const struct ifinfomsg other = {0};
	uint32_t master = if_nametoindex(bridge);
	struct rtattr *information, *data, *end;
	struct request request;

	begin(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add_text(&request, IFLA_IFNAME, name);
	add(&request, IFLA_MASTER, &master, sizeof(master));
	information = open_nest(&request, IFLA_LINKINFO);
	add_text(&request, IFLA_INFO_KIND, "veth");
	data = open_nest(&request, IFLA_INFO_DATA);
	end = open_nest(&request, VETH_INFO_PEER);
	add_bytes(&request, &other, sizeof(other));
	add_text(&request, IFLA_IFNAME, peer);
	add(&request, IFLA_NET_NS_FD, &peer_namespace, sizeof(peer_namespace));
	close_nest(&request, end);
	close_nest(&request, data);
	close_nest(&request, information);
	return transact(&request);
}

int netlink_set_up(const char *name)
{
	const struct ifinfomsg body = {
		.ifi_index = (int)if_nametoindex(name), .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct request request;

	begin(&request, RTM_NEWLINK, 0, &body, sizeof(body));
	return transact(&request);
}

int netlink_add_address(const char *name, struct in_addr address, unsigned prefix_bits)
{
	const struct ifaddrmsg body = {.ifa_family = AF_INET,
				       .ifa_prefixlen = (uint8_t)prefix_bits,
				       .ifa_index = if_nametoindex(name)};
	struct request request;

	begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	add(&request, IFA_LOCAL, &address, sizeof(address));
	add(&request, IFA_ADDRESS, &address, sizeof(address));
	return transact(&request);
}
