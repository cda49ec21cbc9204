/* SPDX-License-Identifier: MIT */
/*
 * Names and ports, by getaddrinfo() and getnameinfo().
 */
#include "address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

/* ---- Zones --------------------------------------------------------------- */

/* An interface by its name or its number; 0 when there is none. */
static unsigned find_zone(const char *zone)
{
	unsigned index = if_nametoindex(zone);
	char name[IF_NAMESIZE], *end;
	unsigned long number;

	if (index > 0 || *zone < '0' || *zone > '9')
		return index;
	number = strtoul(zone, &end, 10);
	return !*end && number <= UINT32_MAX && if_indextoname((unsigned)number, name)
		       ? (unsigned)number
		       : 0;
}

/* "fe80::1%eth0": getaddrinfo() knows the zone of some addresses only, and here none is dropped. */
static int find_in_zone(const char *host, const char *zone, uint16_t port, struct address *ret)
{
	struct address address = {.bytes = sizeof(address.name.v6)};
	struct sockaddr_in6 *v6 = &address.name.v6;
	char text[INET6_ADDRSTRLEN];
	size_t bytes = (size_t)(zone - host);

	snprintf(text, sizeof(text), "%.*s", (int)bytes, host);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	if (bytes >= sizeof(text) || inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return console_fail("%s: a zone, after %%, follows an IPv6 address only", host);
	if (!IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !IN6_IS_ADDR_MULTICAST(&v6->sin6_addr))
		return console_fail("%s: this address needs no zone: only fe80::/10 and multicast "
				    "groups have one; leave out %s",
				    host, zone);
	v6->sin6_scope_id = find_zone(zone + 1);
	if (v6->sin6_scope_id == 0)
		return console_fail("%s: no interface %s; `ip link` lists those there are", host,
				    zone + 1);
	*ret = address;
	return 1;
}

unsigned address_zone(const struct address *address)
{
	return address->name.any.sa_family == AF_INET6 ? address->name.v6.sin6_scope_id : 0;
}

/* Names a link and not which. */
static bool lacks_zone(const struct address *address)
{
	return address->name.any.sa_family == AF_INET6 && address->name.v6.sin6_scope_id == 0 &&
	       IN6_IS_ADDR_LINKLOCAL(&address->name.v6.sin6_addr);
}

/* ---- Names --------------------------------------------------------------- */

/* "192.0.2.1:7766", as the tool itself shows an address; a port is an option of its own. */
static bool has_port(const char *host)
{
	const char *colon = strchr(host, ':');

	return colon && !strchr(colon + 1, ':');
}

int address_find(const char *host, uint16_t port, struct address ret_addresses[ADDRESSES_MAX])
{
	const char *zone = strchr(host, '%');
	const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *found, *next;
	char service[8];
	int error, count = 0;

	if (zone)
		return find_in_zone(host, zone, port, ret_addresses);
	snprintf(service, sizeof(service), "%u", port);
	error = getaddrinfo(host, service, &hints, &found);
	if (error)
		return console_fail(
			"find the address of %s: %s%s", host, gai_strerror(error),
			has_port(host) ? "; give it without the port, and that with --port" : "");
	for (next = found; next && count < (int)ADDRESSES_MAX; next = next->ai_next) {
		if (next->ai_addrlen > sizeof(ret_addresses[0].name))
			continue;
		memset(&ret_addresses[count], 0, sizeof(ret_addresses[count]));
		memcpy(&ret_addresses[count].name, next->ai_addr, next->ai_addrlen);
		ret_addresses[count++].bytes = next->ai_addrlen;
	}
	freeaddrinfo(found);
	if (count == 1 && lacks_zone(&ret_addresses[0]))
		return console_fail("%s: this address is on every link; name one, as in %s%%eth0",
				    host, host);
	return count;
}

static int refuse(const char *text)
{
	return console_fail(
		"%s: must be an address and a port, as 239.1.1.1:5000 or [ff15::1]:5000", text);
}

int address_read(const char *text, struct address *ret_address)
{
	struct address addresses[ADDRESSES_MAX];
	const char *colon = strrchr(text, ':');
	const char *host = text;
	char *end, name[256];
	unsigned long port;
	size_t bytes;

	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
		return refuse(text);
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX)
		return refuse(text);
	bytes = (size_t)(colon - text);
	if (*host == '[' && host[bytes - 1] == ']') {
		host++;
		bytes -= 2;
	} else if (memchr(host, ':', bytes)) {
		return refuse(text);
	}
	if (bytes >= sizeof(name))
		return refuse(text);
	memcpy(name, host, bytes);
	name[bytes] = '\0';
	if (address_find(name, (uint16_t)port, addresses) < 1)
		return -1;
	*ret_address = addresses[0];
	return 0;
}

struct address_text address_text(const struct address *address)
{
	struct address_text result = {"an address without a name"};
	char host[64], service[8];

	if (getnameinfo(&address->name.any, address->bytes, host, sizeof(host), service,
			sizeof(service), NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM))
		return result;
	snprintf(result.text, sizeof(result.text), strchr(host, ':') ? "[%s]:%s" : "%s:%s", host,
		 service);
	return result;
}

struct address_text address_host_text(const struct address *address)
{
	struct address_text result = {"an address without a name"};

	getnameinfo(&address->name.any, address->bytes, result.text, sizeof(result.text), NULL, 0,
		    NI_NUMERICHOST);
	return result;
}

bool address_is_same(const struct address *one, const struct address *other)
{
	if (one->name.any.sa_family != other->name.any.sa_family ||
	    address_port(one) != address_port(other))
		return false;
	if (one->name.any.sa_family != AF_INET6)
		return one->name.v4.sin_addr.s_addr == other->name.v4.sin_addr.s_addr;
	return one->name.v6.sin6_scope_id == other->name.v6.sin6_scope_id &&
	       !memcmp(&one->name.v6.sin6_addr, &other->name.v6.sin6_addr,
		       sizeof(one->name.v6.sin6_addr));
}

void address_set_port(struct address *address, uint16_t port)
{
	if (address->name.any.sa_family == AF_INET6)
		address->name.v6.sin6_port = htons(port);
	else
		address->name.v4.sin_port = htons(port);
}

uint16_t address_port(const struct address *address)
{
	return ntohs(address->name.any.sa_family == AF_INET6 ? address->name.v6.sin6_port
							     : address->name.v4.sin_port);
}

int address_need_port(const struct address *address)
{
	return address_port(address) ? 0
				     : console_fail("%s: the port must be from 1 to 65535",
						    address_text(address).text);
}

struct address address_of_socket(int fd)
{
	struct address address = {.bytes = sizeof(address.name)};

	getsockname(fd, &address.name.any, &address.bytes);
	return address;
}
