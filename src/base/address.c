/* SPDX-License-Identifier: MIT */
/*
 * Internet addresses.
 */
#include <stddef.h>
#include <string.h>

#include "base/address.h"

uint32_t regioi_address_length(const void *address)
{
	sa_family_t family;

	memcpy(&family, address, sizeof(family));
	if (family == AF_INET)
		return sizeof(struct sockaddr_in);
	return family == AF_INET6 ? sizeof(struct sockaddr_in6) : 0;
}

bool regioi_address_equal(const union regioi_address *a, const union regioi_address *b)
{
	uint32_t length = regioi_address_length(a);

	if (length != regioi_address_length(b))
		return false;
	/* The padding of a sockaddr_in is not part of the address. */
	if (length == sizeof(struct sockaddr_in))
		length = offsetof(struct sockaddr_in, sin_zero);
	return length > 0 && memcmp(a, b, length) == 0;
}
