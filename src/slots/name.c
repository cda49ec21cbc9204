/* SPDX-License-Identifier: MIT */
/*
 * Addresses: those of a socket, and the one that a reply is to leave from.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/option.h"
#include "base/uncancelled.h"
#include "slots/name.h"

/* ---- Of a socket ---- */

/* Whether a socket with this name gets messages for several addresses. */
static bool is_wildcard(const union regioi_address *name)
{
	const uint32_t *words = (const uint32_t *)name->v6.sin6_addr.s6_addr;

	if (name->any.sa_family == AF_INET)
		return name->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&name->v6.sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&name->v6.sin6_addr) && words[3] == 0);
}

void regioi_member_name(const struct regioi_pool *pool, struct regioi_member *member, int fd)
{
	union regioi_address *sender = &member->names[0], *local = &member->names[1];
	socklen_t lengths[2] = {sizeof(*sender), sizeof(*local)};
	bool connected;

	memset(member->names, 0, sizeof(member->names));
	connected = getpeername(fd, &sender->any, &lengths[0]) == 0;
	getsockname(fd, &local->any, &lengths[1]);
	member->stream = regioi_is_stream(fd);
	member->named = connected || !member->stream;
	member->addressed = !member->stream && !connected;
	member->local_varies = member->addressed && is_wildcard(local);
	member->sender = connected && regioi_address_length(sender) ? &sender->any : NULL;
	member->local = !member->local_varies && regioi_address_length(local) ? &local->any : NULL;
	member->slices = (struct regioi_known_slices){
		.region = pool->region,
		.data_bytes = pool->bytes,
		.remote_at = member->addressed ? offsetof(struct regioi_slot_head, remote) : 0,
		.local_at = member->local_varies ? offsetof(struct regioi_slot_head, local) : 0,
		.control_at = offsetof(struct regioi_slot_head, control),
		.name_bytes = sizeof(union regioi_address),
		.control_bytes = sizeof(((struct regioi_slot_head *)0)->control),
	};
}

/* ---- Of a reply ---- */

/*
 * Whether an address of this host is the broadcast address of a network, from which nothing may be
 * sent: the kernel lets a socket connect to one only with SO_BROADCAST. Nothing is sent.
 */
static bool ask_whether_broadcast(struct in_addr address)
{
	REGIOI_UNCANCELLED;
	const struct sockaddr_in name = {
		.sin_family = AF_INET, .sin_addr = address, .sin_port = htons(9)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool connects;

	if (fd < 0)
		return true;
	connects = connect(fd, (const struct sockaddr *)&name, sizeof(name)) == 0;
	close(fd);
	return !connects;
}

static bool is_broadcast(struct regioi_pool *pool, struct in_addr address)
{
	uint32_t number = ntohl(address.s_addr);
	struct regioi_seen *seen = &pool->seen[(number ^ number >> 8) % REGIOI_SEEN_MAX];

	/* The bits of the host are all ones, or on older kernels all zeros; there are two or more.
	 */
	if ((number & 3) == 1 || (number & 3) == 2)
		return false;
	if (seen->address != number)
		*seen = (struct regioi_seen){number, ask_whether_broadcast(address)};
	return seen->broadcast;
}

/* A group, a broadcast address or none: nothing can be sent from there. */
static bool is_no_source_v4(struct regioi_pool *pool, struct in_addr address)
{
	return address.s_addr == htonl(INADDR_ANY) || address.s_addr == htonl(INADDR_BROADCAST) ||
	       IN_MULTICAST(ntohl(address.s_addr)) || is_broadcast(pool, address);
}

static bool is_no_source_v6(struct regioi_pool *pool, const struct in6_addr *address)
{
	struct in_addr v4;

	if (IN6_IS_ADDR_UNSPECIFIED(address) || IN6_IS_ADDR_MULTICAST(address))
		return true;
	memcpy(&v4, &address->s6_addr[12], sizeof(v4));
	return IN6_IS_ADDR_V4MAPPED(address) && is_no_source_v4(pool, v4);
}

static uint8_t *put_control(struct regioi_slot_head *head, int level, int type, uint32_t length)
{
	struct regio_control *control = (void *)head->control;
	struct cmsghdr *item = (void *)(control + 1);

	control->total_length = (uint32_t)(sizeof(*control) + CMSG_SPACE(length));
	control->reserved = 0;
	memset(item, 0, CMSG_SPACE(length));
	item->cmsg_level = level;
	item->cmsg_type = type;
	item->cmsg_len = CMSG_LEN(length);
	return CMSG_DATA(item);
}

bool regioi_name_source(struct regioi_pool *pool, struct regioi_slot_head *head)
{
	const union regioi_address *local = &head->local;
	struct in_pktinfo v4 = {.ipi_spec_dst = local->v4.sin_addr};
	struct in6_pktinfo v6 = {.ipi6_addr = local->v6.sin6_addr,
				 .ipi6_ifindex = local->v6.sin6_scope_id};

	_Static_assert(sizeof(struct regio_control) + CMSG_SPACE(sizeof(v6)) <=
			       sizeof(head->control),
		       "a head has room for either message");
	if (local->any.sa_family == AF_INET) {
		if (is_no_source_v4(pool, v4.ipi_spec_dst))
			return false;
		memcpy(put_control(head, IPPROTO_IP, IP_PKTINFO, sizeof(v4)), &v4, sizeof(v4));
		return true;
	}
	if (local->any.sa_family != AF_INET6 || is_no_source_v6(pool, &v6.ipi6_addr))
		return false;
	memcpy(put_control(head, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(v6)), &v6, sizeof(v6));
	return true;
}
