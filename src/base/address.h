/* SPDX-License-Identifier: MIT */
/*
 * Internet addresses, which may lie unaligned in a slice of the program.
 */
#ifndef REGIO_BASE_ADDRESS_H
#define REGIO_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

union regioi_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Length of an address of its family; 0 for a family that is not supported. */
static inline uint32_t regioi_address_length(const void *address)
{
	sa_family_t family;

	memcpy(&family, address, sizeof(family));
	if (family == AF_INET)
		return sizeof(struct sockaddr_in);
	return family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

/* Whether two destinations are the same. */
static inline bool regioi_address_equal(const union regioi_address *a,
					const union regioi_address *b)
{
	uint64_t begin_a, begin_b;
	uint32_t length;

	/* Family and port, which tell most apart, and either the address or the flow. */
	memcpy(&begin_a, a, sizeof(begin_a));
	memcpy(&begin_b, b, sizeof(begin_b));
	if (begin_a != begin_b)
		return false;
	length = regioi_address_length(a);
	/* The padding of a sockaddr_in is not part of the address. */
	return length == sizeof(struct sockaddr_in) || (length && memcmp(a, b, length) == 0);
}

#endif
